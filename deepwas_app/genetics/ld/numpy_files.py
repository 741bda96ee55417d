"""Matrices in files of numpy and scipy, read without unpickling."""

from __future__ import annotations

import struct
import tokenize
import zipfile
import zlib
from math import prod
from pathlib import Path
from typing import IO

import numpy as np
from scipy import sparse

from deepwas_app.errors import InputError
from deepwas_app.genetics.files import unreadable

# What they raise where a file is damaged.
DAMAGED = (
    *(OSError, EOFError, zipfile.BadZipFile, zlib.error, tokenize.TokenError, struct.error),
    *(KeyError, ValueError, TypeError, OverflowError, MemoryError, NotImplementedError),
)
# Of what an archive may unpack to: correlations are packed to a half, triangles of zeros to less.
_TIMES, _BYTES = 100, 200_000_000


def refused(file: Path, error: Exception) -> InputError:
    """Make the error for a numpy file that cannot be read; pickled objects are refused."""
    if "pickle" in str(error).lower():
        return InputError(
            f"{file}: holds a pickled Python object, which could run code. "
            "Save the matrix with numpy.savez or scipy.sparse.save_npz."
        )
    return unreadable(file, error)


def check_header(stream: IO[bytes], size: int) -> None:
    """Refuse a .npy or .npz that promises more than a file of so many bytes holds.

    numpy would ask for the memory first. What is neither is left to it.

    Raises
    ------
    ValueError
        With what is promised.
    """
    form = np.lib.format
    if stream.read(len(form.MAGIC_PREFIX)) == form.MAGIC_PREFIX:
        stream.seek(0)
        first = form.read_magic(stream) == (1, 0)
        read = form.read_array_header_1_0 if first else form.read_array_header_2_0
        shape, _, kind = read(stream)
        if not kind.hasobject and prod(shape) * kind.itemsize > size:
            raise ValueError(f"its header promises {shape} of {kind}, and it has {size} bytes")
    stream.seek(0)
    if zipfile.is_zipfile(stream):
        with zipfile.ZipFile(stream) as archive:
            promised = sum(member.file_size for member in archive.infolist())
        if promised > max(_TIMES * size, _BYTES):
            raise ValueError(f"it has {size} bytes, and promises {promised}")
    stream.seek(0)


def read_sparse(file: Path) -> sparse.coo_matrix:
    """Read a scipy sparse matrix, never unpickling; raises what numpy and scipy raise."""
    # numpy leaves a file open that is no archive; a stream of our own is closed.
    with file.open("rb") as stream:
        check_header(stream, file.stat().st_size)
        return _read_sparse(file, stream)


def _read_sparse(file: Path, stream: IO[bytes]) -> sparse.coo_matrix:
    with np.load(stream, allow_pickle=False) as archive:
        if "format" not in archive.files:
            raise InputError(f"{file}: is not a scipy sparse matrix. Give its .npz as downloaded.")
        kind = archive["format"].item()
        kind = kind.decode() if isinstance(kind, bytes) else kind
        data = archive["data"].astype(np.float32, copy=False)
        shape = tuple(int(size) for size in archive["shape"])
        if kind == "coo":
            parts = (archive["row"], archive["col"])
            return sparse.coo_matrix((data, parts), shape=shape)
        if kind not in ("csr", "csc"):
            raise InputError(f"{file}: is a sparse matrix of kind {kind}. Save it as coo or csr.")
        make = sparse.csr_matrix if kind == "csr" else sparse.csc_matrix
        matrix = make((data, archive["indices"], archive["indptr"]), shape=shape)
        return matrix.tocoo()
