"""Track windows: the signal of bigWig files at every base around each variant, by LD block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics.annotation.bigwig import BigWig, open_bigwig, read_signal
from deepwas_app.genetics.files import file_record
from deepwas_app.genetics.store import open_store, read_array, store_folder

_LARGEST = float(np.finfo(np.float16).max)
TRACK_VARIABLES = ("track", "track_mean", "track_sd", "block_offset", "block_variants")


class Moments(NamedTuple):
    """Running sums of each track, for its mean and standard deviation."""

    number: int
    total: np.ndarray
    squares: np.ndarray

    def add(self, values: np.ndarray) -> Moments:
        """The sums with the values (variants, window, tracks) of one more block."""
        values = values.astype(np.float64)
        return Moments(
            self.number + values.shape[0] * values.shape[1],
            self.total + values.sum(axis=(0, 1)),
            self.squares + (values**2).sum(axis=(0, 1)),
        )

    def mean_and_sd(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation; 1 where a track never varies."""
        mean = self.total / max(self.number, 1)
        sd = np.sqrt(np.maximum(self.squares / max(self.number, 1) - mean**2, 0))
        return mean, np.where(sd > 1e-6 * (1 + np.abs(mean)), sd, 1.0)


def track_windows(
    files: Sequence[str | Path | BigWig], chromosome: str, position: np.ndarray, window: int = 256
) -> np.ndarray:
    """Read the windows of some variants of one chromosome straight from bigWig files.

    Parameters
    ----------
    files : sequence of paths
        bigWig, one per track; or as
        :func:`deepwas_app.genetics.annotation.bigwig.open_bigwig` gives them.
    chromosome : str
        "22", whatever the files' spelling.
    position : (variants,) int array
        1-based.
    window : int
        Bases; the variant is the one after the first half.

    Returns
    -------
    (variants, window, tracks) float16 array
        As in the files; 0 where they say nothing.
    """
    result = np.zeros((len(position), window, len(files)), dtype=np.float16)
    # read_signal gives as many bases before a variant as after it, one more than an even window.
    flank = (window + 1) // 2
    first = flank - window // 2
    for track, file in enumerate(files):
        signal = file if isinstance(file, BigWig) else open_bigwig(file)
        for rows, values in read_signal(signal, chromosome, position, flank):
            values = np.nan_to_num(values[:, first : first + window], posinf=_LARGEST)
            result[rows, :, track] = np.clip(values, -_LARGEST, _LARGEST)
    return result


def write_tracks(
    path: str | Path,
    variants: xr.Dataset,
    files: Sequence[str | Path],
    *,
    window: int = 256,
    keep: bool = True,
) -> Iterator[int]:
    """Write the track windows of a study or panel, block by block.

    Parameters
    ----------
    path : path
        NAME.tracks.zarr; an older one is replaced. It appears whole at the end or not at all.
    variants : xarray.Dataset
        A study or LD panel, with its blocks.
    files : sequence of paths
        bigWig, one per track.
    window : int
        Bases around each variant.
    keep : bool
        Store the windows; else only means and standard deviations, and the windows are read
        from the bigWig files again whenever they are wanted.

    Yields
    ------
    int
        Blocks that are done.

    Raises
    ------
    InputError
        If there is no file, or one is no bigWig, or two have the same name.
    """
    names = [Path(file).name.rpartition(".")[0] for file in files]
    if not names:
        raise InputError("tracks: no file was given. Give at least one bigWig.")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"tracks: two files are called {twice}. Rename one of them.")
    signals = [open_bigwig(file) for file in files]
    zeros = np.zeros(len(files))
    moments = Moments(0, zeros, zeros)
    with store_folder(path) as folder:
        for block in range(variants.sizes["blocks"]):
            values = _block_windows(variants, block, signals, window)
            moments = moments.add(values)
            if keep:
                folder.write_block(block, {"windows": values})
            yield block + 1
        mean, sd = moments.mean_and_sd()
        dataset = variants[["block_offset", "block_variants", "block_chromosome"]].load()
        dataset = dataset.assign(
            variant_position=("variants", variants["variant_position"].values),
            track_mean=("tracks", mean),
            track_sd=("tracks", sd),
        ).assign_coords(track=("tracks", np.asarray(names, dtype=str)))
        attrs = {
            "kind": "tracks",
            "window": window,
            "keep": keep,
            "content_hash": variants.attrs.get("content_hash", ""),
            "files": [str(Path(file).resolve()) for file in files],
            "provenance": [file_record(file, "bigWig", "tracks") for file in files],
        }
        folder.write_dataset(dataset.drop_vars("annotation", errors="ignore"), attrs)


def open_tracks(path: str | Path) -> xr.Dataset:
    """Open a track store lazily.

    Raises
    ------
    InputError
        If there is none at this path, or it is damaged.
    """
    return open_store(path, "tracks", TRACK_VARIABLES)


def read_tracks(tracks: xr.Dataset, block: int) -> np.ndarray:
    """Read the standardised windows of one LD block.

    Parameters
    ----------
    tracks : xarray.Dataset
        From :func:`open_tracks`.
    block : int
        Which one.

    Returns
    -------
    (variants, window, tracks) float32 array
        (value - mean) / s.d., with the stored mean and s.d. of each track.
    """
    if tracks.attrs["keep"]:
        values = read_array(tracks, block, "windows")
    else:
        files = tracks.attrs["files"]
        values = _block_windows(tracks, block, files, tracks.attrs["window"])
    mean = tracks["track_mean"].values.astype(np.float32)
    sd = tracks["track_sd"].values.astype(np.float32)
    return (values.astype(np.float32) - mean) / sd


def _block_windows(
    variants: xr.Dataset, block: int, files: Sequence[str | Path | BigWig], window: int
) -> np.ndarray:
    start = int(variants["block_offset"].values[block])
    stop = start + int(variants["block_variants"].values[block])
    position = variants["variant_position"].values[start:stop]
    chromosome = str(variants["block_chromosome"].values[block])
    return track_windows(files, chromosome, position, window)
