"""PRS-CS panels: ldblk_*_chr<c>.hdf5 with a dense matrix per block, and snpinfo_*."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from deepwas_app.errors import InputError
from deepwas_app.genetics.files import existing, file_record, unreadable
from deepwas_app.genetics.ld.factor import correct_scores
from deepwas_app.genetics.ld.matrix import (
    check_diagonal,
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


def open_prscs(path: str | Path, people: int = 0) -> LdSource:
    """Open a PRS-CS panel.

    Parameters
    ----------
    path : path
        Folder of a panel, or one of its hdf5 files; snpinfo_* lies in the same folder.
    people : int
        People behind the LD; 0 where unknown.

    Raises
    ------
    InputError
        If a file is missing or damaged, or a matrix is not of the size of its list of variants.

    Notes
    -----
    MAF of snpinfo_* is taken as the frequency of A1, as PLINK writes it.
    """
    path = Path(path).expanduser()
    if path.is_file():
        files = [path]
    else:
        files = sorted(folder(path, _WHAT, "ldblk_*.hdf5").glob("ldblk_*.hdf5"))
    tables = sorted(files[0].parent.glob("snpinfo_*"))
    if not tables:
        raise InputError(
            f"{files[0]}: there is no snpinfo_* beside it. Put the panel's snpinfo file there."
        )
    variants = read_variants(tables[0])
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
        dropped={f"not in {tables[0].name}": unknown} if unknown else {},
        records=[record, table_record(tables[0])],
    )


def _blocks(file: Path, variants: pd.DataFrame) -> list[_Block]:
    """Blocks of one hdf5 file and their variants; the matrices stay on disk."""
    import h5py

    out = []
    try:
        with h5py.File(existing(file), "r") as stream:
            groups = [name for name in stream if re.fullmatch(r"blk_\d+", name)]
            for name in sorted(groups, key=lambda text: int(text[4:])):
                ids = [_text(item) for item in stream[name]["snplist"][...]]
                shape = stream[name]["ldblk"].shape
                if shape != (len(ids), len(ids)) and ids:
                    raise InputError(
                        f"{file}: {name} has {len(ids)} variants and a matrix of {shape}. "
                        "Download it again."
                    )
                found = variants.index.get_indexer(ids)
                rows = np.flatnonzero(found >= 0)
                table = variants.iloc[found[rows]].reset_index(drop=True)
                out.append(_Block(file, name, table, rows, len(ids)))
    except (OSError, KeyError, RuntimeError) as error:
        raise unreadable(file, error) from error
    if not out:
        raise InputError(f"{file}: has no groups blk_1, blk_2, ... Give a PRS-CS panel.")
    return out


def _text(item: bytes | str) -> str:
    return item.decode() if isinstance(item, bytes) else str(item)


def _matrix(block: _Block) -> np.ndarray:
    import h5py

    try:
        with h5py.File(block.file, "r") as stream:
            R = np.asarray(stream[block.group]["ldblk"][...], dtype=np.float64)
    except (OSError, KeyError, RuntimeError) as error:
        raise unreadable(block.file, error) from error
    where = f"{block.file}: {block.group}"
    symmetrise(R, where)
    check_symmetric(R, where)
    check_diagonal(R, where)
    return R


LD_SOURCES.add(
    SourceKind(
        "prscs",
        "PRS-CS panel",
        "PRS-CS panel: its folder, or one ldblk_*_chr<c>.hdf5; snpinfo_* beside it.",
        lambda path, panel: open_prscs(path, panel.people),
        order=6,
    )
)
