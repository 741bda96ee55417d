"""The files of a run folder: replaced together, with checksums that are verified when read.

Their index has for each file the CRC-32 that it may have, or None where it may be absent. It is
one, but for the moment in which files are replaced, at which the old one is as good.
"""

import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

from deepwas_app.errors import InputError
from deepwas_app.genetics.checksums import INDEX, sealed, unsealed
from deepwas_app.genetics.disk import sync, sync_folder
from deepwas_app.genetics.writing import is_partial, partial_of, written

RECORD, METRICS_FILE, BLOCKS = "run.json", "metrics.parquet", "blocks.parquet"
WEIGHTS, CHECKPOINT = "weights.eqx", "checkpoint.eqx"
Index: TypeAlias = dict[str, list[int | None]]


def replace_files(folder: Path, files: Mapping[str, bytes | memoryview | None]) -> None:
    """Replace files of a run, or remove those that are None. A kill leaves the old or the new ones.

    Raises
    ------
    InputError
        If the disk is full, or the folder cannot be written.
    """
    index = read_index(folder)
    sums = {name: None if data is None else zlib.crc32(data) for name, data in files.items()}
    before = {name: index.get(name) or [_checksum(folder / name)] for name in files}
    either = index | {name: [new, *before[name]] for name, new in sums.items()}
    kept = {name: allowed for name, allowed in index.items() if name not in files}
    settled = kept | {name: [new] for name, new in sums.items() if new is not None}
    partials = {folder / name: partial_of(folder / name) for name in (INDEX, *files)}
    with written(folder):
        try:
            for name, data in files.items():
                if data is not None:
                    partials[folder / name].write_bytes(data)
            partials[folder / INDEX].write_bytes(sealed(either))
            sync_folder(folder)
            # The index first: from here on both are good.
            for path, partial in partials.items():
                if partial.exists():
                    partial.replace(path)
                else:
                    path.unlink(missing_ok=True)
            sync(folder)
            partials[folder / INDEX].write_bytes(sealed(settled))
            partials[folder / INDEX].replace(folder / INDEX)
        finally:
            for partial in partials.values():
                partial.unlink(missing_ok=True)


def read_file(folder: Path, name: str) -> bytes:
    """What is in a file of a run.

    Raises
    ------
    FileNotFoundError
        If it is not there, and need not be.
    InputError
        If it is not as it was written.
    """
    index = read_index(folder)
    while True:
        data = _read(folder / name)
        allowed = index.get(name)
        if allowed is None or (data if data is None else zlib.crc32(data)) in allowed:
            break
        # Perhaps it was replaced after the index was read.
        before, index = index, read_index(folder)
        if index == before:
            what = "is lost" if data is None else "is damaged (its checksum is another)"
            raise InputError(
                f"{folder / name}: {what}. Put back a copy of it, or train again into a new folder."
            )
    if data is None:
        raise FileNotFoundError(folder / name)
    return data


def _read(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None


def _checksum(file: Path) -> int | None:
    data = _read(file)
    return None if data is None else zlib.crc32(data)


def read_index(folder: Path) -> Index:
    """The checksums that each file of a run may have; none of runs before there were any.

    Raises
    ------
    InputError
        If they are damaged.
    """
    try:
        return dict(unsealed((folder / INDEX).read_bytes()))
    except FileNotFoundError:
        return {}
    except ValueError:
        raise InputError(
            f"{folder / INDEX}: is damaged. Put back a copy of it, or train again into a new "
            "folder."
        ) from None


def unsound(folder: Path) -> Iterator[str]:
    """One line for each file of a run that is not as it was written."""
    for name in read_index(folder):
        try:
            read_file(folder, name)
        except FileNotFoundError:
            pass
        except InputError as problem:
            yield str(problem)


def is_empty(folder: Path) -> bool:
    """Whether a folder is there, and what it holds is no more than what a kill leaves behind."""
    return folder.is_dir() and all(
        is_partial(path) or path.name == INDEX for path in folder.iterdir()
    )


def is_begun(folder: Path) -> bool:
    """Whether a folder holds what training can go on from, or held it."""
    return (folder / WEIGHTS).exists() or WEIGHTS in read_index(folder)


def is_half_made(folder: Path) -> bool:
    """Whether a folder is that of a run which was killed before it had anything to keep."""
    return (
        folder.is_dir()
        and not is_begun(folder)
        and all(is_partial(path) or path.name in (INDEX, RECORD) for path in folder.iterdir())
    )
