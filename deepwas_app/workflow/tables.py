"""Result tables, declared once: text, pages and documentation are made from the declaration."""

import gzip
import io
import json
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd
from scipy.special import log_ndtr

from deepwas_app.errors import InputError
from deepwas_app.genetics.writing import replacing_file
from deepwas_app.provenance import ENDING, beside

# Of a long table that become text at a time.
ROWS = 100_000
# What spreadsheets take for the beginning of a formula.
_SIGNS = tuple("=+-@\t\r")
# What begins so and is none: numbers, and alleles such as -, -/T and +A.
_HARMLESS = re.compile(
    r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|inf|nan)|[+-][ACGTNacgtn,/*-]*"
)


@dataclass(frozen=True)
class Column:
    """One column of a result table.

    Attributes
    ----------
    name
        In the DataFrame and in files.
    title
        What people read above it, without the unit.
    meaning
        One line for people.
    unit
        Empty where there is none.
    format
        Of its numbers in files, such as ``".4e"``; empty for all digits.
    digits
        Decimals of its numbers on pages; whole numbers have none. None: powers of ten for small
        ones, such as P values.
    optional
        Whether a table may do without it.
    """

    name: str
    title: str
    meaning: str
    unit: str = ""
    format: str = ""
    digits: int | None = 3
    optional: bool = False

    @property
    def heading(self) -> str:
        """The title with the unit, for pages."""
        return f"{self.title} ({self.unit})" if self.unit else self.title


@dataclass(frozen=True)
class Table:
    """What a result table holds: a DataFrame with exactly these columns, in this order.

    Attributes
    ----------
    name
        Short, as in names of files.
    meaning
        What a row is, in one line.
    columns
        All of them, the optional ones too.
    further
        What columns of other names hold, where there may be such: the phenotype of a scored
        person, under its own name.
    """

    name: str
    meaning: str
    columns: tuple[Column, ...]
    further: Column | None = None

    def __getitem__(self, name: str) -> Column:
        """The column of this name."""
        for column in self.columns:
            if column.name == name:
                return column
        if self.further is None:
            raise KeyError(f"the table {self.name} has no column {name}")
        return replace(self.further, name=name, title=name)

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    @property
    def names(self) -> list[str]:
        """Names of all columns."""
        return [column.name for column in self.columns]

    def frame(self, rows: Any) -> pd.DataFrame:
        """Rows (records, or values by column) as a DataFrame of this table; checked.

        Raises
        ------
        ValueError
            If columns are missing, are not declared, or are in another order.
        """
        if isinstance(rows, list) and not rows:
            return pd.DataFrame(columns=[c.name for c in self.columns if not c.optional])
        return self.check(pd.DataFrame(rows))

    def check(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The same frame, whose columns are those that are declared.

        Raises
        ------
        ValueError
            If columns are missing, are not declared, or are in another order.
        """
        found = list(frame.columns)
        wanted = [c.name for c in self.columns if not c.optional or c.name in found]
        further = [name for name in found if name not in wanted]
        if found != wanted + (further if self.further else []):
            raise ValueError(f"the table {self.name} has columns {wanted}, not {found}")
        return frame

    def with_further(self, frame: pd.DataFrame) -> "Table":
        """The table with the columns of a frame that are not declared by name."""
        return self.part(*self.names, *(name for name in frame if name not in self.names))

    def part(self, *names: str, name: str = "") -> "Table":
        """The table of some of its columns, in the order asked, under its own name or another."""
        return Table(name or self.name, self.meaning, tuple(self[column] for column in names))

    def text(self, frame: pd.DataFrame) -> str:
        """The frame as tab-separated text with a header, as it is written to files."""
        return "".join(self.texts(frame))

    def texts(self, frame: pd.DataFrame) -> Iterator[str]:
        """The text in parts, for tables of which it is long."""
        self.check(frame)
        formats = {name: self[name].format for name in frame if self[name].format}
        yield tab_separated(frame[:ROWS], formats)
        for start in range(ROWS, len(frame), ROWS):
            yield tab_separated(frame[start : start + ROWS], formats, header=False)

    def records(self, frame: pd.DataFrame) -> list[dict[str, Any]]:
        """The frame as a list of objects for JSON, one a row."""
        return self.check(frame).to_dict("records")

    def documentation(self) -> str:
        """What the table holds, as Markdown."""
        lines = [f"## {self.name}", "", self.meaning, "", "| column | unit | meaning |"]
        lines.append("|---|---|---|")
        for column in self.columns + ((self.further,) if self.further else ()):
            meaning = column.meaning + (" (where asked for)" if column.optional else "")
            cells = (f"`{column.name}`", column.unit, meaning)
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        return "\n".join(lines) + "\n"


def tab_separated(
    table: pd.DataFrame, formats: dict[str, str] | None = None, header: bool = True
) -> str:
    """A table as tab-separated text with a header, missing values as NA.

    Text that a spreadsheet would take for a formula has an apostrophe before it: names of
    annotations, variants and runs are other people's words.

    Parameters
    ----------
    table
        What to write.
    formats
        Column to a format such as ``".4e"``, for the columns of numbers that need one.
    header
        Whether the names of the columns stand above.
    """
    formats = formats or {}
    table = table.copy()
    for name in table.columns.difference(list(formats)):
        table[name] = without_formulas(table[name])
    for name, spec in formats.items():
        table[name] = [f"{v:{spec}}" if np.isfinite(v) else "NA" for v in table[name].to_numpy()]
    names = [_quoted(str(name)) for name in table.columns] if header else False
    return table.to_csv(sep="\t", index=False, na_rep="NA", header=names)


def without_formulas(column: pd.Series) -> pd.Series:
    """A column whose texts are no formulas; numbers, signs alone and alleles stay as they are."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        if not any(_quoted(str(name)) != name for name in column.cat.categories):
            return column
        column = column.astype(object)
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return column
    first = {word for word in column if isinstance(word, str) and word[:1] in _SIGNS}
    changed = {word: _quoted(word) for word in first if _quoted(word) != word}
    return column.replace(changed) if changed else column


def _quoted(word: str) -> str:
    formula = len(word) > 1 and word[0] in _SIGNS and not _HARMLESS.fullmatch(word)
    return f"'{word}" if formula else word


def json_text(value: Any, indent: int | None = None) -> str:
    """A value as JSON, null for numbers that are not finite: NaN is no JSON."""
    return json.dumps(_finite(value), indent=indent, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not np.isfinite(value) else value


def with_error(value: float, error: float, digits: int, sign: bool = False) -> str:
    """A number with its standard error, where there is one.

    Parameters
    ----------
    value, error
        The error may be NaN.
    digits
        Decimals; more where they are needed to tell the error, or a value without one, from 0.
    sign
        Whether a plus is written.
    """
    if not np.isfinite(value):
        return "–"
    least = error if np.isfinite(error) and error > 0 else abs(value)
    if 0 < least < 0.5 * 10**-digits:
        digits = 1 - int(np.floor(np.log10(least)))
    plus = "+" if sign else ""
    if digits > 6:
        return f"{value:{plus}.1e}" + (f" ± {error:.1e}" if np.isfinite(error) else "")
    return f"{value:{plus}.{digits}f}" + (f" ± {error:.{digits}f}" if np.isfinite(error) else "")


def p_values(z: np.ndarray) -> list[str]:
    """Two-sided P of z-scores as text: also those that no float can hold, such as 1.2340e-420."""
    with np.errstate(invalid="ignore"):
        log10 = (log_ndtr(-np.abs(np.asarray(z, np.float64))) + np.log(2)) / np.log(10)
    out = []
    for value in log10:
        if not np.isfinite(value):
            out.append("NA")
        elif value > -300:
            out.append(f"{10**value:.4e}")
        else:
            exponent = int(np.floor(value))
            out.append(f"{10 ** (value - exponent):.4f}e{exponent}")
    return out


def write_text(text: str | Iterable[str], output: str | Path, *, traced: bool = True) -> None:
    """Write to a file that appears whole or not at all; - is standard output.

    Beside it stands what it was made by and from, ``NAME.provenance.json``.

    Parameters
    ----------
    text
        The text, or its parts one after another.
    output
        Of a name that ends in .gz the file is packed.
    traced
        Whether it is a result.

    Notes
    -----
    Pipes and devices, such as /dev/null, are written to as they are.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    parts = (text,) if isinstance(text, str) else text
    if str(output) == "-":
        sys.stdout.writelines(parts)
        return
    path = Path(output).expanduser()
    check_folder(path)
    try:
        if path.exists() and not path.is_file():
            with path.open("w") as stream:
                stream.writelines(parts)
            return
        with replacing_file(path) as partial, _opened(partial) as stream:
            stream.writelines(parts)
        if traced:
            write_provenance(path)
    except OSError as problem:
        raise InputError(
            f"{path}: cannot be written ({problem.strerror}). Choose another file."
        ) from None


def write_provenance(path: Path) -> None:
    """Write beside a result what it was made by and from."""
    with replacing_file(path.with_name(path.name + ENDING)) as partial:
        partial.write_bytes(beside(path))


def check_folder(path: Path) -> None:
    """Refuse a file in a folder that is not there, before what takes long."""
    if not path.parent.is_dir():
        raise InputError(f"{path.parent}: no such folder. Make it first.")


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    """A file to write text to; packed ones are of the same bytes whenever they are written."""
    if path.suffix != ".gz":
        with path.open("w") as stream:
            yield stream
        return
    with (
        path.open("wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed,
        io.TextIOWrapper(packed, "utf-8") as stream,
    ):
        yield stream
