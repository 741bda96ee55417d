"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deepwas_app.errors import InputError


@contextmanager
def replacing_file(path: Path) -> Iterator[Path]:
    """Give a path beside ``path`` that takes its place when all went well.

    It ends as ``path`` does, for those who go by the suffix.
    """
    partial = path.with_name(f".partial-{os.getpid()}-{path.name}")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


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
