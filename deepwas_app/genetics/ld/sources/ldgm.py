"""LDGM: sparse precision matrices, .edgelist and .snplist (Salehi Nowbandegani et al. 2023)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from scipy import sparse
from scipy.sparse.linalg import splu
from threadpoolctl import threadpool_limits

from deepwas_app.errors import InputError
from deepwas_app.genetics import chromosomes
from deepwas_app.genetics.files import existing
from deepwas_app.genetics.ld.factor import correct_scores
from deepwas_app.genetics.ld.matrix import matrix_factor, pivoted_factor
from deepwas_app.genetics.ld.panel import PanelBlock
from deepwas_app.genetics.ld.sources.base import (
    LD_SOURCES,
    NOT_LISTED,
    LdSource,
    SourceKind,
    finished_block,
    folder,
    folder_record,
    listed_by,
    read_variants,
    variants_dataset,
)
from deepwas_app.genetics.lists import is_listed
from deepwas_app.genetics.tables import read_bare_table

_WHAT = "LDGM precision matrices (.edgelist and .snplist)"
_BUILD = "hg38"
# Columns of the inverse that are solved for at a time: more do not stay in the cache.
_COLUMNS = 64
# Of more indices the eigenvectors take longer than a quick factor is worth.
_LARGE = 1_500
_PLACE = re.compile(r"chr([0-9A-Za-z]+)_(\d+)_(\d+)")


class _File(NamedTuple):
    edges: Path
    snps: Path
    chromosome: str
    start: int


def open_ldgm(
    path: str | Path,
    population: str = "EUR",
    people: int = 0,
    extract: xr.Dataset | None = None,
) -> LdSource:
    """Open a folder of LDGM precision matrices.

    Parameters
    ----------
    path : path
        Folder of 1kg_chr<c>_<start>_<end>.<population>.edgelist and
        1kg_chr<c>_<start>_<end>.snplist.
    population : str
        Which edge lists to read, and which frequencies: EUR, EAS, AFR, SAS or AMR.
    people : int
        People behind the LD; 0 where unknown.
    extract : xarray.Dataset, optional
        Variants to take: only theirs are solved for, seconds a block rather than minutes. All by
        default.

    Raises
    ------
    InputError
        If there is none for this population, or a list of variants is missing.

    Notes
    -----
    R is the inverse of the precision matrix, brought to a unit diagonal, at the indices of the
    variants that are taken. Variants of the same index are in perfect LD and share a row.
    """
    path = folder(path, _WHAT, "*.edgelist*")
    files = [_file(file) for file in path.glob(f"*.{population}.edgelist*")]
    if not files:
        given = sorted({file.name.split(".")[1] for file in path.glob("*.*.edgelist*")})
        raise InputError(
            f"{path}: has no edge lists of {population}, but of {', '.join(given) or 'none'}. "
            "Choose with --population."
        )
    names = np.array([file.chromosome for file in files])
    starts = np.array([file.start for file in files])
    files = [files[i] for i in chromosomes.sort_order(names, starts)]

    def read(variance: float, maf: float) -> Iterator[PanelBlock]:
        for file in files:
            yield _block(file, population, people, variance, maf, extract)

    everything = [part for file in files for part in (file.edges, file.snps)]
    return LdSource(
        title=f"LDGM {population} {path}",
        count=len(files),
        blocks=read,
        genome_build=_BUILD,
        sample_size=people,
        records=[folder_record(path, everything, "LDGM")],
    )


def _file(edges: Path) -> _File:
    place = _PLACE.search(edges.name)
    if not place:
        raise InputError(
            f"{edges}: its name does not say chr<c>_<start>_<end>. Keep the name it came with."
        )
    stem = edges.name.split(".")[0]
    snps = sorted(edges.parent.glob(f"{stem}.snplist*"))
    if not snps:
        raise InputError(f"{edges}: there is no {stem}.snplist beside it. Download it as well.")
    chromosome = str(chromosomes.normalise([place[1]])[0])
    return _File(edges, existing(snps[0]), chromosome, int(place[2]))


def _block(
    file: _File,
    population: str,
    people: int,
    variance: float,
    maf: float,
    extract: xr.Dataset | None,
) -> PanelBlock:
    table = read_variants(file.snps, chromosome=file.chromosome, names={"frequency": population})
    if "index" not in table:
        raise InputError(f"{file.snps}: has no column index. Download it again.")
    size, dropped = int(table["index"].max()) + 1, {}
    if extract is not None:
        listed = is_listed(variants_dataset(table, np.zeros(len(table))), extract)
        dropped[NOT_LISTED] = int((~listed).sum())
        table = table[listed].reset_index(drop=True)
    R, solved = correlations(file.edges, size, np.unique(table["index"]))
    row = np.full(size, -1)
    row[solved] = np.arange(len(solved))
    index = row[table["index"].to_numpy()]
    known = index >= 0
    index = index[known]
    W = pivoted_factor(R, variance) if len(R) > _LARGE else matrix_factor(R, variance).W
    alike = np.bincount(index, minlength=len(R))
    scores = correct_scores(np.square(R) @ alike, int(known.sum()), people)
    return finished_block(
        table[known],
        W[index],
        scores[index],
        maf=maf,
        where=file.snps,
        dropped=dropped | {"not in the precision matrix": int((~known).sum())},
    )


def correlations(
    edges: Path, size: int, wanted: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Invert a precision matrix at some of its indices, by its sparse factors.

    Parameters
    ----------
    edges : Path
        Lines ``i,j,value`` of one triangle with the diagonal, indices from 0, no header.
    size : int
        Indices that the list of variants has.
    wanted : int array, optional
        Those to take, all by default.

    Returns
    -------
    R : (indices, indices) float64 array
        Correlations of the wanted indices that the matrix has.
    solved : (indices,) int array
        Which these are.

    Raises
    ------
    InputError
        If a line is wrong (it is named), or the matrix is not positive definite.
    """
    table = read_bare_table(edges, ["i", "j", "value"], separator=",")
    numbers = table.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=np.float64)
    places = numbers[:, :2]
    bad = ~np.isfinite(numbers).all(axis=1) | (places < 0).any(axis=1)
    bad |= (places >= size).any(axis=1)
    if bad.any():
        raise InputError(
            f"{edges}: line {int(bad.argmax()) + 1} is not i,j,value with indices below {size}. "
            "Download it and its .snplist again."
        )
    i, j = places.astype(np.int64).T
    apart = i != j
    value = np.r_[numbers[:, 2], numbers[apart, 2]]
    P = sparse.csc_matrix((value, (np.r_[i, j[apart]], np.r_[j, i[apart]])), shape=(size, size))
    present = np.flatnonzero(P.diagonal() != 0)
    solved = present if wanted is None else np.intersect1d(present, wanted)
    at = np.searchsorted(present, solved)
    R = np.empty((len(solved), len(solved)))
    try:
        factors = splu(
            P[present][:, present],
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
        if not (factors.U.diagonal() > 0).all():
            raise RuntimeError("negative pivot")
        # Its dense parts are too small for several threads, which would wait for each other.
        with threadpool_limits(1, "blas"):
            for start in range(0, len(solved), _COLUMNS):
                some = at[start : start + _COLUMNS]
                units = np.zeros((len(present), len(some)), order="F")
                units[some, np.arange(len(some))] = 1.0
                # Rows of a symmetric matrix are written faster than columns.
                R[start : start + len(some)] = factors.solve(units).T[:, at]
    except RuntimeError as error:
        raise InputError(
            f"{edges}: the precision matrix is not positive definite. Download it again."
        ) from error
    R += R.T
    scale = 1 / np.sqrt(np.diagonal(R))
    R *= scale
    R *= scale[:, None]
    return R, solved


LD_SOURCES.add(
    SourceKind(
        "ldgm",
        "LDGM precision matrices",
        "Folder of LDGM precision matrices: .edgelist and .snplist.",
        lambda path, panel: open_ldgm(path, panel.population, panel.people, listed_by(panel)),
        build=_BUILD,
        order=5,
    )
)
