"""The iterative solver with its probes at hand: every estimate by dense matrices."""

import importlib
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import logm

from deepwas_app.core import Iterative, WhitenedBlock, iterative
from deepwas_app.core.iterative import (
    SLACK,
    IterativeSolve,
    UnconvergedError,
    conjugate_gradients,
    converged,
    gaussian_iterative,
    iterative_solve,
    log_quadrature,
)
from deepwas_app.core.likelihood import likelihood_with_report, negative_log_likelihood

# The function of this name hides the module.
module = importlib.import_module("deepwas_app.core.posterior")
pytestmark = pytest.mark.usefixtures("x64")

EXACT = Iterative(probes=5, tolerance=1e-11)
VARIANTS, COMPONENTS = 8, 12


class Dense:
    """K, its inverse and the probes of key 0, with what they say."""

    def __init__(self):
        rng = np.random.default_rng(3)
        self.Q, self.x = rng.standard_normal((VARIANTS, COMPONENTS)), rng.standard_normal(12)
        self.log_d = rng.standard_normal(VARIANTS)
        self.noise = rng.uniform(0.5, 2.0, COMPONENTS)
        d = np.exp(self.log_d)
        self.K = np.diag(self.noise) + (self.Q.T * d) @ self.Q
        probes = jax.random.rademacher(jax.random.key(0), (COMPONENTS, 5), jnp.float64)
        V, scale = np.asarray(probes), np.diag(self.K) ** -0.5
        M = self.K * np.outer(scale, scale)
        extra = np.linalg.solve(M, V) - V
        scaled = self.Q * scale
        self.leverage = (scaled**2).sum(axis=1) + ((scaled @ extra) * (scaled @ V)).mean(axis=1)
        self.noise_leverage = scale**2 * (1 + (extra * V).mean(axis=1))
        logs = np.diag(V.T @ logm(M) @ V)
        self.log_det = np.log(np.diag(self.K)).sum() + logs.mean()
        self.log_det_error = logs.std(ddof=1) / np.sqrt(5)
        solved = np.linalg.solve(self.K, self.x)
        self.projected, self.noise_projected = self.Q @ solved, solved
        self.quadratic = self.x @ solved
        self.d = d


@pytest.fixture(scope="module")
def dense() -> Dense:
    with jax.enable_x64(True):
        return Dense()


@partial(jax.jit, static_argnums=2)
def solved(d, noise, options, Q, x):
    return iterative_solve(Q, x, d, noise, jax.random.key(0), options)


NAMES = (
    "projected", "leverage", "noise_projected", "noise_leverage", "log_det", "log_det_error",
    "quadratic",
)  # fmt: skip


def test_every_estimate_is_that_of_its_probes(dense):
    """12 components are fewer than half of the quadrature's steps: nothing is cut off."""
    found = solved(dense.d, dense.noise, EXACT, dense.Q, dense.x)
    for name in NAMES:
        np.testing.assert_allclose(
            getattr(found, name), getattr(dense, name), rtol=1e-7, atol=1e-9, err_msg=name
        )
    assert found.residual <= 2e-11
    assert VARIANTS < found.iterations < 2 * COMPONENTS


def test_what_is_cut_off_is_in_the_error(dense, monkeypatch):
    """Of 6 steps the first three are the early ones: what the others change is an error too."""
    monkeypatch.setattr(iterative, "QUADRATURE", 6)
    cut = jax.jit(partial(iterative_solve, options=EXACT))(
        dense.Q, dense.x, dense.d, dense.noise, jax.random.key(0)
    )
    d, noise = dense.d, dense.noise
    K = np.diag(noise) + (dense.Q.T * d) @ dense.Q
    scale = np.diag(K) ** -0.5
    M = K * np.outer(scale, scale)
    V = np.asarray(jax.random.rademacher(jax.random.key(0), (COMPONENTS, 5), jnp.float64))
    logs = {steps: np.array([lanczos_log(M, v, steps) for v in V.T]) for steps in (3, 6)}
    sampling = logs[6].std(ddof=1) / np.sqrt(5)
    truncation = logs[6].mean() - logs[3].mean()
    assert abs(truncation) > 0.01 * sampling
    assert cut.log_det_error == pytest.approx(np.hypot(sampling, truncation), rel=1e-6)
    assert cut.log_det == pytest.approx(np.log(np.diag(K)).sum() + logs[6].mean(), rel=1e-8)


