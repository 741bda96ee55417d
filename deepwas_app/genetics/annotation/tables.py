"""Annotation tables: which variant a row is, and its numbers."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics import chromosomes
from deepwas_app.genetics.columns import COLUMNS, find_columns
from deepwas_app.genetics.files import existing, read_header
from deepwas_app.genetics.matching import first_rows, match_variants, names_of, places_of
from deepwas_app.genetics.tables import (
    LEVELS,
    NUMBER,
    TEXT,
    read_bare_table,
    read_columns,
    whole_numbers,
)

# What pandas calls an index that it writes to parquet.
_PANDAS_INDEX = "__index_level_0__"
_PLACE = ("chromosome", "position")
NAMING = (
    "variant_id",
    "variant_chromosome",
    "variant_position",
    "variant_effect_allele",
    "variant_other_allele",
)
"""What names the variants of a Dataset."""
_ALLELES = ("effect_allele", "other_allele")
_KEYS = ("id", *_PLACE, *_ALLELES)
_NO_ANNOTATION = {name for key in _KEYS for name in COLUMNS[key]} | {"cm", _PANDAS_INDEX}
_KINDS = {"id": TEXT, "position": NUMBER}
# Fewer variants than this say nothing certain about a whole file.
_TELLING = 4


class Table(NamedTuple):
    """An annotation table on the variants of a study.

    Attributes
    ----------
    path : Path
        Where it is from.
    names : list of str
        Annotations.
    rows : (variants,) int array
        Row of each variant, -1 where there is none.
    columns : list of (rows,) float32 arrays
        Values, one array per annotation.
    """

    path: Path
    names: list[str]
    rows: np.ndarray
    columns: list[np.ndarray]


def read_table_on(path: str | Path, variants: xr.Dataset, bim: str = "") -> Table:
    """Read an annotation table and find the variants of a study in it.

    Parameters
    ----------
    path : path
        CSV, TSV, parquet, LDSC .annot, PolyFun .annot.parquet or SBayesRC annot, packed or
        not, with a header: SNP, or chromosome and position (and both alleles), or all; every
        other column is an annotation, but CM.
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
    keys = _keys(header)
    names = [name for name in header if name.lower() not in _NO_ANNOTATION]
    if not keys and (bim or ".annot" in path.name):
        rows_of = _bim(path, bim)
    elif "id" not in keys and not {*_PLACE} <= {*keys}:
        raise InputError(
            f"{path}: does not say which variants its rows are. Add a column SNP, or CHR and BP."
        )
    else:
        rows_of = None
    if not names:
        raise InputError(f"{path}: has no annotation column. Add at least one.")
    types: dict[str, pa.DataType] = dict.fromkeys(names, NUMBER)
    types |= {column: _KINDS.get(key, LEVELS) for key, column in keys.items()}
    table = read_columns(path, types)
    if rows_of is None:
        rows_of = _dataset(path, {key: table[column] for key, column in keys.items()})
    elif len(rows_of["variant_id"]) != table.num_rows:
        raise InputError(
            f"{path}: has {table.num_rows} rows, but its .bim has {len(rows_of['variant_id'])}. "
            f"Say whose rows these are: {path.name}#FILE.bim."
        )
    columns = [table[name].to_numpy().astype(np.float32) for name in names]
    return Table(path, names, _rows(path, rows_of, variants), columns)


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
    keys = _keys(list(frame.columns))
    names = [name for name in frame if name.lower() not in _NO_ANNOTATION]
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
        if key not in _KINDS:
            named[key] = named[key].dictionary_encode()
    try:
        columns = [frame[name].to_numpy(np.float32, na_value=np.nan) for name in names]
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: holds what is no number ({error}). Correct it.") from error
    return Table(path, names, _rows(path, _dataset(path, named), variants), columns)


def _frame(annotations: xr.Dataset) -> pd.DataFrame:
    """What ``read_annotations`` gives, as a table."""
    frame = pd.DataFrame(
        annotations["variant_annotation"].values, columns=annotations["annotation"].values
    )
    for column, name in zip(("SNP", "CHR", "BP", "A1", "A2"), NAMING, strict=True):
        if name in annotations:
            frame[column] = annotations[name].values
    return frame


def _keys(header: list[str]) -> dict[str, str]:
    keys = find_columns(header, _KEYS)
    if not {*_PLACE} <= {*keys}:
        keys = {key: column for key, column in keys.items() if key not in _PLACE}
    if not {*_ALLELES} <= {*keys}:
        keys = {key: column for key, column in keys.items() if key not in _ALLELES}
    return keys if "id" in keys or {*_PLACE} <= {*keys} else {}


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


def _dataset(path: Path, keys: dict[str, pa.ChunkedArray]) -> xr.Dataset:
    arrays = {}
    for key, column in keys.items():
        if key == "position":
            position = column.to_numpy()
            if not np.isfinite(position).all():
                row = int(np.flatnonzero(~np.isfinite(position))[0]) + 1
                raise InputError(f"{path}: row {row} has no position. Take the row out.")
            arrays[key] = position.astype(np.int32)
        elif key == "id":
            arrays[key] = pd.array(pc.fill_null(column, ""), dtype=pd.ArrowDtype(pa.string()))
        else:
            text = column.to_pandas().astype("category")
            clean = chromosomes.normalise if key == "chromosome" else _upper
            levels = clean(text.cat.categories)
            arrays[key] = np.append(levels, "").astype(object)[text.cat.codes]
    return xr.Dataset({f"variant_{key}": ("variants", array) for key, array in arrays.items()})


def _upper(levels: pd.Index) -> np.ndarray:
    return np.asarray([str(level).strip().upper() for level in levels], dtype=object)


def _rows(path: Path, table: xr.Dataset, variants: xr.Dataset) -> np.ndarray:
    """Row of the table for each variant: by alleles where it has them, else by name or place."""
    rows = np.full(variants.sizes["variants"], -1, dtype=np.int64)
    if "variant_id" in table:
        rows = first_rows(names_of(variants["variant_id"]), names_of(table["variant_id"]))
    if "variant_position" in table and (rows >= 0).any():
        _check_build(path, table, variants, rows)
    if "variant_effect_allele" in table and "variant_position" in table:
        whole = (
            table if "variant_id" in table else table.assign(variant_id=("variants", _blank(table)))
        )
        match = match_variants(whole, variants)
        # Assigned from the last to the first, so that the first row of several stays.
        order = np.argsort(match.row, kind="stable")[::-1]
        rows = np.full(len(rows), -1, dtype=np.int64)
        rows[match.panel_row[order]] = match.row[order]
    elif "variant_position" in table:
        rows = np.where(rows < 0, first_rows(*places_of(variants, table)), rows)
    return rows


def _blank(table: xr.Dataset) -> np.ndarray:
    return np.full(table.sizes["variants"], "", dtype=object)


def _check_build(path: Path, table: xr.Dataset, variants: xr.Dataset, rows: np.ndarray) -> None:
    shared = np.flatnonzero(rows >= 0)
    away = table["variant_position"].values[rows[shared]].astype(np.int64)
    away -= variants["variant_position"].values[shared]
    elsewhere = int((away != 0).sum())
    if len(shared) < _TELLING or elsewhere <= len(shared) / 2:
        return
    if (np.abs(away) <= 1).all():
        raise InputError(
            f"{path}: {elsewhere} of {len(shared)} positions are off by one from the study's. "
            "They count from 0; add 1, so that they are 1-based."
        )
    raise InputError(
        f"{path}: {elsewhere} of {len(shared)} variants have another position than in the "
        "study. Bring both to the same genome build, and positions to 1-based."
    )
