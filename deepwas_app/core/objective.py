"""What is minimised: the likelihood of a batch of blocks or a regression, to second order."""

import abc
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int, PRNGKeyArray

from deepwas_app.core.batch import BlockBatch, map_blocks
from deepwas_app.core.block import HostOrDevice
from deepwas_app.core.iterative import (
    DEFAULT,
    Iterative,
    Report,
    UnconvergedError,
    converged,
)
from deepwas_app.core.ldsr import expected_chi2, mismatch, squared_ld
from deepwas_app.core.likelihood import (
    Solver,
    inverse_cholesky,
    likelihood_with_report,
    noise_variance,
)
from deepwas_app.core.priors import Model, trainable


def log_prior_variance(model: Model, batch: BlockBatch) -> Float[Array, "blocks variants"]:
    """Log d_j = log f(a_j) + log N_j + alpha log p_j (1 - p_j)."""
    if model.prior.by_block and batch.annotations.ndim > 2:
        return map_blocks(model.prior, batch.annotations, batch.tracks) + batch.log_scale
    return model.prior(batch.annotations, batch.tracks) + batch.log_scale


class BlockLosses(NamedTuple):
    """Losses of the blocks of a batch, and how well iterative solves of them went.

    Attributes
    ----------
    loss
        (blocks,), nats. NaN where a solve did not converge.
    error
        Monte-Carlo standard error of the loss, (blocks,), nats; 0 where nothing is estimated.
    residual, iterations
        (blocks,); 0 where nothing was iterated.
    """

    loss: Float[Array, " blocks"]
    error: Float[Array, " blocks"]
    residual: Float[Array, " blocks"]
    iterations: Int[Array, " blocks"]


class Objective(eqx.Module):
    """What training minimises; settings of the computation only, so that it is hashable."""

    @abc.abstractmethod
    def losses(self, model: Model, batch: BlockBatch, key: PRNGKeyArray) -> BlockLosses:
        """Loss of each block, differentiable in the model. `key` is for estimates."""

    @abc.abstractmethod
    def information(
        self, parameters: Float[Array, " parameters"], unravel, batch: BlockBatch
    ) -> "Information":
        """Loss, score and Fisher information of each block, for models of few parameters."""


class FullLikelihood(Objective):
    """Negative log-likelihood.

    Attributes
    ----------
    solver, options
        See :func:`negative_log_likelihood`. Second derivatives always come from Cholesky factors.
    """

    solver: Solver = eqx.field(static=True, default="auto")
    options: Iterative = eqx.field(static=True, default=DEFAULT)

    def losses(self, model, batch, key):
        noise = noise_variance(batch.block.eigenvalues, model.s2, model.kappa)

        def one(block, log_d, noise, index):
            value, report = likelihood_with_report(
                block,
                log_d,
                noise,
                solver=self.solver,
                options=self.options,
                key=jax.random.fold_in(key, index),
            )
            return value, report

        log_d = log_prior_variance(model, batch)
        loss, report = map_blocks(one, batch.block, log_d, noise, batch.index)
        return BlockLosses(loss, report.loss_error, report.residual, report.iterations)

    def information(self, parameters, unravel, batch):
        return information(parameters, unravel, batch)


FULL_LIKELIHOOD = FullLikelihood()


def check_converged(
    found: BlockLosses | Report, index: Int[HostOrDevice, " blocks"], objective: Objective
) -> None:
    """Raise an :class:`UnconvergedError` that names the blocks whose solves went wrong."""
    if not isinstance(objective, FullLikelihood):
        return
    bad = ~np.asarray(converged(found.residual, objective.options))
    if bad.any():
        worst = float(np.asarray(found.residual)[bad].max())
        steps = int(np.asarray(found.iterations)[bad].max())
        raise UnconvergedError(worst, steps, tuple(np.asarray(index)[bad].tolist()))