def lanczos_log(M, v, steps):
    """v^T log(M) v by so many steps of Lanczos, orthogonalised in full."""
    basis = [v / np.linalg.norm(v)]
    for _ in range(steps - 1):
        w = M @ basis[-1]
        for _ in range(2):
            w = w - np.array(basis).T @ (np.array(basis) @ w)
        basis.append(w / np.linalg.norm(w))
    B = np.array(basis)
    values, vectors = np.linalg.eigh(B @ M @ B.T)
    return len(v) * (vectors[0] ** 2 @ np.log(values))


def test_the_quadrature_is_the_log_of_the_lanczos_matrix():
    rng = np.random.default_rng(4)
    alpha, beta = rng.uniform(0.5, 2.0, (6, 2)), rng.uniform(0.1, 0.5, (6, 2))
    found = np.asarray(jax.jit(log_quadrature)(jnp.asarray(alpha), jnp.asarray(beta)))
    for column, (a, b) in enumerate(zip(alpha.T, beta.T, strict=True)):
        T = np.diag(1 / a)
        for k in range(1, 6):
            T[k, k] += b[k - 1] / a[k - 1]
            T[k, k - 1] = T[k - 1, k] = np.sqrt(b[k - 1]) / a[k - 1]
        assert found[0, column] == pytest.approx(logm(T)[0, 0].real, rel=1e-9)
        assert found[1, column] == pytest.approx(logm(T[:3, :3])[0, 0].real, rel=1e-9)


def test_ritz_values_that_are_rounding_count_as_a_millionth():
    alpha = jnp.broadcast_to(jnp.array([1e9, 1e5]), (2, 2))
    found = jax.jit(log_quadrature)(alpha, jnp.zeros((2, 2)))
    np.testing.assert_allclose(found, np.log([[1e-6, 1e-5]] * 2), rtol=1e-9)


def test_coefficients_are_those_of_the_text_book(monkeypatch):
    """Of the first steps only; a column that has converged, or is 0, goes on with the identity."""
    monkeypatch.setattr(iterative, "QUADRATURE", 3)
    rng = np.random.default_rng(5)
    root = rng.standard_normal((6, 6))
    M = root @ root.T + np.eye(6)
    right = np.column_stack([rng.standard_normal(6), np.zeros(6), np.linalg.eigh(M)[1][:, 0]])
    found = conjugate_gradients(lambda v: jnp.asarray(M) @ v, jnp.asarray(right), 1e-9, 50)
    alpha, beta, (r, p) = [], [], (right[:, 0], right[:, 0])
    for _ in range(3):
        step = r @ r / (p @ M @ p)
        after = r - step * M @ p
        alpha.append(step)
        beta.append(after @ after / (r @ r))
        p, r = after + beta[-1] * p, after
    np.testing.assert_allclose(found.alpha[:, 0], alpha, rtol=1e-8)
    np.testing.assert_allclose(found.beta[:, 0], beta, rtol=1e-8)
    np.testing.assert_array_equal(found.alpha[:, 1], 1.0)
    np.testing.assert_array_equal(found.beta[:, 1], 0.0)
    # An eigenvector is solved by one step.
    np.testing.assert_allclose(found.alpha[0, 2], 1 / np.linalg.eigvalsh(M)[0], rtol=1e-9)
    np.testing.assert_array_equal(found.alpha[1:, 2], 1.0)
    np.testing.assert_allclose(found.beta[:, 2], 0.0, atol=1e-18)
    np.testing.assert_allclose(found.solution, np.linalg.solve(M, right), atol=1e-8)
    np.testing.assert_array_equal(found.residual[1], 0.0)
    assert (found.residual <= 1e-8).all()
    assert 5 <= found.iterations <= 8


@pytest.mark.parametrize("most", [0, 1, 2])
def test_no_more_steps_than_allowed(most):
    spectrum, right = jnp.array([1.0, 2.0, 5.0]), jnp.full((3, 1), 0.1)
    found = conjugate_gradients(lambda v: spectrum[:, None] * v, right, 1e-9, most)
    assert found.iterations == most
    left = np.linalg.norm(right - spectrum[:, None] * found.solution) / np.sqrt(0.03)
    assert found.residual[0] == pytest.approx(left, rel=1e-9)


def given_solve(dense, residual=1e-11):
    """A solver that has solved already."""
    fields = {name: jnp.asarray(getattr(dense, name)) for name in NAMES}
    found = IterativeSolve(**fields, residual=jnp.asarray(residual), iterations=jnp.asarray(14))

    def solve(Q, x, d, noise, key, options):
        np.testing.assert_allclose(d, dense.d)
        np.testing.assert_array_equal(noise, dense.noise)
        assert (jax.random.key_data(key) == jax.random.key_data(jax.random.key(0))).all()
        assert options == EXACT
        return found

    return solve


