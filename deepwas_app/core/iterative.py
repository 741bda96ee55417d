"""Solving with K without forming it: conjugate gradients, probes, Lanczos quadrature.

Neither lineax nor matfree serves here. One pass of conjugate gradients over x and all probes
gives, from its own step lengths, the Lanczos matrices that the log-determinant needs; lineax's CG
does not hand these out, so that matfree's Lanczos would multiply with K as often again. And
matfree's Lanczos returns NaN once the Krylov space is exhausted, as it is at once in a block
without signal or in a padded one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from deepwas_app.core.block import HostOrDevice
from deepwas_app.core.ways import exact_products

# Lanczos steps that enter the quadrature. In blocks of LD more change log det by less than rounding
# in float32; where they would not, the stated error says so.
QUADRATURE = 48
# The residual that is measured at the end may exceed the recursion's own by rounding.
SLACK = 10.0


class UnconvergedError(ArithmeticError):
    """Conjugate gradients did not reach their tolerance."""

    def __init__(self, residual: float, iterations: int, blocks: tuple[int, ...] = ()):
        where = f" in LD block {', '.join(map(str, blocks))}" if blocks else ""
        super().__init__(
            f"conjugate gradients did not converge{where}: relative residual {residual:.2g} after "
            f"{iterations} iterations. Use the exact solver, or allow more iterations"
        )
        self.residual = residual
        self.iterations = iterations
        self.blocks = blocks


@dataclass(frozen=True)
class Iterative:
    """How hard the iterative solver tries.

    Attributes
    ----------
    probes
        Random vectors for the log-determinant and the gradient; errors fall as their square root.
    tolerance
        Residual of every solve relative to its right-hand side, in the Euclidean norm.
    max_iterations
        An error when they do not suffice.
    """

    probes: int = 16
    tolerance: float = 1e-4
    max_iterations: int = 1000


DEFAULT = Iterative()


class IterativeSolve(NamedTuple):
    """What conjugate gradients give; compare :class:`deepwas_app.core.likelihood.Solve`.

    Attributes
    ----------
    projected, noise_projected
        q_j^T K^-1 x, (variants,), and (K^-1 x)_i, (components,), to the tolerance.
    leverage, noise_leverage
        Unbiased estimates of q_j^T K^-1 q_j, (variants,), and (K^-1)_ii, (components,).
    log_det, log_det_error
        Estimate of log det K, and its error: the Monte-Carlo standard error and, where the solve
        takes many steps, what the second half of the quadrature's steps still changed.
    quadratic
        x^T K^-1 x, to the square of the tolerance.
    residual, iterations
        The largest relative residual of all solves, measured, and how long they took.
    """

    projected: Float[Array, " variants"]
    leverage: Float[Array, " variants"]
    noise_projected: Float[Array, " components"]
    noise_leverage: Float[Array, " components"]
    log_det: Float[Array, ""]
    log_det_error: Float[Array, ""]
    quadratic: Float[Array, ""]
    residual: Float[Array, ""]
    iterations: Int[Array, ""]


class Report(NamedTuple):
    """How well a solve went: residual, iterations, standard error of the loss in nats."""

    residual: Float[Array, ""]
    iterations: Int[Array, ""]
    loss_error: Float[Array, ""]


class _Gradients(NamedTuple):
    """Solutions of M Y = B by column, with the recursion's coefficients for quadrature."""

    solution: Float[Array, "components columns"]
    residual: Float[Array, " columns"]
    iterations: Int[Array, ""]
    alpha: Float[Array, "steps columns"]
    beta: Float[Array, "steps columns"]


# Solution, residual, direction, its square, step, and the two rows of coefficients.
State = tuple[Array, Array, Array, Any, Array, Array, Array]


