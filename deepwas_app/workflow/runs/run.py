"""A training run on disk: settings, metrics, weights and held-out losses in one folder.

NAME.run/ holds ``run.json`` (settings, study, summary), ``metrics.parquet`` (one row an epoch),
``blocks.parquet`` (held-out losses by LD block), ``weights.eqx`` and, until the run is finished,
``checkpoint.eqx`` (weights, optimiser state, step). Files are replaced whole, never edited.
"""

import hashlib
import io
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import equinox as eqx
import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.core.priors import PRIORS, Model, Prior
from deepwas_app.errors import InputError
from deepwas_app.genetics.content import check_annotations, content_hash
from deepwas_app.genetics.patterns import only
from deepwas_app.genetics.writing import written
from deepwas_app.summary_card import card
from deepwas_app.versions import versions
from deepwas_app.workflow.runs.checkpoint import Checkpoint, held_out_table, without_fixed
from deepwas_app.workflow.runs.folds import fold_path
from deepwas_app.workflow.runs.models import blank_standardisation, build_prior, noisy_model
from deepwas_app.workflow.runs.run_files import (
    BLOCKS,
    CHECKPOINT,
    METRICS_FILE,
    RECORD,
    WEIGHTS,
    is_half_made,
    read_file,
    replace_files,
)
from deepwas_app.workflow.runs.split import Split, settings_split
from deepwas_app.workflow.runs.summary_facts import summary_facts
from deepwas_app.workflow.settings import TrainSettings, plain
from deepwas_app.workflow.studies.builtin import open_study
from deepwas_app.workflow.studies.tracks import tracks_read
from deepwas_app.workflow.tables import json_text

METRICS = ("step", "epoch", "train_loss", "held_out_gain", "held_out_gain_se", "validation_loss")


