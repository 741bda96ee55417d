"""Files and folders that appear whole or not at all, and are on the disk when they appear."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from deepwas_app.errors import InputError, refused
from deepwas_app.genetics.disk import exchange, sync, sync_folder
from deepwas_app.genetics.locks import held, is_alive, only_writer, remove_unheld

_PARTIAL = re.compile(r"\.partial-(\d+)-.+")


@contextmanager
def replacing_file(path: Path) -> Iterator[Path]:
    """Give a path beside ``path`` that takes its place when all went well.

    It ends as ``path`` does, for those who go by the suffix. What writers that were killed have
    left in the folder is removed.
    """
    partial = partial_of(path)
    try:
        with written(path), held(partial):
            _remove_stale(path.parent)
            yield partial
            sync(partial)
            os.replace(partial, path)
            sync(path.parent)
    finally:
        with suppress(OSError):
            partial.unlink()


@contextmanager
def written(path: Path) -> Iterator[None]:
    """Say of which file or folder it was that it cannot be written, and why."""
    try:
        yield
    except OSError as error:
        # What is read meanwhile is named by its own name.
        where = str(error.filename or path)
        own = path.name in where or Path(where) in path.parents
        problem = refused(error, path, "cannot be written") if own else None
        if problem is None:
            raise
        raise problem from error


def partial_of(path: Path) -> Path:
    """Where a file is written before it takes its place."""
    return path.with_name(f".partial-{os.getpid()}-{path.name}")


def is_partial(path: Path) -> bool:
    """Whether a file never took its place, perhaps because its writer was killed."""
    return _PARTIAL.fullmatch(path.name) is not None


def remove_partials(folder: Path) -> None:
    """Remove what killed writers left in a folder. Only for who holds its lock."""
    for path in folder.iterdir():
        if is_partial(path):
            path.unlink(missing_ok=True)


def _remove_stale(folder: Path) -> None:
    """Remove partial files whose writers are no more, wherever they ran."""
    for path in folder.iterdir():
        writer = _PARTIAL.fullmatch(path.name)
        if writer and not is_alive(int(writer[1])):
            with suppress(OSError):
                remove_unheld(path)


@contextmanager
def replacing_folder(path: Path, marker: str) -> Iterator[Path]:
    """Give a temporary sibling folder that takes the place of ``path`` when all went well.

    There is no moment at which neither the old folder nor the new one is there; where the system
    cannot exchange two folders, :func:`restore` brings the old one back. What writers that were
    killed have left behind is removed.

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
        If the place cannot be written, or something else is in it, or another process writes there.
    """
    with written(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with written(path), only_writer(path) as alone:
        if alone:
            _tidy(path)
        if path.exists() and not (path / marker).is_file():
            raise InputError(
                f"{path}: is there and was not made by this program. Choose another name."
            )
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        # mkdtemp makes its folder private; what takes the final place has the usual rights.
        built = temporary / "new"
        try:
            built.mkdir()
            yield built
            sync_folder(built)
            _put(built, path)
            sync(path.parent)
        finally:
            _put_back(temporary, path)
            shutil.rmtree(temporary, ignore_errors=True)


def _put(built: Path, path: Path) -> None:
    if not path.exists():
        built.rename(path)
    elif not exchange(built, path):
        path.rename(built.with_name("old"))
        built.rename(path)


def remove_folder(path: Path) -> None:
    """Remove a folder that nobody writes to, at one moment for those who look."""
    with written(path), only_writer(path):
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        path.rename(temporary / "new")
        shutil.rmtree(temporary, ignore_errors=True)


def restore(path: Path) -> None:
    """Bring back a folder that its writer had moved aside when it was killed."""
    if path.exists():
        return
    # Who writes at this moment puts one there by himself; who may not write cannot help it.
    with suppress(InputError, OSError):
        if any((folder / "old").exists() for folder in _temporaries(path)):
            with only_writer(path):
                _tidy(path)


def _tidy(path: Path) -> None:
    """Restore a folder, and remove what killed writers left. Only for who holds the lock."""
    for temporary in _temporaries(path):
        _put_back(temporary, path)
        shutil.rmtree(temporary, ignore_errors=True)


def _put_back(temporary: Path, path: Path) -> None:
    if (temporary / "old").exists() and not path.exists():
        (temporary / "old").rename(path)


def _temporaries(path: Path) -> list[Path]:
    """Temporary folders of writers of a folder, dead ones or alive."""
    name = re.compile(rf"\.{re.escape(path.name)}\.[a-z0-9_]{{8}}")
    return [
        folder
        for folder in (path.parent.iterdir() if path.parent.is_dir() else ())
        if name.fullmatch(folder.name)
        and folder.is_dir()
        and {child.name for child in folder.iterdir()} <= {"new", "old"}
    ]
