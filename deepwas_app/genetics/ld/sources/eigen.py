"""SBayesRC and GCTB eigen folders: ldm.info, snp.info and one eigen file per LD block."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from deepwas_app.errors import InputError
from deepwas_app.genetics.files import existing, unreadable
from deepwas_app.genetics.ld.factor import ld_scores
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
from deepwas_app.genetics.tables import read_table, whole_numbers
from deepwas_app.truncation import leading

_WHAT = "SBayesRC eigen files (ldm.info, snp.info, block*.eigen.bin)"


def open_eigen(path: str | Path, people: int = 0) -> LdSource:
    """Open a folder of SBayesRC or GCTB eigen-decompositions.

    Parameters
    ----------
    path : path
        Folder with ldm.info, snp.info and, per block, block<b>.eigen.bin or, from older
        releases, eig_block<b>_var<share>.bin3.
    people : int
        People behind the LD; 0: the median N of snp.info, where it has one.

    Raises
    ------
    InputError
        If the folder is another one, or a file of it is missing or of the wrong size.
    """
    path = folder(path, _WHAT, "snp.info")
    info, snp = existing(path / "ldm.info"), path / "snp.info"
    blocks = read_table(info)
    variants = read_variants(snp)
    columns = {str(name).lower(): name for name in blocks.columns}
    if "block" not in columns:
        raise InputError(f"{info}: has no column Block. Download the folder again.")
    names = blocks[columns["block"]].tolist()
    tables = _tables(info, blocks, columns, variants)
    order = genome_order(tables)
    files = [_file(path, names[i]) for i in order]
    if not people and variants["people"].notna().any():
        people = int(variants["people"].median())
    for i, file in zip(order, files, strict=True):
        _header(file, len(tables[i]))

    def read(variance: float, maf: float) -> Iterator[PanelBlock]:
        for i, file in zip(order, files, strict=True):
            W = read_eigen(file, len(tables[i]), variance)
            yield finished_block(tables[i], W, ld_scores(W, people), maf=maf, where=file)

    return LdSource(
        title=f"SBayesRC eigen files {path}",
        count=len(order),
        blocks=read,
        sample_size=people,
        dropped={},
        records=[
            table_record(info),
            table_record(snp),
            folder_record(path, files, "SBayesRC eigen"),
        ],
    )


def _tables(
    info: Path, blocks: pd.DataFrame, columns: dict[str, str], variants: pd.DataFrame
) -> list[pd.DataFrame]:
    """Rows of snp.info for each block of ldm.info."""
    names = blocks[columns["block"]].tolist()
    if "block" in variants:
        groups = dict(list(variants.groupby("block", sort=False)))
        tables = [groups.get(name, variants.iloc[:0]) for name in names]
    elif {"startsnpidx", "endsnpidx"} <= set(columns):
        first, last = (
            whole_numbers(info, blocks[columns[c]], columns[c])
            for c in ("startsnpidx", "endsnpidx")
        )
        tables = [variants.iloc[a : b + 1] for a, b in zip(first, last, strict=True)]
    else:
        raise InputError(f"{info}: does not say which variants are in a block. Download it again.")
    if "numsnps" in columns:
        stated = whole_numbers(info, blocks[columns["numsnps"]], columns["numsnps"])
        for name, table, count in zip(names, tables, stated, strict=True):
            if len(table) != count:
                raise InputError(
                    f"{info}: block {name} has {count} variants, but snp.info lists "
                    f"{len(table)}. Download both again."
                )
    return tables


def _file(path: Path, block: str) -> Path:
    new = path / f"block{block}.eigen.bin"
    if new.is_file():
        return new
    older = sorted(path.glob(f"eig_block{block}_var*.bin*"))
    if not older:
        raise InputError(f"{new}: no such file. Download block {block} again.")
    return older[-1]


def _header(file: Path, variants: int) -> tuple[int, int]:
    """Number of components, and bytes before the eigenvalues.

    Raises
    ------
    InputError
        If the header, the size of the file and the variant table disagree.
    """
    existing(file)
    with file.open("rb") as stream:
        header = stream.read(8)
    m, k = (int(v) for v in np.frombuffer(header, "<i4")) if len(header) == 8 else (-1, -1)
    if m != variants:
        raise InputError(
            f"{file}: says {m} variants, but snp.info lists {variants} for its block. "
            "Download the folder again."
        )
    fields = 3 if "bin3" in file.suffix else 4
    expected = 4 * (fields + k + m * k)
    if k < 1 or file.stat().st_size != expected:
        raise InputError(
            f"{file}: has {file.stat().st_size} bytes, but {m} variants and {k} eigenvalues "
            f"need {expected}. Download it again."
        )
    return k, 4 * fields


def read_eigen(file: Path, variants: int, variance: float) -> np.ndarray:
    """Read the factor W (variants, components) of one eigen file.

    Parameters
    ----------
    file : Path
        block<b>.eigen.bin or eig_block<b>_var<share>.bin3.
    variants : int
        Variants that snp.info lists for the block.
    variance : float
        Share of the variance to keep, of what the file holds; a file that holds less keeps all.
    """
    k, skip = _header(file, variants)
    try:
        with file.open("rb") as stream:
            stream.seek(skip)
            values = np.fromfile(stream, dtype="<f4", count=k)
            # A file that was damaged may hold what is no number: then all of it is looked at.
            kept = leading(values, variance, variants) if np.isfinite(values).all() else k
            vectors = np.fromfile(stream, dtype="<f4", count=variants * kept)
    except OSError as error:
        raise unreadable(file, error) from error
    values = values[:kept]
    if not (np.isfinite(values).all() and np.isfinite(vectors).all()):
        raise InputError(f"{file}: holds a value that is not a number. Download it again.")
    if (values < 0).any() or (np.diff(values) > 1e-4 * values[0]).any():
        raise InputError(
            f"{file}: its eigenvalues are not positive, largest first. Download it again."
        )
    return np.ascontiguousarray(
        (vectors.reshape(len(values), variants) * np.sqrt(values)[:, None]).T
    )


LD_SOURCES.add(
    SourceKind(
        "sbayesrc",
        "SBayesRC or GCTB eigen files",
        "Folder of SBayesRC or GCTB eigen files: ldm.info, snp.info, block*.eigen.bin.",
        lambda path, panel: open_eigen(path, panel.people),
        order=3,
    )
)
