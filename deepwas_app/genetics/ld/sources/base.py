"""What every LD source gives, and what they share: variant tables, files, the last steps."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics import chromosomes
from deepwas_app.genetics.columns import find_columns
from deepwas_app.genetics.files import file_record
from deepwas_app.genetics.ld.matrix import ROUNDING
from deepwas_app.genetics.ld.panel import NO_ALLELE, UNKNOWN_ALLELE, UNPLACED, PanelBlock
from deepwas_app.genetics.lists import is_listed, read_variant_list
from deepwas_app.genetics.matching import repeated
from deepwas_app.genetics.tables import read_table, whole_numbers
from deepwas_app.registry import Registry

_COLUMNS = (
    *("id", "chromosome", "position", "effect_allele", "other_allele", "frequency", "people"),
    *("block", "index"),
)
_TEXT = ("id", "chromosome", "effect_allele", "other_allele", "block")
_NEEDED = ("id", "position", "effect_allele", "other_allele")


@dataclass(frozen=True)
class LdSource:
    """An LD source that was opened: its tables are read, its matrices are not.

    Attributes
    ----------
    title : str
        For people: "SBayesRC eigen files DIR".
    count : int
        Number of LD blocks.
    blocks : callable
        ``blocks(variance, maf)`` gives one :class:`PanelBlock` at a time, in the order of the
        genome; no more than one is in memory.
    genome_build : str
        "hg19", "hg38", or empty where the source does not say.
    sample_size : int
        People behind the LD, 0 where the source does not say.
    dropped : dict
        Reason to number of variants that are in no block.
    records : list of dict
        Provenance of the files.
    """

    title: str
    count: int
    blocks: Callable[[float, float], Iterator[PanelBlock]]
    genome_build: str = ""
    sample_size: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    records: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class SourceKind:
    """A kind of LD source: its flag and setting, and how it is opened.

    Attributes
    ----------
    name : str
        Of its setting and, after two dashes, of its flag.
    title : str
        For people: "LDGM precision matrices".
    doc : str
        What to name, and what it looks like on disk.
    open : callable
        ``open(named, settings)`` reads the tables of what was named; ``settings`` are those of
        the panel, such as ``people`` and ``population``.
    several : bool
        Whether several files are named, not one.
    blocks : bool
        Whether LD blocks may be given: it has none of its own.
    people : bool
        Whether people may be chosen: it has their genotypes.
    build : str
        Genome build of its files, empty where they do not say.
    order : int
        Where it stands in lists, smallest first.
    """

    name: str
    title: str
    doc: str
    open: Callable[[Any, Any], LdSource]
    several: bool = False
    blocks: bool = False
    people: bool = False
    build: str = ""
    order: int = 100


LD_SOURCES: Registry[SourceKind] = Registry("ld_sources", "deepwas_app.genetics.ld.sources")


# Why a variant is not taken that the source has.
NOT_LISTED = "not in the list of variants"


def listed_by(settings: Any) -> xr.Dataset | None:
    """The variants that settings ask for, None for all."""
    return read_variant_list(settings.extract) if getattr(settings, "extract", "") else None


def only_listed(block: PanelBlock, listed: xr.Dataset) -> PanelBlock:
    """The block with the variants of a list; their LD scores stay those among all variants."""
    keep = is_listed(block.variants, listed)
    if keep.all():
        return block
    if block.owned is not None or block.offset is not None:
        raise ValueError("blocks that overlap take their variants from a list themselves")
    return block._replace(
        variants=block.variants.isel(variants=keep),
        factor=np.ascontiguousarray(block.factor[keep]),
        dropped=block.dropped | {NOT_LISTED: int((~keep).sum())},
    )


_R_FILES = (".rds", ".rdata", ".rda")


def check_foreign(path: str | Path) -> None:
    """Stop where a path is LD in a format of R or Hail, and say how to bring it here.

    Raises
    ------
    InputError
        If it is.
    """
    path = Path(path).expanduser()
    if path.suffix.lower() in _R_FILES:
        raise InputError(
            f"{path}: is a file of R, as bigsnpr's LD is. In R: Matrix::writeMM(as(readRDS(FILE), "
            "'generalMatrix'), 'ld.mtx'); in Python: scipy.sparse.save_npz('ld.npz', "
            "scipy.io.mmread('ld.mtx')); then --dense ld.npz with its map as --variants."
        )
    if path.suffix == ".bm" or (path / "parts").is_dir() or (path / "_SUCCESS").is_file():
        raise InputError(
            f"{path}: is a Hail BlockMatrix. In Hail: BlockMatrix.read(PATH)[i:j, i:j].to_numpy() "
            "of each LD block, saved by numpy.save as .npy, its variants as .tsv of the same name "
            "beside it; then --dense."
        )


def read_variants(
    path: str | Path, *, chromosome: str | None = None, names: dict[str, str] | None = None
) -> pd.DataFrame:
    """Read the variant table of an LD source.

    Parameters
    ----------
    path : path
        Table with a header; columns are known by the names that the field gives them.
    chromosome : str, optional
        Chromosome of every row, where the table has no column for it.
    names : dict, optional
        What a column is called in this file, for columns outside
        :data:`deepwas_app.genetics.columns.COLUMNS`.

    Returns
    -------
    pandas.DataFrame
        id, chromosome, position, effect_allele, other_allele, frequency (NaN where the table
        has none), and people, block, index and flip where the table has them.

    Raises
    ------
    InputError
        If a column is missing, or a position is not a whole number: the row is named.
    """
    path = Path(path)
    frame = read_table(path)
    found = find_columns(frame.columns, _COLUMNS)
    found |= {what: name for what, name in (names or {}).items() if name in frame}
    needed = _NEEDED if chromosome is not None else (*_NEEDED, "chromosome")
    missing = [what for what in needed if what not in found]
    if missing:
        raise InputError(
            f"{path}: has no column of {' or '.join(missing).replace('_', ' ')} "
            f"({', '.join(map(str, frame.columns[:8]))}). "
            "Give a variant table with SNP, CHR, BP, A1 and A2."
        )
    out = pd.DataFrame({what: frame[found[what]] for what in found if what in _TEXT})
    for what in ("position", "index"):
        if what in found:
            out[what] = whole_numbers(path, frame[found[what]], found[what])
    for what in ("frequency", "people"):
        text = frame[found[what]] if what in found else pd.Series("", index=frame.index)
        out[what] = pd.to_numeric(text, errors="coerce").astype(np.float64)
    if "flip" in found:
        out["flip"] = whole_numbers(path, frame[found["flip"]], found["flip"])
        if not out["flip"].isin((-1, 1)).all():
            raise InputError(f"{path}: {found['flip']} is neither 1 nor -1 everywhere. Correct it.")
    out["chromosome"] = chromosomes.normalise(
        out["chromosome"] if chromosome is None else [chromosome] * len(out)
    )
    for what in ("effect_allele", "other_allele"):
        out[what] = out[what].str.upper()
    return out


def variants_dataset(table: pd.DataFrame, scores: np.ndarray) -> xr.Dataset:
    """Turn rows of a variant table into the variables that a panel holds."""
    text = ("id", "chromosome", "effect_allele", "other_allele")
    arrays = {name: table[name].to_numpy(dtype=str) for name in text}
    arrays["position"] = table["position"].to_numpy(dtype=np.int32)
    arrays["allele_frequency"] = table["frequency"].to_numpy(dtype=np.float32)
    arrays["ld_score"] = scores.astype(np.float32)
    return xr.Dataset({f"variant_{name}": ("variants", a) for name, a in arrays.items()})


def common(table: pd.DataFrame, maf: float, where: str | Path) -> np.ndarray:
    """Variants that are not rarer than `maf`.

    Raises
    ------
    InputError
        If rare ones are to be dropped and the source has no frequencies.
    """
    if maf <= 0:
        return np.ones(len(table), dtype=bool)
    frequency = table["frequency"].to_numpy()
    if not np.isfinite(frequency).any():
        raise InputError(f"{where}: has no allele frequencies. Leave out --maf.")
    return ~(np.minimum(frequency, 1 - frequency) < maf)


def finished_block(
    table: pd.DataFrame,
    W: np.ndarray,
    scores: np.ndarray,
    *,
    maf: float,
    where: str | Path,
    lowest: float = 0.0,
    dropped: dict[str, int] | None = None,
) -> PanelBlock:
    """Make the block of a whole LD matrix: sorted, repeated and rare variants dropped.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`read_variants`, one row for each row of `W`.
    W : (variants, components) array
        R = W Wᵀ.
    scores : (variants,) array
        LD scores.
    maf : float
        Variants with a rarer minor allele are dropped.
    where : path
        Names the source in errors.
    lowest : float
        Smallest eigenvalue of the LD matrix.
    dropped : dict, optional
        Reason to number of variants that were dropped before.
    """
    reasons = {
        UNPLACED: ~chromosomes.placed(table["chromosome"].to_numpy(str), table["position"]),
        UNKNOWN_ALLELE: table[["effect_allele", "other_allele"]].isin(NO_ALLELE).any(axis=1),
        "repeated variant": repeated(table),
        f"minor allele rarer than {maf:g}": ~common(table, maf, where),
    }
    counts, left = dict(dropped or {}), np.ones(len(table), dtype=bool)
    for reason, wrong in reasons.items():
        counts[reason] = int((left & np.asarray(wrong)).sum())
        left &= ~np.asarray(wrong)
    keep = np.flatnonzero(left)
    keep = keep[np.argsort(table["position"].to_numpy()[keep], kind="stable")]
    # All of them where none is left: the block is there, and empty.
    position = table["position"].to_numpy()[keep if len(keep) else slice(None)]
    names = table["chromosome"].to_numpy(str)[keep if len(keep) else slice(None)]
    return PanelBlock(
        chromosome=str(names[0]) if len(table) else "",
        start=int(position.min()) - 1 if len(table) else 0,
        stop=int(position.max()) if len(table) else 0,
        variants=variants_dataset(table.iloc[keep], scores[keep]),
        factor=np.ascontiguousarray(W[keep], dtype=np.float32),
        dropped={reason: count for reason, count in counts.items() if count},
        clipped=min(lowest, 0.0) if lowest < -ROUNDING else 0.0,
    )


def genome_order(tables: Sequence[pd.DataFrame]) -> list[int]:
    """Order of blocks by the place of their first variant; empty ones are left out."""
    filled = [i for i, table in enumerate(tables) if len(table)]
    names = np.array([tables[i]["chromosome"].iloc[0] for i in filled], dtype=str)
    first = np.array([tables[i]["position"].min() for i in filled], dtype=np.int64)
    return [filled[i] for i in chromosomes.sort_order(names, first)]


def folder(path: str | Path, what: str, pattern: str) -> Path:
    """Check that a folder is there and holds files of a pattern.

    Raises
    ------
    InputError
        Says what the folder should be.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise InputError(f"{path}: no such folder. Check the path.")
    if not path.is_dir():
        raise InputError(f"{path}: is a file. Give the folder of {what}.")
    if not any(path.glob(pattern)):
        raise InputError(f"{path}: holds no {pattern}. Give the folder of {what}.")
    return path


def folder_record(path: Path, files: Sequence[Path], format: str) -> dict[str, Any]:
    """Provenance of many files: total size, and a hash of their names and sizes.

    The contents of a genome's matrices are too many bytes to hash.
    """
    sizes = [file.stat().st_size for file in files]
    listing = "".join(f"{f.name}\t{size}\n" for f, size in zip(files, sizes, strict=True))
    return {
        "path": str(path),
        "format": f"{format}, {len(files)} files",
        "size": sum(sizes),
        "sha256": hashlib.sha256(listing.encode()).hexdigest(),
        "role": "LD",
    }


def table_record(path: Path) -> dict[str, Any]:
    """Provenance of a variant table."""
    return file_record(path, "table", "LD variants")
