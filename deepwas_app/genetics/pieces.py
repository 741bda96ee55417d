"""Tables too large to be read whole, piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from deepwas_app.errors import InputError
from deepwas_app.genetics.files import UNREADABLE, existing, packing, sniff, unreadable
from deepwas_app.genetics.lines import COMMENT, Lines
from deepwas_app.genetics.tables import MISSING, cast, csv_options, explain, without_quotes
from deepwas_app.genetics.unpacking import check_parquet

# Of text at a time; of parquet so many rows of so many columns.
TEXT_BYTES = 32 * 2**20
_ROWS, _COLUMNS = 65_536, 64
_BUFFER = 2**20


class Piece(NamedTuple):
    """Some rows of a table.

    Attributes
    ----------
    first : int
        Number of its first row in the table, from 0.
    keys : pyarrow.Table
        Some of its columns.
    values : function
        Gives the others: from which row of the piece on, and rows of some of the columns. They are
        read when they are asked for.
    """

    first: int
    keys: pa.Table
    values: Callable[[], Iterator[tuple[int, pa.Table]]]


def read_pieces(
    path: str | Path, keys: Mapping[str, pa.DataType], values: Mapping[str, pa.DataType]
) -> Iterator[Piece]:
    """Read some columns of a table with a header, plain, packed or parquet, in pieces.

    Parameters
    ----------
    path
        See :func:`deepwas_app.genetics.tables.read_columns`.
    keys, values
        Name to type, of the columns that tell whether a row is wanted, and of the others.

    Raises
    ------
    InputError
        See :func:`deepwas_app.genetics.tables.read_columns`.

    Notes
    -----
    Of text 32 MB are in memory at a time, and what becomes of them; of parquet the keys of a row
    group, and 65,536 rows of 64 other columns.
    """
    path = existing(path)
    rows = 0
    try:
        if packing(path) == "parquet":
            check_parquet(path, len(keys))
            read = _parquet
        else:
            read = _text
        for piece in read(path, keys, values):
            rows += piece.keys.num_rows
            yield piece
    except InputError:
        raise
    except (*UNREADABLE, ValueError, pa.ArrowNotImplementedError) as error:
        raise unreadable(path, error) from error
    if not rows:
        raise InputError(f"{path}: has a header and no rows. Download or copy it again.")


def _parquet(
    path: Path, keys: Mapping[str, pa.DataType], values: Mapping[str, pa.DataType]
) -> Iterator[Piece]:
    # Else all pages of a row group are in memory at once.
    with pq.ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False) as file:
        first = 0
        for group in range(file.num_row_groups):
            table = _cast_all(file.read_row_group(group, columns=list(keys)), keys)

            def parts(group: int = group) -> Iterator[tuple[int, pa.Table]]:
                names = list(values)
                for start in range(0, len(names), _COLUMNS):
                    some = {name: values[name] for name in names[start : start + _COLUMNS]}
                    row = 0
                    batches = file.iter_batches(_ROWS, row_groups=[group], columns=list(some))
                    # Here as well: it is not within the reading of the keys that it is asked for.
                    for batch in _readable(path, batches):
                        yield row, _cast_all(pa.table(batch), some)
                        row += batch.num_rows

            yield Piece(first, table, parts)
            first += table.num_rows


def _readable(path: Path, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    try:
        yield from batches
    except (*UNREADABLE, ValueError, pa.ArrowNotImplementedError) as error:
        raise unreadable(path, error) from error


def _cast_all(table: pa.Table, types: Mapping[str, pa.DataType]) -> pa.Table:
    return pa.table({name: cast(table[name], kind) for name, kind in types.items()})


def _text(
    path: Path, keys: Mapping[str, pa.DataType], values: Mapping[str, pa.DataType]
) -> Iterator[Piece]:
    header = sniff(path)
    columns = {**keys, **values}
    first = 0
    with Lines(path, header, COMMENT) as lines:
        try:
            for batch in _batches(lines, columns):
                table = pa.table(batch)
                if lines.quoted and not lines.quoting:
                    table = without_quotes(table, MISSING)
                yield Piece(
                    first, table.select(list(keys)), partial(_one, table.select(list(values)))
                )
                first += table.num_rows
        except (*UNREADABLE, pa.ArrowInvalid) as error:
            explain(path, header, columns, COMMENT, error)
        if first != lines.rows:
            lost = ValueError(f"{lines.rows} lines make {first} rows")
            explain(path, header, columns, COMMENT, lost)


def _one(table: pa.Table) -> Iterator[tuple[int, pa.Table]]:
    yield 0, table


def _batches(lines: Lines, columns: Mapping[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
    try:
        reader = pyarrow.csv.open_csv(lines, *csv_options(lines, columns, MISSING, TEXT_BYTES))
    except pa.ArrowInvalid:
        if lines.rows == 0:
            return
        raise
    with reader:
        yield from reader
