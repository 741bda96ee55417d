"""Chromosome names: one spelling ("1" to "22", "X", "Y", "MT") and one order."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

ORDER = {name: rank for rank, name in enumerate([*map(str, range(1, 23)), "X", "Y", "MT"], start=1)}
_SPELLINGS = {"23": "X", "24": "Y", "25": "X", "26": "MT", "M": "MT", "XY": "X"}


def normalise(names: Iterable[object]) -> np.ndarray:
    """Spell chromosomes one way: "chr22", "22" and "22.0" are "22"; "23" is "X"."""
    codes, levels = pd.factorize(pd.Series(names).astype(str), use_na_sentinel=False)
    return np.asarray([_spell(level) for level in levels], dtype=str)[codes]


def _spell(name: str) -> str:
    name = name.strip().upper().removeprefix("CHR").removesuffix(".0")
    name = name.lstrip("0") or name
    return _SPELLINGS.get(name, name)


def rank(names: np.ndarray) -> np.ndarray:
    """Sort key of chromosomes that are already spelled one way; contigs come last.

    Contigs get one rank each, in the order of their names, so that they never mix.
    """
    codes, levels = pd.factorize(np.asarray(names))
    others = sorted(level for level in levels if level not in ORDER)
    ranks = {level: len(ORDER) + 1 + i for i, level in enumerate(others)} | ORDER
    lookup = np.asarray([ranks[level] for level in levels], dtype=np.int64)
    return lookup[codes] if len(lookup) else np.zeros(0, dtype=np.int64)


def sort_order(chromosome: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Row order by chromosome, then position; ties stay as they were."""
    return np.lexsort((np.asarray(position), rank(chromosome)))
