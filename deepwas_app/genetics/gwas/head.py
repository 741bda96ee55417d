"""The first lines of summary statistics: column names, some rows, and what is said above them."""

from __future__ import annotations

import io
import re
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq

from deepwas_app.errors import InputError
from deepwas_app.genetics.files import (
    UNREADABLE,
    existing,
    is_number,
    open_bytes,
    packing,
    sniff,
    unreadable,
)
from deepwas_app.genetics.gwas.vocabulary import BUILDS, normal
from deepwas_app.genetics.lines import COMMENT, numbered_rows
from deepwas_app.genetics.tables import MISSING
from deepwas_app.genetics.unpacking import check_parquet

ROWS = 1_000
# What the lines above a header, and metadata beside a file, call the numbers of people.
_PEOPLE = {
    "cases": "ncase ncases casecount totalcases cases",
    "controls": "ncontrol ncontrols controlcount totalcontrols controls",
    "n": "ntotal samplesize totalsamples n totalsamplesize nsamples",
}
_PEOPLE_WORDS = {word: role for role, words in _PEOPLE.items() for word in words.split()}
_BUILD_WORDS = ("genomereference", "genomeassembly", "genomebuild", "build", "assembly")
_FACT = re.compile(r"([A-Za-z][\w ]*?)\s*[=:]\s*\"?([\w./+-]+)\"?")
# Lines of a VCF that tell of its fields, not of its study.
_DECLARATIONS = ("##INFO", "##FORMAT", "##FILTER", "##META", "##ALT")
_BUILD_NAME = re.compile(r"(?:hg|grch|ncbi|build|b)?\.?(18|19|36|37|38)(?!\d)", re.I)


class Fact(NamedTuple):
    """Something that holds for the whole study.

    Attributes
    ----------
    role : str
        n, cases, controls or build.
    value : float or str
        The number of people, or hg19 and the like.
    why : str
        Where it is written.
    """

    role: str
    value: Any
    why: str


class Head(NamedTuple):
    """How a file begins.

    Attributes
    ----------
    path : Path
        The file.
    names : list of str
        Column names.
    columns : dict
        Column name to its values, as text, in the first rows; missing values are left out.
    facts : list of Fact
        From the lines above the header and from a file of metadata beside it.
    rows : list of list of str
        The first rows as they are.
    """

    path: Path
    names: list[str]
    columns: dict[str, list[str]]
    facts: list[Fact]
    rows: list[list[str]]

    def numbers(self, column: str) -> np.ndarray:
        """A column of the first rows as numbers, NaN where it holds none."""
        at = self.names.index(column)
        texts = [row[at] if at < len(row) else "" for row in self.rows]
        return np.array([float(text) if is_number(text) else np.nan for text in texts])


def read_head(path: str | Path) -> Head:
    """Read how a file begins, in a time that does not depend on its size.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    path = existing(path)
    comments: list[str] = []
    try:
        if packing(path) == "parquet":
            check_parquet(path, 1)
            names, rows = _parquet(path)
        else:
            names, rows, comments = _text(path)
    except (*UNREADABLE, ValueError) as error:
        raise unreadable(path, error) from error
    if not rows:
        raise InputError(f"{path}: has a header and no rows. Download or copy it again.")
    columns = {
        name: [row[i] for row in rows if i < len(row) and row[i] not in MISSING]
        for i, name in enumerate(names)
    }
    return Head(path, names, columns, [*_written_above(comments), *_beside(path)], rows)


def _parquet(path: Path) -> tuple[list[str], list[list[str]]]:
    with pq.ParquetFile(path) as file:
        batch = next(file.iter_batches(ROWS, use_threads=False), None)
        names = list(file.schema_arrow.names)
    columns = [] if batch is None else [column.to_pylist() for column in batch.columns]
    rows = [["" if v is None else str(v) for v in row] for row in zip(*columns, strict=True)]
    return names, rows


def _text(path: Path) -> tuple[list[str], list[list[str]], list[str]]:
    header = sniff(path)
    with io.TextIOWrapper(open_bytes(path), "utf-8-sig", errors="replace") as stream:
        above = list(islice(stream, header.lines))
    rows: list[list[str]] = []
    # Whoever reads all rows names the line that cannot be read.
    with suppress(*UNREADABLE):
        for _, row in islice(numbered_rows(path, header, COMMENT, "replace"), ROWS):
            rows.append(row)
    return header.names, rows, [line for line in above if line.startswith("#")]


def _written_above(comments: list[str]) -> list[Fact]:
    """What lines such as ``##nCase=1000`` and ``##genomeReference="GRCh37"`` say."""
    found: dict[str, Fact] = {}
    for line in comments:
        if line.startswith(_DECLARATIONS) or not re.match(r"##|#\s*\w+\s*[=:]", line):
            continue
        for word, value in _FACT.findall(line):
            fact = _fact(word, value, f"{line[:2].rstrip()}{word}= above the header")
            if fact:
                found.setdefault(fact.role, fact)
    # A GWAS of a quantity has its people as controls of no cases.
    cases, controls = found.get("cases"), found.get("controls")
    if controls and not (cases and cases.value):
        found.pop("cases", None)
        found.pop("controls")
        found.setdefault("n", controls._replace(role="n"))
    return [fact for fact in found.values() if fact.value]


def _fact(word: str, value: str, why: str) -> Fact | None:
    short = normal(word)
    role = _PEOPLE_WORDS.get(short)
    if role and is_number(value):
        return Fact(role, float(value), why)
    if short in _BUILD_WORDS:
        build = _BUILD_NAME.search(value)
        return Fact("build", BUILDS[build.group(1)], why) if build else None
    return None


def _beside(path: Path) -> list[Fact]:
    """What the metadata of GWAS-SSF say: build, and people summed over samples."""
    stem = path.name
    while stem != (stem := re.sub(r"\.(gz|bgz|bz2|zst|tsv|txt|csv)$", "", stem)):
        pass
    names = (f"{path.name}-meta.yaml", *(f"{stem}{end}-meta.yaml" for end in (".tsv", "")))
    beside = next((path.with_name(n) for n in names if path.with_name(n).is_file()), None)
    if beside is None:
        return []
    totals: dict[str, float] = {}
    build: list[Fact] = []
    for line in beside.read_text(encoding="utf-8", errors="replace").splitlines():
        match = re.match(r"[\s-]*(\w+):\s*[\"']?([\w./+-]+)", line)
        fact = _fact(match[1], match[2], f"{match[1]} in {beside.name}") if match else None
        if fact and fact.role == "build":
            build = [fact]
        elif fact:
            totals[fact.role] = totals.get(fact.role, 0) + fact.value
    if not totals.get("cases"):
        totals.pop("cases", None)
        totals.pop("controls", None)
    return build + [Fact(role, n, f"in {beside.name}") for role, n in totals.items() if n]
