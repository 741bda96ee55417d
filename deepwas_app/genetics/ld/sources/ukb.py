"""UK Biobank LD windows (Broad, PolyFun): chr<c>_<start>_<end>.npz and .gz, 3 Mb every 1 Mb."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics import chromosomes
from deepwas_app.genetics.files import existing
from deepwas_app.genetics.ld.factor import correct_scores
from deepwas_app.genetics.ld.matrix import (
    ROUNDING,
    check_diagonal,
    check_signed,
    matrix_factor,
    not_a_number,
    symmetrise,
)
from deepwas_app.genetics.ld.numpy_files import DAMAGED, read_sparse, refused
from deepwas_app.genetics.ld.panel import PanelBlock
from deepwas_app.genetics.ld.sources.base import (
    LD_SOURCES,
    NOT_LISTED,
    LdSource,
    SourceKind,
    common,
    folder,
    folder_record,
    listed_by,
    read_variants,
    variants_dataset,
)
from deepwas_app.genetics.lists import is_listed
from deepwas_app.genetics.matching import repeated

FLANK = 1_000_000
_NAME = re.compile(r"chr(\w+)_(\d+)_(\d+)\.npz")
_WHAT = "UK Biobank LD (chr<c>_<start>_<end>.npz, with .gz of the same name)"
_BUILD = "hg19"
_KEY = ["position", "effect_allele", "other_allele", "id"]


class Window(NamedTuple):
    """One window: its files and its place, 1-based as in the names of the files."""

    npz: Path
    table: Path
    chromosome: str
    start: int
    stop: int


class WindowPlan(NamedTuple):
    """Where the variants of one window are among those of its chromosome.

    Attributes
    ----------
    window : Window
        Its files.
    rows : (variants,) int array
        Row of the chromosome for each row of the window's matrix, -1 for those left out.
    owned : int array
        Rows of the chromosome that this window scores, sorted.
    """

    window: Window
    rows: np.ndarray
    owned: np.ndarray


def open_ukb(path: str | Path, people: int = 0, extract: xr.Dataset | None = None) -> LdSource:
    """Open a folder of overlapping LD windows.

    Parameters
    ----------
    path : path
        Folder of chr<c>_<start>_<end>.npz with their variant tables; some chromosomes, or
        some windows of them, will do.
    people : int
        People behind the LD; 0 where unknown.
    extract : xarray.Dataset, optional
        Variants to take, all by default.

    Raises
    ------
    InputError
        If the folder is another one, or a table is missing.

    Notes
    -----
    Every variant is scored once: by the window whose core, the second Mb, it lies in, else
    (at the ends of a chromosome, beside a gap, or where that window lacks it) by the one with
    the nearest core. The rest of the window is its flanks.
    """
    path = folder(path, _WHAT, "chr*_*_*.npz")
    windows = []
    for file in path.glob("chr*_*_*.npz"):
        match = _NAME.fullmatch(file.name)
        if match:
            name, start, stop = match.groups()
            table = existing(file.with_suffix(".gz"))
            chromosome = str(chromosomes.normalise([name])[0])
            windows.append(Window(file, table, chromosome, int(start), int(stop)))
    if not windows:
        raise InputError(f"{path}: holds no chr<c>_<start>_<end>.npz. Give the folder of {_WHAT}.")
    names = np.array([window.chromosome for window in windows])
    starts = np.array([window.start for window in windows])
    windows = [windows[i] for i in chromosomes.sort_order(names, starts)]

    def read(variance: float, maf: float) -> Iterator[PanelBlock]:
        base = 0
        for name in dict.fromkeys(window.chromosome for window in windows):
            mine = [window for window in windows if window.chromosome == name]
            table, plans, dropped = plan_windows(mine, maf, extract)
            for plan in plans:
                yield _block(table, plan, base, variance, people, dropped)
                dropped = {}
            base += len(table)

    return LdSource(
        title=f"UK Biobank LD windows {path}",
        count=len(windows),
        blocks=read,
        genome_build=_BUILD,
        sample_size=people,
        records=[folder_record(path, [window.npz for window in windows], "UK Biobank LD")],
    )


def plan_windows(
    windows: list[Window], maf: float = 0.0, extract: xr.Dataset | None = None
) -> tuple[pd.DataFrame, list[WindowPlan], dict[str, int]]:
    """Say which window of a chromosome scores which variant.

    Returns
    -------
    table : pandas.DataFrame
        Every variant once, sorted by position.
    plans : list of WindowPlan
        Of the windows that score at least one, in the order of their first variant.
    dropped : dict
        Reason to number of variants.
    """
    tables = [read_variants(w.table, chromosome=w.chromosome) for w in windows]
    known, codes, twice = _union(tables)
    again = repeated(known)
    unlisted = np.zeros(len(known), dtype=bool)
    if extract is not None:
        unlisted = ~again & ~is_listed(variants_dataset(known, np.zeros(len(known))), extract)
    bad = again | unlisted
    rare = ~bad & ~common(known, maf, windows[0].npz.parent)
    keep = np.flatnonzero(~bad & ~rare)
    keep = keep[np.argsort(known["position"].to_numpy()[keep], kind="stable")]
    row_of = np.full(len(known), -1)
    row_of[keep] = np.arange(len(keep))
    table = known.iloc[keep].reset_index(drop=True)

    position = table["position"].to_numpy(dtype=np.int64)
    owner = np.full(len(table), -1)
    nearest = np.full(len(table), np.iinfo(np.int64).max)
    members = [np.where(code >= 0, row_of[code], -1) for code in codes]
    for i, (window, rows) in enumerate(zip(windows, members, strict=True)):
        rows = rows[rows >= 0]
        core = window.start + FLANK
        away = np.maximum(np.maximum(core - position[rows], position[rows] - core - FLANK + 1), 0)
        closer = away <= nearest[rows]  # of two that are as near, the later one
        owner[rows[closer]], nearest[rows[closer]] = i, away[closer]
    plans = [
        WindowPlan(window, rows, np.flatnonzero(owner == i))
        for i, (window, rows) in enumerate(zip(windows, members, strict=True))
    ]
    plans = [plan for plan in plans if len(plan.owned)]
    plans.sort(key=lambda plan: plan.rows[plan.rows >= 0].min())
    dropped = {
        "repeated variant": int(again.sum()) + twice,
        NOT_LISTED: int(unlisted.sum()),
        f"minor allele rarer than {maf:g}": int(rare.sum()),
    }
    return table, plans, {reason: count for reason, count in dropped.items() if count}


def _union(tables: list[pd.DataFrame]) -> tuple[pd.DataFrame, list[np.ndarray], int]:
    """Every variant of overlapping tables once, and where the rows of each table are in that.

    A row that repeats one of its own table is nowhere (-1); last comes how many there are.
    """
    known = tables[0].iloc[:0]
    codes, twice = [], 0
    for table in tables:
        # Only what lies where this table begins can be in it.
        first = table["position"].min() if len(table) else 0
        tail = known.index[known["position"].to_numpy() >= first]
        index = pd.MultiIndex.from_frame(known.loc[tail, _KEY])
        index, where = index.drop_duplicates(), tail[~index.duplicated()].to_numpy()
        found = index.get_indexer(pd.MultiIndex.from_frame(table[_KEY]))
        code = np.where(found >= 0, where[found] if len(where) else -1, -1)
        again = table.duplicated(_KEY).to_numpy()
        twice += int((again & (code < 0)).sum())
        new = np.flatnonzero((code < 0) & ~again)
        code[again] = -1
        code[new] = len(known) + np.arange(len(new))
        known = pd.concat([known, table.iloc[new]], ignore_index=True)
        codes.append(code)
    return known, codes, twice


def _block(
    table: pd.DataFrame,
    plan: WindowPlan,
    base: int,
    variance: float,
    people: int,
    dropped: dict[str, int],
) -> PanelBlock:
    """Read and factorise one window.

    The block covers a run of the chromosome's variants; those in the run that this window
    does not hold have no loadings.
    """
    kept = np.flatnonzero(plan.rows >= 0)
    R = read_window(plan.window.npz, len(plan.rows))
    if len(kept) < len(R):
        R = R[np.ix_(kept, kept)]
    rows = plan.rows[kept]
    first, last = int(rows.min()), int(rows.max())
    owned_in_run = np.zeros(last + 1 - first, dtype=bool)
    owned_in_run[plan.owned - first] = True
    owned = owned_in_run[rows - first]
    factor = matrix_factor(R, variance, owned)
    W = np.zeros((last + 1 - first, factor.W.shape[1]), dtype=np.float32)
    W[rows - first] = factor.W
    squared = np.zeros(len(W))
    squared[rows - first] = np.einsum("ij,ij->i", R, R)
    position = table["position"].to_numpy()[plan.owned]
    return PanelBlock(
        chromosome=plan.window.chromosome,
        start=int(position.min()) - 1,
        stop=int(position.max()),
        variants=variants_dataset(
            table.iloc[first : last + 1], correct_scores(squared, len(R), people)
        ),
        factor=W,
        dropped=dropped,
        owned=owned_in_run,
        offset=base + first,
        clipped=min(factor.lowest, 0.0) if factor.lowest < -ROUNDING else 0.0,
    )


def read_window(file: Path, variants: int) -> np.ndarray:
    """Read the correlation matrix of one window, whole, float32.

    Parameters
    ----------
    file : Path
        .npz of a scipy sparse matrix: one triangle, one half on the diagonal.
    variants : int
        Rows of its variant table.

    Raises
    ------
    InputError
        If it cannot be read, holds pickled objects or NaN, or is of another size.
    """
    try:
        M = read_sparse(file)
    except InputError:
        raise
    except DAMAGED as error:
        raise refused(file, error) from error
    if M.shape != (variants, variants):
        raise InputError(
            f"{file}: is {M.shape}, but its variant table {file.stem}.gz has {variants} rows. "
            "Download both again."
        )
    finite = np.isfinite(M.data)
    if not finite.all():
        raise not_a_number(str(file), int(M.row[int(finite.argmin())]))
    below, above = bool((M.row > M.col).any()), bool((M.row < M.col).any())
    R = M.toarray()
    del M
    symmetrise(R, str(file), below if below != above else None)
    check_diagonal(R, str(file))
    check_signed(R, str(file))
    return R


LD_SOURCES.add(
    SourceKind(
        "ukbb",
        "UK Biobank LD windows",
        "Folder of UK Biobank LD windows: chr<c>_<start>_<end>.npz, with .gz tables.",
        lambda path, panel: open_ukb(path, panel.people, listed_by(panel)),
        build=_BUILD,
        order=4,
    )
)
