"""The iterative solver: its stated errors, its convergence, and how it composes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import t as student

from deepwas_app.core import (
    Iterative,
    UnconvergedError,
    WhitenedBlock,
    negative_log_likelihood,
    posterior,
    whiten,
)
from deepwas_app.core.iterative import conjugate_gradients, iterative_solve
from deepwas_app.core.likelihood import EXACT_MOST, choose_solver, likelihood_with_report, solve

OPTIONS = Iterative(probes=16, tolerance=1e-5)


@pytest.fixture
def block(make_factor) -> WhitenedBlock:
    rng = np.random.default_rng(3)
    return whiten(make_factor(300, 150), 2 * rng.normal(size=300), variance=1.0)


@pytest.fixture
def log_d() -> jax.Array:
    return jnp.asarray(np.random.default_rng(4).normal(-0.5, 1.5, 300), jnp.float32)


def known_spectrum(r: int, largest: float = 60):
    """Q whose K = 1 + Q^T Q has the eigenvalues 1 + lambda, and log det K."""
    rng = np.random.default_rng(8)
    lam = np.geomspace(1e-2, largest, r)
    basis = np.linalg.qr(rng.standard_normal((r, r)))[0]
    rotation = np.linalg.qr(rng.standard_normal((r, r)))[0]
    return basis * np.sqrt(lam) @ rotation.T, np.log1p(lam).sum()


def test_stated_error_covers_the_truth_in_95_percent_of_seeds():
    Q, truth = known_spectrum(200)
    Q = jnp.asarray(Q, jnp.float32)
    ones = jnp.ones(200)
    seeds = 300
    run = jax.jit(jax.vmap(lambda key: iterative_solve(Q, ones, ones, ones, key, OPTIONS)))
    found = run(jax.random.split(jax.random.key(0), seeds))
    errors = np.asarray(found.log_det, np.float64) - truth
    stated = np.asarray(found.log_det_error, np.float64)
    # Normal in the limit of many probes; with 16 it is Student's t.
    covered = np.mean(np.abs(errors) < student.ppf(0.975, OPTIONS.probes - 1) * stated)
    assert 0.91 < covered < 0.985
    assert abs(errors.mean()) < 4 * errors.std() / np.sqrt(seeds)
    assert errors.std() == pytest.approx(np.sqrt((stated**2).mean()), rel=0.15)


def test_stated_error_covers_where_the_quadrature_is_too_short():
    """Eigenvalues over six orders, as no LD has: it takes ten times the steps that are kept."""
    Q, truth = known_spectrum(400, largest=1e4)
    Q, ones = jnp.asarray(Q, jnp.float32), jnp.ones(400)
    # Many probes, so that the sampling error does not hide what is cut off.
    options = Iterative(probes=400, tolerance=1e-4)
    found = jax.jit(lambda key: iterative_solve(Q, ones, ones, ones, key, options))(
        jax.random.key(0)
    )
    assert found.iterations > 200
    off, stated = float(found.log_det) - truth, float(found.log_det_error)
    assert abs(off) < 2 * stated
    assert stated < 0.1 * truth


def test_more_probes_make_a_smaller_error():
    Q, _ = known_spectrum(200)
    ones = jnp.ones(200)

    def stated(probes):
        options = Iterative(probes=probes)
        return float(
            iterative_solve(
                jnp.asarray(Q, jnp.float32), ones, ones, ones, jax.random.key(1), options
            ).log_det_error
        )

    assert stated(16) / stated(1600) == pytest.approx(10, rel=0.5)


def test_leverages_are_unbiased(block, log_d):
    d, noise = jnp.exp(log_d), jnp.full(len(block.x), 1.1)
    exact = solve(block.Q, block.x, d, noise)
    run = jax.jit(jax.vmap(lambda key: iterative_solve(block.Q, block.x, d, noise, key, OPTIONS)))
    found = run(jax.random.split(jax.random.key(0), 400))
    for name in ("leverage", "noise_leverage"):
        values = np.asarray(getattr(found, name))
        truth = np.asarray(getattr(exact, name))
        z = (values.mean(axis=0) - truth) / (values.std(axis=0) / np.sqrt(len(values)))
        assert 0.8 < np.sqrt((z**2).mean()) < 1.2
    for name in ("projected", "noise_projected", "quadratic"):
        truth = np.asarray(getattr(exact, name))
        scale = np.abs(truth).max()
        np.testing.assert_allclose(getattr(found, name)[0], truth, atol=1e-4 * scale)
    assert (np.asarray(found.residual) <= 1e-4).all()


@pytest.mark.usefixtures("x64")
def test_gradient_is_the_slope_of_the_value(make_factor):
    """Both are estimates: over many probes, finite differences of the one are the other."""
    rng = np.random.default_rng(6)
    small = whiten(make_factor(60, 30), 2 * rng.normal(size=60), variance=1.0)
    options = Iterative(probes=16, tolerance=1e-9)
    start = jnp.asarray(np.append(rng.normal(-0.5, 1.0, 60), [1.1, 0.3]))
    directions = jnp.asarray(np.vstack([rng.normal(size=(4, 62)) * (np.arange(62) < 60),
                                        np.eye(62)[60:]]))  # fmt: skip
    step = 1e-5

    @jax.jit
    def slopes(key):
        def loss(flat):
            return negative_log_likelihood(
                small, flat[:60], s2=flat[60], kappa=flat[61],
                solver="iterative", options=options, key=key,
            )  # fmt: skip

        ends = [jax.lax.map(loss, start + sign * step * directions) for sign in (1, -1)]
        return (ends[0] - ends[1]) / (2 * step), directions @ jax.grad(loss)(start)

    found = [slopes(key) for key in jax.random.split(jax.random.key(2), 200)]
    numerical, analytic = (np.array(part) for part in zip(*found, strict=True))
    apart = numerical - analytic
    error = apart.std(axis=0) / np.sqrt(len(apart))
    assert (np.abs(apart.mean(axis=0)) < 4 * error).all()
    assert (error < 0.05 * np.abs(analytic.mean(axis=0)) + 0.02).all()


def test_log_det_of_a_diagonal_matrix_is_exact():
    """Without signal the Krylov space is exhausted at the first step."""
    noise = jnp.linspace(0.5, 3.0, 40)
    found = iterative_solve(
        jnp.zeros((7, 40)), jnp.ones(40), jnp.ones(7), noise, jax.random.key(0), OPTIONS
    )
    assert found.log_det == pytest.approx(float(jnp.log(noise).sum()), rel=1e-6)
    assert found.log_det_error < 1e-5
    assert found.quadratic == pytest.approx(float((1 / noise).sum()), rel=1e-6)
    assert found.iterations <= 1


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("tolerance", [1e-2, 1e-5])
def test_a_solve_stops_as_soon_as_every_column_is_near_enough(tolerance):
    """Relative to its right-hand side, whatever that one's size."""
    spectrum = jnp.geomspace(1.0, 50.0, 40)
    right = np.random.default_rng(5).standard_normal(40)
    sized = jnp.asarray(right)[:, None] * jnp.array([1.0, 1e4, 1e-4])

    def solved(most):
        return conjugate_gradients(lambda v: spectrum[:, None] * v, sized, tolerance, most)

    found = solved(1_000)
    assert 1 < found.iterations < 40
    assert found.residual.max() <= 1.01 * tolerance
    np.testing.assert_allclose(found.residual, found.residual[0], rtol=0.05)
    exact = right / np.asarray(spectrum)
    assert np.abs(found.solution[:, 1] / 1e4 - exact).max() < 2 * tolerance * np.linalg.norm(right)
    before = solved(int(found.iterations) - 1)
    assert before.iterations == found.iterations - 1
    assert before.residual.max() > tolerance