@dataclass(frozen=True, eq=False)
class Run:
    """A run folder, opened for reading.

    Attributes
    ----------
    path, settings
        Where it is, and what was trained.
    study_path, study_hash, study_title
        The study, by path, content and name.
    annotations
        Names of the annotations, in order.
    train_blocks, test_blocks, validation_blocks
        Numbers of the LD blocks; none where the record does not say.
    tracks, window
        Number of tracks that the prior reads, and positions of their window.
    halvings
        How often batches were made half as large as the settings say, for want of memory.
    versions
        Of the software that trained it; none of runs before 0.2.0.
    summary
        Results; empty until the run is finished.
    """

    path: Path
    settings: TrainSettings
    study_path: str
    study_hash: str
    study_title: str
    annotations: list[str]
    train_blocks: list[int]
    test_blocks: list[int]
    summary: dict[str, Any]
    validation_blocks: list[int] = field(default_factory=list)
    tracks: int = 0
    window: int = 1
    halvings: int = 0
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The folder's name without .run."""
        return self.path.name.removesuffix(".run")

    @property
    def finished(self) -> bool:
        """Whether training went to its end."""
        return bool(self.summary)

    def _repr_html_(self) -> str:
        status = "" if self.finished else " (not finished)"
        facts = {"Study": self.study_title, "Path": self.path} | summary_facts(self)
        return card(f"Run {self.name}{status}", facts)

    @cached_property
    def folds(self) -> "list[Run]":
        """The runs of its folds; none without cross-fitting."""
        count = self.summary.get("folds", 0)
        return [open_run(fold_path(self.path, number + 1)) for number in range(count)]

    @property
    def prior_type(self) -> type[Prior]:
        """The kind of prior, with its facts."""
        return PRIORS[self.settings.prior]

    def split(self, study: xr.Dataset) -> Split:
        """The run's own split of a study, whatever its settings would choose by now."""
        if not self.train_blocks:
            return settings_split(study, self.settings)
        return Split(
            np.array(self.train_blocks, int),
            np.array(self.test_blocks, int),
            np.array(self.validation_blocks, int),
        )

    def own_study(self) -> xr.Dataset:
        """The study that the run was trained on, where it was then.

        Raises
        ------
        InputError
            If it was moved.
        """
        if self.study_path.endswith(".zarr") and not Path(self.study_path).exists():
            raise InputError(
                f"{self.path}: its study {self.study_path} is no longer there. "
                "Say where it is now with --study."
            )
        return open_study(self.study_path)

    def check_study(self, study: xr.Dataset) -> None:
        """Raise InputError unless the run was trained on just this study."""
        if content_hash(study) == self.study_hash:
            return
        # Without them the contents are others too, which would name the wrong remedy.
        check_annotations(study)
        then, now = len(self.annotations), study.sizes["annotations"]
        other = f" with {then} annotations" if then != now else ""
        this = f", which has {now}" if then != now else ""
        raise InputError(
            f"{self.path}: this run was trained on another study ({self.study_path}){other}, not "
            f"on {study.attrs['path']} as it is now{this}. Name that study, or train again."
        )

    def check_settings(self, wanted: Mapping[str, Any]) -> None:
        """Raise InputError unless the run was begun with these settings, by name."""
        own = plain(self.settings)
        other = [f"{k} {own[k]}, not {v}" for k, v in wanted.items() if own[k] != v]
        if other:
            raise InputError(
                f"{self.path}: was begun with other settings ({'; '.join(other)}). Go on with "
                "those, or choose another -o."
            )

    def metrics(self) -> pd.DataFrame:
        """One row an epoch: step, epoch, and in nats a variant the loss, gain and its error.

        The attribute ``blocks`` is the number of LD blocks that were held out.
        """
        table = _read_table(self.path, METRICS_FILE)
        table.attrs["blocks"] = len(self.test_blocks)
        return table

    def blocks(self) -> pd.DataFrame:
        """Held-out blocks: block, chromosome, start, stop, variants, loss, constant_loss (nats)."""
        return _read_table(self.path, BLOCKS)

    def model(self) -> Model:
        """The fitted model."""
        try:
            return _read_leaves(self.path, WEIGHTS, self.blank_model())
        except FileNotFoundError:
            raise InputError(
                f"{self.path / WEIGHTS}: missing. Go on with --resume, or train again."
            ) from None

    def weights_hash(self) -> str:
        """SHA-256 of the file of the model; empty where there is none yet."""
        try:
            return hashlib.sha256(read_file(self.path, WEIGHTS)).hexdigest()
        except FileNotFoundError:
            return ""

    def blank_model(self) -> Model:
        """A model of this run's shape, to be overwritten."""
        prior = build_prior(
            self.settings,
            blank_standardisation(len(self.annotations)),
            window=self.window,
            standardise_tracks=blank_standardisation(self.tracks) if self.tracks else None,
        )
        return noisy_model(self.settings, prior, 1.0, 1.0)


def open_run(path: str | Path) -> Run:
    """Open a run folder.

    Parameters
    ----------
    path
        A folder, NAME.run.

    Returns
    -------
    Run

    Raises
    ------
    InputError
        If it is not a run folder.
    """
    path = Path(only(path))
    record = path / RECORD
    try:
        content = json.loads(read_file(path, RECORD))
        # Runs before 0.2.0 were trained without.
        settings = TrainSettings(**{"tower": False} | content["settings"])
        summary = content["summary"]
        if summary:
            # Runs before 0.2.0 say it in their settings only.
            summary.setdefault("alpha", settings.alpha)
        if summary and not content.get("train_blocks"):
            raise ValueError("it does not say on which LD blocks it was trained")
        return Run(
            path=path,
            settings=settings,
            study_path=content["study"]["path"],
            study_hash=content["study"]["content_hash"],
            study_title=content["study"]["title"],
            annotations=content["annotations"],
            train_blocks=content.get("train_blocks", []),
            test_blocks=content.get("test_blocks", []),
            summary=summary,
            validation_blocks=content.get("validation_blocks", []),
            tracks=content.get("tracks", 0),
            window=content.get("window", 1),
            halvings=content.get("halvings", 0),
            versions=content.get("versions", {}),
        )
    except FileNotFoundError:
        raise InputError(
            f"{path}: not a run folder (no run.json). Make one with: deepwas train STUDY -o {path}"
        ) from None
    except InputError:
        raise
    except (ValueError, KeyError, TypeError, NotADirectoryError) as problem:
        raise InputError(
            f"{record}: not the record of a run ({problem}). Train again into a new folder."
        ) from None


