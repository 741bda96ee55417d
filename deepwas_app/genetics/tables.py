"""Tables as Arrow columns: every line is a row or is named; read in parallel.

Rows are the lines of a file less its header, its comments and its blank lines. A quote is a letter
in files parted by tabs or white space, but around a whole field; in CSV a field ends with its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from deepwas_app.errors import InputError
from deepwas_app.genetics.files import (
    UNREADABLE,
    Header,
    existing,
    is_number,
    packing,
    sniff,
    unreadable,
)
from deepwas_app.genetics.lines import BLOCK_BYTES, COMMENT, Lines, numbered_rows
from deepwas_app.genetics.unpacking import check_parquet

NUMBER = pa.float64()
SINGLE = pa.float32()
TEXT = pa.string()
# Text of few distinct values: chromosomes, alleles.
LEVELS = pa.dictionary(pa.int32(), pa.string())
MISSING = ("", "NA", "#NA", "#N/A", "N/A", "n/a", "NaN", "nan", "na", "NULL", "null", "None", ".")
_THOUSANDS = re.compile(r"[-+]?\d{1,3}((,\d{3})+(\.\d+)?|(\.\d{3}){2,}(,\d+)?)")
_DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+([eE][-+]?\d+)?")


def read_columns(path: str | Path, columns: Mapping[str, pa.DataType]) -> pa.Table:
    """Read some columns of a table with a header, plain, packed or parquet.

    Parameters
    ----------
    path : path
        Parted by tabs, commas, semicolons or white space; see
        :func:`deepwas_app.genetics.files.sniff`.
    columns : mapping
        Name to type: :data:`NUMBER`, :data:`TEXT` or :data:`LEVELS`. The spellings of
        :data:`MISSING` become nulls.

    Raises
    ------
    InputError
        If the file cannot be read to its end, has no rows, or has a row of another number of
        fields or with text where a number belongs: that row is named.
    """
    path = existing(path)
    try:
        if packing(path) == "parquet":
            _check_has(path, pq.read_schema(path).names, columns)
            check_parquet(path, len(columns))
            table = pq.read_table(path, columns=list(columns))
            table = pa.table({name: cast(table[name], kind) for name, kind in columns.items()})
        else:
            header = sniff(path)
            _check_has(path, header.names, columns)
            table = _read_text(path, header, columns)
    except InputError:
        raise
    except (*UNREADABLE, ValueError, pa.ArrowNotImplementedError) as error:
        raise unreadable(path, error) from error
    if not table.num_rows:
        raise InputError(f"{path}: has a header and no rows. Download or copy it again.")
    return table.unify_dictionaries()


def read_table(path: str | Path, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Read a table with a header as text, as it stands there.

    Parameters
    ----------
    path : path
        See :func:`read_columns`.
    columns : sequence of str, optional
        Those to read, all by default.

    Raises
    ------
    InputError
        See :func:`read_columns`.
    """
    path = existing(path)
    try:
        if packing(path) == "parquet":
            _check_has(path, pq.read_schema(path).names, columns or ())
            check_parquet(path, None if columns is None else len(columns))
            table = pq.read_table(path, columns=None if columns is None else list(columns))
            table = pa.table({name: cast(table[name], TEXT) for name in table.column_names})
            table = pa.table([pc.fill_null(column, "") for column in table], table.column_names)
        else:
            header = sniff(path)
            _check_has(path, header.names, columns or ())
            wanted = dict.fromkeys(header.names if columns is None else columns, TEXT)
            table = _read_text(path, header, wanted, missing=())
    except InputError:
        raise
    except (*UNREADABLE, ValueError, pa.ArrowNotImplementedError) as error:
        raise unreadable(path, error) from error
    if not table.num_rows:
        raise InputError(f"{path}: has a header and no rows. Download or copy it again.")
    return _frame(table)


