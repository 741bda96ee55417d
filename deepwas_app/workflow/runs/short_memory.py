"""Going on with smaller batches where the device has no memory left."""

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from deepwas_app.core.fit import FitState
from deepwas_app.workflow.runs.checkpoint import Checkpoint
from deepwas_app.workflow.runs.training import Training
from deepwas_app.workflow.settings import TrainSettings, plain


def halved(settings: TrainSettings, times: int = 1) -> TrainSettings:
    """Settings with batches of half as many LD blocks, and half as much kept on the device."""
    smaller = {
        "batch_blocks": max(settings.batch_blocks >> times, 1),
        "memory": settings.memory / 2**times,
    }
    return TrainSettings(**(plain(settings) | smaller))


def short_of_memory(settings: TrainSettings) -> str:
    """For people: what became of the batches."""
    return (
        "the memory of the device was used up: trained on with --batch-blocks "
        f"{settings.batch_blocks} and --memory {settings.memory:g}"
    )


def with_smaller_batches(
    task: Training, checkpoint: Checkpoint | None
) -> tuple[Training, Checkpoint | None]:
    """A training with batches half as large, and what it goes on from: after the same epochs."""
    smaller = replace(task, settings=halved(task.settings))
    if checkpoint is None:
        return smaller, None
    before, after = (each.steps_per_epoch for each in (task, smaller))
    done = int(checkpoint.state.step)
    state = _counted(checkpoint.state, done, done // before * after)
    return smaller, eqx.tree_at(lambda c: c.state, checkpoint, state)


def _counted(state: FitState, done: int, instead: int) -> FitState:
    """A state whose counts of steps are others: they are its only whole numbers."""

    def count(leaf: Array) -> Array:
        is_count = jnp.ndim(leaf) == 0 and jnp.issubdtype(jnp.result_type(leaf), jnp.integer)
        return jnp.asarray(instead, leaf.dtype) if is_count and int(leaf) == done else leaf

    return FitState(
        state.model, jax.tree.map(count, state.optimiser), jnp.asarray(instead, state.step.dtype)
    )
