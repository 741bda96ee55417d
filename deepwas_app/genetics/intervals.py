"""Intervals of the genome from BED files, and which variants they cover."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from deepwas_app.errors import InputError
from deepwas_app.genetics import chromosomes
from deepwas_app.genetics.files import (
    UNREADABLE,
    existing,
    fields,
    is_number,
    open_text,
    separator_of,
    unreadable,
)
from deepwas_app.genetics.lines import line_of
from deepwas_app.genetics.patterns import expand
from deepwas_app.genetics.tables import read_bare_table

_PLACE = ["chromosome", "start", "stop"]
# Lines that are no intervals, anywhere: files of several tracks are joined as they are.
_COMMENT = rb"#|track\b|browser\b"


def read_beds(pattern: str | Path) -> pd.DataFrame:
    """Chromosome, start and stop of the intervals of all files that a pattern means.

    Raises
    ------
    InputError
        See :func:`read_bed`.
    """
    tables = [read_bed(path)[_PLACE] for path in expand(pattern)]
    return pd.concat(tables, ignore_index=True)


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
        one; in the order of the file. The attribute ``genome_build`` is that of RefSeq accessions
        (NC_000022.10), empty for other names.

    Raises
    ------
    InputError
        If the file cannot be read, has no intervals, or one of them is empty, as the single
        bases of 1-based files are.
    """
    path = existing(path)
    skip, separator, width = _preamble(path)
    used = dict(enumerate(_PLACE)) | ({value_column - 1: "value"} if width >= value_column else {})
    names = [used.get(index, f"column {index}") for index in range(max(used) + 1)]
    frame = read_bare_table(path, names, separator=separator, comment=_COMMENT, skip=skip)
    if frame.empty:
        raise InputError(f"{path}: holds no intervals. Give chromosome, start, stop.")
    for name in ("start", "stop"):
        number = pd.to_numeric(frame[name], errors="coerce")
        if not (good := number.between(0, 2**31 - 1) & (number % 1 == 0)).all():
            line = line_of(path, int(good.idxmin()), lines=skip, comment=_COMMENT)
            raise InputError(
                f"{path}: line {line} is not chromosome, start, stop. Give a BED file, which "
                "counts from 0."
            )
        frame[name] = number.astype(np.int64)
    if (empty := frame["stop"] <= frame["start"]).any():
        row = int(empty.idxmax())
        raise InputError(
            f"{path}: the interval of line {line_of(path, row, lines=skip, comment=_COMMENT)} "
            f"({frame['start'][row]} to {frame['stop'][row]}) is empty. BED counts from 0 and "
            "leaves the stop out; if this file counts from 1, take 1 from every start."
        )
    frame.attrs["genome_build"] = chromosomes.build_of(frame["chromosome"])
    frame["chromosome"] = chromosomes.normalise(frame["chromosome"])
    keep = [*_PLACE]
    if "value" in frame:
        value = pd.to_numeric(frame["value"], errors="coerce").astype(np.float64)
        if value.notna().all():
            frame["value"] = value
            keep.append("value")
    return frame[keep]


def _preamble(path: Path) -> tuple[int, str, int]:
    """Lines before the first interval, the separator, and the number of fields."""
    comment = re.compile(_COMMENT.decode())
    try:
        with open_text(path) as stream:
            for skip, line in enumerate(stream):
                separator = separator_of(line)
                separator = separator if separator in "\t," else " "
                row = fields(line, separator)
                if not line.strip() or comment.match(line):
                    continue
                # A header holds no numbers.
                if not any(map(is_number, row[1:3])) and len(row) > 2:
                    continue
                return skip, separator, len(row)
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
    values = "value" in intervals
    groups = dict(iter(intervals.groupby("chromosome", sort=False)))
    for name, rows in chromosomes.rows_of_each(chromosome).items():
        if (group := groups.get(name)) is None:
            continue
        base = position[rows].astype(np.int64) - 1
        if (base[1:] < base[:-1]).any():
            order = np.argsort(base, kind="stable")
            rows, base = rows[order], base[order]
        # Each interval begins at one variant and ends at another.
        ends = [np.searchsorted(base, group[end].to_numpy()) for end in ("start", "stop")]
        count[rows] = _within(ends, len(rows), None)
        if values:
            total[rows] = _within(ends, len(rows), group["value"].to_numpy())
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(count > 0, total / count, np.nan)
    return count, mean if values else np.full(len(position), np.nan)


def _within(ends: list[np.ndarray], size: int, weight: np.ndarray | None) -> np.ndarray:
    """Number, or total weight, of the intervals that hold each of so many places."""
    opened, closed = (np.bincount(end, weight, minlength=size + 1) for end in ends)
    return np.asarray(np.cumsum(opened - closed)[:size])