def test_all_padding_is_nothing():
    block = WhitenedBlock(jnp.zeros((5, 8)), jnp.zeros(8), jnp.full(8, jnp.inf))
    value, gradient = jax.jit(
        jax.value_and_grad(lambda log_d: negative_log_likelihood(block, log_d, solver="iterative"))
    )(jnp.zeros(5))
    assert value == pytest.approx(0.0, abs=1e-5)
    np.testing.assert_array_equal(gradient, 0.0)


def test_unconverged_solve_raises(block, log_d):
    hard = Iterative(max_iterations=3, tolerance=1e-6)
    with pytest.raises(UnconvergedError, match=r"relative residual .* after 3 iterations") as e:
        negative_log_likelihood(block, log_d, solver="iterative", options=hard)
    assert e.value.iterations == 3
    assert e.value.residual > 1e-5

    @jax.jit
    def compiled(log_d):
        return negative_log_likelihood(block, log_d, solver="iterative", options=hard)

    with pytest.raises(jax.errors.JaxRuntimeError, match="UnconvergedError"):
        compiled(log_d).block_until_ready()
    noise = jnp.ones(len(block.x))
    (value, report), gradient = jax.value_and_grad(
        lambda log_d: likelihood_with_report(block, log_d, noise, solver="iterative", options=hard),
        has_aux=True,
    )(log_d)
    assert np.isnan(value)
    assert np.isnan(gradient).all()
    assert report.residual > 1e-5
    assert np.isnan(posterior(block, log_d, s2=1.0, solver="iterative", options=hard).mean).all()