class LDScoreRegression(Objective):
    """Weighted squares of z_j^2 - E[z_j^2]; batches must carry weights, see core.ldsr.

    Notes
    -----
    sum_j w_j (z_j^2 - s2 - kappa h_j - sum_k r_jk^2 d_k)^2 / 2. Regression cannot tell kappa from
    s2, so kappa should be fixed. The variance of a prior that is linear in its annotations may be
    negative here, as it may in the field's own programs.

    References
    ----------
    Finucane et al. 2015, doi:10.1038/ng.3404.
    """

    def losses(self, model, batch, key):
        del key
        d = prior_variance(model, batch)

        def one(block, d, marginal):
            expected = expected_chi2(block, d, marginal.people, model.s2, model.kappa)
            return 0.5 * jnp.sum(marginal.weight * (marginal.z**2 - expected) ** 2)

        loss = map_blocks(one, batch.block, d, batch.marginal)
        zero = jnp.zeros_like(loss)
        return BlockLosses(loss, zero, zero, jnp.zeros(loss.shape, jnp.int32))

    def information(self, parameters, unravel, batch):
        def variances(flat, part):
            model = unravel(flat)
            terms = prior_variance(model, part), model.s2, model.kappa
            return terms, terms

        def one(part):
            slopes, (d, s2, kappa) = jax.jacfwd(variances, has_aux=True)(parameters, part)
            # One product per parameter would cost more than the squared LD matrix itself.
            squared = squared_ld(part.block.Q, part.marginal.people)
            h = mismatch(part.block)
            with jax.default_matmul_precision("float32"):
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
    return model.prior.signed(batch.annotations, batch.tracks) * jnp.exp(batch.log_scale)


def block_losses(
    model: Model, batch: BlockBatch, objective: Objective | None = None
) -> Float[Array, " blocks"]:
    """Loss of each block in nats, by default the negative log-likelihood."""
    objective = FULL_LIKELIHOOD if objective is None else objective
    return objective.losses(model, batch, jax.random.key(0)).loss


class Information(NamedTuple):
    """Likelihood of blocks to second order in a model's parameters.

    Attributes
    ----------
    loss
        Negative log-likelihood of each block, (blocks,), nats.
    score
        Its gradient, (blocks, parameters).
    fisher
        Expected information summed over the blocks, (parameters, parameters).
    """

    loss: Float[Array, " blocks"]
    score: Float[Array, "blocks parameters"]
    fisher: Float[Array, "parameters parameters"]


def information(parameters: Float[Array, " parameters"], unravel, batch: BlockBatch) -> Information:
    """Loss, score and Fisher information of each block, for models of few parameters.

    Parameters
    ----------
    parameters
        Flat trained parameters, (parameters,).
    unravel
        Flat parameters to :class:`Model`, see :func:`flatten`.
    batch
        The blocks.

    Notes
    -----
    With the noise as further "variants" of unit loading, K = sum_i w_i q_i q_i^T, and the
    information is 1/2 J^T (G o G) J, where G = Q K^-1 Q^T and J = d w / d theta.
    """

    def variances(flat, log_scale, annotations, tracks, eigenvalues):
        model = unravel(flat)
        d = jnp.exp(model.prior(annotations, tracks) + log_scale)
        noise = noise_variance(eigenvalues, model.s2, model.kappa)
        return jnp.concatenate([d, noise]), (d, noise)

    def one(block, log_scale, annotations, tracks):
        jacobian, (d, noise) = jax.jacfwd(variances, has_aux=True)(
            parameters, log_scale, annotations, tracks, block.eigenvalues
        )
        inverse = inverse_cholesky(block.Q, d, noise)
        with jax.default_matmul_precision("float32"):
            loadings = jnp.concatenate([block.Q @ inverse.T, inverse.T])
            G = loadings @ loadings.T
            white = inverse @ block.x
            projected = loadings @ white
            score = 0.5 * jacobian.T @ (jnp.diagonal(G) - projected**2)
            fisher = 0.5 * jacobian.T @ (G**2 @ jacobian)
        components = jnp.sum(jnp.isfinite(block.eigenvalues))
        half_log_det = -jnp.sum(jnp.log(jnp.diagonal(inverse)))
        loss = half_log_det + 0.5 * jnp.sum(white**2) + 0.5 * jnp.log(2 * jnp.pi) * components
        return loss, score, fisher

    loss, score, fisher = map_blocks(
        one, batch.block, batch.log_scale, batch.annotations, batch.tracks
    )
    return Information(loss, score, fisher.sum(axis=0))


def flatten(model: Model):
    """Flat trained parameters of a model, and the way back to the model."""
    trained, fixed = eqx.partition(model, trainable(model))
    flat, unravel = ravel_pytree(trained)
    return flat, lambda parameters: eqx.combine(unravel(parameters), fixed)
