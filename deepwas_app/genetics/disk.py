"""What Python has no name for: exchanging two folders, and everything of a folder on the disk."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
_C = ctypes.CDLL(None, use_errno=True)


def exchange(one: Path, other: Path) -> bool:
    """Exchange two files or folders at one moment; False where the system cannot."""
    if not hasattr(_C, "renameat2"):
        return False
    done = _C.renameat2(
        _AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE
    )
    return bool(done == 0)


def sync_folder(path: Path) -> None:
    """Wait until all that was written to a folder is on the disk, not in memory only."""
    with _opened(path) as handle:
        # One call for the whole file system: one a file takes seconds where there are thousands.
        if hasattr(_C, "syncfs") and _C.syncfs(handle) == 0:
            return
    for folder, _, names in os.walk(path):
        for name in names:
            sync(Path(folder, name))
        sync(Path(folder))


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    with _opened(path) as handle:
        os.fsync(handle)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    handle = os.open(path, os.O_RDONLY)
    try:
        yield handle
    finally:
        os.close(handle)
