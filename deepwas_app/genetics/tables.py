"""Large tables as Arrow columns: read in parallel, and a row that is wrong is named."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, NoReturn

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from deepwas_app.errors import InputError
from deepwas_app.genetics.files import (
    UNREADABLE,
    Header,
    existing,
    is_number,
    open_bytes,
    packing,
    sniff,
    unreadable,
)

NUMBER = pa.float64()
TEXT = pa.string()
# Text of few distinct values: chromosomes, alleles.
LEVELS = pa.dictionary(pa.int32(), pa.string())
MISSING = ("", "NA", "#NA", "#N/A", "N/A", "n/a", "NaN", "nan", "na", "NULL", "null", "None", ".")
_BLOCK_BYTES = 8 * 2**20


def read_columns(path: str | Path, columns: Mapping[str, pa.DataType]) -> pa.Table:
    """Read some columns of a table: tab, comma or white space; plain, packed or parquet.

    Parameters
    ----------
    path : path
        With a header; see :func:`deepwas_app.genetics.files.sniff`.
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
    packed, header = packing(path), None
    try:
        if packed == "parquet":
            table = pq.read_table(path, columns=list(columns))
            table = pa.table({name: _cast(table[name], kind) for name, kind in columns.items()})
        else:
            header = sniff(path)
            table = _read_text(path, header, columns)
    except (*UNREADABLE, ValueError, pa.ArrowNotImplementedError) as error:
        _explain(path, header, columns, error)
    if not table.num_rows:
        raise InputError(f"{path}: has a header and no rows. Download or copy it again.")
    return table.unify_dictionaries()


def _cast(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if kind != LEVELS:
        return column.cast(kind)
    # Chromosomes may be integers.
    return column.cast(pa.string()).dictionary_encode()


def _read_text(path: Path, header: Header, columns: Mapping[str, pa.DataType]) -> pa.Table:
    stream: Any
    if header.separator == " ":
        stream = io.BufferedReader(_SingleSpaces(open_bytes(path)), _BLOCK_BYTES)
    else:
        stream = pa.input_stream(str(path), compression=packing(path))
    with stream:
        try:
            return pc.read_csv(
                stream,
                pc.ReadOptions(
                    column_names=header.names, skip_rows=header.lines, block_size=_BLOCK_BYTES
                ),
                pc.ParseOptions(delimiter=header.separator),
                pc.ConvertOptions(
                    column_types=columns,
                    include_columns=list(columns),
                    null_values=MISSING,
                    strings_can_be_null=True,
                ),
            )
        except pa.ArrowInvalid as error:
            if "Empty CSV" in str(error):
                return pa.table({name: pa.array([], kind) for name, kind in columns.items()})
            raise


class _SingleSpaces(io.RawIOBase):
    """A text stream whose fields are parted by exactly one space."""

    def __init__(self, stream: IO[bytes]):
        self._stream = stream
        self._rest = b""
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            data = self._stream.read(_BLOCK_BYTES)
            if not data and not self._rest:
                return 0
            data = self._rest + data if data else self._rest + b"\n"
            # Only whole lines, so that no run of spaces is cut in two.
            cut = data.rfind(b"\n") + 1
            self._rest = data[cut:]
            lines = re.sub(rb"[ \t]+", b" ", data[:cut])
            lines = re.sub(rb" ?\r?\n ?", b"\n", lines)
            self._ready = memoryview(lines.removeprefix(b" "))
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size

    def close(self) -> None:
        self._stream.close()
        super().close()


def _explain(
    path: Path, header: Header | None, columns: Mapping[str, pa.DataType], error: Exception
) -> NoReturn:
    """Read a bad table again, line by line, and name the first line that is wrong."""
    if header is None or isinstance(error, FileNotFoundError):
        raise unreadable(path, error) from error
    numbers = [header.names.index(name) for name, kind in columns.items() if kind == NUMBER]
    remedy = "Columns may have shifted; correct the line or take it out."
    number = 0
    try:
        with open_bytes(path) as stream:
            for number, raw in enumerate(stream, start=1):
                line = raw.decode().strip("\r\n")
                if number <= header.lines or not line:
                    continue
                fields = line.split(None if header.separator == " " else header.separator)
                if len(fields) != len(header.names):
                    raise InputError(
                        f"{path}: line {number} has {len(fields)} fields, but the header has "
                        f"{len(header.names)}. {remedy}"
                    ) from error
                for index in numbers:
                    text = fields[index].strip().strip('"')
                    if text not in MISSING and not is_number(text):
                        raise InputError(
                            f"{path}: line {number} has {text[:20]!r} in column "
                            f"{header.names[index]}, where a number belongs. {remedy}"
                        ) from error
    except UnicodeDecodeError:
        raise InputError(
            f"{path}: line {number} holds bytes that are no text. Download or copy it again."
        ) from error
    except UNREADABLE as cause:
        raise InputError(
            f"{path}: cannot be read beyond line {number} "
            f"({' '.join(str(cause).split())[:80]}). Download or copy it again."
        ) from error
    raise unreadable(path, error) from error
