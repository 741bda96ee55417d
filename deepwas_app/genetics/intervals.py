"""Intervals of the genome from BED files, and which variants they cover."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from deepwas_app.errors import InputError
from deepwas_app.genetics import chromosomes
from deepwas_app.genetics.files import UNREADABLE, existing, open_text, read_bare_table, unreadable

_PLACE = ["chromosome", "start", "stop"]


def read_bed(path: str | Path, value_column: int = 5) -> pd.DataFrame:
    """Read intervals.

    Parameters
    ----------
    path : path
        BED, packed or not: chromosome, start, stop (0-based, stop not included), then perhaps
        a name and a value. Lines of ``track``, ``browser`` and ``#``, and a header, are skipped.

    value_column : int
        Which column is the value: 5 in a BED, 4 in a bedGraph.

    Returns
    -------
    pandas.DataFrame
        ``chromosome`` ("22"), ``start``, ``stop``, and ``value`` (float) if every interval has
        one; in the order of the file.

    Raises
    ------
    InputError
        If the file cannot be read, has no intervals, or one of them is empty, as the single
        bases of 1-based files are.
    """
    path = existing(path)
    skip, separator, width = _preamble(path)
    used = dict(enumerate(_PLACE)) | ({value_column - 1: "value"} if width >= value_column else {})
    frame = read_bare_table(
        path,
        [used.get(index, f"column {index}") for index in range(width)],
        sep=separator,
        usecols=list(used.values()),
        skiprows=skip,
        comment="#",
        dtype={"chromosome": str},
        keep_default_na=False,
        low_memory=False,
    )
    if frame.empty:
        raise InputError(f"{path}: holds no intervals. Give chromosome, start, stop.")
    # pandas counts rows; people count lines.
    frame.index += skip + 1
    for name in ("start", "stop"):
        number = pd.to_numeric(frame[name], errors="coerce")
        if not (good := number.notna() & (number >= 0) & (number % 1 == 0)).all():
            raise InputError(
                f"{path}: line {good.idxmin()} is not chromosome, start, stop. Give a BED file."
            )
        frame[name] = number.astype(np.int64)
    if (empty := frame["stop"] <= frame["start"]).any():
        line = empty.idxmax()
        raise InputError(
            f"{path}: the interval of line {line} ({frame['start'][line]} to "
            f"{frame['stop'][line]}) is empty. BED counts from 0 and leaves the stop out; if this "
            "file counts from 1, take 1 from every start."
        )
    frame["chromosome"] = chromosomes.normalise(frame["chromosome"])
    keep = [*_PLACE]
    if "value" in frame:
        value = pd.to_numeric(frame["value"], errors="coerce").astype(np.float64)
        if value.notna().all():
            frame["value"] = value
            keep.append("value")
    return frame[keep].reset_index(drop=True)


def _preamble(path: Path) -> tuple[int, str, int]:
    """Lines before the first interval, the separator, and the number of fields."""
    skip = 0
    try:
        with open_text(path) as stream:
            for line in stream:
                fields = line.split()
                text = not fields or fields[0].startswith(("#", "track", "browser"))
                header = skip == 0 or text
                if not text and (len(fields) < 3 or not fields[1].isdigit()) and header:
                    text = not any(field.isdigit() for field in fields[1:3])
                if not text:
                    return skip, "\t" if "\t" in line else r"\s+", len(fields)
                skip += 1
    except UNREADABLE as error:
        raise unreadable(path, error) from error
    raise InputError(f"{path}: holds no intervals. Give chromosome, start, stop.")


def cover(
    chromosome: np.ndarray, position: np.ndarray, intervals: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray]:
    """How many intervals cover each variant, and the mean of their values.

    Parameters
    ----------
    chromosome, position : (variants,) arrays
        Position is 1-based: a variant at 11 lies in the interval from 10 to 11.
    intervals : pandas.DataFrame
        As :func:`read_bed` gives it; they may overlap.

    Returns
    -------
    count : (variants,) int array
    mean : (variants,) float array
        NaN where no interval covers the variant, or intervals have no value.
    """
    count = np.zeros(len(position), dtype=np.int64)
    total = np.full(len(position), np.nan)
    chromosome = np.asarray(chromosome, dtype=object)
    values = "value" in intervals
    for name, group in intervals.groupby("chromosome", sort=False):
        rows = np.flatnonzero(chromosome == name)
        base = position[rows].astype(np.int64) - 1
        weight = group["value"].to_numpy() if values else np.ones(len(group))
        opened, opened_sum = _upto(group["start"].to_numpy(), weight, base)
        closed, closed_sum = _upto(group["stop"].to_numpy(), weight, base)
        count[rows] = opened - closed
        total[rows] = opened_sum - closed_sum
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(count > 0, total / count, np.nan)
    return count, mean if values else np.full(len(position), np.nan)


def _upto(edges: np.ndarray, weight: np.ndarray, base: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number and total weight of the edges at or before each base."""
    order = np.argsort(edges, kind="stable")
    number = np.searchsorted(edges[order], base, side="right")
    return number, np.append(0.0, np.cumsum(weight[order]))[number]