def read_bare_table(
    path: str | Path,
    names: Sequence[str],
    *,
    separator: str = " ",
    comment: bytes = COMMENT,
    skip: int = 0,
) -> pd.DataFrame:
    """Read the first columns of a table without a header, as text.

    Parameters
    ----------
    path : path
        Plain or packed.
    names : sequence of str
        Of its first columns; further ones are not read.
    separator : str
        Tab, comma, or a space for any white space.
    comment : bytes
        Pattern of how lines begin that are no rows.
    skip : int
        Lines before the first row.

    Raises
    ------
    InputError
        If the file is missing, empty or damaged, or a line has another number of fields than the
        first one.
    """
    path = existing(path)
    header = Header(list(names), separator, skip)
    try:
        width = next((len(row) for _, row in numbered_rows(path, header, comment)), len(names))
        further = [f"column {i + 1}" for i in range(len(names), width)]
        if width < len(names):
            raise ValueError(f"its first line has {width} fields, not {' '.join(names)}")
        header = header._replace(names=[*names, *further])
        wanted = dict.fromkeys(names, TEXT)
        return _frame(_read_text(path, header, wanted, comment=comment, missing=()))
    except InputError:
        raise
    except (*UNREADABLE, ValueError) as error:
        raise unreadable(path, error) from error


def _check_has(path: Path, names: Sequence[str], wanted: Iterable[str]) -> None:
    if lacking := [name for name in wanted if name not in names]:
        raise InputError(
            f"{path}: has no column {lacking[0]} ({', '.join(names[:12])}). Check that it is the "
            "right file."
        )


def _frame(table: pa.Table) -> pd.DataFrame:
    return pd.DataFrame({name: table[name].to_pandas() for name in table.column_names})


