"""What is read of foreign binary formats; called by :func:`deepwas_app.genetics.apart.apart`.

References
----------
bigWig: pybigtools (Rust). hdf5: h5py (C). zarr: numcodecs (C). PLINK 2: pgenlib (C++).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from deepwas_app.errors import InputError

# What an array may have in memory: so many bytes, or so many times of those on disk. Correlations
# are packed to no less than a quarter; pointers and places follow one another closely.
_BYTES = 200_000_000
_HDF5_TIMES, _ZARR_TIMES = 4, 100
# Beyond it: threads and buffers.
_SPARE = 400 * 2**20


def bigwig_lengths(path: Path) -> dict[str, int]:
    """Chromosomes of a bigWig and their lengths; empty of a file that is none."""
    try:
        with _memory(_size(path)):
            signal = _bigwig(path, _state(path))
    except Exception:
        return {}
    return dict(signal.chroms()) if signal.is_bigwig else {}


def bigwig_values(path: Path, chromosome: str, start: int, stop: int) -> np.ndarray:
    """Every base of a span (0-based), float64; NaN where the file says nothing."""
    with _memory(_size(path) + 8 * (stop - start)):
        return _bigwig(path, _state(path)).values(chromosome, start, stop, fillna=None)


@contextmanager
def _memory(size: int) -> Iterator[None]:
    """Let this process take four times so many bytes more, and what libraries need at the least."""
    import resource

    status = Path("/proc/self/status")
    found = re.search(r"VmData:\s*(\d+) kB", status.read_text()) if status.exists() else None
    if found is None:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (1024 * int(found[1]) + 4 * size + _SPARE, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _size(path: Path) -> int:
    """Bytes on disk of a file, or of what is in a folder."""
    if path.is_dir():
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return path.stat().st_size


def _state(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=256)
def _bigwig(path: Path, _: tuple[int, int]) -> Any:
    import pybigtools

    return pybigtools.open(str(path))


def hdf5_blocks(path: Path) -> list[tuple[str, list[str], tuple[int, ...]]]:
    """Groups blk_1, blk_2, ... of a PRS-CS panel: name, variants, and shape of the matrix."""
    import h5py

    with _memory(_size(path)), h5py.File(path, "r") as stream:
        groups = [name for name in stream if re.fullmatch(r"blk_\d+", name)]
        return [
            (
                name,
                [_text(item) for item in _whole(path, _dataset(path, stream, name, "snplist"))],
                tuple(_dataset(path, stream, name, "ldblk").shape),
            )
            for name in sorted(groups, key=lambda text: int(text[4:]))
        ]


def hdf5_matrix(path: Path, group: str) -> np.ndarray:
    """The matrix of one group, float64."""
    import h5py

    with _memory(_size(path)), h5py.File(path, "r") as stream:
        return _whole(path, _dataset(path, stream, group, "ldblk")).astype(np.float64, copy=False)


def _whole(path: Path, data: Any) -> np.ndarray:
    if data.nbytes > max(_HDF5_TIMES * path.stat().st_size, _BYTES):
        raise ValueError(f"{data.name} promises {data.nbytes / 1e6:,.0f} MB, more than it can hold")
    return data[...]


def _dataset(path: Path, stream: Any, group: str, name: str) -> Any:
    """A dataset of the file itself: none that leads to another file, whose content it would show.

    References
    ----------
    https://docs.h5py.org/en/stable/high/group.html#external-links
    """
    import h5py

    found = stream
    for key in (group, name):
        if isinstance(found.get(key, getlink=True), h5py.ExternalLink | h5py.SoftLink):
            raise InputError(f"{path}: {group} is a link. Give a file that holds its own matrices.")
        found = found[key]
    if found.external or found.is_virtual:
        raise InputError(
            f"{path}: {group} is kept in another file. Give a file that holds its own matrices."
        )
    return found


def _text(item: bytes | str) -> str:
    return item.decode() if isinstance(item, bytes) else str(item)


def zarr_group(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any], int]:
    """What magenpy's zarr group has beside the values of its matrix.

    Returns
    -------
    arrays : dict
        indptr, snps, a1, a2, bp and maf.
    attributes : dict
    values : int
        Of the matrix.
    """
    import zarr

    group: Any = zarr.open_group(str(path), mode="r")
    names = {name: f"metadata/{name}" for name in ("snps", "a1", "a2", "bp", "maf")}
    arrays = {}
    for name, where in {"indptr": "matrix/indptr", **names}.items():
        _check_chunks(path / where)
        most = max(_ZARR_TIMES * _size(path / where), _BYTES)
        if group[where].nbytes > most:
            raise ValueError(f"{where} promises {group[where].nbytes / 1e6:,.0f} MB")
        with _memory(_size(path)):
            arrays[name] = np.asarray(group[where][:])
    _check_chunks(path / "matrix" / "data")
    (values,) = group["matrix/data"].shape
    return arrays, dict(group.attrs), values


def zarr_values(path: Path, start: int, stop: int) -> np.ndarray:
    """Some values of the matrix of a group of magenpy."""
    import zarr

    group: Any = zarr.open_group(str(path), mode="r")
    with _memory(_size(path) + 8 * (stop - start)):
        return np.asarray(group["matrix/data"][start:stop])


def _check_chunks(folder: Path) -> None:
    """Refuse chunks that are cut: Blosc would read on behind their end."""
    packed = json.loads((folder / ".zarray").read_text()).get("compressor") or {}
    for file in folder.iterdir() if packed.get("id") == "blosc" else ():
        if file.name.startswith("."):
            continue
        with file.open("rb") as stream:
            head = stream.read(16)
        if len(head) < 16 or int.from_bytes(head[12:], "little") != file.stat().st_size:
            raise ValueError(f"chunk {file.name} of {folder.name} is cut")


def pgen_counts(path: Path) -> tuple[int, int]:
    """Variants and people of a .pgen."""
    genotypes = _pgen(path, _state(path), None)
    return genotypes.get_variant_ct(), genotypes.get_raw_sample_ct()


def pgen_dosages(path: Path, rows: np.ndarray, offsets: np.ndarray | None) -> np.ndarray:
    """Dosages of some variants, (variants, people) float32, -9 where missing.

    `offsets`: of the first allele of each variant among all alleles; None if all have two.
    """
    known = None if offsets is None else offsets.tobytes()
    genotypes = _pgen(path, _state(path), known)
    people = genotypes.get_raw_sample_ct()
    with _memory(_size(path) + 4 * people * len(rows)):
        out = np.empty((len(rows), people), dtype=np.float32)
        genotypes.read_dosages_list(np.ascontiguousarray(rows, dtype=np.uint32), out)
    return out


@lru_cache(maxsize=4)
def _pgen(path: Path, _: tuple[int, int], offsets: bytes | None) -> Any:
    from pgenlib import PgenReader

    starts = None if offsets is None else np.frombuffer(offsets, np.uintp).copy()
    return PgenReader(str(path).encode(), allele_idx_offsets=starts)
