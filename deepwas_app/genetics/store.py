"""Study stores, and the machinery that they share with LD panels: NAME.study.zarr."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr
from numcodecs import Blosc

from deepwas_app.errors import InputError
from deepwas_app.genetics.checksums import CheckedStore, RecordingStore, read_index, remedy
from deepwas_app.genetics.content import HASHED, STUDY_VARIABLES, parts, variable_hashes
from deepwas_app.genetics.files import UNREADABLE
from deepwas_app.genetics.patterns import only
from deepwas_app.genetics.variables import validate
from deepwas_app.genetics.writing import replacing_folder, restore
from deepwas_app.versions import versions

_MARKER = ".zmetadata"
_CHUNK_ROWS = 65_536
_CHUNK_BYTES = 64 * 2**20
# Set where every chunk is on disk, so that one that is not there is lost. Older stores leave out
# chunks of zeros.
_WHOLE = "every_chunk_written"
# Set where each file has a checksum.
_CHECKED = "checksums"
# Which software made it.
VERSIONS = "versions"
# Attributes that are lists, of texts or of records: JSON text on disk, lists everywhere else.
_LISTS = ("alignment", "annotation_notes", "files", "notes", "provenance", "report")
# Of each LD block of a study; see core.block.WhitenedBlock.
BLOCK_ARRAYS = ("Q", "x", "eigenvalues", "noise", "background")
# Set where each block has all of these. Older studies took LD as exact, and lack the last two.
_WITH_NOISE = "block_noise"
_COMPRESSOR = Blosc(cname="zstd", clevel=1, shuffle=Blosc.SHUFFLE)


class StoreFolder:
    """A zarr store (format 2) that is being written: arrays per block, then a Dataset."""

    def __init__(self, path: Path):
        self.path = path
        self._store = RecordingStore(path)
        self._root = zarr.open_group(self._store, mode="w", zarr_format=2)

    def write_block(self, block: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Write ``blocks/<block>/<name>`` for each array."""
        group = self._root.require_group(f"blocks/{block}")
        for name, array in arrays.items():
            group.create_array(
                name,
                data=array,
                chunks=_chunks(array.shape, array.itemsize),
                compressors=_COMPRESSOR,
                config={"write_empty_chunks": True},
            )

    def write_dataset(self, dataset: xr.Dataset, attrs: Mapping[str, Any]) -> None:
        """Write the labelled arrays and the attributes, and index the store."""
        dataset = dataset.drop_attrs().assign_attrs(
            {key: _encoded(key, value) for key, value in attrs.items() if key != "path"},
            **{_WHOLE: True, _CHECKED: True, VERSIONS: versions()},
        )
        encoding = {}
        for name, array in dataset.variables.items():
            dataset[name].encoding = {}
            rows = min(array.shape[0], _CHUNK_ROWS) or 1
            encoding[name] = {"chunks": (rows, *array.shape[1:]), "compressors": (_COMPRESSOR,)}
        dataset.to_zarr(
            self._store,
            mode="a",
            zarr_format=2,
            consolidated=False,
            encoding=encoding,
            write_empty_chunks=True,
        )
        zarr.consolidate_metadata(self._store, zarr_format=2)
        self._store.write_indexes()