def test_value_and_gradient_read_from_one_solve(dense, monkeypatch):
    monkeypatch.setattr(iterative, "iterative_solve", given_solve(dense))

    def value(log_d, noise):
        found, report = gaussian_iterative(
            EXACT, jnp.asarray(dense.Q), jnp.asarray(dense.x), log_d, noise, jax.random.key(0)
        )
        return 3 * found, report

    (found, report), (in_log_d, in_noise) = jax.value_and_grad(value, (0, 1), has_aux=True)(
        jnp.asarray(dense.log_d), jnp.asarray(dense.noise)
    )
    assert found == pytest.approx(1.5 * (dense.log_det + dense.quadratic), rel=1e-12)
    np.testing.assert_allclose(in_log_d, 1.5 * dense.d * (dense.leverage - dense.projected**2))
    np.testing.assert_allclose(in_noise, 1.5 * (dense.noise_leverage - dense.noise_projected**2))
    assert report == (1e-11, 14, pytest.approx(0.5 * dense.log_det_error))


def whitened(dense):
    """A block whose noise is that of `dense`, but for two padded components."""
    padded = WhitenedBlock(
        jnp.pad(jnp.asarray(dense.Q), ((0, 0), (0, 2))),
        jnp.pad(jnp.asarray(dense.x), (0, 2)),
        jnp.append(jnp.ones(COMPONENTS), jnp.array([jnp.inf, jnp.inf])),
    )
    return padded, jnp.append(jnp.asarray(dense.noise), jnp.ones(2))


def test_the_constant_is_of_real_components_and_exact_solves_have_no_error(dense):
    block, noise = whitened(dense)
    compute = partial(likelihood_with_report, solver="exact")
    found = jax.jit(compute)(block, dense.log_d, noise)
    sign, log_det = np.linalg.slogdet(dense.K)
    expected = 0.5 * (log_det + dense.quadratic + COMPONENTS * np.log(2 * np.pi))
    assert (sign, float(found.value)) == (1, pytest.approx(expected, rel=1e-10))
    assert tuple(map(float, found.report)) == (0, 0, 0)
    for kappa in (0.0, 0.7):
        one = jax.jit(negative_log_likelihood)(block, dense.log_d, s2=0.4, kappa=kappa)
        K = dense.K + np.diag(0.4 + kappa - dense.noise)
        terms = np.linalg.slogdet(2 * np.pi * K)[1] + dense.x @ np.linalg.solve(K, dense.x)
        assert one == pytest.approx(0.5 * terms, rel=1e-10)


@pytest.mark.parametrize("solver", ["exact", "iterative"])
def test_the_posterior_by_both_solvers(dense, solver, monkeypatch):
    monkeypatch.setattr(module, "iterative_solve", given_solve(dense))
    block = WhitenedBlock(dense.Q, dense.x, np.ones(COMPONENTS))
    given = block, jnp.asarray(dense.log_d), jnp.asarray(dense.noise), solver, EXACT
    found, report = module._with_report(*given)
    d, exact = dense.d, solver == "exact"
    np.testing.assert_allclose(found.mean, d * dense.projected, rtol=1e-9)
    truth = np.einsum("ji,ik,jk->j", dense.Q, np.linalg.inv(dense.K), dense.Q)
    raw = d - d**2 * (truth if exact else dense.leverage)
    # An estimate of the variance may be negative, or above that of the prior: it is cut there.
    np.testing.assert_allclose(found.variance, np.clip(raw, 0, d), rtol=1e-6, atol=1e-9)
    assert (raw < 0).any() == (not exact)
    assert report == ((0, 0, 0) if exact else (1e-11, 14, pytest.approx(0.5 * dense.log_det_error)))
    monkeypatch.setattr(module, "iterative_solve", given_solve(dense, residual=2e-10))
    if not exact:
        lost, _ = module._with_report(*given)
        assert np.isnan(lost.mean).all()
        assert np.isnan(lost.variance).all()


def test_a_solve_is_trusted_up_to_ten_times_its_tolerance():
    options = Iterative(tolerance=1e-3)
    residual = jnp.array([0.0, SLACK * 1e-3, 1.001e-2, jnp.nan])
    np.testing.assert_array_equal(converged(residual, options), [True, True, False, False])


def test_an_unconverged_solve_says_where_and_how_far():
    plain, named = UnconvergedError(0.0123, 7), UnconvergedError(0.5, 9, (3, 8))
    assert "did not converge: relative residual 0.012 after 7 iterations." in str(plain)
    assert "did not converge in LD block 3, 8: relative residual 0.5 after 9" in str(named)
    assert (named.residual, named.iterations, named.blocks, plain.blocks) == (0.5, 9, (3, 8), ())
