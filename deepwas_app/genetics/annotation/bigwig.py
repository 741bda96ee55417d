"""Signals from bigWig files: at a variant, averaged around it, or every base around it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from deepwas_app.errors import InputError
from deepwas_app.genetics import foreign
from deepwas_app.genetics.apart import apart
from deepwas_app.genetics.files import existing

# Variants that are closer than this are read at one go; data come in blocks of about this size.
_JOIN = 2**16
_LONGEST = 2**22


class BigWig(NamedTuple):
    """A bigWig, which is read in another process: damaged ones make the library's own crash.

    Attributes
    ----------
    path : Path
        The file.
    lengths : dict
        Chromosome, as it is spelt there, to bases.
    """

    path: Path
    lengths: dict[str, int]


def open_bigwig(path: str | Path) -> BigWig:
    """Open a bigWig.

    Raises
    ------
    InputError
        If it is missing or no bigWig.
    """
    path = existing(path)
    if not (lengths := apart(foreign.bigwig_lengths, path)):
        raise InputError(f"{path}: is no bigWig that can be read. Download or copy it again.")
    return BigWig(path, lengths)


def read_signal(
    signal: BigWig, chromosome: str, position: np.ndarray, flank: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Read every base around variants of one chromosome, near ones at one go.

    Parameters
    ----------
    signal
        From :func:`open_bigwig`.
    chromosome : str
        "22", whatever the file's spelling.
    position : (variants,) int array
        1-based.
    flank : int
        Bases on either side.

    Yields
    ------
    rows : (some,) int array
        Variants, all of them once.
    values : (some, 2 flank + 1) float64 array
        Of the bases from flank before to flank after; NaN where the file says nothing.
    """
    spellings = (f"chr{chromosome}", chromosome, "chrM" if chromosome == "MT" else chromosome)
    name = next((spelling for spelling in spellings if spelling in signal.lengths), None)
    width = 2 * flank + 1
    order = np.argsort(position, kind="stable")
    place = position[order].astype(np.int64) - 1
    batch = max(2**24 // width, 1)
    start = 0
    while start < len(place):
        stop = start + 1
        while (
            stop < len(place)
            and stop - start < batch
            and place[stop] - place[stop - 1] < _JOIN
            and place[stop] - place[start] < _LONGEST
        ):
            stop += 1
        here = place[start:stop]
        span = _bases(signal, name, int(here[0]) - flank, int(here[-1]) + flank + 1)
        windows = np.lib.stride_tricks.sliding_window_view(span, width)
        yield order[start:stop], windows[here - here[0]]
        start = stop


def _bases(signal: BigWig, name: str | None, start: int, stop: int) -> np.ndarray:
    values = np.full(stop - start, np.nan)
    if name is not None and (end := min(stop, signal.lengths[name])) > (begin := max(start, 0)):
        read = apart(foreign.bigwig_values, signal.path, name, begin, end)
        values[begin - start : end - start] = read
    return values


def annotate_signal(
    path: str | Path, chromosome: np.ndarray, position: np.ndarray, window: int = 1
) -> np.ndarray:
    """Value at each variant, or the mean in a window around it; NaN where there is none.

    Parameters
    ----------
    path : path
        A bigWig.
    chromosome, position : (variants,) arrays
        Position is 1-based.
    window : int
        Bases, of which the variant is the middle one.
    """
    signal = open_bigwig(path)
    result = np.full(len(position), np.nan)
    chromosome = np.asarray(chromosome, dtype=object)
    for name in dict.fromkeys(chromosome):
        rows = np.flatnonzero(chromosome == name)
        for some, values in read_signal(signal, name, position[rows], window // 2):
            number = np.isfinite(values).sum(axis=1)
            total = np.nansum(values, axis=1)
            with np.errstate(invalid="ignore"):
                result[rows[some]] = np.where(number > 0, total / number, np.nan)
    return result