def _chunks(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    row_bytes = max(itemsize * int(np.prod(shape[1:])), 1)
    rows = max(min(shape[0], _CHUNK_BYTES // row_bytes), 1)
    return (rows, *(max(size, 1) for size in shape[1:]))


def _encoded(name: str, value: Any) -> Any:
    """An attribute as it is on disk: lists as JSON text, numpy scalars as Python's own."""
    if name in _LISTS:
        return json.dumps(value)
    return value.item() if isinstance(value, np.generic) else value


def _decoded(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of a store, as they were given to :meth:`StoreFolder.write_dataset`."""
    return {name: json.loads(value) if name in _LISTS else value for name, value in attrs.items()}


@contextmanager
def store_folder(path: str | Path) -> Iterator[StoreFolder]:
    """Make a store that appears at ``path`` whole or not at all."""
    with replacing_folder(Path(path).expanduser(), _MARKER) as folder:
        yield StoreFolder(folder)


def open_store(path: str | Path, kind: str, required: tuple[str, ...]) -> xr.Dataset:
    """Open a store lazily: only the index is read.

    Raises
    ------
    InputError
        If there is none, or it is damaged, or of another kind.
    """
    path = Path(only(path)).expanduser()
    restore(path)
    if not path.exists():
        raise InputError(f"{path}: no such {kind}. Check the path.")
    if not (path / _MARKER).is_file():
        raise InputError(f"{path}: is not a {kind}. Give a folder NAME.{_suffix(kind)}.")
    try:
        dataset = xr.open_zarr(CheckedStore(path), chunks=None, consolidated=True)
        dataset.attrs = _decoded(dataset.attrs) | {"path": str(path.absolute())}
    except InputError:
        raise
    except (*UNREADABLE, KeyError, ValueError) as error:
        raise InputError(f"{path}: is damaged ({error}). {remedy(path)}.") from error
    found = dataset.attrs.get("kind", "store of another program")
    if found != kind:
        raise InputError(f"{path}: is a {found}, not a {kind}. Give a NAME.{_suffix(kind)}.")
    for name, array in dataset.variables.items():
        if _lost_chunks(dataset, path / str(name), array.shape, array.encoding["chunks"]):
            raise InputError(f"{path}: is damaged (parts of {name} are lost). {remedy(path)}.")
    if dataset.attrs.get(_CHECKED) and read_index(path) is None:
        raise InputError(f"{path}: is damaged (its checksums are lost). {remedy(path)}.")
    return validate(dataset, required)


def _lost_chunks(
    store: xr.Dataset, folder: Path, shape: tuple[int, ...], chunks: tuple[int, ...]
) -> bool:
    """Whether an array lacks chunks, which would be read as zeros or missing values."""
    # Counted, not opened: a genome-wide study has thousands.
    expected = prod(-(-size // chunk) for size, chunk in zip(shape, chunks, strict=True))
    try:
        found = sum(name[0] != "." for name in os.listdir(folder))
    except FileNotFoundError:
        return True
    return bool(store.attrs.get(_WHOLE)) and found < expected


def _suffix(kind: str) -> str:
    return "ld.zarr" if kind == "panel" else f"{kind}.zarr"


def read_array(dataset: xr.Dataset, block: int, name: str) -> np.ndarray:
    """Read one array of one block from the store that the Dataset was opened from."""
    path, key = Path(dataset.attrs["path"]), f"blocks/{block}/{name}"
    try:
        # Opened by its own path: the index of a genome-wide store takes longer to parse.
        array = zarr.open_array(CheckedStore(path), path=key, mode="r", zarr_format=2)
        checked = dataset.attrs.get(_CHECKED)
        if not checked and _lost_chunks(dataset, path / key, array.shape, array.chunks):
            raise FileNotFoundError(f"{key}: chunks are lost")
        return np.asarray(array[...])
    except InputError:
        raise
    except (*UNREADABLE, KeyError, ValueError, RuntimeError) as error:
        raise InputError(f"{path}: block {block} cannot be read. {remedy(path)}.") from error


class StudyWriter:
    """Writes a study block by block; made by :func:`study_writer`."""

    def __init__(self, folder: StoreFolder, variants: xr.Dataset, attrs: Mapping[str, Any]):
        self._folder = folder
        self._variants = validate(variants, STUDY_VARIABLES)
        self._attrs = dict(attrs)
        self._components: list[int] = []
        self._hash = _hash_of_variables(variants)

    def add(self, block: Mapping[str, np.ndarray]) -> None:
        """Write the next block: Q (variants, components), and the others (components)."""
        arrays = {name: np.ascontiguousarray(block[name], dtype="<f4") for name in BLOCK_ARRAYS}
        index = len(self._components)
        rows = int(self._variants["block_variants"].values[index])
        components = len(arrays["x"])
        expected = {name: (components,) for name in BLOCK_ARRAYS} | {"Q": (rows, components)}
        if any(arrays[name].shape != shape for name, shape in expected.items()):
            shapes = {name: array.shape for name, array in arrays.items()}
            raise ValueError(f"block {index} has {rows} variants, but its arrays are {shapes}")
        self._folder.write_block(index, arrays)
        for array in arrays.values():
            _update(self._hash, parts(array))
        self._components.append(components)

    def finish(self) -> None:
        """Write the variants once every block was added."""
        blocks = self._variants.sizes["blocks"]
        if len(self._components) != blocks:
            raise ValueError(f"{len(self._components)} of {blocks} blocks were written")
        scored = self._variants["variant_scored"].values
        offset = self._variants["block_offset"].values
        stop = offset + self._variants["block_variants"].values
        # Overlapping blocks share rows; a variant counts where it is scored.
        owner = self._variants["variant_block"].values
        counts = [
            (scored[a:b] & (owner[a:b] == block)).sum()
            for block, (a, b) in enumerate(zip(offset, stop, strict=True))
        ]
        dataset = self._variants.assign(
            block_scored=("blocks", np.asarray(counts, dtype=np.int32)),
            block_components=("blocks", np.asarray(self._components, dtype=np.int32)),
        )
        attrs = self._attrs | {
            "kind": "study",
            _WITH_NOISE: True,
            "content_hash": self._hash.hexdigest(),
            "variable_hashes": variable_hashes(self._variants),
        }
        self._folder.write_dataset(dataset, attrs)


def _hash_of_variables(variants: xr.Dataset) -> Any:
    digest = hashlib.sha256()
    for name in (name for name in HASHED if name in variants.variables):
        _update(digest, [name.encode()])
        _update(digest, parts(variants[name].values))
    return digest


def _update(digest: Any, values: Iterable[bytes | memoryview]) -> None:
    for value in values:
        digest.update(value)


def stored_hash(study: xr.Dataset) -> str:
    """The content hash of a study, from all that is on disk of it."""
    digest = _hash_of_variables(study)
    for block in range(study.sizes["blocks"]):
        for array in read_block(study, block, _arrays_there(study)).values():
            _update(digest, parts(array.values))
    return str(digest.hexdigest())


def _arrays_there(study: xr.Dataset) -> Sequence[str]:
    return BLOCK_ARRAYS if study.attrs.get(_WITH_NOISE) else BLOCK_ARRAYS[:3]


@contextmanager
def study_writer(
    path: str | Path, variants: xr.Dataset, attrs: Mapping[str, Any]
) -> Iterator[StudyWriter]:
    """Write a study one block at a time; it appears whole at the end or not at all.

    Parameters
    ----------
    path : path
        NAME.study.zarr; an older study of this name is replaced.
    variants : xarray.Dataset
        Every variable of a study but block_scored and block_components, which are counted.
    attrs : mapping
        Attributes, lists among them. ``kind`` and the hashes are added.

    Examples
    --------
    >>> with study_writer(path, variants, attrs) as writer:  # doctest: +SKIP
    ...     for block in blocks:
    ...         writer.add(block)
    """
    with store_folder(path) as folder:
        writer = StudyWriter(folder, variants, attrs)
        yield writer
        writer.finish()


def write_study(
    path: str | Path,
    variants: xr.Dataset,
    blocks: Iterable[Mapping[str, np.ndarray]],
    attrs: Mapping[str, Any],
) -> None:
    """Write a study at one go; see :func:`study_writer`."""
    with study_writer(path, variants, attrs) as writer:
        for block in blocks:
            writer.add(block)


def open_study_store(path: str | Path) -> xr.Dataset:
    """Open a study lazily.

    Raises
    ------
    InputError
        If there is none at this path, or it is damaged.
    """
    return open_store(path, "study", (*STUDY_VARIABLES, "block_scored", "block_components"))


def read_block(study: xr.Dataset, block: int, names: Sequence[str] = BLOCK_ARRAYS) -> xr.Dataset:
    """Read one whitened LD block of a study.

    Parameters
    ----------
    study, block
        From :func:`open_study_store`, and the number of the block.
    names
        What is wanted of it; `Q` is most of it.

    Returns
    -------
    xarray.Dataset
        Q (variants, components); x, eigenvalues, noise and background (components); float32.
    """
    there = _arrays_there(study)
    arrays = {name: read_array(study, block, name) for name in names if name in there}
    size = int(study["block_components"].values[block])
    for name, value in (("noise", 1), ("background", 0)):
        if name in names:
            arrays.setdefault(name, np.full(size, value, np.float32))
    return xr.Dataset(
        {
            name: (("variants", "components") if array.ndim == 2 else "components", array)
            for name, array in arrays.items()
        },
        attrs={"path": study.attrs["path"], "block": block},
    )
