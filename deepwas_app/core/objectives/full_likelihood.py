"""The negative log-likelihood of LD blocks as an objective, to second order."""

from collections.abc import Callable
from itertools import pairwise

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from deepwas_app.core.batch import BlockBatch, map_blocks
from deepwas_app.core.block import HostOrDevice, WhitenedBlock
from deepwas_app.core.iterative import DEFAULT, Iterative, Report, UnconvergedError, converged
from deepwas_app.core.likelihood import (
    Solver,
    inverse_cholesky,
    likelihood_with_report,
    noise_variance,
)
from deepwas_app.core.objectives.base import (
    OBJECTIVES,
    BlockLosses,
    Information,
    Objective,
    log_prior_variance,
)
from deepwas_app.core.priors import Model
from deepwas_app.core.ways import exact_products

# Into so many stripes of rows G is cut, unless it has few.
_STRIPES, _SMALL = 4, 256


@OBJECTIVES.add
class FullLikelihood(Objective):
    """Negative log-likelihood.

    Attributes
    ----------
    solver, options
        See :func:`negative_log_likelihood`. Second derivatives always come from Cholesky factors.
    """

    name = "likelihood"
    label = "Full likelihood"
    doc = "the full likelihood"
    order = 0
    fits_baseline = True

    solver: Solver = eqx.field(static=True, default="auto")
    options: Iterative = eqx.field(static=True, default=DEFAULT)

    @classmethod
    def build(
        cls,
        *,
        solver: Solver = "auto",
        probes: int = DEFAULT.probes,
        max_iterations: int = DEFAULT.max_iterations,
    ) -> "FullLikelihood":
        return cls(solver, Iterative(probes=probes, max_iterations=max_iterations))

    def losses(self, model: Model, batch: BlockBatch, key: PRNGKeyArray) -> BlockLosses:
        def one(block: WhitenedBlock, log_d: Array, index: Array) -> tuple[Array, Report]:
            noise = noise_variance(block, jnp.exp(log_d), model.s2, model.kappa)
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
        loss, report = map_blocks(one, batch.block, log_d, batch.index)
        return BlockLosses(loss, report.loss_error, report.residual, report.iterations)

    def information(
        self, parameters: Array, unravel: Callable[[Array], Model], batch: BlockBatch
    ) -> Information:
        return information(parameters, unravel, batch)

    def check_converged(self, found: BlockLosses | Report, index: HostOrDevice) -> None:
        bad = ~np.asarray(converged(found.residual, self.options))
        if bad.any():
            worst = float(np.asarray(found.residual)[bad].max())
            steps = int(np.asarray(found.iterations)[bad].max())
            raise UnconvergedError(worst, steps, tuple(np.asarray(index)[bad].tolist()))


FULL_LIKELIHOOD = FullLikelihood()


def block_losses(
    model: Model, batch: BlockBatch, objective: Objective | None = None
) -> Float[Array, " blocks"]:
    """Loss of each block in nats, by default the negative log-likelihood."""
    objective = FULL_LIKELIHOOD if objective is None else objective
    return objective.losses(model, batch, jax.random.key(0)).loss


def information(
    parameters: Float[Array, " parameters"],
    unravel: Callable[[Array], Model],
    batch: BlockBatch,
) -> Information:
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

    def variances(flat: Array, part: BlockBatch) -> tuple[Array, tuple[Array, Array]]:
        model = unravel(flat)
        d = jnp.exp(log_prior_variance(model, part))
        noise = noise_variance(part.block, d, model.s2, model.kappa)
        return jnp.concatenate([d, noise]), (d, noise)

    def one(part: BlockBatch) -> tuple[Array, Array, Array]:
        block = part.block
        jacobian, (d, noise) = jax.jacfwd(variances, has_aux=True)(parameters, part)
        inverse = inverse_cholesky(block.Q, d, noise)
        with exact_products():
            loadings = jnp.concatenate([block.Q @ inverse.T, inverse.T])
            white = inverse @ block.x
            projected = loadings @ white
            score = 0.5 * jacobian.T @ (jnp.sum(loadings**2, axis=1) - projected**2)
            fisher = 0.5 * _squared_form(loadings, jacobian)
        components = jnp.sum(jnp.isfinite(block.eigenvalues))
        half_log_det = -jnp.sum(jnp.log(jnp.diagonal(inverse)))
        loss = half_log_det + 0.5 * jnp.sum(white**2) + 0.5 * jnp.log(2 * jnp.pi) * components
        return loss, score, fisher

    loss, score, fisher = map_blocks(one, batch)
    return Information(loss, score, fisher.sum(axis=0))


def _squared_form(
    loadings: Float[Array, "rows components"], jacobian: Float[Array, "rows parameters"]
) -> Float[Array, "parameters parameters"]:
    """J^T (G o G) J with G = L L^T, stripe by stripe of rows, and each half of G once."""
    rows = loadings.shape[0]
    edges = (
        [rows * stripe // _STRIPES for stripe in range(_STRIPES + 1)]
        if rows > _SMALL
        else [0, rows]
    )
    total = jnp.zeros((jacobian.shape[1],) * 2, jacobian.dtype)
    for start, stop in pairwise(edges):
        own, rest = slice(start, stop), slice(stop, rows)
        square = (loadings[own] @ loadings[own].T) ** 2
        total = total + jacobian[own].T @ (square @ jacobian[own])
        if stop < rows:
            across = (loadings[own] @ loadings[rest].T) ** 2
            part = jacobian[own].T @ (across @ jacobian[rest])
            total = total + part + part.T
    return total
