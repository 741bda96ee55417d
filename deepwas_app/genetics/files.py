"""Opening, reading and describing files, with errors that name the file and the remedy."""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import re
import zlib
from pathlib import Path
from typing import IO, Any, NamedTuple

from deepwas_app.errors import InputError
from deepwas_app.genetics.patterns import expand, only
from deepwas_app.genetics.unpacking import LONGEST_LINE, Guarded
from deepwas_app.provenance import note

UNREADABLE = (
    OSError,
    EOFError,
    zlib.error,
    UnicodeError,
    NotImplementedError,
)
# Genotypes of a biobank are not read through for their hash.
_HASHED = 2**30
_COMPRESSED = {".gz": "gzip", ".bgz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
# What a file begins with says more than its name: downloads are often renamed or unpacked.
_MAGIC = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zstd", b"PAR1": "parquet"}
# What text files of two bytes a letter begin with, as Excel's "Unicode text" does.
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# The empty block that bgzip ends a file with: without it, blocks are missing.
_BGZF = re.compile(rb"\x1f\x8b\x08\x04.{6}..BC\x02\x00", re.S)
_BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
# Fields parted by white space: what is wholly in quotes may hold spaces.
_WORDS = re.compile(r'"[^"]*"(?!\S)|\S+')


def existing(path: str | Path) -> Path:
    """Check that a file is there and is not empty; a pattern may stand for it.

    Raises
    ------
    InputError
        If there is no such file, or it is a folder, or it is empty, or a pattern means several.
    """
    path = Path(only(path)).expanduser()
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
        If the name promises a packing that the file does not have, and it is not plain text; or
        it ends before its end.
    """
    with path.open("rb") as stream:
        start = stream.read(512)
    found = next((name for magic, name in _MAGIC.items() if start.startswith(magic)), None)
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        raise InputError(f"{path}: is a web page, not data. Download the file itself.")
    if _BGZF.match(start):
        with path.open("rb") as stream:
            stream.seek(max(path.stat().st_size - len(_BGZF_END), 0))
            if stream.read() != _BGZF_END:
                raise InputError(
                    f"{path}: is truncated (bgzip's end marker is not there). Copy or download it "
                    "again."
                )
    promised = "parquet" if path.suffix == ".parquet" else _COMPRESSED.get(path.suffix)
    if found is None and promised and b"\x00" in start and not start.startswith(_WIDE):
        raise InputError(f"{path}: is no {promised} file. Download or copy it again.")
    return found


def open_bytes(path: Path) -> IO[bytes]:
    """Open plain, .gz, .bz2 or .zst text for reading, unpacked; UTF-16 becomes UTF-8."""
    compression = packing(path)
    stream: Any
    packed = compression not in (None, "parquet")
    if not packed:
        stream = path.open("rb", buffering=0)
    else:
        import pyarrow as pa

        stream = pa.input_stream(str(path), compression=compression)
    stream = io.BufferedReader(Guarded(path, stream, packed), 2**16)
    if not stream.peek(2).startswith(_WIDE):
        return stream
    with stream:
        return io.BytesIO(stream.read().decode("utf-16").encode())


def open_text(path: Path) -> IO[str]:
    """Open plain, .gz, .bz2 or .zst text for reading; a byte-order mark is skipped."""
    return io.TextIOWrapper(open_bytes(path), encoding="utf-8-sig")


def unreadable(path: Path, error: Exception) -> InputError:
    """Make the one-line error for a file that cannot be read to its end.

    What is such an error already stays as it is.
    """
    if isinstance(error, InputError):
        return error
    reason = " ".join(str(error).split()) or type(error).__name__
    return InputError(
        f"{path}: cannot be read ({reason[:120]}). "
        "Check that it is complete and of the format that its name says."
    )


def read_header(path: str | Path) -> list[str]:
    """Column names of a table with a header, text or parquet."""
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
        Tab, comma, semicolon, or a space that stands for any white space.
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
        line = stream.readline(LONGEST_LINE)
        blank = 0
        while line.startswith("#") or (line and not line.strip()):
            blank += not line.strip()
            comments += [line] if line.strip() else []
            line = stream.readline(LONGEST_LINE)
    lines = len(comments) + 1 + blank
    if comments and not comments[-1].startswith("##"):
        below = fields(line, separator_of(comments[-1]))
        if not line or any(map(is_number, below)):
            line, lines = comments[-1].removeprefix("#"), lines - 1
    separator = separator_of(line)
    names = fields(line, separator)
    if "\x00" in line:
        raise ValueError("it holds binary data, or UTF-16 text without its mark: save it as UTF-8")
    # Indices that were written with the table have no name, or one of a few.
    twice = next((name for name in names if names.count(name) > 1), None)
    if not line.strip() or (twice is not None and all(map(is_number, names))):
        raise ValueError("the first line is not a row of column names")
    if twice is not None:
        raise ValueError(f"it has {names.count(twice)} columns {twice!r}: rename or drop one")
    return Header(names, separator, lines)


def separator_of(line: str) -> str:
    """What parts the fields of a line: tab, comma, semicolon, or a space for any white space."""
    if "\t" in line:
        return "\t"
    return max(",;", key=line.count) if "," in line or ";" in line else " "


def fields(line: str, separator: str) -> list[str]:
    """The fields of a line, without the quotes around them."""
    line = line.rstrip("\r\n")
    if '"' not in line:
        if separator == " ":
            return line.split()
        return [part.strip() for part in line.split(separator)]
    if separator in ",;":
        # A field that does not close keeps its quote.
        parts = next(csv.reader([line], delimiter=separator), [])
        if line.count('"') % 2:
            parts = line.split(separator)
    else:
        parts = _WORDS.findall(line) if separator == " " else line.split(separator)
    return [unquoted(part.strip()) for part in parts]


def unquoted(text: str) -> str:
    """The text without quotes, where it is wholly in quotes; others are letters of it."""
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text


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
    record = {
        "path": str(path),
        "format": format,
        "size": path.stat().st_size,
        "sha256": digest,
        "role": role,
    }
    note(path, lambda: record)
    return record


def note_file(path: str | Path, format: str, role: str) -> None:
    """Say that a file is an input, by its hash; one of more than 1 GB by its size and time."""
    path = Path(path)
    about = path.stat()
    if about.st_size <= _HASHED:
        note(path, lambda: file_record(path, format, role))
    else:
        known = {"format": format, "size": about.st_size, "changed": about.st_mtime, "role": role}
        note(path, lambda: known)


def file_records(pattern: str | Path, format: str, role: str) -> list[dict[str, Any]]:
    """Provenance of every file that a pattern means."""
    return [file_record(path, format, role) for path in expand(pattern)]
