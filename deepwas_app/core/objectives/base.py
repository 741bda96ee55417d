"""What an objective is, and what training asks of it."""

import abc
import inspect
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int, PRNGKeyArray

from deepwas_app.core.batch import BlockBatch, map_blocks
from deepwas_app.core.block import HostOrDevice
from deepwas_app.core.iterative import Report
from deepwas_app.core.priors import Model, trainable
from deepwas_app.registry import Registry


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


class Objective(eqx.Module):
    """What training minimises; settings of the computation only, so that it is hashable.

    Attributes
    ----------
    name, label
        For settings and records, and for people.
    doc
        What it is, as the help text says it after the name.
    order
        Where it stands in lists.
    fits_baseline
        Whether the constant prior fitted by it is the one that held-out gains are over.
    marginal
        Whether batches must carry z-scores, see :class:`Marginal`, and are prepared.
    has_intercept
        Whether the s2 of training is an intercept of its own that no likelihood knows. A model is
        then judged, and used, with the level and s2 that the likelihood finds for the shape of its
        prior; kappa is kept as the likelihood finds it with the constant prior.
    keeps_best
        Whether the model that predicts the validation chromosomes best is kept also where training
        goes to the one optimum of the objective, because that is not the best model.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    doc: ClassVar[str] = ""
    order: ClassVar[float] = 100
    fits_baseline: ClassVar[bool] = False
    marginal: ClassVar[bool] = False
    has_intercept: ClassVar[bool] = False
    keeps_best: ClassVar[bool] = False

    @classmethod
    def build(cls) -> "Objective":
        """The objective of some settings. Keywords are settings, by their names."""
        return cls()

    @classmethod
    def knobs(cls) -> tuple[str, ...]:
        """Names of the settings that :meth:`build` takes."""
        return tuple(inspect.signature(cls.build).parameters)

    def check(self, model: Model) -> None:
        """Raise ValueError for a model that cannot be fitted by this objective."""

    def prepare(self, baseline: Model, batch: BlockBatch) -> BlockBatch:
        """The batch with what the objective needs of the constant prior, if anything."""
        del baseline
        return batch

    @abc.abstractmethod
    def losses(self, model: Model, batch: BlockBatch, key: PRNGKeyArray) -> BlockLosses:
        """Loss of each block, differentiable in the model. `key` is for estimates."""

    @abc.abstractmethod
    def information(
        self,
        parameters: Float[Array, " parameters"],
        unravel: Callable[[Array], Model],
        batch: BlockBatch,
    ) -> Information:
        """Loss, score and Fisher information of each block, for models of few parameters."""

    def check_converged(
        self, found: BlockLosses | Report, index: Int[HostOrDevice, " blocks"]
    ) -> None:
        """Raise an :class:`UnconvergedError` that names the blocks whose solves went wrong."""


OBJECTIVES: Registry[type[Objective]] = Registry("objectives", "deepwas_app.core.objectives")


def make_objective(name: str, **settings: Any) -> Objective:
    """An objective of the registry; settings that it does not know are left aside.

    Raises
    ------
    InputError
        For an unknown name.
    """
    kind = OBJECTIVES[name]
    return kind.build(**{knob: settings[knob] for knob in kind.knobs() if knob in settings})


def log_prior_variance(model: Model, batch: BlockBatch) -> Float[Array, "*blocks variants"]:
    """Log d_j, d_j = N_j v_j and what lead variants of strong loci have of their own.

    See :meth:`Model.log_variance` for v_j.
    """
    inputs = batch.annotations, batch.log_heterozygosity, batch.tracks
    if model.prior.by_block and batch.annotations.ndim > 2:
        log_d = map_blocks(model.log_variance, *inputs) + batch.log_n
    else:
        log_d = model.log_variance(*inputs) + batch.log_n
    if batch.own is None:
        return log_d
    strong = batch.own > 0
    # The slope of logaddexp is NaN where both are -inf, as they would be where padded.
    own = jnp.log(jnp.where(strong, batch.own, 1.0))
    return jnp.where(strong, jnp.logaddexp(log_d, own), log_d)


def flatten(model: Model) -> tuple[Array, Callable[[Array], Model]]:
    """Flat trained parameters of a model, and the way back to the model."""
    trained, fixed = eqx.partition(model, trainable(model))
    flat, unravel = ravel_pytree(trained)
    return flat, lambda parameters: eqx.combine(unravel(parameters), fixed)
