"""Checksums of the files of a zarr store: kept as they are written, verified as they are read.

A store has an index of its own files (JSON, key to CRC-32, after the CRC-32 of that), and so has
each of its LD blocks, for the index of a genome-wide store is not to be read for one block of it.
Stores without an index are read as they are.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from zarr.storage import LocalStore

from deepwas_app.errors import InputError

INDEX = ".checksums"
_LOST, _OTHER = "is lost", "is damaged (its checksum is another)"
_BLOCK = re.compile(r"(blocks/(\d+)/)(.*)")
_MADE_BY = {
    ".study.zarr": "deepwas study, or simulate,",
    ".ld.zarr": "deepwas ld",
    ".tracks.zarr": "deepwas study --tracks",
}


def remedy(path: Path) -> str:
    """What to do about a store that is damaged."""
    maker = next((made for suffix, made in _MADE_BY.items() if path.name.endswith(suffix)), None)
    return f"Build it again with {maker} -o {path}" if maker else "Build it again"


class UnsoundError(InputError):
    """A file of a store that is not as it was written.

    Attributes
    ----------
    part
        What is in it and what is wrong, for people.
    """

    def __init__(self, path: Path, key: str, what: str):
        block = _BLOCK.match(key)
        name = (block[3] if block else key).partition("/")[0]
        name = "the index" if name.startswith(".") else name
        where = " of ".join(filter(None, (name, f"LD block {block[2]}" if block else "")))
        self.part = f"{where} {what}"
        super().__init__(
            f"{path}: {self.part}. {remedy(path)}; deepwas info --verify tells what else is "
            "damaged."
        )


class RecordingStore(LocalStore):
    """A zarr store on disk that is being written, and what it holds by now.

    Attributes
    ----------
    written
        Checksum of each file of it.
    """

    def __init__(
        self, root: Path, *, read_only: bool = False, written: dict[str, int] | None = None
    ):
        super().__init__(root, read_only=read_only)
        self.written = {} if written is None else written

    def with_read_only(self, read_only: bool = False) -> RecordingStore:
        return RecordingStore(self.root, read_only=read_only, written=self.written)

    async def set(self, key: str, value: Any) -> None:
        await super().set(key, value)
        self.written[key] = zlib.crc32(value.as_buffer_like())

    def write_indexes(self) -> None:
        """Write the index of the store and of each block. Last: zarr would not know the files."""
        indexes: dict[str, dict[str, int]] = {"": {}}
        for key, checksum in self.written.items():
            indexes.setdefault(_place(key), {})[key] = checksum
        for prefix, index in indexes.items():
            (self.root / prefix / INDEX).write_bytes(sealed(index))


class CheckedStore(LocalStore):
    """A zarr store on disk that is read, and gives nothing that is not as it was written."""

    def __init__(self, root: Path, *, read_only: bool = True):
        super().__init__(root, read_only=read_only)
        self._indexes: dict[str, Mapping[str, int] | None] = {}

    async def get(self, key: str, prototype: Any = None, byte_range: Any = None) -> Any:
        found = await super().get(key, prototype, byte_range)
        index = self._index(_place(key))
        if index is None or (found is None and key not in index):
            return found
        # A piece of a file has no checksum; nothing here asks for one.
        if found is None or zlib.crc32(found.as_buffer_like()) != index.get(key):
            self._refuse(key, lost=found is None)
        return found

    def _index(self, prefix: str) -> Mapping[str, int] | None:
        if prefix not in self._indexes:
            self._indexes[prefix] = read_index(self.root, prefix)
        return self._indexes[prefix]

    def _refuse(self, key: str, lost: bool) -> None:
        prefix = _place(key)
        if not self.root.exists():
            raise InputError(f"{self.root}: is gone since it was opened.")
        if read_index(self.root, prefix) != self._indexes[prefix]:
            raise InputError(f"{self.root}: was built anew since it was opened. Open it again.")
        raise UnsoundError(
            self.root, key, "is lost" if lost else "is damaged (its checksum is another)"
        )


def _place(key: str) -> str:
    """Where the index is that has a file: of an LD block, else of the whole store."""
    block = _BLOCK.match(key)
    return block[1] if block else ""


def read_index(root: Path, prefix: str = "") -> Mapping[str, int] | None:
    """Checksum of each file by its key; None for a store without checksums, and its blocks.

    Raises
    ------
    InputError
        If it is no index, or that of a block is lost.
    """
    try:
        return dict(unsealed((root / prefix / INDEX).read_bytes()))
    except FileNotFoundError:
        if prefix and (root / INDEX).exists():
            key = prefix + INDEX if (root / prefix).exists() else prefix
            raise UnsoundError(root, key, _LOST) from None
        return None
    except (OSError, ValueError):
        raise UnsoundError(root, prefix + INDEX, _OTHER) from None


def sealed(index: Any) -> bytes:
    """An index as text that tells whether it is whole: its own CRC-32, a space, JSON."""
    text = json.dumps(index).encode()
    return b"%d %s" % (zlib.crc32(text), text)


def unsealed(data: bytes) -> Any:
    """What :func:`sealed` was given; ValueError if it is not whole."""
    seal, _, text = data.partition(b" ")
    if seal != b"%d" % zlib.crc32(text):
        raise ValueError("another checksum")
    return json.loads(text)


def verify(root: Path, blocks: int) -> Iterator[UnsoundError | None]:
    """Compare all files of a store, of so many LD blocks, with their checksums.

    Yields
    ------
    For each file None, or what is wrong with it.
    """
    for prefix in ("", *(f"blocks/{block}/" for block in range(blocks))):
        try:
            index = read_index(root, prefix) or {}
        except UnsoundError as problem:
            yield problem
            continue
        for key, wanted in index.items():
            yield _unsound(root, key, wanted)


def _unsound(root: Path, key: str, wanted: int) -> UnsoundError | None:
    try:
        if zlib.crc32((root / key).read_bytes()) == wanted:
            return None
        return UnsoundError(root, key, _OTHER)
    except FileNotFoundError:
        return UnsoundError(root, key, _LOST)
    except OSError as error:
        return UnsoundError(root, key, f"cannot be read ({error.strerror})")
