"""What the columns of an annotation table are: which variant a row is, and its numbers."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics import chromosomes
from deepwas_app.genetics.columns import NO_ANNOTATION, ROW_NUMBERS, find_columns
from deepwas_app.genetics.files import UNREADABLE, is_number, packing, sniff, unreadable
from deepwas_app.genetics.lines import numbered_rows
from deepwas_app.genetics.tables import LEVELS, MISSING, NUMBER, TEXT, whole_numbers

PLACE = ("chromosome", "position")
ALLELES = ("effect_allele", "other_allele")
KINDS = {"id": TEXT, "position": NUMBER}
"""How keys are read; the others as :data:`LEVELS`."""
_KEYS = ("id", *PLACE, *ALLELES)
# A column that counts the rows of so many is a row number, whatever it is called.
_COUNTING = 50
_TRUTH = {"TRUE": 1.0, "T": 1.0, "FALSE": 0.0, "F": 0.0}
# Fewer variants than this say nothing certain about a whole file.
_TELLING = 4


def keys_of(header: list[str]) -> dict[str, str]:
    """Which columns say which variant a row is; none if they do not suffice."""
    keys = find_columns(header, (*_KEYS, "start", "stop"))
    start, stop = keys.pop("start", None), keys.pop("stop", None)
    if start and not stop:
        keys.setdefault("position", start)
    if not {*PLACE} <= {*keys}:
        keys = {key: column for key, column in keys.items() if key not in PLACE}
    if not {*ALLELES} <= {*keys}:
        keys = {key: column for key, column in keys.items() if key not in ALLELES}
    return keys if "id" in keys or {*PLACE} <= {*keys} else {}


def annotations_of(header: list[str], keys: dict[str, str]) -> tuple[list[str], list[str]]:
    """Columns that are annotations, and columns that are neither these nor keys."""
    names = [name for name in header if name.strip().lower() not in NO_ANNOTATION]
    names = [name for name in names if name not in keys.values()]
    rest = [name for name in header if name not in names and name not in keys.values()]
    return names, [name for name in rest if name.strip().lower() not in ROW_NUMBERS | {"cm"}]


def first_cells(path: Path, names: list[str], rows: int = 1) -> dict[str, list[str]]:
    """The first cells of some columns, as text; of numbers in parquet there are none.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    try:
        return _first_cells(path, names, rows)
    except (*UNREADABLE, ValueError, KeyError) as error:
        raise unreadable(path, error) from error


def _first_cells(path: Path, names: list[str], rows: int) -> dict[str, list[str]]:
    if packing(path) == "parquet":
        file = pq.ParquetFile(path)
        text = [name for name in names if not _numeric(file.schema_arrow.field(name).type)]
        if not text:
            return {}
        batch = next(file.iter_batches(rows, columns=text), None)
        found = {} if batch is None else batch.to_pydict()
        return {name: ["" if c is None else str(c) for c in cells] for name, cells in found.items()}
    header = sniff(path)
    place = {name: i for i, name in enumerate(header.names)}
    first = [row for _, row in islice(numbered_rows(path, header, errors="replace"), rows)]
    return {name: [row[place[name]] for row in first if place[name] < len(row)] for name in names}


def types_of(path: Path, names: list[str]) -> dict[str, pa.DataType]:
    """Numbers, or TRUE and FALSE, by the first row.

    Raises
    ------
    InputError
        Names a column of text.
    """
    cells = first_cells(path, names)
    for name, found in cells.items():
        if found and is_text(found[0]):
            raise InputError(
                f"{path}: column {name} holds text ({found[0][:20]}), not numbers. Take the column "
                "out."
            )
    return {name: LEVELS if is_truth(cells.get(name, [])) else NUMBER for name in names}


def is_truth(cells: list[str]) -> bool:
    """Whether a column that begins so is TRUE and FALSE."""
    return next((cell.upper() in _TRUTH for cell in cells if cell not in MISSING), False)


def is_text(cell: str) -> bool:
    """Whether a cell is no annotation's: no number, not TRUE or FALSE, and not missing."""
    return not (cell.upper() in _TRUTH or cell in MISSING or is_number(cell))


def _numeric(kind: pa.DataType) -> bool:
    types = pa.types
    return types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)


def numbers(
    path: Path, name: str, column: pa.Array | pa.ChunkedArray, first: int = 0
) -> np.ndarray:
    """A column as float32, NaN where it has no value; its first row is the table's `first`.

    Raises
    ------
    InputError
        Names what is neither TRUE nor FALSE.
    """
    if not pa.types.is_dictionary(column.type):
        arrow = {} if isinstance(column, pa.ChunkedArray) else {"zero_copy_only": False}
        return np.asarray(column.to_numpy(**arrow), np.float32)
    text = column.to_pandas()
    value = text.str.upper().map(_TRUTH).to_numpy(np.float32, na_value=np.nan)
    if (strange := np.isnan(value) & text.notna().to_numpy()).any():
        row = int(strange.argmax())
        raise InputError(
            f"{path}: row {first + row + 1} has {text.iloc[row]!r} in column {name}, neither TRUE "
            "nor FALSE. Correct it."
        )
    return value


def counts_rows(column: np.ndarray) -> bool:
    """Whether a column is the numbers of the rows."""
    return len(column) >= _COUNTING and bool(
        (column[0] in (0, 1)) and (np.diff(column.astype(np.float64)) == 1).all()
    )


def counting_note(path: Path, names: list[str]) -> str:
    """Which columns are."""
    return f"{path}: {', '.join(names)}: left out, the numbers of the rows."


def variants_of(path: Path, keys: dict[str, pa.ChunkedArray], first: int = 0) -> xr.Dataset:
    """The variants that rows are, by their keys; the attribute `genome_build` if these tell it."""
    arrays, said = {}, ""
    for key, column in keys.items():
        if key == "position":
            arrays[key] = whole_numbers(path, column.to_numpy(), "position", first)
        elif key == "id":
            arrays[key] = pd.array(pc.fill_null(column, ""), dtype=pd.ArrowDtype(pa.string()))
        else:
            text = column.to_pandas().astype("category")
            clean = chromosomes.normalise if key == "chromosome" else _upper
            if key == "chromosome":
                said = chromosomes.build_of(text.cat.categories)
            levels = clean(text.cat.categories)
            arrays[key] = np.append(levels, "").astype(object)[text.cat.codes]
    return xr.Dataset(
        {f"variant_{key}": ("variants", array) for key, array in arrays.items()},
        attrs={"genome_build": said},
    )


def _upper(levels: pd.Index) -> np.ndarray:
    return np.asarray([str(level).strip().upper() for level in levels], dtype=object)


def check_positions(path: Path, away: np.ndarray, least: int = _TELLING) -> None:
    """Compare positions with the study's, by variants of the same name.

    Parameters
    ----------
    path
        Whose they are.
    away : (variants,) int array
        By how much they differ.
    least
        Of fewer than this nothing is said.

    Raises
    ------
    InputError
        If more than half differ.
    """
    elsewhere = int((away != 0).sum())
    if len(away) < least or elsewhere <= len(away) / 2:
        return
    if (np.abs(away) <= 1).all():
        raise InputError(
            f"{path}: {elsewhere} of {len(away)} positions are off by one from the study's. "
            "They count from 0; add 1, so that they are 1-based."
        )
    raise InputError(
        f"{path}: {elsewhere} of {len(away)} variants have another position than in the "
        "study. Bring both to the same genome build, and positions to 1-based."
    )
