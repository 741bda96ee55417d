"""The data of a study as a fit of it needs them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics.store import open_study_store
from deepwas_app.workflow.runs.baseline import baseline_model, prepared
from deepwas_app.workflow.runs.batches import Batches, block_batches, block_slice
from deepwas_app.workflow.runs.fitted import Fitted
from deepwas_app.workflow.runs.models import objective_of
from deepwas_app.workflow.runs.split import usable_blocks
from deepwas_app.workflow.settings import TrainSettings
from deepwas_app.workflow.studies.tracks import block_tracks

_BATCH = 4
# Blocks and variants that a prior which reads tracks is averaged over.
_TRACK_BLOCKS, _TRACK_VARIANTS = 16, 512


def check_on_disk(study: xr.Dataset) -> None:
    """Raise InputError if an open study was moved, removed or built anew since it was opened."""
    path = study.attrs["path"]
    if not Path(path).exists():
        raise InputError(f"{path}: is no longer there. Open the study where it is now.")
    if open_study_store(path).attrs["content_hash"] != study.attrs["content_hash"]:
        raise InputError(f"{path}: was built anew since it was opened. Open it again.")


def run_batches(
    study: xr.Dataset,
    run: Fitted | None,
    blocks: Sequence[int] | np.ndarray,
    *,
    tracks: bool = True,
    marginal: bool = False,
) -> Batches:
    """Batches of some blocks as a run's prior needs them.

    Parameters
    ----------
    study
        The run's study.
    run
        None: as the default settings are.
    blocks
        Numbers of the blocks.
    tracks
        Whether to bring the tracks that the prior reads, if it reads any.
    marginal
        Whether to bring z-scores, for LD score regression.
    """
    settings = TrainSettings() if run is None else run.settings
    return block_batches(
        study,
        blocks,
        batch_blocks=_BATCH,
        memory=settings.memory,
        tracks=tracks and run is not None and run.tracks > 0,
        marginal=marginal,
    )


def training_batches(study: xr.Dataset, run: Fitted) -> Batches:
    """The training blocks of a run, as its objective and its prior need them.

    Raises
    ------
    InputError
        If the study was moved or changed since it was opened.
    """
    check_on_disk(study)
    objective = objective_of(run.settings)
    batches = run_batches(study, run, run.train_blocks, marginal=objective.marginal)
    if not objective.marginal:
        return batches
    return prepared(batches, objective, baseline_model(study, batches))


def spread_variants(
    study: xr.Dataset, run: Fitted, most: int
) -> tuple[np.ndarray, np.ndarray | None]:
    """Variants spread over the genome, to average a prior over.

    Parameters
    ----------
    study, run
        The run and its study.
    most
        At most so many; fewer where the prior reads tracks, whose windows are large.

    Returns
    -------
    Annotations (variants, annotations), and the tracks around them (variants, window, tracks) or
    None.
    """
    annotations = study["variant_annotation"].values
    if not run.tracks:
        return annotations[_spread(len(annotations), most)], None
    usable = usable_blocks(study)
    blocks = usable[_spread(len(usable), _TRACK_BLOCKS)]
    values, windows = [], []
    for b in blocks:
        own = annotations[block_slice(study, b)]
        rows = _spread(len(own), _TRACK_VARIANTS // len(blocks))
        values.append(own[rows])
        windows.append(block_tracks(study, int(b))[rows])
    return np.concatenate(values), np.concatenate(windows)


def _spread(count: int, most: int) -> np.ndarray:
    return np.linspace(0, count - 1, min(count, most)).astype(int)
