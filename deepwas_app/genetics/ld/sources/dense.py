"""Dense or sparse correlation matrices, .npy or .npz, each with a variant table beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from deepwas_app.errors import InputError
from deepwas_app.genetics import chromosomes
from deepwas_app.genetics.files import existing, file_record, file_records
from deepwas_app.genetics.ld.blocks import assign_blocks, read_blocks
from deepwas_app.genetics.ld.factor import correct_scores
from deepwas_app.genetics.ld.matrix import (
    check_diagonal,
    check_signed,
    check_symmetric,
    matrix_factor,
    symmetrise,
)
from deepwas_app.genetics.ld.numpy_files import DAMAGED, check_header, read_sparse, refused
from deepwas_app.genetics.ld.panel import PanelBlock
from deepwas_app.genetics.ld.sources.base import (
    LD_SOURCES,
    LdSource,
    SourceKind,
    finished_block,
    genome_order,
    read_variants,
    table_record,
)
from deepwas_app.genetics.patterns import expand

_TABLES = (".tsv", ".tsv.gz", ".csv", ".csv.gz", ".txt", ".txt.gz", ".gz", ".parquet", ".snps")


def open_dense(
    paths: Sequence[str | Path],
    tables: Sequence[str | Path] = (),
    people: int = 0,
    blocks: pd.DataFrame | None = None,
) -> LdSource:
    """Open correlation matrices in numpy's own files.

    Parameters
    ----------
    paths : sequence of paths
        .npy, .npz with one matrix, or .npz of a scipy sparse matrix; one triangle will do. Globs
        and ``{CHR}`` work.
    tables : sequence of paths
        A variant table for each; those of the same name beside the matrices by default.
    people : int
        People behind the LD; 0 where unknown.
    blocks : pandas.DataFrame, optional
        LD blocks to cut each matrix into; each matrix is one block by default.

    Raises
    ------
    InputError
        If a matrix cannot be read, or is not of the size of its table.
    """
    paths = [path for pattern in paths for path in expand(pattern)]
    tables = [path for pattern in tables for path in expand(pattern)]
    files = [existing(path) for path in paths]
    if tables and len(tables) != len(files):
        raise InputError(
            f"{tables[0]}: {len(tables)} variant tables for {len(files)} matrices. "
            "Name one for each, in the same order."
        )
    places = [existing(table) for table in tables] or [_beside(file) for file in files]
    variants = [read_variants(place) for place in places]
    for place, table in zip(places, variants, strict=True):
        placed = chromosomes.placed(table["chromosome"].to_numpy(str), table["position"])
        if table["chromosome"][placed].nunique() > 1 and blocks is None:
            raise InputError(
                f"{place}: has variants of several chromosomes. Give LD blocks with --blocks."
            )
    pieces = [(i, rows) for i, table in enumerate(variants) for rows in _pieces(table, blocks)]
    order = genome_order([variants[i].iloc[rows] for i, rows in pieces])
    inside = sum(len(rows) for _, rows in pieces)
    outside = sum(map(len, variants)) - inside

    def read(variance: float, maf: float) -> Iterator[PanelBlock]:
        held, R = -1, np.zeros((0, 0))
        for piece in order:
            i, rows = pieces[piece]
            if i != held:
                held, R = i, read_matrix(files[i], len(variants[i]))
            part = R if len(rows) == len(R) else R[np.ix_(rows, rows)]
            factor = matrix_factor(part, variance)
            squared = np.square(part, dtype=np.float64).sum(axis=1)
            yield finished_block(
                variants[i].iloc[rows],
                factor.W,
                correct_scores(squared, len(part), people),
                maf=maf,
                where=files[i],
                lowest=factor.lowest,
            )

    return LdSource(
        title="correlation matrices " + ", ".join(map(str, files[:3])),
        count=len(order),
        blocks=read,
        sample_size=people,
        dropped={"outside the LD blocks": outside} if outside else {},
        records=[
            *(file_record(file, "correlation matrix", "LD") for file in files),
            *(table_record(place) for place in places),
        ],
    )


def _beside(file: Path) -> Path:
    for suffix in _TABLES:
        candidate = file.with_suffix("").with_name(file.stem + suffix)
        if candidate.is_file():
            return candidate
    raise InputError(
        f"{file}: there is no variant table {file.stem}.tsv beside it. Name one with --variants."
    )


def _pieces(table: pd.DataFrame, blocks: pd.DataFrame | None) -> list[np.ndarray]:
    """Rows of each LD block; those of every row where no blocks are given."""
    if blocks is None:
        return [np.arange(len(table))]
    index = assign_blocks(table["chromosome"].to_numpy(str), table["position"].to_numpy(), blocks)
    return [np.flatnonzero(index == block) for block in np.unique(index[index >= 0])]


def read_matrix(file: Path, variants: int) -> np.ndarray:
    """Read one correlation matrix, whole and checked.

    Raises
    ------
    InputError
        If it cannot be read, holds pickled objects or NaN, or is of another size than
        `variants` rows.
    """
    try:
        with file.open("rb") as stream:
            check_header(stream, file.stat().st_size)
            R = np.load(stream, allow_pickle=False)
            if not isinstance(R, np.ndarray):
                with R as archive:
                    R = _from_archive(file, archive, variants)
    except InputError:
        raise
    except DAMAGED as error:
        raise refused(file, error) from error
    if R.shape != (variants, variants):
        raise InputError(
            f"{file}: is {R.shape}, but its variant table has {variants} rows. "
            "Give the table of this matrix."
        )
    R = np.asarray(R, dtype=np.float32 if R.dtype == np.float16 else R.dtype)
    if R.dtype.kind != "f":
        raise InputError(f"{file}: holds {R.dtype} values. Give correlations.")
    symmetrise(R, str(file))
    check_symmetric(R, str(file))
    check_diagonal(R, str(file))
    check_signed(R, str(file))
    return R


def _from_archive(file: Path, archive: np.lib.npyio.NpzFile, variants: int) -> np.ndarray:
    if "format" in archive.files:
        M = read_sparse(file)
        # One of another shape, which may be too large to be filled in, is told by who reads it.
        return M.toarray() if M.shape == (variants, variants) else M
    matrices = [name for name in archive.files if archive[name].ndim == 2]
    if len(matrices) != 1:
        raise InputError(
            f"{file}: holds {len(matrices)} matrices ({', '.join(archive.files)}). "
            "Save one correlation matrix in a file."
        )
    return archive[matrices[0]]


def _open(paths: Sequence[str], panel: Any) -> LdSource:
    blocks = read_blocks(panel.blocks) if panel.blocks else None
    source = open_dense(paths, panel.variants, panel.people, blocks)
    if panel.blocks:
        source.records.extend(file_records(panel.blocks, "BED", "LD blocks"))
    return source


LD_SOURCES.add(
    SourceKind(
        "dense",
        "Correlation matrices",
        "Correlation matrices, .npy or .npz, one LD block each.",
        _open,
        several=True,
        blocks=True,
        order=7,
    )
)
