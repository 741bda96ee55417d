"""Annotation tables: which variant a row is, and its numbers."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics import chromosomes
from deepwas_app.genetics.annotation.layout import (
    KINDS,
    PLACE,
    annotations_of,
    check_positions,
    counting_note,
    counts_rows,
    keys_of,
    numbers,
    types_of,
    variants_of,
)
from deepwas_app.genetics.annotation.sources import check_build
from deepwas_app.genetics.files import existing, read_header
from deepwas_app.genetics.matching import (
    Groups,
    match_variants,
    names_of,
    places_of,
    with_places,
    without,
)
from deepwas_app.genetics.tables import (
    LEVELS,
    NUMBER,
    TEXT,
    read_bare_table,
    read_columns,
    whole_numbers,
)

NAMING = (
    "variant_id",
    "variant_chromosome",
    "variant_position",
    "variant_effect_allele",
    "variant_other_allele",
)
"""What names the variants of a Dataset."""


class Table(NamedTuple):
    """An annotation table on the variants of a study.

    Attributes
    ----------
    path : Path
        Where it is from.
    found : (variants,) bool array
        Which variants are in it.
    columns : dict
        Annotation to (variants,) float32 array, NaN where it has no value.
    notes : list of str
        Columns that are no annotations, and rows that differ, one line each.
    """

    path: Path
    found: np.ndarray
    columns: dict[str, np.ndarray]
    notes: list[str]


def read_table_on(path: str | Path, variants: xr.Dataset, bim: str = "") -> Table:
    """Read an annotation table and find the variants of a study in it.

    Parameters
    ----------
    path : path
        CSV, TSV, parquet, LDSC .annot, PolyFun .annot.parquet or SBayesRC annot, packed or
        not, with a header: SNP, or chromosome and position (and both alleles), or all; every
        other column is an annotation, but row numbers, CM, INFO and what a GWAS has.
    variants : xarray.Dataset
        With variant_id, variant_chromosome, variant_position and alleles.
    bim : str
        For a thin .annot, which has annotations only: the .bim whose rows it has. Empty: the
        file of the same name.

    Raises
    ------
    InputError
        If a file cannot be read, does not say which variants its rows are, holds text where a
        number belongs, or has positions of another genome build.
    """
    path = existing(path)
    header = read_header(path)
    keys = keys_of(header)
    names, others = annotations_of(header, keys)
    if not keys and (bim or ".annot" in path.name):
        rows_of = _bim(path, bim)
    elif "id" not in keys and not {*PLACE} <= {*keys}:
        raise InputError(
            f"{path}: does not say which variants its rows are. Add a column SNP, or CHR and BP."
        )
    else:
        rows_of = None
    if not names:
        raise InputError(f"{path}: has no annotation column. Add at least one.")
    types = types_of(path, names)
    types |= {column: KINDS.get(key, LEVELS) for key, column in keys.items()}
    table = read_columns(path, types)
    if rows_of is None:
        rows_of = variants_of(path, {key: table[column] for key, column in keys.items()})
    elif len(rows_of["variant_id"]) != table.num_rows:
        raise InputError(
            f"{path}: has {table.num_rows} rows, but its .bim has {len(rows_of['variant_id'])}. "
            f"Say whose rows these are: {path.name}#FILE.bim."
        )
    columns = {}
    for name in names:
        columns[name] = numbers(path, name, table[name])
        # Of hundreds of annotations each is held once.
        table = table.drop_columns([name])
    return _on_variants(path, columns, rows_of, variants, others)


def table_on(given: pd.DataFrame | xr.Dataset, variants: xr.Dataset) -> Table:
    """Find the variants of a study in annotations that are in memory.

    Parameters
    ----------
    given : pandas.DataFrame or xarray.Dataset
        An annotation a column; which variants, by SNP, or CHR and BP (and A1 and A2), or all; else
        by an index of names. Or what ``read_annotations`` gives.
    variants : xarray.Dataset
        With variant_id, variant_chromosome, variant_position and alleles.

    Raises
    ------
    InputError
        If it does not say which variants its rows are, or holds text where a number belongs.
    """
    frame = _frame(given) if isinstance(given, xr.Dataset) else given
    path = Path(frame.attrs.get("path", "annotations"))
    frame = frame.set_axis(frame.columns.astype(str), axis=1)
    keys = keys_of(list(frame.columns))
    names, others = annotations_of(list(frame.columns), keys)
    if not keys and not isinstance(frame.index, pd.RangeIndex):
        frame, keys = frame.assign(SNP=frame.index.astype(str)), {"id": "SNP"}
    if not keys:
        raise InputError(
            f"{path}: does not say which variants its rows are. Take their names as the index, or "
            "add columns CHR and BP."
        )
    if not names:
        raise InputError(f"{path}: has no annotation column. Add at least one.")
    named = {}
    for key, column in keys.items():
        values = pa.chunked_array([pa.array(frame[column], from_pandas=True)])
        kind = NUMBER if key == "position" else TEXT
        named[key] = values.cast(kind)
        if key not in KINDS:
            named[key] = named[key].dictionary_encode()
    try:
        columns = {name: frame[name].to_numpy(np.float32, na_value=np.nan) for name in names}
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: holds what is no number ({error}). Correct it.") from error
    return _on_variants(path, columns, variants_of(path, named), variants, others)


def _on_variants(
    path: Path,
    columns: dict[str, np.ndarray],
    rows_of: xr.Dataset,
    variants: xr.Dataset,
    others: list[str],
) -> Table:
    """Values of the variants; the mean where several rows are of one variant.

    The columns are used up, so that each is held once.
    """
    notes = [f"{path}: no annotations: {', '.join(others)}."] if others else []
    size = rows_of.sizes["variants"]
    counting = [name for name, column in columns.items() if counts_rows(column)]
    if counting:
        notes.append(counting_note(path, counting))
    variant, row = _pairs(path, rows_of, variants)
    number = np.bincount(variant, minlength=variants.sizes["variants"])
    repeated, differ = number > 1, np.zeros(len(number), dtype=bool)
    out = {}
    for name in list(columns):
        column = columns.pop(name)
        if name in counting:
            continue
        values = np.full(len(number), np.nan, dtype=np.float32)
        values[variant] = column[row]
        if repeated.any():
            several = repeated[variant]
            of, given = variant[several], column[row[several]].astype(np.float64)
            known = np.isfinite(given)
            count = np.bincount(of[known], minlength=len(number))
            with np.errstate(invalid="ignore"):
                mean = np.bincount(of[known], given[known], minlength=len(number)) / count
            values[repeated] = mean[repeated]
            away = np.abs(given - mean[of]) > 1e-6 * np.abs(given)
            differ[of[known & away]] = True
        out[name] = values
    if differ.any():
        by = "place, name and alleles" if "variant_effect_allele" in rows_of else "place or name"
        notes.append(
            f"{path}: {int(differ.sum())} variants have several rows of their {by} that differ: "
            "their mean was taken."
        )
    if size and not out:
        raise InputError(f"{path}: has no annotation column. Add at least one.")
    return Table(path, number > 0, out, notes)


def _frame(annotations: xr.Dataset) -> pd.DataFrame:
    """What ``read_annotations`` gives, as a table."""
    frame = pd.DataFrame(
        annotations["variant_annotation"].values, columns=annotations["annotation"].values
    )
    for column, name in zip(("SNP", "CHR", "BP", "A1", "A2"), NAMING, strict=True):
        if name in annotations:
            frame[column] = annotations[name].values
    return frame


def _bim(path: Path, bim: str) -> xr.Dataset:
    """Variants of the .bim that a thin .annot goes with."""
    stem = path.name.split(".annot")[0]
    file = Path(bim).expanduser() if bim else path.with_name(f"{stem}.bim")
    if not bim and not file.exists():
        raise InputError(
            f"{path}: does not say which variants its rows are. Add a column SNP, or CHR and BP; "
            f"or say whose rows a thin .annot has: {path.name}#FILE.bim."
        )
    names = ["chromosome", "id", "cm", "position"]
    table = read_bare_table(file, names)
    position = whole_numbers(file, table["position"], "position")
    return xr.Dataset(
        {
            "variant_id": ("variants", table["id"].to_numpy(dtype=object)),
            "variant_chromosome": ("variants", chromosomes.normalise(table["chromosome"])),
            "variant_position": ("variants", position),
        }
    )


def _pairs(path: Path, table: xr.Dataset, variants: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Variants and their rows of the table: by alleles where it has them, else by name or place."""
    said, build = table.attrs.get("genome_build"), variants.attrs.get("genome_build")
    if said and build:
        check_build(path, said, build)
    table = with_places(table)
    named = table if "variant_id" in table else table.assign(variant_id=("variants", _blank(table)))
    by_name = Groups(names_of(variants["variant_id"]), names_of(named["variant_id"]))
    if "variant_position" in table and (by_name.group >= 0).any():
        first = np.append(by_name.first(), -1)[by_name.group]
        shared = np.flatnonzero(first >= 0)
        away = table["variant_position"].values[first[shared]].astype(np.int64)
        check_positions(path, away - variants["variant_position"].values[shared])
    if "variant_effect_allele" in table and "variant_position" in table:
        match = match_variants(named, variants)
        return match.panel_row, match.row
    variant, row = by_name.pairs()
    if "variant_position" in table:
        place, table_place = places_of(variants, table)
        found = Groups(without(place, variant), table_place).pairs()
        variant, row = np.append(variant, found[0]), np.append(row, found[1])
    return variant, row


def _blank(table: xr.Dataset) -> np.ndarray:
    return np.full(table.sizes["variants"], "", dtype=object)