def conjugate_gradients(
    multiply: Callable[[Array], Array],
    right: Float[Array, "components columns"],
    tolerance: float,
    max_iterations: int,
) -> _Gradients:
    """Solve M Y = B for all columns at once, M positive definite.

    A column that has converged stands still, its coefficients those of the identity.
    """
    norm = jnp.linalg.norm(right, axis=0)
    goal = (tolerance * norm) ** 2
    columns = right.shape[1]
    recorded = jnp.ones((QUADRATURE, columns), right.dtype)

    def unfinished(state: State) -> Array:
        _, _, _, gamma, step, _, _ = state
        return (step < max_iterations) & (gamma > goal).any()

    def advance(state: State) -> State:
        solution, residual, direction, gamma, step, alphas, betas = state
        active = gamma > goal
        image = multiply(direction)
        curvature = jnp.sum(direction * image, axis=0)
        alpha = jnp.where(active, gamma / jnp.where(active, curvature, 1.0), 0.0)
        solution = solution + alpha * direction
        residual = residual - alpha * image
        after = jnp.sum(residual**2, axis=0)
        beta = jnp.where(active, after / jnp.where(active, gamma, 1.0), 0.0)
        direction = residual + beta * direction
        # Steps past the last row are dropped, not clamped onto it.
        alphas = alphas.at[step].set(jnp.where(active, alpha, 1.0), mode="drop")
        betas = betas.at[step].set(beta, mode="drop")
        return (
            solution, residual, direction, jnp.where(active, after, gamma), step + 1, alphas, betas,
        )  # fmt: skip

    start = (
        jnp.zeros_like(right), right, right, norm**2, jnp.asarray(0), recorded, recorded * 0,
    )  # fmt: skip
    solution, _, _, _, steps, alphas, betas = jax.lax.while_loop(unfinished, advance, start)
    true = jnp.linalg.norm(right - multiply(solution), axis=0)
    relative = jnp.where(norm > 0, true / jnp.where(norm > 0, norm, 1.0), 0.0)
    return _Gradients(solution, relative, steps, alphas, betas)


