"""Opening, describing and replacing files, with errors that name the file and the remedy."""

from __future__ import annotations

import hashlib
import io
import shutil
import tempfile
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

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
_COMPRESSED = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}


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


def bare_suffix(path: Path) -> str:
    """Suffix without the compression: ".tsv" for "x.tsv.gz"."""
    return Path(path.stem).suffix if path.suffix in _COMPRESSED else path.suffix


def open_text(path: Path) -> IO[str]:
    """Open plain, .gz, .bz2 or .zst text for reading; a byte-order mark is skipped."""
    compression = _COMPRESSED.get(path.suffix)
    stream: Any
    if compression:
        import pyarrow as pa

        stream = io.BufferedReader(pa.input_stream(str(path), compression=compression))
    else:
        stream = path.open("rb")
    return io.TextIOWrapper(stream, encoding="utf-8-sig")


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
    try:
        if bare_suffix(path) == ".parquet":
            frame = pd.read_parquet(path, columns=columns)
        else:
            header, separator, skip = _sniff(path)
            with open_text(path) as stream, warnings.catch_warnings():
                # Rows longer than the header are an error: with a mere warning here, or with
                # ``usecols`` none at all, they would be read with their columns shifted.
                warnings.simplefilter("error", pd.errors.ParserWarning)
                frame = pd.read_csv(
                    stream,
                    sep=separator,
                    names=header,
                    header=None,
                    skiprows=skip + 1,
                    index_col=False,
                    low_memory=False,
                    **options,
                )
    except (*UNREADABLE, ValueError) as error:
        raise unreadable(path, error) from error
    if frame.empty:
        raise InputError(f"{path}: has a header and no rows. Download or copy it again.")
    return frame if columns is None else frame[columns]


def read_header(path: str | Path) -> list[str]:
    """Column names of a table that :func:`read_table` reads."""
    path = existing(path)
    try:
        if bare_suffix(path) == ".parquet":
            import pyarrow.parquet as pq

            return list(pq.read_schema(path).names)
        return _sniff(path)[0]
    except (*UNREADABLE, ValueError) as error:
        raise unreadable(path, error) from error


def _sniff(path: Path) -> tuple[list[str], str, int]:
    """Column names, separator, and how many lines come before the header."""
    with open_text(path) as stream:
        skip = 0
        line = stream.readline()
        while line.startswith("##"):
            skip += 1
            line = stream.readline()
    line = line.rstrip("\r\n")
    if "\t" in line:
        separator = "\t"
    elif "," in line:
        separator = ","
    else:
        separator = r"\s+"
    names = line.split() if separator == r"\s+" else line.split(separator)
    names = [name.strip().strip('"') for name in names]
    names[0] = names[0].removeprefix("#")
    if "\x00" in line or len(set(names)) < len(names) or len(names) < 2:
        raise ValueError("the first line is not a row of column names")
    return names, separator, skip


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


@contextmanager
def replacing_folder(path: Path, marker: str) -> Iterator[Path]:
    """Give a temporary sibling folder that takes the place of ``path`` when all went well.

    Parameters
    ----------
    path : Path
        The folder to write. One that is there already is replaced only if it holds
        ``marker``, so that a slip of the output path never deletes somebody's data.
    marker : str
        Name of a file that every folder of this kind holds.

    Raises
    ------
    InputError
        If the place cannot be written, or something else is in it.
    """
    if path.exists() and not (path / marker).is_file():
        raise InputError(f"{path}: is there and was not made by this program. Choose another name.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror}). Choose another folder."
        ) from error
    # mkdtemp makes its folder private; what takes the final place has the usual rights.
    built, replaced = temporary / "new", temporary / "old"
    try:
        built.mkdir()
        yield built
        if path.exists():
            path.rename(replaced)
        built.rename(path)
    finally:
        if replaced.exists() and not path.exists():
            replaced.rename(path)
        shutil.rmtree(temporary, ignore_errors=True)
