"""Posterior of variant effects, by the same solve as the likelihood."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from deepwas_app.core.batch import BlockBatch, map_blocks
from deepwas_app.core.block import WhitenedBlock
from deepwas_app.core.likelihood import noise_variance, solve
from deepwas_app.core.objective import log_prior_variance
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
) -> Posterior:
    """Posterior mean and variance of every variant of one block, scored or not.

    Parameters
    ----------
    block, log_d, s2, kappa
        As for :func:`negative_log_likelihood`.

    Notes
    -----
    mean = d_j q_j^T K^-1 x; variance = d_j - d_j^2 q_j^T K^-1 q_j.
    """
    d = jnp.exp(log_d)
    s = solve(block.Q, block.x, d, noise_variance(block.eigenvalues, s2, kappa))
    return Posterior(d * s.projected, jnp.maximum(d - d**2 * s.leverage, 0.0))


@eqx.filter_jit
def batch_posterior(model: Model, batch: BlockBatch) -> Posterior:
    """Posterior of every variant of a batch, (blocks, variants)."""

    def one(block, log_d):
        return posterior(block, log_d, s2=model.s2, kappa=model.kappa)

    return map_blocks(one, batch.block, log_prior_variance(model, batch))
