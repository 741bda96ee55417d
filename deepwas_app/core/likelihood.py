"""The full likelihood of one whitened LD block, with its closed-form gradient."""

from types import ModuleType
from typing import Any, Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, PRNGKeyArray

from deepwas_app.core.block import HostOrDevice, WhitenedBlock
from deepwas_app.core.iterative import (
    DEFAULT,
    Iterative,
    Report,
    UnconvergedError,
    converged,
    gaussian_iterative,
)
from deepwas_app.core.linalg import triangular_inverse
from deepwas_app.core.ways import exact_products

Solver = Literal["auto", "exact", "iterative"]

# The largest number of components that "auto" still factorises, by kind of device. In time alone
# the estimates win from about 1,400 components on a CPU (benchmarks/solvers.py), but a factor has
# no Monte-Carlo error, so it is kept for as long as it is affordable. Not measured on a GPU.
EXACT_MOST = {"cpu": 4_000, "gpu": 16_000}


class Solve(NamedTuple):
    """What one Cholesky factor of K gives; loss, gradient and posterior all read from it.

    Attributes
    ----------
    projected
        q_j^T K^-1 x, (variants,).
    leverage
        q_j^T K^-1 q_j, (variants,).
    noise_projected
        (K^-1 x)_i, (components,).
    noise_leverage
        (K^-1)_ii, (components,).
    log_det
        log det K.
    quadratic
        x^T K^-1 x.
    """

    projected: Float[Array, " variants"]
    leverage: Float[Array, " variants"]
    noise_projected: Float[Array, " components"]
    noise_leverage: Float[Array, " components"]
    log_det: Float[Array, ""]
    quadratic: Float[Array, ""]


def inverse_cholesky(
    Q: Float[HostOrDevice, "variants components"],
    d: Float[Array, " variants"],
    noise: Float[Array, " components"],
) -> Float[Array, "components components"]:
    """L^-1 of the Cholesky factor of K = diag(noise) + Q^T diag(d) Q."""
    half = jnp.asarray(Q) * jnp.sqrt(d)[:, None]
    with exact_products():
        K = half.T @ half + jnp.diag(noise)
        return triangular_inverse(jax.lax.linalg.cholesky(K, symmetrize_input=False))


def solve(
    Q: Float[HostOrDevice, "variants components"],
    x: Float[HostOrDevice, " components"],
    d: Float[Array, " variants"],
    noise: Float[Array, " components"],
) -> Solve:
    """Solve with K = diag(noise) + Q^T diag(d) Q by Cholesky."""
    inverse = inverse_cholesky(Q, d, noise)
    with exact_products():
        white = inverse @ x
        rotated = jnp.asarray(Q) @ inverse.T
        return Solve(
            projected=rotated @ white,
            leverage=jnp.sum(rotated**2, axis=1),
            noise_projected=inverse.T @ white,
            noise_leverage=jnp.sum(inverse**2, axis=0),
            log_det=-2 * jnp.sum(jnp.log(jnp.diagonal(inverse))),
            quadratic=jnp.sum(white**2),
        )


@jax.custom_vjp
def gaussian(
    Q: Float[Array, "variants components"],
    x: Float[Array, " components"],
    log_d: Float[Array, " variants"],
    noise: Float[Array, " components"],
) -> Float[Array, ""]:
    """1/2 [log det K + x^T K^-1 x], differentiable in `log_d` and `noise`."""
    return _gaussian_forward(Q, x, log_d, noise)[0]


def _gaussian_forward(
    Q: Array, x: Array, log_d: Array, noise: Array
) -> tuple[Array, tuple[Array, Array]]:
    d = jnp.exp(log_d)
    s = solve(Q, x, d, noise)
    grad_log_d = 0.5 * d * (s.leverage - s.projected**2)
    grad_noise = 0.5 * (s.noise_leverage - s.noise_projected**2)
    return 0.5 * (s.log_det + s.quadratic), (grad_log_d, grad_noise)


def _gaussian_backward(
    gradients: tuple[Array, Array], cotangent: Array
) -> tuple[None, None, Array, Array]:
    grad_log_d, grad_noise = gradients
    return None, None, cotangent * grad_log_d, cotangent * grad_noise


gaussian.defvjp(_gaussian_forward, _gaussian_backward)


def noise_variance(
    block: WhitenedBlock,
    d: Float[ArrayLike, "*blocks variants"],
    s2: ArrayLike,
    kappa: ArrayLike,
    xp: ModuleType = jnp,
) -> Float[Any, "*blocks components"]:
    """Variance of each component beside the signal of the variants that load on it.

    Parameters
    ----------
    block
        From :func:`whiten`, or a stack of them.
    d
        Prior variance of b_j, (variants,).
    s2
        Noise scale.
    kappa
        LD mismatch between panel and GWAS, as a variance of independent noise in each z-score.
    xp
        What computes it: numpy where shapes are many, and nothing is to be compiled for each.

    Notes
    -----
    With c_i = delta_i / lambda_i, this is s2 / c_i + kappa / (lambda_i c_i^2) +
    background_i sum_j d_j; where LD is exact, s2 + kappa / lambda_i. 1 where padded.
    """
    real = xp.isfinite(block.eigenvalues)
    # The inner `where` keeps infinities out of the gradient.
    inverse = block.noise**2 / xp.where(real, block.eigenvalues, 1.0)
    background = block.background * xp.sum(d, axis=-1, keepdims=True)
    return xp.where(real, s2 * block.noise + kappa * inverse + background, 1.0)


