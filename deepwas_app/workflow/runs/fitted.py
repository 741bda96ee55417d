"""What results are read off: a fit, from disk or in memory."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd
import xarray as xr

if TYPE_CHECKING:
    from deepwas_app.core.priors import Model, Prior
    from deepwas_app.workflow.settings import TrainSettings


class Fitted(Protocol):
    """A fit of one study: a run from disk, or the last step of a fit in memory.

    Attributes
    ----------
    name, path
        What tables call it, and what messages call it.
    settings
        What was fitted.
    prior_type
        The kind of prior, with its facts.
    study_hash
        Of the content of the study that was fitted.
    train_blocks, test_blocks
        Numbers of the LD blocks that were trained on and held out.
    folds
        Fits of the same prior that each left some chromosomes out, which they are used at; none
        without cross-fitting.
    tracks
        Number of tracks that the prior reads.
    finished
        Whether it went to its end.
    summary
        Parameters, heritability, noise and held-out gain.
    """

    @property
    def name(self) -> str: ...
    @property
    def path(self) -> Path | str: ...
    @property
    def settings(self) -> "TrainSettings": ...
    @property
    def prior_type(self) -> "type[Prior]": ...
    @property
    def study_hash(self) -> str: ...
    @property
    def train_blocks(self) -> list[int]: ...
    @property
    def test_blocks(self) -> list[int]: ...
    @property
    def folds(self) -> "Sequence[Fitted]": ...
    @property
    def tracks(self) -> int: ...
    @property
    def finished(self) -> bool: ...
    @property
    def summary(self) -> dict[str, Any]: ...

    def own_study(self) -> xr.Dataset:
        """The study that was fitted, opened where it was."""

    def check_study(self, study: xr.Dataset) -> None:
        """Raise InputError unless this is the study that was fitted."""

    def model(self) -> "Model":
        """The fitted model."""

    def blank_model(self) -> "Model":
        """A model of that shape, its numbers of no account."""

    def blocks(self) -> pd.DataFrame:
        """Held-out blocks: block, chromosome, start, stop, variants, loss, constant_loss (nats)."""
