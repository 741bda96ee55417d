"""LD blocks where none are given: cuts at the minima of LD, within a largest block."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics import chromosomes
from deepwas_app.genetics.ld.factor import standardise

# LD that crosses a cut is looked for this many variants to either side.
REACH = 200
# More people than this do not make the minima of LD clearer.
PEOPLE = 1_000
_CHUNK = 1_000


def cut_blocks(
    genotypes: xr.Dataset,
    read: Callable[[np.ndarray], np.ndarray],
    largest: int,
) -> pd.DataFrame:
    """Cut each chromosome into LD blocks.

    Parameters
    ----------
    genotypes : xarray.Dataset
        Variant table, as of :func:`deepwas_app.genetics.genotypes.plink.read_genotypes`.
    read : callable
        Dosages (people, variants) of some rows of the table.
    largest : int
        Most variants in a block.

    Returns
    -------
    pandas.DataFrame
        chromosome, start, stop, as :func:`deepwas_app.genetics.ld.blocks.read_blocks` gives it.

    Notes
    -----
    Of all ways to cut with no block above the largest, the one is taken with the least
    sum of r² between variants on different sides of a cut (dynamic programming). Blocks of
    Berisa & Pickrell 2016 (DOI 10.1093/bioinformatics/btv546) aim at the same; give them with
    a BED file where there are some for the population.
    """
    chromosome = genotypes["variant_chromosome"].values
    position = genotypes["variant_position"].values
    order = chromosomes.sort_order(chromosome, position)
    order = order[chromosomes.placed(chromosome, position)[order]]
    if not len(order):
        where = genotypes.attrs.get("path", "genotypes")
        raise InputError(f"{where}: no variant has a chromosome and a position. Add them.")
    parts = []
    for name in dict.fromkeys(chromosome[order].tolist()):
        rows = order[chromosome[order] == name]
        place = position[rows]
        # A cut between variants of the same position would put them into one block anyway.
        crossing = crossing_ld(rows, read) if len(rows) > largest else np.zeros(len(rows) - 1)
        crossing[np.diff(place) == 0] = np.inf
        cuts = best_cuts(crossing, largest)
        last = np.r_[cuts, len(rows)] - 1
        # A block ends at its last variant; the next one begins right there.
        start = np.r_[place[0] - 1, place[last[:-1]]]
        parts.append(pd.DataFrame({"chromosome": name, "start": start, "stop": place[last]}))
    return pd.concat(parts, ignore_index=True)


def crossing_ld(rows: np.ndarray, read: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Sum of r² between the variants on either side of each gap, (variants - 1).

    Parameters
    ----------
    rows : (variants,) int array
        Variants of one chromosome, in their order.
    read : callable
        Dosages (people, variants) of some rows.
    """
    size = len(rows)
    # A pair (a, b) crosses the gaps a to b - 1: +r² at a, -r² at b, then the running sum.
    change = np.zeros(size + 1)
    for start in range(0, size, _CHUNK):
        stop = min(start + _CHUNK, size)
        end = min(stop + REACH, size)
        X = standardise(read(rows[start:end])[:PEOPLE])[0]
        squared = np.square(X[:, : stop - start].T @ X / len(X), dtype=np.float64)
        # What chance alone gives is the same everywhere but at the ends.
        squared = np.maximum(squared - 1 / len(X), 0)
        ahead = np.arange(end - start) - np.arange(stop - start)[:, None]
        squared[(ahead < 1) | (ahead > REACH)] = 0
        change[start:stop] += squared.sum(axis=1)
        change[start:end] -= squared.sum(axis=0)
    return np.cumsum(change)[: size - 1]


def best_cuts(crossing: np.ndarray, largest: int) -> np.ndarray:
    """Where to cut so that no piece is above the largest and the least LD is cut.

    Parameters
    ----------
    crossing : (variants - 1,) array
        Cost of a cut in each gap; ``inf`` forbids it.
    largest : int
        Most variants in a piece.

    Returns
    -------
    int array
        First variant of every piece but the first.
    """
    size = len(crossing) + 1
    # A small cost per cut: of cuts through no LD at all as few as possible.
    finite = crossing[np.isfinite(crossing)]
    each = 1e-3 * (float(finite.mean()) if len(finite) else 0.0) + 1e-9
    # Never unreachable: a run of forbidden gaps that is too long is cut all the same.
    forbidden = 1e6 * (float(finite.sum()) if len(finite) else 0.0) + 1e6
    price = np.r_[0.0, np.where(np.isfinite(crossing), crossing, forbidden) + each, 0.0]
    best = np.zeros(size + 1)
    before = np.zeros(size + 1, dtype=np.int64)
    for stop in range(1, size + 1):
        low = max(0, stop - largest)
        start = low + int(best[low:stop].argmin())
        best[stop], before[stop] = best[start] + price[stop], start
    cuts = []
    at = int(before[size])
    while at > 0:
        cuts.append(at)
        at = int(before[at])
    return np.array(cuts[::-1], dtype=np.int64)
