"""A fit in memory: one step of training, and the results that can be read off it."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.core.priors import Model, Prior
from deepwas_app.errors import InputError
from deepwas_app.genetics.content import content_hash
from deepwas_app.summary_card import card
from deepwas_app.workflow.runs.checkpoint import Checkpoint, held_out_table
from deepwas_app.workflow.runs.split import Split
from deepwas_app.workflow.runs.summary import summarise
from deepwas_app.workflow.runs.summary_facts import summary_facts
from deepwas_app.workflow.runs.training import Training
from deepwas_app.workflow.settings import TrainSettings


@dataclass(frozen=True, eq=False, kw_only=True)
class Fit:
    """A fit in memory, for all that a run from disk serves for.

    Attributes
    ----------
    study, settings, split
        What was fitted, how, and to which LD blocks.
    checkpoint
        The model and its held-out losses; None in the middle of an epoch.
    """

    study: xr.Dataset
    settings: TrainSettings
    split: Split
    checkpoint: Checkpoint | None = None

    @property
    def name(self) -> str:
        """What tables call it."""
        return self.settings.prior

    @property
    def path(self) -> str:
        """What messages call it."""
        return f"the fit of {self.name} to {self.study.attrs['path']}"

    @property
    def finished(self) -> bool:
        """Whether there is a model."""
        return self.checkpoint is not None

    @property
    def study_hash(self) -> str:
        """Of the content of the study that was fitted."""
        return content_hash(self.study)

    @property
    def train_blocks(self) -> list[int]:
        """Numbers of the LD blocks that were trained on."""
        return self.split.train.tolist()

    @property
    def test_blocks(self) -> list[int]:
        """Numbers of the LD blocks that were held out."""
        return self.split.test.tolist()

    @property
    def prior_type(self) -> type[Prior]:
        """The kind of prior, with its facts."""
        return type(self.model().prior)

    @property
    def folds(self) -> list[Self]:
        """None: folds are trained into run folders."""
        return []

    @property
    def tracks(self) -> int:
        """Number of tracks that the prior reads."""
        mean = self.model().prior.mean_tracks()
        return 0 if mean is None else len(mean)

    def own_study(self) -> xr.Dataset:
        """The study that was fitted."""
        return self.study

    def check_study(self, study: xr.Dataset) -> None:
        """Raise InputError unless this is the study that was fitted."""
        if content_hash(study) != self.study_hash:
            raise InputError(f"{self.path}: is of another study than {study.attrs['path']}.")

    def model(self) -> Model:
        """The fitted model.

        Raises
        ------
        InputError
            In the middle of an epoch.
        """
        return self._known().best

    blank_model = model

    def blocks(self) -> pd.DataFrame:
        """Held-out blocks: block, chromosome, start, stop, variants, loss, constant_loss (nats)."""
        return held_out_table(self.study, self.split.test, self._known())

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Parameters, heritability, noise and held-out gain."""
        own = self._known().best.prior
        task = Training(self.study, self.settings, self.split, own)
        return summarise(self.name, task, self._known())

    def _known(self) -> Checkpoint:
        if self.checkpoint is None:
            raise InputError(f"{self.path}: has no model at this step. Take the last one.")
        return self.checkpoint


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class TrainStep(Fit):
    """One step of training; at the end of an epoch it is a :class:`Fit` with a model.

    Attributes
    ----------
    step, steps
        Steps done and steps planned (an upper bound for constant and linear priors).
    epoch, epochs
        Passes over the training blocks.
    train_loss
        Negative log-likelihood in nats per scored variant, of this step's blocks.
    held_out_gain, held_out_gain_se
        Gain over the constant prior on the held-out blocks, nats per scored variant; measured
        once an epoch, None in between and where nothing is held out.
    fraction
        How far training is, 0 to 1.
    seconds_left
        Estimate; None at first.
    message
        For people.
    validation_loss
        Nats per scored variant of the validation chromosomes; None in between and without them.
    error
        Monte-Carlo standard error of `train_loss`; 0 where nothing was estimated.
    residual, iterations
        The largest of this step's iterative solves; 0 where nothing was iterated.
    noise
        s2 and kappa of the model, where the step is without it.
    """

    epochs: int
    message: str
    step: int = 0
    steps: int = 0
    epoch: int = 0
    train_loss: float = np.nan
    held_out_gain: float | None = None
    held_out_gain_se: float | None = None
    fraction: float = 0.0
    seconds_left: float | None = None
    validation_loss: float | None = None
    error: float = 0.0
    residual: float = 0.0
    iterations: int = 0
    noise: tuple[float, float] | None = None

    def __repr__(self) -> str:
        return f"TrainStep({self.name} prior, {self.message})"

    def _repr_html_(self) -> str:
        facts = summary_facts(self) if self.checkpoint else {"So far": self.message}
        return card(f"Fit of a {self.name} prior", {"Study": self.study.attrs.get("title")} | facts)

    def light(self) -> Self:
        """The step without its model and its study, for those who keep many."""
        noise = None
        if self.checkpoint is not None:
            best = self.checkpoint.best
            noise = float(best.s2), float(best.kappa)
        return replace(self, study=xr.Dataset(), checkpoint=None, noise=noise)