def choose_solver(solver: Solver, components: int) -> Literal["exact", "iterative"]:
    """What "auto" means for a block of so many components on this device."""
    if solver != "auto":
        return solver
    most = EXACT_MOST.get(jax.default_backend(), EXACT_MOST["gpu"])
    return "exact" if components <= most else "iterative"


class Likelihood(NamedTuple):
    """A negative log-likelihood in nats, and how well an iterative solve of it went."""

    value: Float[Array, ""]
    report: Report


def likelihood_with_report(
    block: WhitenedBlock,
    log_d: Float[Array, " variants"],
    noise: Float[Array, " components"],
    *,
    solver: Solver = "auto",
    options: Iterative = DEFAULT,
    key: PRNGKeyArray | None = None,
) -> Likelihood:
    """Negative log-likelihood of one block, NaN where an iterative solve did not converge.

    Parameters
    ----------
    block, log_d, solver, options, key
        As for :func:`negative_log_likelihood`.
    noise
        Variance of the noise of each component, (components,), see :func:`noise_variance`.
    """
    noise = noise.astype(block.x.dtype)
    log_d = jnp.asarray(log_d, block.Q.dtype)
    components = jnp.sum(jnp.isfinite(block.eigenvalues))
    constant = 0.5 * jnp.log(2 * jnp.pi) * components
    if choose_solver(solver, block.x.shape[-1]) == "exact":
        value = gaussian(block.Q, block.x, log_d, noise)
        zero = jnp.zeros((), block.x.dtype)
        return Likelihood(value + constant, Report(zero, jnp.asarray(0), zero))
    key = jax.random.key(0) if key is None else key
    value, report = gaussian_iterative(options, block.Q, block.x, log_d, noise, key)
    return Likelihood(value + constant, report)


def negative_log_likelihood(
    block: WhitenedBlock,
    log_d: Float[Array, " variants"],
    *,
    s2: ArrayLike = 1.0,
    kappa: ArrayLike = 0.0,
    solver: Solver = "auto",
    options: Iterative = DEFAULT,
    key: PRNGKeyArray | None = None,
) -> Float[Array, ""]:
    """Negative log marginal likelihood of one block, in nats.

    Parameters
    ----------
    block
        From :func:`whiten`.
    log_d
        Log prior variance of b_j = sqrt(N_j) beta_j, that is log(N_j v_j), (variants,).
    s2
        Noise scale, about 1 (the intercept of LD score regression).
    kappa
        LD mismatch between panel and GWAS, see :func:`noise_variance`.
    solver
        "exact" (Cholesky), "iterative" (conjugate gradients and probes; value and gradient are
        then unbiased estimates), or by the number of components and the device.
    options, key
        Of the iterative solver. Key 0 by default: the same probes for every model, so that
        differences between models are more certain than either value.

    Returns
    -------
    Scalar, with the r/2 log 2 pi term. Differentiable (once) in `log_d`, `s2` and `kappa`; the
    data in `block` are constants.

    Raises
    ------
    UnconvergedError
        If conjugate gradients did not converge. In a compiled program it is JAX's own run-time
        error, with the same message.

    Notes
    -----
    x ~ Normal(0, K), K = diag(n) + Q^T D Q, n from :func:`noise_variance`. The gradients in
    closed form are
    d/d log d_j = 1/2 d_j [q_j^T K^-1 q_j - (q_j^T K^-1 x)^2] and
    d/d n_i = 1/2 [(K^-1)_ii - (K^-1 x)_i^2].

    References
    ----------
    Amin, Potapczynski & Wilson 2025, arXiv:2506.19598.
    """
    log_d = jnp.asarray(log_d, block.Q.dtype)
    noise = noise_variance(block, jnp.exp(log_d), s2, kappa)
    value, report = likelihood_with_report(
        block, log_d, noise, solver=solver, options=options, key=key
    )
    if choose_solver(solver, block.x.shape[-1]) == "exact":
        return value
    return _checked(value, report, options)


def _checked(value: Float[Array, ""], report: Report, options: Iterative) -> Float[Array, ""]:
    failed = ~converged(report.residual, options)
    if isinstance(failed, jax.core.Tracer):
        # What is traced has no residual to print yet.
        return eqx.error_if(value, failed, "UnconvergedError: conjugate gradients did not converge")
    if failed:
        raise UnconvergedError(float(report.residual), int(report.iterations))
    return value
