"""What is fitted to what, by which objective and in which way: settled before training."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import xarray as xr

from deepwas_app.core.fit import FitState
from deepwas_app.core.held_out import losses_by_block
from deepwas_app.core.jackknife import Estimate
from deepwas_app.core.objectives import Objective
from deepwas_app.core.priors import PRIORS, ConstantPrior, Model, Prior
from deepwas_app.core.rescale import rescaled, with_prior
from deepwas_app.workflow.runs.baseline import (
    baseline_model,
    has_common_noise,
    moment_model,
    own_constant,
    prepared,
)
from deepwas_app.workflow.runs.batches import (
    Batches,
    batch_plan,
    block_batches,
    standardisation,
)
from deepwas_app.workflow.runs.checkpoint import Checkpoint, gain_over_constant
from deepwas_app.workflow.runs.fitters import Fitter, fitter_of
from deepwas_app.workflow.runs.memory import MemoryPlan, memory_plan
from deepwas_app.workflow.runs.models import (
    blank_standardisation,
    build_prior,
    likelihood_of,
    noisy_model,
    objective_of,
)
from deepwas_app.workflow.runs.scoring import Scorer
from deepwas_app.workflow.runs.split import Split
from deepwas_app.workflow.settings import TrainSettings
from deepwas_app.workflow.studies.tracks import has_tracks, tracks_read


@dataclass(frozen=True, eq=False)
class Training:
    """One training, before it begins.

    Attributes
    ----------
    study, settings, split
        What is fitted, how, and to which LD blocks.
    own
        A prior that takes the place of the one that the settings name.
    """

    study: xr.Dataset
    settings: TrainSettings
    split: Split
    own: Prior | None = None

    @property
    def kind(self) -> type[Prior]:
        """The kind of prior, with its facts."""
        return PRIORS[self.settings.prior] if self.own is None else type(self.own)

    @property
    def fitter(self) -> Fitter:
        """How the prior is fitted."""
        return fitter_of(self.kind)

    @cached_property
    def objective(self) -> Objective:
        """What is minimised."""
        return objective_of(self.settings)

    @cached_property
    def memory(self) -> MemoryPlan | None:
        """Memory that a network takes; None for a prior of few parameters."""
        return memory_plan(self.study, self.settings, self.split, self.own)

    @property
    def is_baseline(self) -> bool:
        """Whether what is fitted is itself what gains are over."""
        own = self.kind.constant and self.objective.fits_baseline
        return own and has_common_noise(self.study, self.settings)

    @property
    def steps_per_epoch(self) -> int:
        """Steps of a pass over the training blocks."""
        plan = batch_plan(self.study, self.split.train, self.settings.batch_blocks)
        return self.fitter.steps_per_epoch(len(plan))

    @cached_property
    def train_batches(self) -> Batches:
        """Batches of the training blocks, before the objective prepares them."""
        return self.batches(self.split.train, marginal=self.objective.marginal)

    def batches(self, blocks: Sequence[int] | np.ndarray, *, marginal: bool = False) -> Batches:
        """Batches of some blocks as the prior needs them."""
        return block_batches(
            self.study,
            blocks,
            batch_blocks=self.settings.batch_blocks,
            memory=self.settings.memory,
            tracks=self.kind.reads_tracks and has_tracks(self.study),
            marginal=marginal,
        )

    def scorer(self) -> Scorer:
        """What scores models on the blocks that are held out."""
        return Scorer(
            self.settings,
            self.batches(self.split.test),
            self.batches(self.split.validation),
            self.study,
            self.fitter.keeps_best or self.objective.keeps_best,
            self.scored,
        )

    def scored(self, model: Model, known: Model) -> Model:
        """The model that is judged and kept, beginning from the noise of one that was before."""
        if not self.objective.has_intercept:
            return model
        return rescaled(model, self.train_batches.map(partial(with_prior, model)), known.log_s2)

    def prepared_batches(self, baseline: Model) -> Batches:
        """Batches of the training blocks as the objective needs them."""
        return prepared(self.train_batches, self.objective, baseline)

    def baseline(self) -> Model:
        """The constant model that gains are over; not fitted yet where that is what is trained."""
        if self.is_baseline:
            return moment_model(self.train_batches, self.settings)
        return baseline_model(self.study, self.train_batches)

    def start(self, baseline: Model) -> FitState:
        """The state that training begins from."""
        constant = baseline
        if not self.is_baseline:
            constant = own_constant(self.study, self.train_batches, self.settings)
        model = start_model(self.study, self.settings, self.split.train, constant, self.own)
        return self.fitter.start(model, self.settings, len(self.train_batches))

    def validation_gain(self, checkpoint: Checkpoint) -> Estimate | None:
        """Gain on the validation blocks in nats, which runs are chosen by; None without them."""
        blocks = self.split.validation
        if not len(blocks):
            return None
        batches, count = self.batches(blocks), self.study.sizes["blocks"]
        losses, constant = (
            losses_by_block(model, batches, count, likelihood_of(self.settings))
            for model in (checkpoint.best, checkpoint.baseline)
        )
        return gain_over_constant(losses, constant, blocks)

    def waited(self, best: Checkpoint, epoch: int) -> bool:
        """Whether the validation chromosomes have been predicted no better for long enough."""
        if not self.settings.validation_chromosomes:
            return False
        return epoch - int(best.best_epoch) >= self.settings.patience


def start_model(
    study: xr.Dataset,
    settings: TrainSettings,
    blocks: Sequence[int] | np.ndarray,
    start: Model,
    own: Prior | None = None,
) -> Model:
    """The model of some settings before training, with the level and noise of a constant one.

    Parameters
    ----------
    study, blocks
        The study, and the LD blocks that are trained on.
    settings
        What to train.
    start
        The constant model.
    own
        A prior that takes the place of the one that the settings name.
    """
    assert isinstance(start.prior, ConstantPrior)
    level = float(start.prior.level)
    if own is not None:
        return noisy_model(settings, own.at_level(level), start.s2, start.kappa, start.alpha)
    window, tracks = tracks_read(PRIORS[settings.prior], study)
    prior = build_prior(
        settings,
        standardisation(study, blocks),
        level=level,
        window=window,
        # Tracks are standardised where they are read.
        standardise_tracks=blank_standardisation(tracks) if tracks else None,
    )
    return noisy_model(settings, prior, start.s2, start.kappa, start.alpha)