def whole_numbers(path: str | Path, text: Iterable[Any], what: str, first: int = 0) -> np.ndarray:
    """Positions and the like as int32; written 2e+07 as well; their rows count from `first`.

    Raises
    ------
    InputError
        Names the first row that holds something else.
    """
    series = pd.Series(text)
    values = pd.to_numeric(series, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    bad = ~np.isfinite(values) | (values != np.floor(values)) | (np.abs(values) > 2**31 - 1)
    if bad.any():
        row = int(bad.argmax())
        text = "nothing" if pd.isna(series.iloc[row]) else repr(str(series.iloc[row])[:30])
        raise InputError(
            f"{path}: row {first + row + 1} has {text} as {what}, not a whole number. Check that "
            "its columns are not shifted."
        )
    return values.astype(np.int32)


def cast(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """A column of a parquet file as another type."""
    if kind != LEVELS:
        return column.cast(kind)
    # Chromosomes may be integers.
    return column.cast(pa.string()).dictionary_encode()


def _read_text(
    path: Path,
    header: Header,
    columns: Mapping[str, pa.DataType],
    *,
    comment: bytes = COMMENT,
    missing: Sequence[str] = MISSING,
) -> pa.Table:
    """The columns of a text table; every line is a row, or is named in an error."""
    lines = Lines(path, header, comment)
    try:
        table = _parsed(lines, columns, missing)
        if lines.quoted and not lines.quoting:
            table = without_quotes(table, missing)
    except InputError:
        raise
    except UNREADABLE as error:
        explain(path, header, columns, comment, error)
    except pa.ArrowInvalid as error:
        if not (lines.quoted and NUMBER in columns.values()):
            explain(path, header, columns, comment, error)
        # Numbers in quotes.
        texts = {name: TEXT if kind == NUMBER else kind for name, kind in columns.items()}
        try:
            table = _parsed(lines := Lines(path, header, comment), texts, missing)
            table = without_quotes(table, missing)
            table = pa.table({name: table[name].cast(columns[name]) for name in columns})
        except pa.ArrowInvalid as again:
            explain(path, header, columns, comment, again)
    if table.num_rows != lines.rows:
        lost = ValueError(f"{lines.rows} lines make {table.num_rows} rows")
        explain(path, header, columns, comment, lost)
    return table


def csv_options(
    lines: Lines, columns: Mapping[str, pa.DataType], missing: Sequence[str], block_bytes: int
) -> tuple[pyarrow.csv.ReadOptions, pyarrow.csv.ParseOptions, pyarrow.csv.ConvertOptions]:
    """How Arrow reads some columns of lines, so many bytes at a time."""
    return (
        pyarrow.csv.ReadOptions(column_names=lines.names, block_size=block_bytes),
        pyarrow.csv.ParseOptions(
            delimiter=lines.delimiter, quote_char='"' if lines.quoting else False
        ),
        pyarrow.csv.ConvertOptions(
            column_types=columns,
            include_columns=list(columns),
            null_values=missing,
            strings_can_be_null=bool(missing),
        ),
    )


def _parsed(lines: Lines, columns: Mapping[str, pa.DataType], missing: Sequence[str]) -> pa.Table:
    with lines:
        try:
            return pyarrow.csv.read_csv(
                lines,
                *csv_options(lines, columns, missing, BLOCK_BYTES),
            )
        except pa.ArrowInvalid as error:
            if lines.rows == 0:
                return pa.table({name: pa.array([], kind) for name, kind in columns.items()})
            raise error


def without_quotes(table: pa.Table, missing: Sequence[str]) -> pa.Table:
    """Texts without the quotes that are around the whole of them."""
    out = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_floating(column.type):
            out[name] = column
            continue
        bare = pc.replace_substring_regex(column.cast(TEXT), '^"(.*)"$', r"\1")
        if missing:
            absent = pc.is_in(bare, value_set=pa.array(missing))
            bare = pc.if_else(absent, pa.scalar(None, TEXT), bare)
        out[name] = bare.dictionary_encode() if column.type == LEVELS else bare
    return pa.table(out)


def explain(
    path: Path,
    header: Header,
    columns: Mapping[str, pa.DataType],
    comment: bytes,
    error: Exception,
) -> NoReturn:
    """Read a bad table again, line by line, and name the first line that is wrong."""
    wanted = {header.names.index(name): kind for name, kind in columns.items()}
    number = 0
    try:
        for number, row in numbered_rows(path, header, comment):
            if wrong := _wrong(row, header, wanted):
                raise InputError(f"{path}: line {number} {wrong}") from error
    except UNREADABLE as cause:
        raise InputError(
            f"{path}: cannot be read beyond line {number} "
            f"({' '.join(str(cause).split())[:80]}). Download or copy it again."
        ) from error
    raise unreadable(path, error) from error


def _wrong(row: list[str], header: Header, wanted: Mapping[int, pa.DataType]) -> str:
    """What is wrong with a row, and the remedy; nothing if it is right."""
    remedy = "Columns may have shifted; correct the line or take it out."
    if header.separator in ",;" and any(field.startswith('"') for field in row):
        return "opens a quote that it does not close. Close it, or take the quote out."
    if len(row) != len(header.names):
        if len(row) == len(header.names) + 1 and header.separator in " \t":
            remedy = "If R wrote it: row.names = FALSE. Else correct the line or take it out."
        if len(row) > len(header.names) and header.separator == ",":
            remedy = f"If its numbers have commas, write them without. {remedy}"
        first = "header" if header.lines else "first line"
        return f"has {len(row)} fields, but the {first} has {len(header.names)}. {remedy}"
    for index, kind in wanted.items():
        text, name = row[index], header.names[index]
        if not text.isascii() and any("\udc80" <= letter <= "\udcff" for letter in text):
            return f"holds bytes that are no text in column {name}. Save the file as UTF-8."
        if not pa.types.is_floating(kind) or is_number(text) or text in MISSING:
            continue
        if _THOUSANDS.fullmatch(text):
            remedy = "Write numbers without marks between the thousands."
        elif _DECIMAL_COMMA.fullmatch(text):
            remedy = "Write numbers with a decimal point, not a comma."
        return f"has {text[:20]!r} in column {name}, where a number belongs. {remedy}"
    return ""
