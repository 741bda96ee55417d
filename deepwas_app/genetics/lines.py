"""The lines of text tables that are rows: without header, comments and blank lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from deepwas_app.genetics.files import Header, fields, open_bytes

# A chromosome that is missing may be #NA.
COMMENT = rb"#(?!N/?A\b)"
BLOCK_BYTES = 8 * 2**20
_TABS = bytes.maketrans(b" ", b"\t")
# What is wholly in quotes keeps its spaces.
_RUN_OR_QUOTED = re.compile(rb'(?<!\S)"[^"\r\n]*"(?!\S)|[ \t]+')
# How lines begin that may be comments or blank.
_ODD = (b"#", b" ", b"\t", b"\r", b"\n")
_ODD_LINE = re.compile(rb"\n[# \t\r\n]")
_END = ord("\n")
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
        self._stream: Any = open_bytes(path)
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

    def read(self, size: int = -1) -> memoryview:
        """Some whole lines, at most so many bytes of them."""
        while not self._ready:
            # A new one each time: those that were given are still in use.
            block = bytearray(len(self._rest) + BLOCK_BYTES)
            block[: len(self._rest)] = self._rest
            got = self._stream.readinto(memoryview(block)[len(self._rest) :])
            if not got and not self._rest:
                break
            self._ready = self._lines(block, len(self._rest) + got, last=not got)
        size = len(self._ready) if size < 0 else size
        given, self._ready = self._ready[:size], self._ready[size:]
        return given

    def _lines(self, block: bytearray, end: int, *, last: bool) -> memoryview:
        """The rows among the first bytes of a block; the line that it cuts is kept for the next."""
        start = 0
        if self._first:
            start = 3 if block.startswith(b"\xef\xbb\xbf") else 0
            # Lines of old Macs, and of Excel's "CSV (Macintosh)".
            self._returns = b"\r" in block and b"\n" not in block
            self._first = False
        if self._returns:
            block = block.replace(b"\r", b"\n")
        cut = end if last else block.rfind(b"\n", start, end) + 1
        self._rest = bytes(block[cut:end])
        while self._skip and start < cut:
            start = (block.find(b"\n", start, cut) + 1) or cut
            self._skip -= 1
        data = memoryview(block)[start:cut]
        has_quotes = block.find(b'"', start, cut) >= 0
        self.quoted |= has_quotes
        open_end = bool(data) and data[-1] != _END
        first = bytes(data[:1])
        if self._marks or self.spaces or open_end or first in _ODD or _ODD_LINE.search(data):
            data = memoryview(self._mended(bytes(data) + b"\n" * open_end, has_quotes))
        self.rows += int(np.count_nonzero(np.frombuffer(data, np.uint8) == _END))
        return data

    def _mended(self, data: bytes, has_quotes: bool) -> bytes:
        """Without comments and blank lines; white space between fields becomes one tab."""
        data = self._comment.sub(b"", data)
        if self.spaces:
            data = _RUN_OR_QUOTED.sub(_tab, data) if has_quotes else _one_tab(data)
            data = data.replace(b"\r\n", b"\n").replace(b"\t\n", b"\n").replace(b"\n\t", b"\n")
            data = data.removeprefix(b"\t")
        return _BLANK.sub(b"", data)


def _one_tab(data: bytes) -> bytes:
    """Each run of spaces and tabs as one tab; a pattern would make an object of each field."""
    data = data.translate(_TABS)
    while b"\t\t" in data:
        data = data.replace(b"\t\t", b"\t")
    return data


def _tab(found: re.Match[bytes]) -> bytes:
    return found[0] if found[0].startswith(b'"') else b"\t"


def numbered_rows(
    path: Path, header: Header, comment: bytes = COMMENT, errors: str = "surrogateescape"
) -> Iterator[tuple[int, list[str]]]:
    """Number (from 1) and fields of the lines that are rows, one by one; `errors` as of bytes."""
    skipped = re.compile(comment)
    with open_bytes(path) as stream:
        for number, raw in enumerate(_each(stream), start=1):
            raw = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
            if number > header.lines and raw.strip() and not skipped.match(raw):
                yield number, fields(raw.decode(errors=errors), header.separator)


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
