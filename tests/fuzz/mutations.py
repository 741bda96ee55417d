"""Ways to damage a file: bytes in, bytes out, by a generator of numpy."""

from __future__ import annotations

import bz2
import gzip
from collections.abc import Callable

import pyarrow as pa
from numpy.random import Generator

Mutation = Callable[[Generator, bytes], bytes]

# What stands in a field where another thing belongs.
ODD_FIELDS = (
    *("1e400", "-1e308", "1e-400", "99999999999999999999", "2147483648", "-2147483649", "-1"),
    *("nan", "inf", "-Inf", "0x10", "1_000", "1,000", "1.000,5", "½", "١", "NA", "", " ", "."),
    *('"', '"a', "'", '""', '"a"b', "a,b", "a;b", "a\tb", "#", "=1+1", "chr22", "rs1", "\x00"),
    *("\x1b[31m", "\u202e", "TRUE", "a" * 5000, "9" * 400, "0", "00", "1.", ".5", "+5", "-0"),
)


def _span(rng: Generator, data: bytes) -> tuple[int, int]:
    start = int(rng.integers(0, len(data) + 1))
    return start, min(len(data), start + int(rng.integers(1, max(len(data) // 4, 2))))


def flip(rng: Generator, data: bytes) -> bytes:
    """One to eight bits."""
    out = bytearray(data)
    for place in rng.integers(0, 8 * len(data), rng.integers(1, 9)) if data else ():
        out[place // 8] ^= 1 << (place % 8)
    return bytes(out)


def cut(rng: Generator, data: bytes) -> bytes:
    """The end is lost."""
    return data[: int(rng.integers(0, len(data) + 1))]


def lose(rng: Generator, data: bytes) -> bytes:
    """Some bytes are lost."""
    start, stop = _span(rng, data)
    return data[:start] + data[stop:]


def twice(rng: Generator, data: bytes) -> bytes:
    """Some bytes are there twice."""
    start, stop = _span(rng, data)
    return data[:stop] + data[start:stop] + data[stop:]


def noise(rng: Generator, data: bytes) -> bytes:
    """Some bytes are others."""
    start, stop = _span(rng, data)
    stop = min(stop, start + 64)
    return data[:start] + rng.bytes(stop - start) + data[stop:]


def blank(rng: Generator, data: bytes) -> bytes:
    """A sector that was never written, or of an erased flash memory."""
    start, stop = _span(rng, data)
    return data[:start] + bytes([int(rng.choice([0, 255]))]) * (stop - start) + data[stop:]


def huge(rng: Generator, data: bytes) -> bytes:
    """A number of 2, 4 or 8 bytes becomes the largest, a negative one, or nothing."""
    size = int(rng.choice([2, 4, 8]))
    if len(data) < size:
        return data
    # Headers come first: half of the time among the first bytes.
    last = len(data) - size if rng.random() < 0.5 else min(len(data) - size, 256)
    place = int(rng.integers(0, last + 1)) // size * size
    most = 2 ** (8 * size)
    value = [most - 1, most // 2 - 1, most // 2, 0, 1, 2**31 % most][int(rng.integers(6))]
    return data[:place] + value.to_bytes(size, "little") + data[place + size :]


def nul(rng: Generator, data: bytes) -> bytes:
    """A NUL in between."""
    place = int(rng.integers(0, len(data) + 1))
    return data[:place] + b"\x00" + data[place:]


def more(rng: Generator, data: bytes) -> bytes:
    """Something comes after the end."""
    return data + rng.bytes(int(rng.integers(1, 200)))


def empty(rng: Generator, data: bytes) -> bytes:
    """Nothing, or blank lines."""
    return [b"", b"\n", b"\n\n \n", b"\x00", b"\xef\xbb\xbf"][int(rng.integers(5))]


def wide(rng: Generator, data: bytes) -> bytes:
    """UTF-16, with its mark or without."""
    text = data.decode("latin-1")
    return text.encode(["utf-16", "utf-16-le", "utf-16-be"][int(rng.integers(3))])


def field(rng: Generator, data: bytes) -> bytes:
    """One to three fields are odd."""
    for _ in range(int(rng.integers(1, 4))):
        lines = data.split(b"\n")
        row = int(rng.integers(0, len(lines)))
        mark = _mark(lines[row])
        cells = lines[row].split(mark)
        odd = ODD_FIELDS[int(rng.integers(len(ODD_FIELDS)))]
        cells[int(rng.integers(0, len(cells)))] = odd.encode()
        lines[row] = mark.join(cells)
        data = b"\n".join(lines)
    return data


def swap(rng: Generator, data: bytes) -> bytes:
    """Two columns change places: in all lines, or from one on, as where a field was lost."""
    lines = data.split(b"\n")
    first = int(rng.integers(0, len(lines))) if rng.random() < 0.5 else 0
    for row in range(first, len(lines)):
        mark = _mark(lines[row])
        cells = lines[row].split(mark)
        if row == first:
            a, b = rng.integers(0, len(cells), 2)
        if max(a, b) < len(cells):
            cells[a], cells[b] = cells[b], cells[a]
        lines[row] = mark.join(cells)
    return b"\n".join(lines)


def line(rng: Generator, data: bytes) -> bytes:
    """A line is lost, there twice, elsewhere, a comment, or one with the next."""
    lines = data.split(b"\n")
    row, other = rng.integers(0, len(lines), 2)
    kind = int(rng.integers(5))
    if kind == 0:
        del lines[row]
    elif kind == 1:
        lines.insert(other, lines[row])
    elif kind == 2:
        lines[row], lines[other] = lines[other], lines[row]
    elif kind == 3:
        lines[row] = b"#" + lines[row]
    else:
        lines[row : row + 2] = [b"".join(lines[row : row + 2])]
    return b"\n".join(lines)


def ends(rng: Generator, data: bytes) -> bytes:
    """Other ends of lines, a byte-order mark, no last end, or blanks at the ends."""
    kind = int(rng.integers(5))
    if kind == 0:
        return data.replace(b"\n", b"\r\n")
    if kind == 1:
        return data.replace(b"\n", b"\r")
    if kind == 2:
        return b"\xef\xbb\xbf" + data
    if kind == 3:
        return data.rstrip(b"\n")
    return data.replace(b"\n", b" \n")


def quote(rng: Generator, data: bytes) -> bytes:
    """A quote somewhere, or around every field of a line."""
    if rng.random() < 0.5:
        place = int(rng.integers(0, len(data) + 1))
        return data[:place] + b'"' + data[place:]
    lines = data.split(b"\n")
    row = int(rng.integers(0, len(lines)))
    mark = _mark(lines[row])
    lines[row] = mark.join(b'"' + cell + b'"' for cell in lines[row].split(mark))
    return b"\n".join(lines)


def foreign(rng: Generator, data: bytes) -> bytes:
    """Letters of another encoding."""
    place = int(rng.integers(0, len(data) + 1))
    letters = [b"\xe9", b"\xff\xfe", b"\xc3", b"\xed\xa0\x80", "é".encode()]
    return data[:place] + letters[int(rng.integers(5))] + data[place:]


def _mark(line: bytes) -> bytes:
    return next((mark for mark in (b"\t", b",", b";") if mark in line), b" ")


BINARY: tuple[Mutation, ...] = (flip, flip, cut, lose, twice, noise, blank, huge, huge, huge)
BINARY += (nul, more, empty)
TEXT: tuple[Mutation, ...] = (flip, cut, lose, twice, nul, more, empty, wide, field, field, field)
TEXT += (swap, swap, line, line, ends, quote, quote, foreign)
PACK: dict[str, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    "gzip": (lambda data: gzip.compress(data, 1), gzip.decompress),
    "bz2": (bz2.compress, bz2.decompress),
    "zstd": (
        lambda data: pa.compress(data, "zstd", asbytes=True),
        lambda data: pa.input_stream(pa.BufferReader(data), compression="zstd").read(),
    ),
}


def damaged(rng: Generator, data: bytes, kind: str) -> bytes:
    """A damaged version of a file that is text, binary or packed text."""
    if kind in PACK:
        pack, unpack = PACK[kind]
        if rng.random() < 0.5:
            return damaged(rng, data, "binary")
        return pack(damaged(rng, unpack(data), "text"))
    ways = TEXT if kind == "text" else BINARY
    return ways[int(rng.integers(len(ways)))](rng, data)