def create_run(path: Path, study: xr.Dataset, settings: TrainSettings, split: Split) -> None:
    """Make a run folder with its settings.

    Raises
    ------
    InputError
        If something is there already, unless it is what a kill has left before the first epoch.
    """
    if path.exists() and not is_half_made(path):
        raise InputError(
            f"{path}: exists already. Choose another -o, or go on from it with --resume."
        )
    with written(path):
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
    window, tracks = tracks_read(PRIORS[settings.prior], study)
    write_record(
        path,
        {
            "settings": plain(settings),
            "study": {
                "path": study.attrs["path"],
                "content_hash": content_hash(study),
                "title": study.attrs["title"],
            },
            "annotations": study["annotation"].values.tolist(),
            **_record(split),
            "window": window,
            "tracks": tracks,
            "versions": versions(),
            "summary": {},
        },
    )


def _record(split: Split) -> dict[str, list[int]]:
    return {f"{part}_blocks": blocks.tolist() for part, blocks in split._asdict().items()}


def save_checkpoint(path: Path, checkpoint: Checkpoint, metrics: list[dict[str, Any]]) -> None:
    """Keep where training is."""
    table = pd.DataFrame(metrics, columns=METRICS)
    replace_files(
        path,
        {
            METRICS_FILE: _parquet(table),
            WEIGHTS: _leaves(checkpoint.best),
            CHECKPOINT: _leaves(checkpoint),
        },
    )


def save_halvings(path: Path, halvings: int, checkpoint: Checkpoint | None) -> None:
    """Keep that batches are smaller by now, and the checkpoint that counts steps by them."""
    content = json.loads(read_file(path, RECORD))
    files = {} if checkpoint is None else {CHECKPOINT: _leaves(checkpoint)}
    replace_files(path, {RECORD: _text(content | {"halvings": halvings}), **files})


def read_checkpoint(path: Path, skeleton: Checkpoint) -> Checkpoint | None:
    """The last checkpoint of a run, None if it has none. `skeleton` has its shapes."""
    try:
        return _read_leaves(path, CHECKPOINT, skeleton)
    except FileNotFoundError:
        return None


def finish_run(
    path: Path, study: xr.Dataset, split: Split, checkpoint: Checkpoint, summary: dict[str, Any]
) -> Run:
    """Write the held-out losses and the summary; from here the run counts as finished."""
    content = json.loads(read_file(path, RECORD))
    replace_files(
        path,
        {
            BLOCKS: _parquet(held_out_table(study, split.test, checkpoint)),
            RECORD: _text(content | _record(split) | {"summary": summary}),
            CHECKPOINT: None,
        },
    )
    return open_run(path)


def drop_checkpoint(path: Path) -> None:
    """Remove the checkpoint of a finished run, which a kill at its very end may have left."""
    if (path / CHECKPOINT).exists():
        replace_files(path, {CHECKPOINT: None})


def drop_if_empty(path: Path) -> None:
    """Remove a run folder that ended before its first checkpoint."""
    if is_half_made(path):
        shutil.rmtree(path, ignore_errors=True)


def write_record(path: Path, content: dict[str, Any]) -> None:
    """Write what a run says of itself."""
    replace_files(path, {RECORD: _text(content)})


def _text(content: dict[str, Any]) -> bytes:
    return json_text(content, indent=1).encode()


def _parquet(table: pd.DataFrame) -> memoryview:
    stream = io.BytesIO()
    table.to_parquet(stream)
    return stream.getbuffer()


def _leaves(tree: Any) -> memoryview:
    stream = io.BytesIO()
    eqx.tree_serialise_leaves(stream, without_fixed(tree))
    return stream.getbuffer()


def _read_table(folder: Path, name: str) -> pd.DataFrame:
    try:
        return pd.read_parquet(io.BytesIO(read_file(folder, name)))
    except FileNotFoundError:
        return pd.DataFrame()


def _read_leaves(folder: Path, name: str, like: Any) -> Any:
    data = io.BytesIO(read_file(folder, name))
    try:
        return eqx.combine(eqx.tree_deserialise_leaves(data, without_fixed(like)), like)
    except (RuntimeError, ValueError, EOFError) as problem:
        raise InputError(
            f"{folder / name}: unreadable weights ({str(problem).splitlines()[0]}). Train again."
        ) from None
