"""LD blocks from a BED file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from deepwas_app.errors import InputError
from deepwas_app.genetics import chromosomes
from deepwas_app.genetics.intervals import read_beds


def read_blocks(path: str | Path) -> pd.DataFrame:
    """Read LD blocks.

    Parameters
    ----------
    path : path
        BED: chromosome, start, stop (0-based, stop not included); fields may be padded
        with spaces, and a header line may be there. Globs and ``{CHR}`` work.

    Returns
    -------
    pandas.DataFrame
        ``chromosome`` ("22"), ``start``, ``stop``, sorted.

    Raises
    ------
    InputError
        If a line has no three fields, a block is empty, or two blocks overlap.
    """
    frame = read_beds(path)
    order = chromosomes.sort_order(frame["chromosome"].to_numpy(), frame["start"].to_numpy())
    frame = frame.iloc[order].reset_index(drop=True)
    _check(path, frame)
    return frame


def _check(path: str | Path, frame: pd.DataFrame) -> None:
    same = frame["chromosome"].eq(frame["chromosome"].shift())
    wrong = same & (frame["start"] < frame["stop"].shift())
    if wrong.any():
        block = frame[wrong].iloc[0]
        raise InputError(
            f"{path}: block {block['chromosome']}:{block['start']}-{block['stop']} overlaps the "
            "one before it. Blocks must be disjoint."
        )


def assign_blocks(chromosome: np.ndarray, position: np.ndarray, blocks: pd.DataFrame) -> np.ndarray:
    """Index of the block that each variant lies in, -1 where there is none.

    Parameters
    ----------
    chromosome, position : (variants,) arrays
        Position is 1-based.
    blocks : pandas.DataFrame
        As :func:`read_blocks` gives it.

    Returns
    -------
    (variants,) int32 array
    """
    index = np.full(len(position), -1, dtype=np.int32)
    for name, group in blocks.groupby("chromosome", sort=False):
        rows = np.flatnonzero(chromosome == name)
        bp = position[rows].astype(np.int64) - 1
        nearest = np.searchsorted(group["start"].to_numpy(), bp, side="right") - 1
        inside = (nearest >= 0) & (bp < group["stop"].to_numpy()[np.maximum(nearest, 0)])
        index[rows[inside]] = group.index.to_numpy()[nearest[inside]]
    return index
