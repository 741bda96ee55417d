"""Tracks beside a study: windows of signal around every variant, NAME.tracks.zarr."""

from pathlib import Path

import numpy as np
import xarray as xr

from deepwas_app.core.priors import Prior
from deepwas_app.errors import InputError
from deepwas_app.genetics.annotation.tracks import open_tracks, read_tracks
from deepwas_app.workflow.studies import track_store


def tracks_path(study: xr.Dataset) -> Path:
    """Where a study's tracks are, or would be."""
    return track_store.tracks_path(study.attrs["path"])


def has_tracks(study: xr.Dataset) -> bool:
    """Whether there are tracks beside a study."""
    return "path" in study.attrs and tracks_path(study).exists()


def open_study_tracks(study: xr.Dataset) -> xr.Dataset:
    """Open the tracks beside a study.

    Raises
    ------
    InputError
        If there are none, or they were read for another study of this name.
    """
    tracks = open_tracks(tracks_path(study))
    if tracks.attrs["content_hash"] != study.attrs["content_hash"]:
        raise InputError(
            f"{tracks.attrs['path']}: was made for another study than {study.attrs['path']} as it "
            "is now. Build the study again with --tracks, or remove these tracks."
        )
    return tracks


def block_tracks(study: xr.Dataset, block: int) -> np.ndarray:
    """Standardised tracks around the variants of one block, (variants, window, tracks)."""
    return read_tracks(open_study_tracks(study), block)


def track_shape(study: xr.Dataset) -> tuple[int, int] | None:
    """Positions of a window and number of tracks, None where there are none."""
    if not has_tracks(study):
        return None
    tracks = open_study_tracks(study)
    return tracks.attrs["window"], tracks.sizes["tracks"]


def tracks_read(prior: type[Prior], study: xr.Dataset) -> tuple[int, int]:
    """Positions of the window and number of the tracks that a prior reads; (1, 0) for none."""
    return (track_shape(study) if prior.reads_tracks else None) or (1, 0)
