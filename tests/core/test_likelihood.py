"""The likelihood of one block and its gradient, against dense float64 matrices."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import multivariate_normal

from deepwas_app.core import (
    Iterative,
    WhitenedBlock,
    negative_log_likelihood,
    posterior,
    whiten,
)
from deepwas_app.core.likelihood import likelihood_with_report, noise_variance

GOLDEN = Path(__file__).parent / "golden"


class Case(NamedTuple):
    """One LD block: its size, its factor's columns, which variants are scored, how many kept."""

    variants: int
    k: int
    scored: slice | int | None = None
    variance: float = 1.0

    def data(self, make_factor: Callable) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Factor, z-scores with mismatch outside the factor's span, and the scored variants."""
        rng = np.random.default_rng((7, *self[:2]))
        W = make_factor(self.variants, self.k)
        z = W @ rng.standard_normal(self.k) * 2 + 0.3 * rng.standard_normal(self.variants)
        if self.scored is None:
            return W, z, None
        rows = np.zeros(self.variants, bool)
        rows[
            rng.permutation(self.variants)[: self.scored]
            if isinstance(self.scored, int)
            else self.scored
        ] = True
        z[~rows] = np.nan
        return W, z, rows

    def log_d(self) -> np.ndarray:
        return np.random.default_rng(3).normal(-0.5, 1.5, self.variants)


CASES = {
    "one variant": Case(1, 1),
    "one scored": Case(12, 5, slice(4, 5)),
    "tall factor": Case(60, 20),
    "wide factor": Case(40, 100),
    "tall, flanks": Case(90, 20, slice(30, 60)),
    "wide, flanks": Case(90, 60, slice(30, 60)),
    "scattered": Case(80, 50, 55),
    "few components": Case(80, 50, 55, 0.8),
    "past one leaf": Case(400, 600, slice(20, 320)),
    "flanks, some missing": Case(200, 80, slice(60, 140, 2)),
    "all but one missing in wide": Case(50, 90, 1),
}
NOISE = [(1.0, 0.0), (1.3, 0.0), (0.9, 0.4)]


@jax.jit
def value_and_gradient(block, log_d, s2, kappa):
    def loss(log_d, s2, kappa):
        return negative_log_likelihood(block, log_d, s2=s2, kappa=kappa)

    return jax.value_and_grad(loss, argnums=(0, 1, 2))(log_d, s2, kappa)


def relative(found, expected) -> float:
    """Error of an array relative to the expected array's norm."""
    return float(
        np.linalg.norm(np.asarray(found, np.float64) - expected) / np.linalg.norm(expected)
    )


@pytest.mark.parametrize("name", CASES)
def test_value_and_gradient_agree_with_the_oracle(name, precision, dense, make_factor):
    case = CASES[name]
    W, z, scored = case.data(make_factor)
    log_d = case.log_d()
    block = whiten(W, z, scored, variance=case.variance)
    oracle = dense(W, z, scored, case.variance)
    assert block.x.dtype == precision.dtype
    for s2, kappa in NOISE:
        value, gradients = value_and_gradient(block, jnp.asarray(log_d), s2, kappa)
        assert value == pytest.approx(oracle.loss_of_x(log_d, s2, kappa), rel=precision.tolerance)
        for found, expected in zip(gradients, oracle.gradient(log_d, s2, kappa), strict=True):
            assert relative(found, expected) < precision.tolerance


