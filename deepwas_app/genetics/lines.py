"""The lines of text tables that are rows: without header, comments and blank lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from deepwas_app.genetics.files import Header, fields, open_bytes

# A chromosome that is missing may be #NA.
COMMENT = rb"#(?!N/?A\b)"
BLOCK_BYTES = 8 * 2**20
_RUN = re.compile(rb"[ \t]+")
# What is wholly in quotes keeps its spaces.
_RUN_OR_QUOTED = re.compile(rb'(?<!\S)"[^"\r\n]*"(?!\S)|[ \t]+')
_EDGES = re.compile(rb"\t?\r?\n\t?")
_MAYBE_BLANK = (b"\n\n", b"\n\r\n", b"\n ", b"\n\t")
_BLANK = re.compile(rb"^[ \t]*\r?\n", re.M)


class Lines:
    """The rows of a text table as a stream of whole lines: no header, comment or blank line.

    White space between fields becomes one tab.

    Attributes
    ----------
    names, delimiter
        As they are in the stream.
    quoting : bool
        Whether a quote opens a field that may hold the delimiter.
    rows : int
        Lines that were given so far.
    quoted : bool
        Whether there was a quote in them.
    """

    def __init__(self, path: Path, header: Header, comment: bytes):
        self.names = header.names
        self.spaces = header.separator == " "
        self.delimiter = "\t" if self.spaces else header.separator
        self.quoting = header.separator in ",;"
        self.rows, self.quoted, self.closed = 0, False, False
        self._comment = re.compile(rb"^(?:" + comment + rb").*\n?", re.M)
        self._marks = comment != COMMENT
        self._skip = header.lines
        self._stream: IO[bytes] = open_bytes(path)
        self._rest = b""
        self._ready = memoryview(b"")
        self._first = True

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
        self.closed = True

    def readable(self) -> bool:
        """It is."""
        return True

    def read(self, size: int = -1) -> bytes | memoryview:
        """Some whole lines, at most so many bytes of them."""
        while not self._ready:
            data = self._stream.read(BLOCK_BYTES)
            if not data and not self._rest:
                return b""
            self._ready = memoryview(self._lines(data))
        size = len(self._ready) if size < 0 else size
        given, self._ready = self._ready[:size], self._ready[size:]
        return bytes(given)

    def _lines(self, data: bytes) -> bytes:
        if self._first:
            data = data.removeprefix(b"\xef\xbb\xbf")
            # Lines of old Macs, and of Excel's "CSV (Macintosh)".
            self._returns = b"\r" in data and b"\n" not in data
            self._first = False
        if self._returns:
            data = data.replace(b"\r", b"\n")
        last = not data
        data = self._rest + data
        cut = len(data) if last else data.rfind(b"\n") + 1
        self._rest, data = data[cut:], data[:cut]
        if data and not data.endswith(b"\n"):
            data += b"\n"
        start = 0
        while self._skip and start < len(data):
            start = data.find(b"\n", start) + 1
            self._skip -= 1
        data = data[start:] if start else data
        if self._marks or data.startswith(b"#") or b"\n#" in data:
            data = self._comment.sub(b"", data)
        has_quotes = b'"' in data
        self.quoted |= has_quotes
        if self.spaces:
            data = _RUN_OR_QUOTED.sub(_tab, data) if has_quotes else _RUN.sub(b"\t", data)
            data = _EDGES.sub(b"\n", data).removeprefix(b"\t")
        if data[:1].isspace() or any(mark in data for mark in _MAYBE_BLANK):
            data = _BLANK.sub(b"", data)
        self.rows += data.count(b"\n")
        return data


def _tab(found: re.Match[bytes]) -> bytes:
    return found[0] if found[0].startswith(b'"') else b"\t"


def numbered_rows(
    path: Path, header: Header, comment: bytes = COMMENT
) -> Iterator[tuple[int, list[str]]]:
    """Number (from 1) and fields of the lines that are rows, one by one."""
    skipped = re.compile(comment)
    with open_bytes(path) as stream:
        for number, raw in enumerate(_each(stream), start=1):
            raw = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
            if number > header.lines and raw.strip() and not skipped.match(raw):
                yield number, fields(raw.decode(errors="surrogateescape"), header.separator)


def _each(stream: IO[bytes]) -> Iterator[bytes]:
    for line in stream:
        if b"\r" in line.rstrip(b"\r\n"):
            yield from re.split(rb"\r(?!\n)", line)
        else:
            yield line


def line_of(path: Path, row: int, *, lines: int = 0, comment: bytes = COMMENT) -> int:
    """Line (from 1) of a row (from 0) of a text table whose header has so many lines."""
    rows = numbered_rows(path, Header([], " ", lines), comment)
    return next(number for i, (number, _) in enumerate(rows) if i == row)
