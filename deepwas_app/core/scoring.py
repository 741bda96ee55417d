"""Fisher scoring of models of few parameters, as a generator of steps over all LD blocks."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from deepwas_app.core.batch import BlockBatch, EveryNth
from deepwas_app.core.fit import FitState, FitStep, NonFiniteLossError
from deepwas_app.core.objectives import (
    FULL_LIKELIHOOD,
    Information,
    Objective,
    flatten,
)
from deepwas_app.core.priors import Model, limits, ridge_precision
from deepwas_app.core.ridge import dispersion, learned_precision


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
                if step == 1:
                    # It is where it should be.
                    state = FitState(state.model, state.optimiser, jnp.asarray(step))
                    yield FitStep(state, step, step, loss / variants, True)
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
