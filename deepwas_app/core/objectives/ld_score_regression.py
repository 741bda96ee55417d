"""LD score regression as an objective, for comparison with the likelihood."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from deepwas_app.core.batch import BlockBatch, Marginal, map_blocks
from deepwas_app.core.block import WhitenedBlock
from deepwas_app.core.ldsr import expected_chi2, mismatch, squared_ld, with_weights
from deepwas_app.core.objectives.base import (
    OBJECTIVES,
    BlockLosses,
    Information,
    Objective,
    log_prior_variance,
)
from deepwas_app.core.priors import Model
from deepwas_app.core.ways import exact_products


@OBJECTIVES.add
class LDScoreRegression(Objective):
    """Weighted squares of z_j^2 - E[z_j^2]; batches carry weights, see core.ldsr.

    Notes
    -----
    sum_j w_j (z_j^2 - s2 - kappa h_j - sum_k r_jk^2 d_k)^2 / 2. Regression cannot tell kappa from
    s2, so kappa must be fixed. s2 is the free intercept, learned from the noise of the likelihood
    on. It may run off with the signal (with the constant prior to 3 on the built-in simulated
    study, where the truth is 1). So that this is not held against the prior, models are judged and
    kept with the level and s2 that are likeliest for their shape, see
    :func:`deepwas_app.core.rescale.rescaled`: a help that the field's own programs do not give.
    The variance of a prior that is linear in its annotations may be negative here, as it may in
    those.

    References
    ----------
    Finucane et al. 2015, doi:10.1038/ng.3404.
    """

    name = "ldsr"
    label = "LD score regression"
    doc = "LD score regression's weighted fit with a free intercept"
    order = 1
    marginal = True
    has_intercept = True
    # Regression under a log link has its optimum where a few large z-scores pull it.
    keeps_best = True

    def check(self, model: Model) -> None:
        if model.learn_kappa:
            raise ValueError("LD score regression cannot tell kappa from s2: fix kappa")

    @eqx.filter_jit
    def prepare(self, baseline: Model, batch: BlockBatch) -> BlockBatch:
        return with_weights(batch, jnp.exp(log_prior_variance(baseline, batch)), baseline.s2)

    def losses(self, model: Model, batch: BlockBatch, key: PRNGKeyArray) -> BlockLosses:
        del key
        d = prior_variance(model, batch)

        def one(block: WhitenedBlock, d: Array, marginal: Marginal) -> Array:
            expected = expected_chi2(block, d, marginal.people, model.s2, model.kappa)
            return 0.5 * jnp.sum(marginal.weight * (marginal.z**2 - expected) ** 2)

        loss = map_blocks(one, batch.block, d, batch.marginal)
        zero = jnp.zeros_like(loss)
        return BlockLosses(loss, zero, zero, jnp.zeros(loss.shape, jnp.int32))

    def information(
        self, parameters: Array, unravel: Callable[[Array], Model], batch: BlockBatch
    ) -> Information:
        def variances(flat: Array, part: BlockBatch) -> tuple[Any, Any]:
            model = unravel(flat)
            terms = prior_variance(model, part), model.s2, model.kappa
            return terms, terms

        def one(part: Any) -> tuple[Array, Array, Array]:
            slopes, (d, s2, kappa) = jax.jacfwd(variances, has_aux=True)(parameters, part)
            # One product per parameter would cost more than the squared LD matrix itself.
            squared = squared_ld(part.block.Q, part.marginal.people)
            h = mismatch(part.block)
            with exact_products():
                jacobian = -(squared @ slopes[0] + slopes[1] + jnp.outer(h, slopes[2]))
                r = part.marginal.z**2 - s2 - kappa * h - squared @ d
                weighted = part.marginal.weight[:, None] * jacobian
                loss = 0.5 * jnp.sum(part.marginal.weight * r**2)
                return loss, weighted.T @ r, weighted.T @ jacobian

        loss, score, fisher = map_blocks(one, batch)
        return Information(loss, score, fisher.sum(axis=0))


def prior_variance(model: Model, batch: BlockBatch) -> Float[Array, "*blocks variants"]:
    """d_j itself, signed for priors that are linear in their annotations."""
    if model.prior.by_block:
        return jnp.exp(log_prior_variance(model, batch))
    v = model.signed_variance(batch.annotations, batch.log_heterozygosity, batch.tracks)
    d = v * jnp.exp(batch.log_n)
    return d if batch.own is None else d + batch.own
