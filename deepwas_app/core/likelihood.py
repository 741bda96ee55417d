"""The full likelihood of one whitened LD block, with its closed-form gradient."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from deepwas_app.core.block import HostOrDevice, WhitenedBlock
from deepwas_app.core.linalg import triangular_inverse


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
    # Accelerators would otherwise multiply float32 with a 10-bit mantissa.
    with jax.default_matmul_precision("float32"):
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
    with jax.default_matmul_precision("float32"):
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


def _gaussian_forward(Q, x, log_d, noise):
    d = jnp.exp(log_d)
    s = solve(Q, x, d, noise)
    grad_log_d = 0.5 * d * (s.leverage - s.projected**2)
    grad_noise = 0.5 * (s.noise_leverage - s.noise_projected**2)
    return 0.5 * (s.log_det + s.quadratic), (grad_log_d, grad_noise)


def _gaussian_backward(gradients, cotangent):
    grad_log_d, grad_noise = gradients
    return None, None, cotangent * grad_log_d, cotangent * grad_noise


gaussian.defvjp(_gaussian_forward, _gaussian_backward)


def noise_variance(
    eigenvalues: Float[HostOrDevice, "*blocks components"], s2: ArrayLike, kappa: ArrayLike
) -> Float[Array, "*blocks components"]:
    """Variance of the noise of each component, s2 + kappa / lambda_i; 1 where padded."""
    real = jnp.isfinite(eigenvalues)
    # The inner `where` keeps infinities out of the gradient.
    return jnp.where(real, s2 + kappa / jnp.where(real, eigenvalues, 1.0), 1.0)


def negative_log_likelihood(
    block: WhitenedBlock,
    log_d: Float[Array, " variants"],
    *,
    s2: ArrayLike = 1.0,
    kappa: ArrayLike = 0.0,
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
        LD mismatch between panel and GWAS: noise of component i is s2 + kappa / lambda_i.

    Returns
    -------
    Scalar, with the r/2 log 2 pi term. Differentiable (once) in `log_d`, `s2` and `kappa`; the
    data in `block` are constants.

    Notes
    -----
    x ~ Normal(0, K), K = diag(s2 + kappa / lambda_i) + Q^T D Q. The gradients in closed form are
    d/d log d_j = 1/2 d_j [q_j^T K^-1 q_j - (q_j^T K^-1 x)^2] and
    d/d n_i = 1/2 [(K^-1)_ii - (K^-1 x)_i^2].

    References
    ----------
    Amin, Potapczynski & Wilson 2025, arXiv:2506.19598.
    """
    noise = noise_variance(block.eigenvalues, s2, kappa)
    noise = noise.astype(block.x.dtype)
    log_d = jnp.asarray(log_d, block.Q.dtype)
    components = jnp.sum(jnp.isfinite(block.eigenvalues))
    constant = 0.5 * jnp.log(2 * jnp.pi) * components
    return gaussian(block.Q, block.x, log_d, noise) + constant
