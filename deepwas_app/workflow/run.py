"""A training run on disk: settings, metrics, weights and held-out losses in one folder.

NAME.run/ holds ``run.json`` (settings, study, summary), ``metrics.parquet`` (one row an epoch),
``blocks.parquet`` (held-out losses by LD block), ``weights.eqx`` and, until the run is finished,
``checkpoint.eqx`` (weights, optimiser state, step). Every file is replaced whole, never edited.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.core.fit import FitState
from deepwas_app.core.priors import PRIORS, ConstantPrior, Model
from deepwas_app.errors import InputError
from deepwas_app.workflow.batching import block_slice, frequency_scale
from deepwas_app.workflow.models import blank_standardisation, build_prior, noisy_model
from deepwas_app.workflow.settings import TrainSettings, plain
from deepwas_app.workflow.tables import json_text
from deepwas_app.workflow.tracks import block_tracks, tracks_read

METRICS = ("step", "epoch", "train_loss", "held_out_gain", "held_out_gain_se", "validation_loss")


class Checkpoint(eqx.Module):
    """What a run goes on from, and what it knew at that moment.

    Attributes
    ----------
    state
        Model, optimiser state and step.
    baseline
        The constant prior fitted on the same training blocks.
    losses, constant_losses
        Held-out negative log-likelihood in nats of `best` and of the baseline, (blocks,), NaN for
        blocks not held out.
    best
        The model of the epoch that predicted the validation chromosomes best; the latest one where
        there are none.
    best_loss, best_epoch
        Its validation loss in nats a variant, and when that was.
    """

    state: FitState
    baseline: Model
    losses: np.ndarray
    constant_losses: np.ndarray
    best: Model
    best_loss: np.ndarray
    best_epoch: np.ndarray


def blank_checkpoint(state: FitState, blocks: int) -> Checkpoint:
    """A checkpoint of the shape that goes with a state, to be overwritten."""
    zero, losses = jnp.asarray(0.0), np.full(blocks, np.nan)
    constant = Model(ConstantPrior(zero), zero, zero)
    return Checkpoint(
        state, constant, losses, losses, state.model, np.asarray(np.inf), np.asarray(0)
    )


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
        Numbers of the LD blocks.
    tracks, window
        Number of tracks that the prior reads, and positions of their window.
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
    summary: dict
    validation_blocks: list[int] = field(default_factory=list)
    tracks: int = 0
    window: int = 1

    @property
    def name_on_disk(self) -> str:
        """The folder's name without .run."""
        return self.path.name.removesuffix(".run")

    @property
    def finished(self) -> bool:
        """Whether training went to its end."""
        return bool(self.summary)

    def check_study(self, study: xr.Dataset) -> None:
        """Raise InputError unless the run was trained on just this study."""
        if study.attrs["content_hash"] != self.study_hash:
            raise InputError(
                f"{self.path}: this run was trained on another study ({self.study_path}), not on "
                f"{study.attrs['path']} as it is now. Name that study, or train again."
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
        """One row an epoch: step, epoch, and in nats a variant the loss, gain and its error."""
        return _read_table(self.path / "metrics.parquet")

    def blocks(self) -> pd.DataFrame:
        """Held-out blocks: block, chromosome, start, stop, variants, loss, constant_loss (nats)."""
        return _read_table(self.path / "blocks.parquet")

    def model(self) -> Model:
        """The fitted model."""
        return _read_leaves(self.path / "weights.eqx", self.blank_model())

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
        NAME.run

    Raises
    ------
    InputError
        If it is not a run folder.
    """
    path = Path(path)
    record = path / "run.json"
    try:
        content = json.loads(record.read_text())
        settings = TrainSettings(**content["settings"])
        return Run(
            path=path,
            settings=settings,
            study_path=content["study"]["path"],
            study_hash=content["study"]["content_hash"],
            study_title=content["study"]["title"],
            annotations=content["annotations"],
            train_blocks=content["train_blocks"],
            test_blocks=content["test_blocks"],
            summary=content["summary"],
            validation_blocks=content.get("validation_blocks", []),
            tracks=content.get("tracks", 0),
            window=content.get("window", 1),
        )
    except FileNotFoundError:
        raise InputError(
            f"{path}: not a run folder (no run.json). Make one with: deepwas train STUDY -o {path}"
        ) from None
    except (ValueError, KeyError, TypeError, NotADirectoryError) as problem:
        raise InputError(
            f"{record}: not the record of a run ({problem}). Train again into a new folder."
        ) from None


def create_run(path: Path, study: xr.Dataset, settings: TrainSettings, split) -> None:
    """Make a run folder with its settings.

    Raises
    ------
    InputError
        If something is there already.
    """
    if path.exists():
        raise InputError(
            f"{path}: exists already. Choose another -o, or go on from it with --resume."
        )
    path.mkdir(parents=True)
    window, tracks = tracks_read(PRIORS[settings.prior], study)
    _write_record(
        path,
        {
            "settings": plain(settings),
            "study": {k: study.attrs[k] for k in ("path", "content_hash", "title")},
            "annotations": study["annotation"].values.tolist(),
            "train_blocks": split.train.tolist(),
            "test_blocks": split.test.tolist(),
            "validation_blocks": split.validation.tolist(),
            "window": window,
            "tracks": tracks,
            "summary": {},
        },
    )


def save_checkpoint(path: Path, checkpoint: Checkpoint, metrics: list[dict]) -> None:
    """Keep where training is. Metrics first: on resume the rows past the checkpoint are dropped."""
    _replace(
        path / "metrics.parquet", lambda p: pd.DataFrame(metrics, columns=METRICS).to_parquet(p)
    )
    _replace(path / "weights.eqx", lambda p: eqx.tree_serialise_leaves(p, checkpoint.best))
    _replace(path / "checkpoint.eqx", lambda p: eqx.tree_serialise_leaves(p, checkpoint))


def read_checkpoint(path: Path, skeleton: Checkpoint) -> Checkpoint | None:
    """The last checkpoint of a run, None if it has none. `skeleton` has its shapes."""
    file = path / "checkpoint.eqx"
    return _read_leaves(file, skeleton) if file.exists() else None


def finish_run(path: Path, study: xr.Dataset, checkpoint: Checkpoint, summary: dict) -> Run:
    """Write the held-out losses and the summary; from here the run counts as finished."""
    content = json.loads((path / "run.json").read_text())
    held = np.array(content["test_blocks"], int)
    table = pd.DataFrame(
        {
            "block": held,
            "chromosome": study["block_chromosome"].values[held].astype(str),
            "start": study["block_start"].values[held],
            "stop": study["block_stop"].values[held],
            "variants": study["block_scored"].values[held],
            "loss": checkpoint.losses[held],
            "constant_loss": checkpoint.constant_losses[held],
        }
    )
    _replace(path / "blocks.parquet", table.to_parquet)
    _write_record(path, content | {"summary": summary})
    (path / "checkpoint.eqx").unlink()
    return open_run(path)


def drop_if_empty(path: Path) -> None:
    """Remove a run folder that ended before its first checkpoint."""
    if not (path / "weights.eqx").exists():
        shutil.rmtree(path, ignore_errors=True)


def heritability(study: xr.Dataset, model: Model, alpha: float) -> np.ndarray:
    """Per-variant heritability v_j = f(a_j) (p_j (1 - p_j)) ** alpha, (variants,), float64."""
    annotations = study["variant_annotation"].values
    prior = eqx.filter_jit(model.prior)
    log_f = np.empty(len(annotations))
    for rows, tracks in _stretches(study, model):
        log_f[rows] = np.asarray(prior(jnp.asarray(annotations[rows]), tracks), np.float64)
    if not np.isfinite(log_f).all():
        # A chunk that is not on disk reads as missing values.
        raise InputError(
            f"{study.attrs.get('path', 'the study')}: annotations are missing. Was it moved or "
            "removed? Open it again."
        )
    return np.exp(log_f) * frequency_scale(study, alpha)


def _stretches(study: xr.Dataset, model: Model) -> Iterator[tuple[slice, np.ndarray | None]]:
    """Rows of the study, with the tracks around them if the model reads tracks."""
    if model.prior.mean_tracks() is not None:
        for b in range(study.sizes["blocks"]):
            yield block_slice(study, b), block_tracks(study, b)
        return
    step = 65_536
    for start in range(0, study.sizes["variants"], step):
        yield slice(start, start + step), None


def _write_record(path: Path, content: dict) -> None:
    _replace(path / "run.json", lambda p: Path(p).write_text(json_text(content, indent=1)))


def _replace(path: Path, write) -> None:
    """Write beside `path` and move there, so that a reader never sees half a file."""
    # tree_serialise_leaves wants its own suffix.
    partial = path.with_name(f".partial-{os.getpid()}-{path.name}")
    try:
        write(partial)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _read_table(path: Path) -> pd.DataFrame:
    if not path.exists():
        return pd.DataFrame()
    return pd.read_parquet(path)


def _read_leaves(path: Path, like):
    try:
        return eqx.tree_deserialise_leaves(path, like)
    except FileNotFoundError:
        raise InputError(f"{path}: missing. Go on with --resume, or train again.") from None
    except (RuntimeError, ValueError, EOFError) as problem:
        raise InputError(
            f"{path}: unreadable weights ({str(problem).splitlines()[0]}). Train again."
        ) from None