def log_quadrature(
    alpha: Float[Array, "steps columns"], beta: Float[Array, "steps columns"]
) -> Float[Array, "2 columns"]:
    """e_1^T log(T) e_1 of the Lanczos matrix T of each column, v^T log(M) v for unit v.

    Returns
    -------
    From all steps, and from their first half.

    Notes
    -----
    Conjugate gradients and Lanczos build one Krylov space: T_kk = 1 / a_k + b_(k-1) / a_(k-1),
    T_k,k+1 = sqrt(b_k) / a_k. Columns that converged go on with the identity.
    """
    steps, columns = alpha.shape
    before = jnp.concatenate([jnp.zeros_like(beta[:1]), beta[:-1] / alpha[:-1]])
    off = jnp.sqrt(beta[:-1]) / alpha[:-1]
    # Uncoupled from the second half, T is its first half. Both in one decomposition: two that ran
    # side by side were seen to wait for each other without end, on two cores.
    off = jnp.concatenate([off, off.at[steps // 2 - 1].set(0)], axis=1)
    diagonal = jnp.tile(1 / alpha + before, 2)

    def one(diagonal: Array, off: Array) -> Array:
        T = jnp.diag(diagonal) + jnp.diag(off, 1) + jnp.diag(off, -1)
        values, vectors = jnp.linalg.eigh(T)
        # Far smaller Ritz values are rounding: noise keeps K away from zero.
        return jnp.sum(vectors[0] ** 2 * jnp.log(jnp.maximum(values, 1e-6)))

    return jax.vmap(one, in_axes=1)(diagonal, off).reshape(2, columns)


def iterative_solve(
    Q: Float[HostOrDevice, "variants components"],
    x: Float[HostOrDevice, " components"],
    d: Float[Array, " variants"],
    noise: Float[Array, " components"],
    key: PRNGKeyArray,
    options: Iterative = DEFAULT,
) -> IterativeSolve:
    """Solve with K = diag(noise) + Q^T diag(d) Q, never forming it.

    Parameters
    ----------
    Q, x, d, noise
        As for :func:`deepwas_app.core.likelihood.solve`.
    key
        Of the probes.
    options
        Probes, tolerance and iterations.

    Notes
    -----
    K is scaled to unit diagonal, K = S M S. That is the whole preconditioner: components are
    eigenvectors of LD, so K is nearly diagonal where most variants are scored; measured on a block
    of 6,000 variants and 1,746 components, the diagonal takes 15, 31, 65 iterations for weak,
    usual, strong signal, none at all 16, 33, 88, a Nystrom sketch of rank 128 (as many products
    with K again as the solve itself) 11, 24, 71.

    Probes v are random signs: log det K = 2 log det S + tr log M with tr log M = E[v^T log(M) v],
    and M^-1 = I + E[(M^-1 v - v) v^T], where the identity is taken exactly to save variance.

    References
    ----------
    Ubaru, Chen & Saad 2017, doi:10.1137/16M1104974; Gardner et al. 2018, arXiv:1809.11165.
    """
    Q, x = jnp.asarray(Q), jnp.asarray(x)
    with exact_products():
        diagonal = noise + d @ Q**2
        scale = jax.lax.rsqrt(diagonal)
        scaled = Q * scale
        noise_scaled = (noise * scale**2)[:, None]

        def multiply(columns: Array) -> Array:
            return noise_scaled * columns + scaled.T @ (d[:, None] * (scaled @ columns))

        probes = jax.random.rademacher(key, (len(x), options.probes), x.dtype)
        right = jnp.concatenate([(scale * x)[:, None], probes], axis=1)
        cg = conjugate_gradients(multiply, right, options.tolerance, options.max_iterations)
        white, extra = cg.solution[:, 0], cg.solution[:, 1:] - probes
        logs, early = len(x) * log_quadrature(cg.alpha[:, 1:], cg.beta[:, 1:])
        sampling, truncation = logs.std(ddof=1) / np.sqrt(options.probes), (logs - early).mean()
        shared = (scaled @ extra) * (scaled @ probes)
        return IterativeSolve(
            projected=scaled @ white,
            leverage=jnp.sum(scaled**2, axis=1) + shared.mean(axis=1),
            noise_projected=scale * white,
            noise_leverage=scale**2 * (1 + jnp.mean(extra * probes, axis=1)),
            log_det=jnp.sum(jnp.log(diagonal)) + logs.mean(),
            log_det_error=jnp.hypot(sampling, truncation),
            quadratic=jnp.sum(scale * x * white),
            residual=cg.residual.max(),
            iterations=cg.iterations,
        )


def converged(residual: Float[Array, "*blocks"], options: Iterative) -> Bool[Array, "*blocks"]:
    """Whether a solve of this measured residual may be trusted."""
    return residual <= SLACK * options.tolerance


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def gaussian_iterative(
    options: Iterative,
    Q: Float[Array, "variants components"],
    x: Float[Array, " components"],
    log_d: Float[Array, " variants"],
    noise: Float[Array, " components"],
    key: PRNGKeyArray,
) -> tuple[Float[Array, ""], Report]:
    """1/2 [log det K + x^T K^-1 x] by estimates, differentiable in `log_d` and `noise`.

    NaN, with NaN gradients, where the solve did not converge: never a silently wrong number.
    """
    return _iterative_forward(options, Q, x, log_d, noise, key)[0]


def _iterative_forward(
    options: Iterative, Q: Array, x: Array, log_d: Array, noise: Array, key: PRNGKeyArray
) -> tuple[tuple[Array, Report], tuple[Array, Array]]:
    d = jnp.exp(log_d)
    s = iterative_solve(Q, x, d, noise, key, options)
    trust = jnp.where(converged(s.residual, options), 1.0, jnp.nan).astype(x.dtype)
    grad_log_d = trust * 0.5 * d * (s.leverage - s.projected**2)
    grad_noise = trust * 0.5 * (s.noise_leverage - s.noise_projected**2)
    value = trust * 0.5 * (s.log_det + s.quadratic)
    report = Report(s.residual, s.iterations, 0.5 * s.log_det_error)
    return (value, report), (grad_log_d, grad_noise)


def _iterative_backward(
    options: Iterative, gradients: tuple[Array, Array], cotangent: tuple[Array, Any]
) -> tuple[None, None, Array, Array, None]:
    del options
    grad_log_d, grad_noise = gradients
    return None, None, cotangent[0] * grad_log_d, cotangent[0] * grad_noise, None


gaussian_iterative.defvjp(_iterative_forward, _iterative_backward)
