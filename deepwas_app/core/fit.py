"""Fitting as a generator: it yields after every step and knows no thread, file or screen."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, PyTree

from deepwas_app.core.batch import BlockBatch
from deepwas_app.core.objectives import (
    FULL_LIKELIHOOD,
    BlockLosses,
    Objective,
)
from deepwas_app.core.priors import Model, bounded, trainable


class FitState(eqx.Module):
    """Everything that training goes on from.

    Attributes
    ----------
    model
        The model after `step` steps.
    optimiser
        State of the optimiser.
    step
        Steps done.
    """

    model: Model
    optimiser: PyTree
    step: Array


class FitStep(eqx.Module):
    """One step of training, as seen from outside.

    Attributes
    ----------
    state
        After the step.
    step, epoch
        Counted from 1.
    loss
        Loss before the step, per scored variant of its blocks; nats for the full likelihood.
    last_of_epoch
        Whether every block has now been seen once more.
    error
        Monte-Carlo standard error of `loss`; 0 where nothing was estimated.
    residual, iterations
        The largest of this step's iterative solves; 0 where nothing was iterated.
    """

    state: FitState
    step: int
    epoch: int
    loss: float
    last_of_epoch: bool
    error: float = 0.0
    residual: float = 0.0
    iterations: int = 0


class NonFiniteLossError(FloatingPointError):
    """Training met a loss that is not a number; `state` is the last good one."""

    def __init__(self, state: FitState, blocks: Sequence[int]):
        super().__init__(
            f"the likelihood is not finite in LD block {', '.join(map(str, blocks))} "
            f"at step {int(state.step) + 1}: lower the learning rate"
        )
        self.state = state


# Cached, so that a second run of the same schedule finds its step compiled.
@cache
def optimiser(learning_rate: float, steps: int) -> optax.GradientTransformation:
    """AdamW with clipping, a short warm-up and a cosine decay over `steps` steps."""
    warmup = min(max(steps // 20, 1), 100)
    schedule = optax.warmup_cosine_decay_schedule(
        learning_rate / 10, learning_rate, warmup, max(steps, warmup + 1), learning_rate / 100
    )
    return optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(schedule, weight_decay=1e-4))


def start_adam(model: Model, learning_rate: float, steps: int) -> FitState:
    """State to begin :func:`fit_adam` from."""
    trained = eqx.filter(model, trainable(model))
    return FitState(model, optimiser(learning_rate, steps).init(trained), jnp.asarray(0))


class _Seen(NamedTuple):
    """What the loop looks at after a step."""

    loss: Array
    error: Array
    residual: Array
    iterations: Array


# The schedule depends on the number of steps, so the transformation is an argument, not a global.
@eqx.filter_jit
def _adam_step(
    state: FitState,
    batch: BlockBatch,
    variants: Array,
    transformation: optax.GradientTransformation,
    objective: Objective,
) -> tuple[FitState, _Seen, BlockLosses]:
    trained, fixed = eqx.partition(state.model, trainable(state.model))
    # New probes at every step, the same ones when the step is done again.
    key = jax.random.fold_in(jax.random.key(0), state.step)

    def loss(trained: Model) -> tuple[Array, BlockLosses]:
        found = objective.losses(eqx.combine(trained, fixed), batch, key)
        return found.loss.sum() / variants, found

    (_, found), gradient = jax.value_and_grad(loss, has_aux=True)(trained)
    updates, inner = transformation.update(gradient, state.optimiser, trained)
    model = eqx.combine(optax.apply_updates(trained, updates), fixed)
    # The intercept of a regression may be anything.
    model = model if objective.marginal else bounded(model)
    counted = jnp.maximum(batch.counted.sum(), 1)
    seen = _Seen(
        loss=found.loss.sum() / counted,
        error=jnp.linalg.norm(found.error) / counted,
        residual=found.residual.max(),
        iterations=found.iterations.max(),
    )
    return FitState(model, inner, state.step + 1), seen, found


def fit_adam(
    state: FitState,
    batches_of_epoch: Callable[[int], Iterable[BlockBatch]],
    *,
    batches_per_epoch: int,
    variants: int,
    epochs: int,
    learning_rate: float,
    objective: Objective = FULL_LIKELIHOOD,
) -> Iterator[FitStep]:
    """Minimise an objective by AdamW on mini-batches of whole blocks; learned noise is bounded.

    Parameters
    ----------
    state
        From :func:`start_adam`, or one that an earlier call yielded: the trajectory is the same.
    batches_of_epoch
        The batches of epoch e, in the order in which they are used. Must depend on e only.
    batches_per_epoch, epochs, learning_rate
        Length and step size of the schedule.
    variants
        Scored variants of an epoch. Every batch is divided by its mean share of them, so that a
        variant weighs as much in a batch of small blocks as in one of large blocks.
    objective
        What is minimised.

    Yields
    ------
    FitStep

    Raises
    ------
    NonFiniteLossError
        When a block's likelihood is not finite.
    UnconvergedError
        When an iterative solve did not converge.
    """
    objective.check(state.model)
    transformation = optimiser(learning_rate, epochs * batches_per_epoch)
    share = jnp.asarray(max(variants, 1) / batches_per_epoch)
    done = int(state.step)
    for epoch in range(done // batches_per_epoch, epochs):
        for i, batch in enumerate(batches_of_epoch(epoch)):
            step = epoch * batches_per_epoch + i + 1
            if step <= done:
                continue
            after, seen, found = _adam_step(state, batch, share, transformation, objective)
            seen = jax.device_get(seen)
            if not np.isfinite(seen.loss):
                index = np.asarray(batch.index)
                objective.check_converged(found, index)
                bad = index[~np.isfinite(np.asarray(found.loss))]
                raise NonFiniteLossError(state, bad.tolist())
            state = after
            yield FitStep(
                state,
                step,
                epoch + 1,
                float(seen.loss),
                i + 1 == batches_per_epoch,
                float(seen.error),
                float(seen.residual),
                int(seen.iterations),
            )
