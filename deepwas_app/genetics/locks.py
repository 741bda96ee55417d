"""One writer at a time: a lock that goes with the process that holds it, however that ends."""

from __future__ import annotations

import errno
import fcntl
import getpass
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from deepwas_app.errors import InputError, refused

# Of file systems that know no locks.
_UNKNOWN = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS}


class BusyError(InputError):
    """Another process writes there now."""


@contextmanager
def only_writer(path: Path) -> Iterator[bool]:
    """Keep others, other threads too, from writing to a file or folder in the meantime.

    The lock is on a file beside it, ``.NAME.lock``. What a crash leaves behind of it holds nobody
    up, and the next writer takes it away.

    Yields
    ------
    bool
        False where the file system knows no locks: then others are not kept out.

    Raises
    ------
    BusyError
        If another writes to it: who, and since when.
    InputError
        If its folder cannot be written.
    """
    file = lock_path(path)
    try:
        handle = _acquired(file, path)
    except OSError as error:
        raise refused(error, path, "cannot be written") or error from error
    if handle is None:
        yield False
        return
    try:
        yield True
    finally:
        # While it is held, so that what is removed is no file that another has locked by now.
        with suppress(OSError):
            file.unlink()
        os.close(handle)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Make a file, and hold a lock on it as long as this process lives, or needs it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def remove_unheld(path: Path) -> None:
    """Remove a file that no process holds; OSError where one does, or nobody can tell."""
    handle = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    finally:
        os.close(handle)


def is_alive(process: int) -> bool:
    """Whether there is a process of this number on this machine."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        # Of another user; or no number of a process, and then of no writer.
        pass
    return True


def lock_path(path: Path) -> Path:
    """The file that the lock of a file or folder is on."""
    return path.with_name(f".{path.name}.lock")


def _acquired(file: Path, path: Path) -> int | None:
    while True:
        handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(handle)
            if error.errno in _UNKNOWN:
                return None
            if not isinstance(error, BlockingIOError):
                raise
            raise BusyError(
                f"{path}: {_holder(file)} writes to it. Wait until that is over, or choose another "
                "name."
            ) from None
        # The one before may have removed the file after it was opened here.
        if _is_there(file, handle):
            os.ftruncate(handle, 0)
            os.write(handle, _myself())
            return handle
        os.close(handle)


def _is_there(file: Path, handle: int) -> bool:
    try:
        return os.path.samestat(os.stat(file), os.fstat(handle))
    except FileNotFoundError:
        return False


def _myself() -> bytes:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    said = {"user": user, "pid": os.getpid(), "host": socket.gethostname(), "since": time.time()}
    return json.dumps(said).encode()


def _holder(file: Path) -> str:
    """Who holds a lock, for people."""
    try:
        said = json.loads(file.read_text())
        since = time.strftime("%d %b %H:%M:%S", time.localtime(said["since"]))
        return f"process {said['pid']} of {said['user']} on {said['host']}, since {since},"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
