"""What is minimised: the full likelihood of a batch of blocks, and its Fisher information."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from deepwas_app.core.batch import BlockBatch, map_blocks
from deepwas_app.core.likelihood import (
    inverse_cholesky,
    negative_log_likelihood,
    noise_variance,
)
from deepwas_app.core.priors import Model, trainable


def log_prior_variance(model: Model, batch: BlockBatch) -> Float[Array, "blocks variants"]:
    """Log d_j = log f(a_j) + log N_j + alpha log p_j (1 - p_j)."""
    return model.prior(batch.annotations) + batch.log_scale


def block_losses(model: Model, batch: BlockBatch) -> Float[Array, " blocks"]:
    """Negative log-likelihood of each block, in nats."""

    def loss(block, log_d):
        return negative_log_likelihood(block, log_d, s2=model.s2, kappa=model.kappa)

    return map_blocks(loss, batch.block, log_prior_variance(model, batch))


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

    def variances(flat, log_scale, annotations, eigenvalues):
        model = unravel(flat)
        d = jnp.exp(model.prior(annotations) + log_scale)
        noise = noise_variance(eigenvalues, model.s2, model.kappa)
        return jnp.concatenate([d, noise]), (d, noise)

    def one(block, log_scale, annotations):
        jacobian, (d, noise) = jax.jacfwd(variances, has_aux=True)(
            parameters, log_scale, annotations, block.eigenvalues
        )
        inverse = inverse_cholesky(block.Q, d, noise)
        with jax.default_matmul_precision("float32"):
            loadings = jnp.concatenate([block.Q @ inverse.T, inverse.T])
            G = loadings @ loadings.T
            projected = loadings @ (inverse @ block.x)
            score = 0.5 * jacobian.T @ (jnp.diagonal(G) - projected**2)
            fisher = 0.5 * jacobian.T @ (G**2 @ jacobian)
        components = jnp.sum(jnp.isfinite(block.eigenvalues))
        loss = (
            -jnp.sum(jnp.log(jnp.diagonal(inverse)))
            + 0.5 * jnp.sum((inverse @ block.x) ** 2)
            + 0.5 * jnp.log(2 * jnp.pi) * components
        )
        return loss, score, fisher

    loss, score, fisher = map_blocks(one, batch.block, batch.log_scale, batch.annotations)
    return Information(loss, score, fisher.sum(axis=0))


def flatten(model: Model):
    """Flat trained parameters of a model, and the way back to the model."""
    trained, fixed = eqx.partition(model, trainable(model))
    flat, unravel = ravel_pytree(trained)
    return flat, lambda parameters: eqx.combine(unravel(parameters), fixed)