@pytest.mark.parametrize(
    ("name", "precision"),
    [(name, "float32") for name in CASES] + [("flanks, some missing", "float64")],
    indirect=["precision"],
)
def test_iterative_solver_agrees_with_the_oracle(name, precision, dense, make_factor):
    """Means and the quadratic form to the tolerance, all else within its Monte-Carlo error."""
    case = CASES[name]
    W, z, scored = case.data(make_factor)
    log_d, (s2, kappa) = case.log_d(), NOISE[2]
    block = whiten(W, z, scored, variance=case.variance)
    oracle = dense(W, z, scored, case.variance)
    options = Iterative(probes=400, tolerance=1e-4 if precision.dtype == np.float32 else 1e-9)
    noise = noise_variance(block, np.exp(log_d), s2, kappa).astype(block.x.dtype)

    @jax.jit
    def estimate(log_d, noise):
        return jax.value_and_grad(
            lambda *at: likelihood_with_report(block, *at, solver="iterative", options=options),
            argnums=(0, 1),
            has_aux=True,
        )(log_d, noise)

    (value, report), (in_log_d, in_noise) = estimate(jnp.asarray(log_d), noise)
    assert report.residual <= 10 * options.tolerance
    expected = oracle.loss_of_x(log_d, s2, kappa)
    assert abs(float(value) - expected) <= 5 * float(report.loss_error) + 1e-4 * abs(expected)
    # What is estimated are traces: errors are of their order, not of the differences they leave.
    true_log_d, true_s2, true_kappa = oracle.gradient(log_d, s2, kappa)
    mean, variance = oracle.posterior(log_d, s2, kappa)
    traces = np.linalg.norm(1 - variance / np.exp(log_d))
    assert np.linalg.norm(np.asarray(in_log_d, np.float64) - true_log_d) < 0.15 * traces
    lam = np.asarray(block.eigenvalues, np.float64)
    assert abs(float(in_noise.sum()) - true_s2) < 0.05 * len(lam)
    assert abs(float((in_noise / lam).sum()) - true_kappa) < 0.05 * (1 / lam).sum()
    found = jax.jit(partial(posterior, solver="iterative", options=options))(
        block, jnp.asarray(log_d), s2=s2, kappa=kappa
    )
    np.testing.assert_allclose(
        found.mean, mean, atol=30 * options.tolerance * np.abs(mean).max() + 1e-6
    )
    shrinkage = np.linalg.norm((found.variance - variance) / np.exp(log_d))
    assert shrinkage < 0.15 * traces


def test_oracle_gradient_agrees_with_its_own_finite_differences(dense, make_factor):
    case = CASES["scattered"]
    oracle, log_d = dense(*case.data(make_factor)), case.log_d()
    in_log_d, in_s2, in_kappa = oracle.gradient(log_d, 1.1, 0.2)
    step = 1e-5

    def slope(function):
        return (function(step) - function(-step)) / (2 * step)

    numerical = [
        slope(lambda h, j=j: oracle.loss(log_d + h * np.eye(case.variants)[j], 1.1, 0.2))
        for j in range(8)
    ]
    np.testing.assert_allclose(numerical, in_log_d[:8], rtol=1e-5, atol=1e-7)
    assert slope(lambda h: oracle.loss(log_d, 1.1 + h, 0.2)) == pytest.approx(in_s2, rel=1e-6)
    assert slope(lambda h: oracle.loss(log_d, 1.1, 0.2 + h)) == pytest.approx(in_kappa, rel=1e-6)


@pytest.mark.parametrize("window", [0, 1])
def test_golden_windows(window, precision):
    golden = np.load(GOLDEN / f"window_{window}.npz")
    eigenvalues, vectors = np.linalg.eigh(golden["R"])
    block = whiten(vectors * np.sqrt(eigenvalues), golden["z"], golden["window"], variance=1.0)
    assert len(block.x) == golden["window"].sum()
    value, (in_log_d, _, _) = value_and_gradient(
        block, jnp.asarray(golden["log_d"]), float(golden["s2"]), 0.0
    )
    of_z = float(value) + 0.5 * np.log(np.asarray(block.eigenvalues, np.float64)).sum()
    assert of_z == pytest.approx(float(golden["neg_log_likelihood"]), rel=precision.tolerance)
    assert relative(in_log_d, golden["grad_log_d"]) < precision.tolerance


@pytest.mark.usefixtures("x64")
def test_gradient_agrees_with_finite_differences(make_factor):
    case = CASES["wide, flanks"]
    block = whiten(*case.data(make_factor))
    start = jnp.concatenate([jnp.asarray(case.log_d()), jnp.array([1.1, 0.3])])

    @jax.jit
    def loss(flat):
        return negative_log_likelihood(block, flat[:-2], s2=flat[-2], kappa=flat[-1])

    gradient = jax.jit(jax.grad(loss))(start)
    step = 1e-5
    numerical = [
        (loss(start.at[i].add(step)) - loss(start.at[i].add(-step))) / (2 * step)
        for i in (0, 31, 45, 59, 89, 90, 91)
    ]
    np.testing.assert_allclose(
        gradient[jnp.array([0, 31, 45, 59, 89, 90, 91])], numerical, rtol=1e-6, atol=1e-9
    )


def test_vmap_over_blocks_is_a_loop_over_blocks(make_factor):
    blocks = [
        whiten(make_factor(30, 12, seed), np.random.default_rng(seed).normal(size=30), variance=1.0)
        for seed in range(3)
    ]
    log_d = jnp.asarray(np.random.default_rng(9).normal(size=(3, 30)).astype(np.float32))
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *blocks)

    def loss(block, log_d):
        return negative_log_likelihood(block, log_d, s2=1.2, kappa=0.1)

    both = jax.vmap(jax.value_and_grad(loss, argnums=1))
    values, gradients = jax.jit(both)(stacked, log_d)
    for i, block in enumerate(blocks):
        value, (gradient, _, _) = value_and_gradient(block, log_d[i], 1.2, 0.1)
        assert values[i] == pytest.approx(float(value), rel=1e-6)
        np.testing.assert_allclose(gradients[i], gradient, rtol=1e-4, atol=1e-6)


