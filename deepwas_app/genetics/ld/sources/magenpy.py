"""LD of VIPRS and magenpy (Zabad et al. 2023): a zarr group a chromosome, one triangle of r."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from deepwas_app.errors import InputError
from deepwas_app.genetics import chromosomes, foreign
from deepwas_app.genetics.apart import apart
from deepwas_app.genetics.files import file_records
from deepwas_app.genetics.ld.blocks import assign_blocks, read_blocks
from deepwas_app.genetics.ld.factor import correct_scores
from deepwas_app.genetics.ld.matrix import check_signed, check_symmetric, matrix_factor
from deepwas_app.genetics.ld.panel import PanelBlock
from deepwas_app.genetics.ld.sources.base import (
    LD_SOURCES,
    LdSource,
    SourceKind,
    finished_block,
    folder_record,
    genome_order,
)
from deepwas_app.genetics.tables import whole_numbers

_WHAT = "magenpy LD (chr_<c>, with matrix and metadata)"
_BUILDS = {"grch37": "hg19", "hg19": "hg19", "grch38": "hg38", "hg38": "hg38"}
# A banded matrix of a chromosome has no blocks: it is cut, not factorised whole.
_LARGEST = 20_000


class _Group(NamedTuple):
    path: Path
    pointer: np.ndarray
    table: pd.DataFrame
    people: int
    build: str


def open_magenpy(path: str | Path, people: int = 0, blocks: str | Path = "") -> LdSource:
    """Open LD matrices of magenpy.

    Parameters
    ----------
    path : path
        Folder of one zarr group a chromosome, or one such group.
    people : int
        People behind the LD; 0: as the groups say.
    blocks : path
        BED file of LD blocks, for banded matrices; those of the matrix by default.

    Raises
    ------
    InputError
        If the folder is another one, an array is missing or of the wrong size, or a banded matrix
        comes without blocks.

    Notes
    -----
    Row i holds the correlations with the variants right after it, as many as there are up to the
    end of its block or band; integers are r times their largest value. MAF is taken as the
    frequency of A1.
    """
    path = Path(path).expanduser()
    if not path.is_dir():
        raise InputError(f"{path}: no such folder. Give the folder of {_WHAT}.")
    found = (
        [path] if (path / "matrix").is_dir() else sorted(p.parent for p in path.glob("*/matrix"))
    )
    if not found:
        raise InputError(f"{path}: holds no zarr group with a matrix. Give the folder of {_WHAT}.")
    groups = [_open(group) for group in found]
    places = read_blocks(blocks) if blocks else None
    pieces = [(g, rows) for g, group in enumerate(groups) for rows in _pieces(group, places)]
    order = genome_order([groups[g].table.iloc[rows] for g, rows in pieces])
    people = people or min(group.people for group in groups)
    outside = sum(len(group.table) for group in groups) - sum(len(rows) for _, rows in pieces)

    def read(variance: float, maf: float) -> Iterator[PanelBlock]:
        for piece in order:
            g, rows = pieces[piece]
            R = _correlations(groups[g], rows)
            factor = matrix_factor(R, variance)
            scores = correct_scores(np.square(R).sum(axis=1), len(R), people)
            yield finished_block(
                groups[g].table.iloc[rows],
                factor.W,
                scores,
                maf=maf,
                where=groups[g].path,
                lowest=factor.lowest,
            )

    files = [file for group in groups for file in sorted(group.path.rglob("*")) if file.is_file()]
    records = [folder_record(path, files, "magenpy LD")]
    return LdSource(
        title=f"magenpy LD {path}",
        count=len(order),
        blocks=read,
        genome_build=groups[0].build,
        sample_size=people,
        dropped={"outside the LD blocks": outside} if outside else {},
        records=[*records, *file_records(blocks, "BED", "LD blocks")] if blocks else records,
    )


def _open(path: Path) -> _Group:
    meta, attrs, values = apart(foreign.zarr_group, path)
    pointer = meta.pop("indptr")
    size = len(pointer) - 1
    if size < 1 or pointer[0] or (np.diff(pointer) < 0).any():
        raise InputError(f"{path}: its rows do not follow one another. Download it again.")
    if any(len(column) != size for column in meta.values()) or values != pointer[-1]:
        raise InputError(
            f"{path}: its matrix is of {size} variants and {values} values, but its "
            f"metadata of {len(meta['snps'])} and its rows of {pointer[-1]}. Download it again."
        )
    if "Chromosome" not in attrs:
        raise InputError(f"{path}: does not say its chromosome. Download it again.")
    table = pd.DataFrame(
        {
            "id": [str(name) for name in meta["snps"]],
            "chromosome": chromosomes.normalise([attrs["Chromosome"]])[0],
            "position": whole_numbers(path, meta["bp"], "bp"),
            "effect_allele": [str(allele).upper() for allele in meta["a1"]],
            "other_allele": [str(allele).upper() for allele in meta["a2"]],
            "frequency": np.asarray(meta["maf"], dtype=np.float64),
        }
    )
    if (np.diff(table["position"]) < 0).any():
        raise InputError(f"{path}: its variants are not in the order of their positions.")
    build = _BUILDS.get(str(attrs.get("Genome build", "")).lower(), "")
    return _Group(path, pointer, table, int(attrs.get("Sample size") or 0), build)


def _pieces(group: _Group, places: pd.DataFrame | None) -> list[np.ndarray]:
    """Rows of each LD block: those that are given, or where no row reaches over."""
    size = len(group.table)
    if places is not None:
        names = group.table["chromosome"].to_numpy(str)
        index = assign_blocks(names, group.table["position"].to_numpy(), places)
        return [np.flatnonzero(index == block) for block in np.unique(index[index >= 0])]
    reach = np.maximum.accumulate(np.arange(size) + 1 + np.diff(group.pointer))
    cuts = np.flatnonzero(reach[:-1] == np.arange(1, size)) + 1
    pieces = np.split(np.arange(size), cuts)
    if max(map(len, pieces)) > _LARGEST:
        raise InputError(
            f"{group.path}: is a banded matrix, without LD blocks. Give some with --blocks BED."
        )
    return pieces


def _correlations(group: _Group, rows: np.ndarray) -> np.ndarray:
    """The dense matrix of consecutive rows, float64."""
    first, stop = int(rows[0]), int(rows[-1]) + 1
    pointer = group.pointer[first : stop + 1]
    values = apart(foreign.zarr_values, group.path, int(pointer[0]), int(pointer[-1]))
    largest = np.iinfo(values.dtype).max if values.dtype.kind == "i" else 1
    r = values.astype(np.float64) / largest
    R = np.eye(stop - first)
    for i in range(stop - first):
        row = r[pointer[i] - pointer[0] : pointer[i + 1] - pointer[0]][: stop - first - i - 1]
        R[i, i + 1 : i + 1 + len(row)] = R[i + 1 : i + 1 + len(row), i] = row
    where = f"{group.path}: rows {first + 1} to {stop}"
    check_symmetric(R, where)
    check_signed(R, where)
    return R


LD_SOURCES.add(
    SourceKind(
        "magenpy",
        "LD of VIPRS and magenpy",
        "LD of VIPRS and magenpy: its folder, of one zarr group a chromosome.",
        lambda path, panel: open_magenpy(path, panel.people, panel.blocks),
        blocks=True,
        order=8,
    )
)
