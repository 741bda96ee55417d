"""Plain readers of tables, which know nothing of ours, and comparisons with what ours gave."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import math
import re
from collections.abc import Callable, Iterable
from typing import Any

from .mutations import PACK

Row = tuple[str, tuple[Any, ...]]
MAGIC = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zstd"}


def text_of(content: bytes) -> str:
    """The text of a file, unpacked."""
    for magic, kind in MAGIC.items():
        if content.startswith(magic):
            content = gzip.decompress(content) if kind == "gzip" else PACK[kind][1](content)
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", errors="replace")
    # What is no text may be in a column that nobody reads.
    return content.decode("utf-8-sig", errors="replace")


def rows_of(content: bytes, mark: str | None) -> list[list[str]]:
    """Fields of the lines that are no comments; `mark` None is white space."""
    text = text_of(content).replace("\r\n", "\n")
    # A comment goes to the end of its line, whatever is in it.
    if "\n" in text:
        text = re.sub("^#.*\n?", "", text, flags=re.M)
    text = text.replace("\r", "\n")
    lines = [line for line in text.split("\n") if line.strip() and not line.startswith("#")]
    if mark == ",":
        rows = [*csv.reader(io.StringIO("\n".join(lines)))]
    else:
        rows = [line.split(mark) for line in lines]
        rows = [[_bare(cell.strip()) for cell in row] for row in rows]
    return [[cell.strip() for cell in row] for row in rows]


def _bare(cell: str) -> str:
    return cell[1:-1] if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell


def records(content: bytes, header: list[str], mark: str | None) -> list[dict[str, str]] | None:
    """Rows by the names of a header; None where the file has another header."""
    rows = rows_of(content, mark)
    if not rows or rows[0] != header:
        return None
    return [dict(zip(header, row, strict=False)) for row in rows[1:]]


def number(cell: str) -> float:
    """A number, NaN where it is none."""
    try:
        # Digits of other scripts are none to anybody but Python.
        return float(cell) if cell.isascii() else math.nan
    except ValueError:
        return math.nan


def near(a: Any, b: Any) -> bool:
    """Whether two numbers are the same in single precision, or two texts the same."""
    if isinstance(a, str):
        return a == b
    a, b = float(a), float(b)
    return (math.isnan(a) and math.isnan(b)) or a == b or abs(a - b) <= 2e-6 * abs(b) + 1e-37


def among(found: Iterable[Row], plain: Iterable[Row]) -> str:
    """What is among the found values that the plain reader does not have under this name."""
    known: dict[str, list[tuple[Any, ...]]] = {}
    for name, values in plain:
        known.setdefault(name, []).append(values)
    for name, values in found:
        if not any(all(map(near, values, given)) for given in known.get(name, [])):
            return f"{name!r}: {values}, but the file has {known.get(name)}"
    return ""


def table_check(
    header: list[str],
    mark: str | None,
    found: Callable[[Any], Iterable[Row]],
    plain: Callable[[dict[str, str]], Row],
) -> Callable[[bytes, Any], str]:
    """A check of a table with a header against its rows as the plain reader gives them."""

    def check(content: bytes, result: Any) -> str:
        rows = records(content, header, mark)
        if rows is None:
            return ""
        short = [row for row in rows if len(row) < len(header)]
        if short:
            return f"a row of {len(short[0])} fields was accepted"
        return among(found(result), map(plain, rows))

    return check


def bare_check(
    mark: str | None,
    width: int,
    found: Callable[[Any], Iterable[Row]],
    plain: Callable[[list[str]], Row],
) -> Callable[[bytes, Any], str]:
    """A check of a table without a header; nothing is said of those of another width."""

    def check(content: bytes, result: Any) -> str:
        rows = rows_of(content, mark)
        if {len(row) for row in rows} != {width}:
            return ""
        return among(found(result), map(plain, rows))

    return check