def test_eager_equals_jitted(make_factor):
    W, z, scored = CASES["scattered"].data(make_factor)
    block, log_d = whiten(W, z, scored), jnp.asarray(CASES["scattered"].log_d())
    jitted = jax.jit(lambda b, d: negative_log_likelihood(b, d, s2=1.2, kappa=0.3))(block, log_d)
    assert negative_log_likelihood(block, log_d, s2=1.2, kappa=0.3) == pytest.approx(
        float(jitted), rel=1e-6
    )


def test_null_model_is_white_noise(make_factor):
    """Without signal, x is standard normal."""
    block = whiten(make_factor(50, 30), np.random.default_rng(0).normal(size=50), variance=1.0)
    value = negative_log_likelihood(block, jnp.full(50, -jnp.inf))
    x = np.asarray(block.x, np.float64)
    assert value == pytest.approx(0.5 * (x**2 + np.log(2 * np.pi)).sum(), rel=1e-6)


@pytest.mark.usefixtures("x64")
def test_padding_adds_nothing(make_factor):
    case = CASES["scattered"]
    block = whiten(*case.data(make_factor))
    log_d = jnp.asarray(case.log_d())
    m, r = block.Q.shape
    padded = WhitenedBlock(
        Q=jnp.zeros((m + 17, r + 9)).at[:m, :r].set(block.Q),
        x=jnp.zeros(r + 9).at[:r].set(block.x),
        eigenvalues=jnp.full(r + 9, jnp.inf).at[:r].set(block.eigenvalues),
    )
    value, gradients = value_and_gradient(block, log_d, 1.2, 0.3)
    also, padded_gradients = value_and_gradient(padded, jnp.pad(log_d, (0, 17)), 1.2, 0.3)
    assert also == pytest.approx(float(value), rel=1e-13)
    np.testing.assert_allclose(padded_gradients[0][:m], gradients[0], rtol=1e-10, atol=1e-13)
    np.testing.assert_array_equal(padded_gradients[0][m:], 0.0)
    np.testing.assert_allclose(padded_gradients[1:], gradients[1:], rtol=1e-12)


@pytest.mark.usefixtures("x64")
def test_likelihood_with_the_ld_of_few_people_is_a_dense_normal_law(make_factor):
    """Value and slopes: noise, mismatch and the background that grows with all prior variance."""
    case = CASES["scattered"]
    W, z, scored = case.data(make_factor)
    block, exact = whiten(W, z, scored, people=90), whiten(W, z, scored)
    c = 1 / np.asarray(block.noise)
    lam = np.asarray(block.eigenvalues)
    np.testing.assert_allclose(block.x * c, exact.x, rtol=1e-9, atol=1e-12)
    assert np.ptp(c) > 0.2
    assert np.max(block.background) > 0

    def loss(log_d, s2, kappa):
        d = np.exp(log_d)
        K = (np.asarray(block.Q).T * d) @ np.asarray(block.Q)
        K += np.diag(s2 / c + kappa / (lam * c**2) + np.asarray(block.background) * d.sum())
        return -multivariate_normal(cov=K).logpdf(np.asarray(block.x))

    log_d = case.log_d()
    value, (in_log_d, in_s2, in_kappa) = value_and_gradient(block, jnp.asarray(log_d), 1.2, 0.3)
    assert float(value) == pytest.approx(loss(log_d, 1.2, 0.3), rel=1e-10)
    step = 1e-5
    for j in (0, len(log_d) // 2, len(log_d) - 1):
        move = step * (np.arange(len(log_d)) == j)
        slope = (loss(log_d + move, 1.2, 0.3) - loss(log_d - move, 1.2, 0.3)) / (2 * step)
        assert float(in_log_d[j]) == pytest.approx(slope, rel=1e-5, abs=1e-8)
    for found, by in ((in_s2, (step, 0)), (in_kappa, (0, step))):
        up, down = loss(log_d, 1.2 + by[0], 0.3 + by[1]), loss(log_d, 1.2 - by[0], 0.3 - by[1])
        assert float(found) == pytest.approx((up - down) / (2 * step), rel=1e-5)
