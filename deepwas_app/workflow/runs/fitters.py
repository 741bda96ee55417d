"""The two ways in which a prior is fitted, each with the settings that it takes."""

import abc
from collections.abc import Iterator
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Float

from deepwas_app.core.batch import shuffled_order
from deepwas_app.core.fit import FitState, FitStep, fit_adam, start_adam
from deepwas_app.core.objectives import OBJECTIVES, Objective
from deepwas_app.core.priors import Model, Prior, ridge_precision
from deepwas_app.core.ridge import USUAL_DEVIATION
from deepwas_app.core.scoring import fit_scoring, start_scoring
from deepwas_app.workflow.runs.batches import Batches
from deepwas_app.workflow.settings import TrainSettings

SCORING_STEPS = 50


class Fitter(abc.ABC):
    """A way to fit a prior.

    Attributes
    ----------
    knobs
        Names of the settings that it takes.
    seeded
        Whether chance has a part in it.
    keeps_best
        Whether the epoch that predicts the validation chromosomes best is kept.
    """

    knobs: ClassVar[tuple[str, ...]] = ()
    seeded: ClassVar[bool] = False
    keeps_best: ClassVar[bool] = False

    @abc.abstractmethod
    def epochs(self, settings: TrainSettings) -> int:
        """At most so many passes over the training blocks."""

    @abc.abstractmethod
    def steps_per_epoch(self, batches: int) -> int:
        """Steps of a pass over so many batches."""

    @abc.abstractmethod
    def start(self, model: Model, settings: TrainSettings, batches: int) -> FitState:
        """The state that training begins from, with so many batches."""

    @abc.abstractmethod
    def steps(
        self, state: FitState, batches: Batches, settings: TrainSettings, objective: Objective
    ) -> Iterator[FitStep]:
        """Go on from a state."""


class Adam(Fitter):
    """AdamW on mini-batches in random order, with as many epochs as the settings say."""

    knobs = ("learning_rate", "epochs", "batch_blocks", "seed")
    seeded = True
    keeps_best = True

    def epochs(self, settings: TrainSettings) -> int:
        return settings.epochs

    def steps_per_epoch(self, batches: int) -> int:
        return batches

    def start(self, model: Model, settings: TrainSettings, batches: int) -> FitState:
        return start_adam(model, settings.learning_rate, settings.epochs * batches)

    def steps(
        self, state: FitState, batches: Batches, settings: TrainSettings, objective: Objective
    ) -> Iterator[FitStep]:
        count = len(batches)
        return fit_adam(
            state,
            lambda epoch: batches.in_order(shuffled_order(count, settings.seed, epoch)),
            batches_per_epoch=count,
            variants=batches.scored,
            epochs=settings.epochs,
            learning_rate=settings.learning_rate,
            objective=objective,
        )


class Scoring(Fitter):
    """Fisher scoring over all blocks, which goes to the one optimum and stops by itself."""

    def epochs(self, settings: TrainSettings) -> int:
        return SCORING_STEPS

    def steps_per_epoch(self, batches: int) -> int:
        return 1

    def start(self, model: Model, settings: TrainSettings, batches: int) -> FitState:
        return start_scoring(model)

    def steps(
        self, state: FitState, batches: Batches, settings: TrainSettings, objective: Objective
    ) -> Iterator[FitStep]:
        precision = coefficient_precision(state.model, settings)
        return fit_scoring(
            state, batches, precision=precision, steps=SCORING_STEPS, objective=objective
        )


def coefficient_precision(
    model: Model, settings: TrainSettings
) -> Float[np.ndarray, " parameters"] | Literal["learned"]:
    """The normal prior on a model's coefficients that the settings ask for."""
    deviation = settings.coefficient_sd
    if deviation is None:
        # Regression of z-scores in LD on each other is no likelihood to learn it from.
        if not OBJECTIVES[settings.objective].marginal:
            return "learned"
        deviation = USUAL_DEVIATION
    return np.asarray(ridge_precision(model, deviation))


FITTERS: dict[str, Fitter] = {"adam": Adam(), "scoring": Scoring()}


def fitter_of(prior: type[Prior]) -> Fitter:
    """How a prior is fitted."""
    return FITTERS[prior.fitted_by]
