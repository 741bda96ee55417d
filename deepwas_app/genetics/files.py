"""Opening, reading and describing files, with errors that name the file and the remedy."""

from __future__ import annotations

import hashlib
import io
import warnings
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import pandas as pd

from deepwas_app.errors import InputError

UNREADABLE = (
    OSError,
    EOFError,
    zlib.error,
    UnicodeDecodeError,
    pd.errors.ParserError,
    pd.errors.EmptyDataError,
    pd.errors.ParserWarning,
)
_COMPRESSED = {".gz": "gzip", ".bgz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
# What a file begins with says more than its name: downloads are often renamed or unpacked.
_MAGIC = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zstd", b"PAR1": "parquet"}


_LONGEST_LINE = 2**24


def existing(path: str | Path) -> Path:
    """Check that a file is there and is not empty.

    Raises
    ------
    InputError
        If there is no such file, or it is a folder, or it is empty.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise InputError(f"{path}: no such file. Check the path.")
    if path.is_dir():
        raise InputError(f"{path}: is a folder. Give the file itself.")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: is empty. Download or copy it again.")
    return path


def packing(path: Path) -> str | None:
    """How a file is packed, by its first bytes: gzip, bz2, zstd, parquet, or None for plain.

    Raises
    ------
    InputError
        If the name promises a packing that the file does not have, and it is not plain text.
    """
    with path.open("rb") as stream:
        start = stream.read(512)
    found = next((name for magic, name in _MAGIC.items() if start.startswith(magic)), None)
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        raise InputError(f"{path}: is a web page, not data. Download the file itself.")
    promised = "parquet" if path.suffix == ".parquet" else _COMPRESSED.get(path.suffix)
    if found is None and promised and b"\x00" in start:
        raise InputError(f"{path}: is no {promised} file. Download or copy it again.")
    return found


def open_bytes(path: Path) -> IO[bytes]:
    """Open plain, .gz, .bz2 or .zst data for reading, unpacked."""
    compression = packing(path)
    if compression is None or compression == "parquet":
        return path.open("rb")
    import pyarrow as pa

    stream: Any = pa.input_stream(str(path), compression=compression)
    return io.BufferedReader(stream, 2**16)


def open_text(path: Path) -> IO[str]:
    """Open plain, .gz, .bz2 or .zst text for reading; a byte-order mark is skipped."""
    return io.TextIOWrapper(open_bytes(path), encoding="utf-8-sig")


def unreadable(path: Path, error: Exception) -> InputError:
    """Make the one-line error for a file that cannot be read to its end."""
    reason = " ".join(str(error).split()) or type(error).__name__
    return InputError(
        f"{path}: cannot be read ({reason[:120]}). "
        "Check that it is complete and of the format that its name says."
    )


def read_table(path: str | Path, columns: list[str] | None = None, **options: Any) -> pd.DataFrame:
    """Read a table with a header: tab, comma or white space; plain, compressed or parquet.

    Parameters
    ----------
    path : path
        Lines that start with ``##`` before the header are skipped, and a ``#`` before the
        first column name is taken off.
    columns : list of str, optional
        Columns to return, all by default.
    options
        Passed to :func:`pandas.read_csv`.

    Raises
    ------
    InputError
        If the file is missing, empty, damaged, or has a header and no rows.
    """
    path = existing(path)
    packed = packing(path)
    try:
        if packed == "parquet":
            frame = pd.read_parquet(path, columns=columns)
        else:
            header, separator, skip = sniff(path)
            separator = r"\s+" if separator == " " else separator
            with open_text(path) as stream, warnings.catch_warnings():
                # Rows longer than the header are an error: with a mere warning here, or with
                # ``usecols`` none at all, they would be read with their columns shifted.
                warnings.simplefilter("error", pd.errors.ParserWarning)
                frame = pd.read_csv(
                    stream,
                    sep=separator,
                    names=header,
                    header=None,
                    skiprows=skip,
                    index_col=False,
                    low_memory=False,
                    **options,
                )
    except (*UNREADABLE, ValueError) as error:
        raise unreadable(path, error) from error
    if frame.empty:
        raise InputError(f"{path}: has a header and no rows. Download or copy it again.")
    return frame if columns is None else frame[columns]


def read_bare_table(path: str | Path, names: Sequence[str], **options: Any) -> pd.DataFrame:
    """Read a table without a header, its cells parted by white space.

    Parameters
    ----------
    path : path
        Plain or compressed.
    names : sequence of str
        Of its columns.
    options
        Passed to :func:`pandas.read_csv`.

    Raises
    ------
    InputError
        If the file is missing, empty or damaged.
    """
    path = existing(path)
    options = {"sep": r"\s+", "header": None} | options
    try:
        with open_text(path) as stream:
            return pd.read_csv(stream, names=list(names), **options)
    except (*UNREADABLE, ValueError) as error:
        raise unreadable(path, error) from error


def read_header(path: str | Path) -> list[str]:
    """Column names of a table that :func:`read_table` reads."""
    path = existing(path)
    packed = packing(path)
    try:
        if packed == "parquet":
            import pyarrow.parquet as pq

            return list(pq.read_schema(path).names)
        return sniff(path).names
    except (*UNREADABLE, ValueError) as error:
        raise unreadable(path, error) from error


class Header(NamedTuple):
    """The first lines of a text table.

    Attributes
    ----------
    names : list of str
        Column names.
    separator : str
        Tab, comma, or a space that stands for any white space.
    lines : int
        Lines up to and including the header.
    """

    names: list[str]
    separator: str
    lines: int


def sniff(path: Path) -> Header:
    """Find the header of a text table: names, separator, and where the rows begin.

    Comment lines start with ``#``. The last of them is the header if the line below it holds
    numbers, as headers do not.
    """
    comments: list[str] = []
    # Bytes that are no text further down are not this function's to report.
    with io.TextIOWrapper(open_bytes(path), "utf-8-sig", errors="replace") as stream:
        line = stream.readline(_LONGEST_LINE)
        while line.startswith("#"):
            comments.append(line)
            line = stream.readline(_LONGEST_LINE)
    lines = len(comments) + 1
    if comments and not comments[-1].startswith("##"):
        below = _fields(line, _separator(comments[-1]))
        if not line or any(map(is_number, below)):
            line, lines = comments[-1].removeprefix("#"), len(comments)
    separator = _separator(line)
    names = _fields(line, separator)
    if "\x00" in line:
        raise ValueError("it holds binary data, not text")
    if len(set(names)) < len(names) or len(names) < 2:
        raise ValueError("the first line is not a row of column names")
    return Header(names, separator, lines)


def _separator(line: str) -> str:
    return next((mark for mark in ("\t", ",") if mark in line), " ")


def _fields(line: str, separator: str) -> list[str]:
    line = line.rstrip("\r\n")
    names = line.split() if separator == " " else line.split(separator)
    return [name.strip().strip('"') for name in names]


def is_number(text: str) -> bool:
    """Whether a text reads as a number, nan and inf included."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def file_record(path: str | Path, format: str, role: str) -> dict[str, Any]:
    """Provenance of an input: path, format, size in bytes, SHA-256 and what it was used for."""
    path = existing(path)
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return {
        "path": str(path),
        "format": format,
        "size": path.stat().st_size,
        "sha256": digest,
        "role": role,
    }