def test_damaged_data_are_not_called_unconverged(block, log_d):
    spoilt = WhitenedBlock(block.Q, block.x.at[0].set(jnp.nan), block.eigenvalues)
    assert np.isnan(negative_log_likelihood(spoilt, log_d, solver="iterative"))


def test_differences_between_models_are_more_certain_than_values(block, log_d):
    """The same key is the same probes; by default it is key 0."""
    exact = jax.jit(lambda d: negative_log_likelihood(block, d, solver="exact"))
    estimate = jax.jit(lambda d, k: negative_log_likelihood(block, d, solver="iterative", key=k))
    keys = jax.random.split(jax.random.key(5), 20)
    values = np.array([[float(estimate(log_d + c, key)) for c in (0, 0.1)] for key in keys])
    assert np.diff(values).std() < 0.2 * values.std(axis=0).mean()
    truth = float(exact(log_d + 0.1)) - float(exact(log_d))
    assert np.diff(values).mean() == pytest.approx(truth, abs=0.1)
    assert len(set(values[:, 0])) == len(keys)
    default = negative_log_likelihood(block, log_d, solver="iterative")
    assert default == pytest.approx(float(estimate(log_d, jax.random.key(0))), rel=1e-6)


def test_vmap_of_grad_is_a_loop(make_factor):
    blocks = [
        whiten(make_factor(60, 30, s), np.random.default_rng(s).normal(size=60), variance=1.0)
        for s in range(3)
    ]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *blocks)
    log_d = jnp.asarray(np.random.default_rng(9).normal(size=(3, 60)), jnp.float32)

    def loss(block, log_d, s2):
        return negative_log_likelihood(
            block, log_d, s2=s2, kappa=0.1, solver="iterative", options=OPTIONS
        )

    both = jax.value_and_grad(loss, argnums=(1, 2))
    values, gradients = jax.jit(jax.vmap(both, in_axes=(0, 0, None)))(stacked, log_d, 1.2)
    for i, block in enumerate(blocks):
        value, (in_log_d, in_s2) = jax.jit(both)(block, log_d[i], 1.2)
        assert values[i] == pytest.approx(float(value), rel=1e-5)
        np.testing.assert_allclose(gradients[0][i], in_log_d, rtol=1e-3, atol=1e-4)
        assert gradients[1][i] == pytest.approx(float(in_s2), rel=1e-3, abs=1e-3)


def test_choice_by_size():
    most = EXACT_MOST["cpu"]
    assert choose_solver("auto", most) == "exact"
    assert choose_solver("auto", most + 1) == "iterative"
    assert choose_solver("exact", most + 1) == "exact"
    assert choose_solver("iterative", 3) == "iterative"
