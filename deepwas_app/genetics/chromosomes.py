"""Chromosome names: one spelling ("1" to "22", "X", "Y", "MT") and one order."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

ORDER = {name: rank for rank, name in enumerate([*map(str, range(1, 23)), "X", "Y", "MT"], start=1)}
# What else chromosomes are called, "chr" and leading zeros taken off. PLINK has 23 to 26, and names
# of its own for the ends of X that pair with Y.
_SPELLINGS = {"23": "X", "24": "Y", "25": "X", "26": "MT", "M": "MT", "MITO": "MT"}
_SPELLINGS |= dict.fromkeys(("XY", "PAR", "PAR1", "PAR2", "X_PAR1", "X_PAR2", "X_NONPAR"), "X")
# Version of the RefSeq accession NC_0000<c> on hg19, by chromosome; on hg38 it is one more.
_REFSEQ = (10, 11, 11, 11, 9, 11, 13, 10, 11, 10, 9, 11, 10, 8, 9, 9, 10, 9, 9, 10, 8, 10, 10, 9)
_ACCESSION = re.compile(r"NC_(\d{6})(?:\.(\d+))?")
_PREFIX = re.compile(r"(?:CHROMOSOME|CHROM|CHR)[ _.:-]?(?=.)")
# Names, spelled one way, of no chromosome.
_UNPLACED = ("", "0", "NA", "UN", "NAN")


def normalise(names: Iterable[object]) -> np.ndarray:
    """Spell chromosomes one way: "chr22", "22.0" and "NC_000022.10" are "22"; "PAR1" is "X"."""
    codes, levels = pd.factorize(pd.Series(names).astype(str), use_na_sentinel=False)
    return np.asarray([_spell(level) for level in levels], dtype=str)[codes]


def _spell(name: str) -> str:
    name = name.strip().upper()
    if accession := _ACCESSION.fullmatch(name):
        number = int(accession[1])
        # That of the mitochondrion does not count on from the others.
        name = "MT" if number == 12920 else str(number)
    name = _PREFIX.sub("", name, count=1).removesuffix(".0")
    name = name.lstrip("0") or name[:1]
    return _SPELLINGS.get(name, name)


def rows_of_each(chromosome: np.ndarray) -> dict[str, np.ndarray]:
    """Rows of each chromosome, in the order in which they come first.

    Much faster than to compare with each name where a chromosome's rows lie together.
    """
    chromosome = np.asarray(chromosome)
    starts = np.flatnonzero(np.r_[True, chromosome[1:] != chromosome[:-1]][: len(chromosome)])
    stops = np.append(starts[1:], len(chromosome))
    codes, names = pd.factorize(chromosome[starts].astype(object))
    found = {}
    for code, name in enumerate(names):
        runs = np.flatnonzero(codes == code)
        parts = [np.arange(starts[run], stops[run]) for run in runs]
        found[str(name)] = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return found


def build_of(names: Iterable[object]) -> str:
    """Genome build that the versions of RefSeq accessions tell: "hg19", "hg38", or empty.

    Parameters
    ----------
    names : iterable
        Chromosomes as a file spells them.
    """
    builds = set()
    for name in pd.unique(pd.Series(names).astype(str)):
        found = _ACCESSION.fullmatch(name.strip().upper())
        if found and found[2] and 0 < int(found[1]) <= len(_REFSEQ):
            newer = int(found[2]) - _REFSEQ[int(found[1]) - 1]
            builds.add({0: "hg19", 1: "hg38"}.get(newer, ""))
    return builds.pop() if len(builds) == 1 else ""


def placed(chromosome: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Whether variants have a place: no chromosome 0, no position below 1; (variants,) bool."""
    return ~np.isin(chromosome, _UNPLACED) & (np.asarray(position) > 0)


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
