"""Posterior of variant effects, by the same solve as the likelihood."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from deepwas_app.core.batch import BlockBatch, map_blocks
from deepwas_app.core.block import WhitenedBlock
from deepwas_app.core.iterative import DEFAULT, Iterative, Report, converged, iterative_solve
from deepwas_app.core.likelihood import Solver, choose_solver, noise_variance, solve
from deepwas_app.core.objectives import FULL_LIKELIHOOD, FullLikelihood, log_prior_variance
from deepwas_app.core.priors import Model


class Posterior(NamedTuple):
    """Posterior of b_j = sqrt(N_j) beta_j, in units of z.

    Attributes
    ----------
    mean, variance
        (..., variants).
    """

    mean: Float[Array, "*blocks variants"]
    variance: Float[Array, "*blocks variants"]


def posterior(
    block: WhitenedBlock,
    log_d: Float[Array, " variants"],
    *,
    s2: ArrayLike = 1.0,
    kappa: ArrayLike = 0.0,
    solver: Solver = "auto",
    options: Iterative = DEFAULT,
) -> Posterior:
    """Posterior mean and variance of every variant of one block, scored or not.

    Parameters
    ----------
    block, log_d, s2, kappa, solver, options
        As for :func:`negative_log_likelihood`. The iterative solver gives the mean to its
        tolerance and an estimate of the variance; NaN where it did not converge.

    Notes
    -----
    mean = d_j q_j^T K^-1 x; variance = d_j - d_j^2 q_j^T K^-1 q_j.
    """
    noise = noise_variance(block, jnp.exp(log_d), s2, kappa)
    return _with_report(block, log_d, noise, solver, options)[0]


def _with_report(
    block: WhitenedBlock, log_d: Array, noise: Array, solver: Solver, options: Iterative
) -> tuple[Posterior, Report]:
    d, noise = jnp.exp(log_d), noise.astype(block.x.dtype)
    if choose_solver(solver, block.x.shape[-1]) == "exact":
        s = solve(block.Q, block.x, d, noise)
        zero = jnp.zeros((), block.x.dtype)
        found = Posterior(d * s.projected, jnp.maximum(d - d**2 * s.leverage, 0.0))
        return found, Report(zero, jnp.asarray(0), zero)
    t = iterative_solve(block.Q, block.x, d, noise, jax.random.key(0), options)
    d = jnp.where(converged(t.residual, options), d, jnp.nan)
    found = Posterior(d * t.projected, jnp.clip(d - d**2 * t.leverage, 0.0, d))
    return found, Report(t.residual, t.iterations, 0.5 * t.log_det_error)


def batch_posterior(
    model: Model, batch: BlockBatch, likelihood: FullLikelihood = FULL_LIKELIHOOD
) -> Posterior:
    """Posterior of every variant of a batch, (blocks, variants), by a likelihood's solver.

    Raises
    ------
    UnconvergedError
        If an iterative solve did not converge.
    """
    found, report = _batch_posterior(model, batch, likelihood)
    likelihood.check_converged(report, batch.index)
    return found


@eqx.filter_jit
def _batch_posterior(
    model: Model, batch: BlockBatch, likelihood: FullLikelihood
) -> tuple[Posterior, Report]:
    def one(block: WhitenedBlock, log_d: Array, noise: Array) -> tuple[Posterior, Report]:
        return _with_report(block, log_d, noise, likelihood.solver, likelihood.options)

    log_d = log_prior_variance(model, batch)
    noise = noise_variance(batch.block, jnp.exp(log_d), model.s2, model.kappa)
    return map_blocks(one, batch.block, log_d, noise)
