"""Fitting as a generator: it yields after every step and knows no thread, file or screen."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, PyTree

from deepwas_app.core.batch import BlockBatch, EveryNth
from deepwas_app.core.objectives import (
    FULL_LIKELIHOOD,
    BlockLosses,
    Information,
    Objective,
    flatten,
)
from deepwas_app.core.priors import Model, bounded, limits, ridge_precision, trainable
from deepwas_app.core.ridge import dispersion, learned_precision


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


class Scoring(NamedTuple):
    """What Fisher scoring goes on from, beside the model.

    Attributes
    ----------
    damping
        Of the next step.
    precision
        Of the normal prior on coefficients where it is learned, as it was at the last step.
    """

    damping: Array
    precision: Array


# One in so many batches is fitted first, where there are enough.
DRAFT = 8
# Steps before which the precision of the normal prior is still learned.
SETTLED = 5


def start_scoring(model: Model) -> FitState:
    """State to begin :func:`fit_scoring` from."""
    return FitState(model, Scoring(jnp.asarray(1e-3), jnp.asarray(0.0)), jnp.asarray(0))


@eqx.filter_jit
def _information(model: Model, batch: BlockBatch, objective: Objective) -> Information:
    flat, unravel = flatten(model)
    return objective.information(flat, unravel, batch)


class Total(NamedTuple):
    """A loss to second order over all batches, float64 on the host.

    Attributes
    ----------
    loss
        Nats.
    gradient
        (parameters,).
    fisher
        Fisher information, (parameters, parameters).
    scores
        The gradient of each block, (blocks, parameters).
    """

    loss: np.float64
    gradient: np.ndarray
    fisher: np.ndarray
    scores: np.ndarray


def total_information(
    model: Model, batches: Iterable[BlockBatch], objective: Objective = FULL_LIKELIHOOD
) -> Total:
    """Loss, gradient and Fisher information over all batches."""
    loss, fisher = np.float64(0.0), np.zeros((1, 1))
    scores = [np.zeros((0, 1))]
    for batch in batches:
        part = _information(model, batch, objective)
        loss = loss + np.asarray(part.loss, np.float64).sum()
        scores.append(np.asarray(part.score, np.float64)[np.asarray(batch.index) >= 0])
        fisher = fisher + np.asarray(part.fisher, np.float64)
    by_block = np.concatenate(scores[1:] or scores)
    return Total(loss, by_block.sum(axis=0), fisher, by_block)


def fit_scoring(
    state: FitState,
    batches: Sequence[BlockBatch],
    *,
    precision: Float[np.ndarray, " parameters"] | float | Literal["learned"] = 0.0,
    steps: int = 50,
    tolerance: float = 1e-2,
    objective: Objective = FULL_LIKELIHOOD,
) -> Iterator[FitStep]:
    """Fit a model of few parameters by damped Fisher scoring.

    Parameters
    ----------
    state
        From :func:`start_scoring`.
    batches
        All training blocks; every step uses all of them.
    precision
        Of a normal prior about 0 on each parameter, see :func:`ridge_precision`; "learned": that
        of the coefficients that the prior wants shrunk, by :func:`learned_precision` in the first
        steps. Learned noise has its own, and its ends, see :func:`limits`.
    steps
        At most this many.
    tolerance
        Stop before a step that is expected to gain less than this many nats in all.
    objective
        What is minimised; for LD score regression this is Gauss and Newton's method.

    Yields
    ------
    FitStep

    Raises
    ------
    NonFiniteLossError
        When a block's likelihood is not finite.

    Notes
    -----
    theta <- theta - (I + t diag I)^-1 g, with t lowered after a step that helped and raised after
    one that did not (Levenberg-Marquardt). It converges in a few passes over the data and leaves
    no learning rate to choose. Of many batches an eighth is fitted first, see :func:`_draft`.
    """
    objective.check(state.model)
    first, unravel = flatten(state.model)
    low, high, own = limits(state.model)
    if objective.marginal:
        # Nor has it ends here, and a prior means nothing beside squares.
        low, high, own = low - np.inf, high + np.inf, 0 * own
    start = np.clip(np.asarray(first, np.float64), low, high)
    shrunk = np.asarray(ridge_precision(state.model, 1.0)) > 0
    variants = sum(int(batch.counted.sum()) for batch in batches)

    learns = isinstance(precision, str) and bool(shrunk.any())
    fixed = own + (0.0 if isinstance(precision, str) else precision)

    def learned(step: int, before: float, found: Total) -> Array:
        if not learns or step > SETTLED:
            return jnp.asarray(before, dtype)
        with_own = found.gradient + own * flat, found.fisher + np.diag(own)
        spread = dispersion(found.scores[:, shrunk], found.fisher[np.ix_(shrunk, shrunk)])
        now = learned_precision(flat, *with_own, shrunk, spread)
        # Half of the way up, and never down again: it and the coefficients would go round each
        # other, and many that fit noise would seem to ask for a wider prior.
        return jnp.asarray(now if step == 1 else max(before, np.sqrt(before * now)), dtype)

    dtype = jnp.result_type(float)
    # A coefficient that nothing holds may be gone for good on a part of the blocks.
    pulled = learns or bool((fixed[shrunk] > 0).all())
    drafted = _draft(state, batches, precision, objective) if pulled else None
    for flat in (start,) if drafted is None else (drafted, start):
        found = total_information(unravel(jnp.asarray(flat, dtype)), batches, objective)
        if np.isfinite(found.loss) and np.isfinite(found.gradient).all():
            break
    else:
        raise NonFiniteLossError(state, _broken_blocks(state.model, batches, objective))
    damping, common = (float(part) for part in state.optimiser)
    for step in range(int(state.step) + 1, steps + 1):
        loss, gradient, fisher, _ = found
        kept = learned(step, common, found)
        common = float(kept)
        ridge = fixed + common * shrunk
        target = loss + 0.5 * (ridge * flat**2).sum()
        gradient, fisher = gradient + ridge * flat, fisher + np.diag(ridge)
        # A parameter without information (a log variance at its lower edge) must not blow up.
        least = 1e-8 * np.trace(fisher)
        # Nor does one at its end push on.
        held = ((flat <= low) & (gradient > 0)) | ((flat >= high) & (gradient < 0))
        gradient, fisher = np.where(held, 0, gradient), np.where(held | held[:, None], 0, fisher)
        while True:
            damped = fisher + np.diag(least + damping * (least + np.diag(fisher)))
            move = -np.linalg.solve(damped, gradient)
            # Asked before a step, so that a fit which is gone on with stops where it had stopped.
            if step > 1 and -gradient @ move < tolerance:
                return
            # Each on its own: one that runs off to its edge must not hold up the others.
            move = np.clip(move, -3.0, 3.0)
            trained = jnp.asarray(np.clip(flat + move, low, high), dtype)
            model = unravel(trained)
            # Rounded as the model is, so that a resumed fit goes on from the same numbers.
            moved = np.asarray(trained, np.float64)
            found = total_information(model, batches, objective)
            reached = found[0] + 0.5 * (ridge * moved**2).sum()
            # A rise within the rounding of float32 sums is not a rise.
            if reached <= target + 1e-7 * abs(target):
                break
            damping = damping * 10
            if damping > 1e6:
                return
        flat = moved
        scoring = Scoring(jnp.asarray(max(damping / 10, 1e-6)), kept)
        state = FitState(model, scoring, jnp.asarray(step))
        damping = float(scoring.damping)
        yield FitStep(state, step, step, loss / variants, True)


def _draft(
    state: FitState,
    batches: Sequence[BlockBatch],
    precision: np.ndarray | float | Literal["learned"],
    objective: Objective,
) -> np.ndarray | None:
    """Flat parameters of a fit of a share of the batches; None where they are few, or it began.

    Most of the way is done there for a fraction of the work. Nothing goes further than a unit, so
    that what is chance in a part of the blocks leaves information behind in the whole.
    """
    stride = min(DRAFT, len(batches) // 4)
    # A share of more than a fourth would cost as much as it saves.
    if int(state.step) or stride < 4:
        return None
    model = state.model
    for step in fit_scoring(
        state, EveryNth(batches, stride), precision=precision, tolerance=0.1, objective=objective
    ):
        model = step.state.model
    start, there = (np.asarray(flatten(each)[0], np.float64) for each in (state.model, model))
    return np.asarray(np.clip(there, start - 1, start + 1))


def _broken_blocks(model: Model, batches: Sequence[BlockBatch], objective: Objective) -> list[int]:
    return [
        int(index)
        for batch in batches
        for index, value in zip(
            batch.index, _information(model, batch, objective).loss, strict=True
        )
        if not np.isfinite(value)
    ]
