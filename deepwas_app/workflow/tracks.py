"""Tracks beside a study: windows of signal around every variant, NAME.tracks.zarr."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import xarray as xr

from deepwas_app.core.priors import Standardisation
from deepwas_app.genetics.tracks import open_tracks, read_tracks
from deepwas_app.workflow import track_store

# Blocks whose tracks give the mean and the s.d.
SAMPLED = 8


def tracks_path(study: xr.Dataset) -> Path:
    """Where a study's tracks are, or would be."""
    return track_store.tracks_path(study.attrs["path"])


def has_tracks(study: xr.Dataset) -> bool:
    """Whether there are tracks beside a study."""
    return "path" in study.attrs and tracks_path(study).exists()


def block_tracks(study: xr.Dataset, block: int) -> np.ndarray:
    """Tracks around the variants of one block, (variants, window, tracks)."""
    return read_tracks(open_tracks(tracks_path(study)), block)


def track_names(study: xr.Dataset) -> np.ndarray:
    """Names of the tracks beside a study, in order."""
    return open_tracks(tracks_path(study))["track"].values.astype(str)


def track_shape(study: xr.Dataset) -> tuple[int, int] | None:
    """Positions of a window and number of tracks, None where there are none."""
    if not has_tracks(study):
        return None
    first = int(np.flatnonzero(study["block_components"].values > 0)[0])
    window, count = block_tracks(study, first).shape[1:]
    return window, count


def tracks_read(prior: str, study: xr.Dataset) -> tuple[int, int]:
    """Positions of the window and number of the tracks that a prior reads; (1, 0) for none."""
    return (track_shape(study) if prior == "transformer" else None) or (1, 0)


def track_standardisation(study: xr.Dataset, blocks: np.ndarray) -> Standardisation | None:
    """Mean and s.d. of each track over a sample of blocks, None where there are no tracks."""
    if not has_tracks(study):
        return None
    chosen = blocks[:: max(len(blocks) // SAMPLED, 1)]
    values = np.concatenate(
        [(t := block_tracks(study, int(b))).reshape(-1, t.shape[-1]) for b in chosen]
    ).astype(np.float32)
    deviation = values.std(axis=0, dtype=np.float64)
    deviation[deviation == 0] = 1.0
    mean = values.mean(axis=0, dtype=np.float64)
    return Standardisation(jnp.asarray(mean, jnp.float32), jnp.asarray(deviation, jnp.float32))
