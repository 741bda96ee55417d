"""Foreign binary formats are read in a process of their own, where a crash ends one reading.

Where a file is damaged, libraries in Rust and C throw what nobody catches, or end the process: a
server would be gone with the work of all. What comes back is the value, or one line.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from deepwas_app.errors import InputError
from deepwas_app.genetics.files import unreadable

T = TypeVar("T")


class Reader:
    """A Python process that calls functions, one after another; it ends with this one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def call(self, function: Callable[..., T], path: Path, *arguments: Any) -> T:
        """See :func:`apart`."""
        with self._lock:
            try:
                kind, value = self._answer((function, path.absolute(), *arguments))
            except (EOFError, OSError, pickle.UnpicklingError):
                ended = self.close()
                how = f"signal {-ended}" if ended < 0 else f"status {ended}"
                raise unreadable(
                    path, RuntimeError(f"what reads this format crashed, {how}")
                ) from None
            except BaseException:
                # Interrupted: what it was about to answer is nobody's.
                self.close()
                raise
        if kind == "refused":
            raise InputError(value)
        if kind == "failed":
            raise unreadable(path, RuntimeError(value))
        return value

    def _answer(self, request: Any) -> Any:
        # A process that was forked off this one has the pipes, but not the reader.
        if self._process is None or self._owner != os.getpid():
            self._process, self._owner = _started(), os.getpid()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        pickle.dump(request, self._process.stdin, protocol=5)
        self._process.stdin.flush()
        return pickle.load(self._process.stdout)

    def close(self) -> int:
        """End the process, and tell how it ended."""
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return 0
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()  # type: ignore[union-attr]  # both are pipes
        # Without requests it ends by itself; if it crashed, how it ended is to be told.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        process.kill()
        return process.wait()


def _started() -> subprocess.Popen[bytes]:
    # Not multiprocessing: it would run scripts of users anew that have no `if __name__ == ...`.
    return subprocess.Popen(
        [sys.executable, "-c", f"from {__name__} import answer; answer()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # Rust says there what its panics are.
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )


def answer() -> None:
    """Call what is asked for until nobody asks any more: the process's own side."""
    # An interrupt is the other side's to handle.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    # What libraries print is no answer.
    os.dup2(2, 1)
    while True:
        try:
            function, *arguments = pickle.load(requests)
        except EOFError:
            return
        try:
            result = "value", function(*arguments)
        except InputError as error:
            result = "refused", str(error)
        except BaseException as error:  # a panic of Rust is no Exception
            result = "failed", _reason(error, arguments[0])
        pickle.dump(result, answers, protocol=5)
        answers.flush()


def _reason(error: BaseException, path: Path) -> str:
    reason = error.args[0] if error.args else type(error).__name__
    text = reason.decode(errors="replace") if isinstance(reason, bytes) else str(error)
    return text.replace(str(path), "the file")


_READER = Reader()
atexit.register(_READER.close)


def apart(function: Callable[..., T], path: Path, *arguments: Any) -> T:
    """What a function of a file gives, called in a process of its own.

    Parameters
    ----------
    function
        Of a module: ``function(path, *arguments)``.
    path
        The file.
    arguments
        They and the value travel between the processes.

    Raises
    ------
    InputError
        The function's own; or one that names the file, where the function fails in whatever way,
        or the process with it.
    """
    return _READER.call(function, path, *arguments)
