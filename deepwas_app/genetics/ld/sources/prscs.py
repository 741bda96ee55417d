"""PRS-CS panels: ldblk_*_chr<c>.hdf5 with a dense matrix per block, and snpinfo_*."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from deepwas_app.errors import InputError
from deepwas_app.genetics import foreign
from deepwas_app.genetics.apart import apart
from deepwas_app.genetics.files import existing, file_record, read_header
from deepwas_app.genetics.ld.factor import correct_scores
from deepwas_app.genetics.ld.matrix import (
    check_diagonal,
    check_signed,
    check_symmetric,
    matrix_factor,
    symmetrise,
)
from deepwas_app.genetics.ld.panel import PanelBlock
from deepwas_app.genetics.ld.sources.base import (
    LD_SOURCES,
    LdSource,
    SourceKind,
    finished_block,
    folder,
    folder_record,
    genome_order,
    read_variants,
    table_record,
)

_WHAT = "a PRS-CS panel (ldblk_*_chr*.hdf5 and snpinfo_*)"


class _Block(NamedTuple):
    file: Path
    group: str
    table: pd.DataFrame
    rows: np.ndarray
    size: int


def open_prscs(path: str | Path, people: int = 0, population: str = "") -> LdSource:
    """Open a PRS-CS panel.

    Parameters
    ----------
    path : path
        Folder of a panel, or one of its hdf5 files; snpinfo_* lies in the same folder.
    people : int
        People behind the LD; 0 where unknown.
    population : str
        Of a panel of PRS-CSx, whose snpinfo_mult_* is of several: EUR, EAS. The name of the folder
        or of its files goes first.

    Raises
    ------
    InputError
        If a file is missing or damaged, or a matrix is not of the size of its list of variants.

    Notes
    -----
    MAF of snpinfo_* is taken as the frequency of A1, as PLINK writes it. A table of several
    populations has the same A1 for all of them; where FLP_<population> is -1 the LD of that
    population counts the other allele.
    """
    path = Path(path).expanduser()
    if path.is_file():
        files = [path]
    else:
        files = sorted(folder(path, _WHAT, "ldblk_*.hdf5").glob("ldblk_*.hdf5"))
    table = _snpinfo(files[0])
    variants = read_variants(table, names=_of_population(table, files[0], population))
    variants.index = pd.Index(variants["id"])
    again = variants.index.duplicated()
    blocks = [block for file in files for block in _blocks(file, variants[~again])]
    order = genome_order([block.table for block in blocks])
    unknown = sum(block.size - len(block.rows) for block in blocks)

    def read(variance: float, maf: float) -> Iterator[PanelBlock]:
        for i in order:
            block = blocks[i]
            where = f"{block.file}: {block.group}"
            R = _matrix(block)[np.ix_(block.rows, block.rows)]
            if "flip" in block.table:
                sign = block.table["flip"].to_numpy(np.float64)
                R *= np.outer(sign, sign)
            factor = matrix_factor(R, variance)
            scores = correct_scores(np.square(R).sum(axis=1), len(R), people)
            yield finished_block(
                block.table, factor.W, scores, maf=maf, where=where, lowest=factor.lowest
            )

    record = (
        file_record(path, "PRS-CS", "LD")
        if path.is_file()
        else folder_record(path, files, "PRS-CS")
    )
    return LdSource(
        title=f"PRS-CS panel {path}",
        count=len(order),
        blocks=read,
        sample_size=people,
        dropped={f"not in {table.name}": unknown} if unknown else {},
        records=[record, table_record(table)],
    )


def _snpinfo(file: Path) -> Path:
    """The variant table of a panel, of those beside its first file.

    One population's goes before that of several, then that which has the panel's name.
    """
    tables = sorted(path for path in file.parent.glob("snpinfo_*") if path.is_file())
    if not tables:
        raise InputError(
            f"{file}: there is no snpinfo_* beside it. Put the panel's snpinfo file there."
        )
    one = [path for path in tables if not _populations(path)] or tables
    panel = file.name.removeprefix("ldblk_").partition("_chr")[0]
    named = [path for path in one if panel in path.name.split("_")] or one
    if len(named) > 1:
        raise InputError(
            f"{file.parent}: holds {len(named)} tables of variants, {named[0].name} and "
            f"{named[1].name}. Leave the one of this panel there."
        )
    return named[0]


def _populations(table: Path) -> list[str]:
    return [name[4:] for name in read_header(table) if name.upper().startswith("FLP_")]


def _of_population(table: Path, file: Path, population: str) -> dict[str, str]:
    """Columns of flips and frequencies, of a table of several populations."""
    there = _populations(table)
    if not there:
        return {}
    words = re.split(r"[_.]", f"{file.parent.name}_{file.name}".lower())
    named = [name for name in there if name.lower() in words]
    named = named or [name for name in there if name.lower() == population.lower()]
    if len(named) != 1:
        raise InputError(
            f"{table}: is of several populations, {', '.join(there)}. Choose with --population."
        )
    return {"flip": f"FLP_{named[0]}", "frequency": f"FRQ_{named[0]}"}


def _blocks(file: Path, variants: pd.DataFrame) -> list[_Block]:
    """Blocks of one hdf5 file and their variants; the matrices stay on disk."""
    out = []
    for name, ids, shape in apart(foreign.hdf5_blocks, existing(file)):
        if shape != (len(ids), len(ids)) and ids:
            raise InputError(
                f"{file}: {name} has {len(ids)} variants and a matrix of {shape}. "
                "Download it again."
            )
        found = variants.index.get_indexer(ids)
        rows = np.flatnonzero(found >= 0)
        table = variants.iloc[found[rows]].reset_index(drop=True)
        out.append(_Block(file, name, table, rows, len(ids)))
    if not out:
        raise InputError(f"{file}: has no groups blk_1, blk_2, ... Give a PRS-CS panel.")
    return out


def _matrix(block: _Block) -> np.ndarray:
    R = apart(foreign.hdf5_matrix, block.file, block.group)
    where = f"{block.file}: {block.group}"
    symmetrise(R, where)
    check_symmetric(R, where)
    check_diagonal(R, where)
    check_signed(R, where)
    return R


LD_SOURCES.add(
    SourceKind(
        "prscs",
        "PRS-CS panel",
        "PRS-CS panel: its folder, or one ldblk_*_chr<c>.hdf5; snpinfo_* beside it.",
        lambda path, panel: open_prscs(path, panel.people, panel.population),
        order=6,
    )
)
