"""What a study holds, and the hash of it, by which runs know the study that they belong to."""

from __future__ import annotations

import hashlib
import json
import weakref
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import xarray as xr

from deepwas_app.errors import InputError

STUDY_VARIABLES = (
    "variant_id",
    "variant_chromosome",
    "variant_position",
    "variant_effect_allele",
    "variant_other_allele",
    "variant_allele_frequency",
    "variant_z",
    "variant_sample_size",
    "variant_block",
    "variant_ld_score",
    "variant_annotation",
    "variant_scored",
    "annotation",
    "annotation_kind",
    "block_chromosome",
    "block_start",
    "block_stop",
    "block_offset",
    "block_variants",
)
# Of a study with strong loci only.
OWN_HERITABILITY = "variant_own_heritability"
# What results depend on; the LD score follows from the panel, and is an annotation besides.
HASHED = (
    *(name for name in STUDY_VARIABLES if name != "variant_ld_score"),
    OWN_HERITABILITY,
)
_ROWS = 65_536
# Arrays that cannot change, by owner and layout: what tells when they are gone, and their hash.
_known: dict[tuple[Any, ...], tuple[weakref.ref[Any], str]] = {}


def content_hash(study: xr.Dataset) -> str:
    """Hash of what is in a study now.

    Parameters
    ----------
    study : xarray.Dataset
        From :func:`deepwas_app.genetics.store.open_study_store`, altered since or not.

    Returns
    -------
    str
        That of the store while the variables are as it has them, in memory and on disk; another
        one where they were altered, the same for the same alteration.

    Notes
    -----
    All values are looked at each time, about 1 GB a second, but for those that cannot change, see
    :func:`freeze`. The LD blocks are not read: they stand for themselves by the hash with which
    they were written.
    """
    own = variable_hashes(study)
    if own == _as_written(study):
        return study.attrs["content_hash"]
    altered = json.dumps([study.attrs.get("content_hash", ""), own], sort_keys=True)
    return hashlib.sha256(altered.encode()).hexdigest()


def variable_hashes(variants: xr.Dataset) -> dict[str, str]:
    """Hash of each variable that results depend on; of one that cannot change it is known."""
    return {name: _hash(variants[name].values) for name in HASHED if name in variants.variables}


def freeze(study: xr.Dataset) -> None:
    """Make the arrays that are hashed refuse to be changed in place: one hash is then enough.

    Whoever alters such a study assigns new arrays to a new Dataset. Numpy lets views that were
    taken before go on writing.
    """
    for name in HASHED:
        for array in _owners(study[name].values) if name in study.variables else ():
            array.flags.writeable = False


def _owners(array: np.ndarray) -> Iterator[np.ndarray]:
    """An array, then those whose memory it shares; the owner of the memory comes last."""
    base: Any = array
    while isinstance(base, np.ndarray):
        yield base
        base = base.base


def check_annotations(study: xr.Dataset, rows: np.ndarray | slice = slice(None)) -> None:
    """Refuse to go on without annotations: a chunk that is not on disk reads as missing values.

    Parameters
    ----------
    study : xarray.Dataset
        A study.
    rows
        Variants to look at; all of them by default.

    Raises
    ------
    InputError
        If some are not finite numbers.
    """
    if not np.isfinite(study["variant_annotation"].values[rows]).all():
        path = study.attrs.get("path", "the study")
        raise InputError(
            f"{path}: annotations are missing. Was it moved or removed? Open it again."
        )


def parts(array: np.ndarray) -> Iterator[bytes | memoryview]:
    """The values of an array piece by piece, whatever the width in which they are held."""
    for start in range(0, len(array), _ROWS):
        yield _bytes(array[start : start + _ROWS])


def _bytes(array: Any) -> bytes | memoryview:
    array = np.asarray(array)
    if array.dtype.kind in "OSU":
        # A line each, the last one too.
        return "\n".join([*map(str, array.tolist()), ""]).encode()
    kind = "<f4" if array.dtype.kind == "f" else "<i8"
    return np.ascontiguousarray(array, dtype=kind).data


def _as_written(study: xr.Dataset) -> dict[str, str] | None:
    """The hashes of the variables as the store has them; None if there is no store (any more)."""
    if "content_hash" not in study.attrs:
        return None
    try:
        # Older stores do not say; they are read from the disk again.
        return study.attrs.get("variable_hashes") or _on_disk(
            study.attrs["path"], study.attrs["content_hash"]
        )
    except (KeyError, FileNotFoundError):
        return None


@lru_cache(maxsize=16)
def _on_disk(path: str, _: str) -> dict[str, str]:
    return variable_hashes(xr.open_zarr(path, chunks=None, consolidated=True))


def _hash(array: np.ndarray) -> str:
    # xarray gives another view of the same values each time that it is asked.
    *_, owner = owners = [*_owners(array)]
    if any(each.flags.writeable for each in owners):
        return _digest(array)
    place = array.__array_interface__["data"][0]
    key = (id(owner), place, array.shape, array.strides, array.dtype.str)
    if key not in _known:
        # Whoever takes the memory of an array that is gone is not taken for it.
        gone = weakref.ref(owner, lambda _: _known.pop(key, None))
        _known[key] = (gone, _digest(array))
    return _known[key][1]


def _digest(array: np.ndarray) -> str:
    digest = hashlib.sha256()
    for part in parts(array):
        digest.update(part)
    return digest.hexdigest()
