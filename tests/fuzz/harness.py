"""Reading damaged files, and what came of it."""

from __future__ import annotations

import resource
import signal
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from deepwas_app.errors import InputError

from .mutations import damaged

SECONDS = 20
MEMORY = 200 * 2**20


@dataclass(frozen=True)
class Case:
    """A reader of one file.

    Attributes
    ----------
    name
        Of the reader and of the file that is damaged.
    make
        ``make(folder)`` writes what is read, and gives the file that is damaged.
    read
        ``read(path)`` reads all that the file has.
    kind
        "text", "binary", or how text is packed.
    check
        ``check(content, result)`` says in what the result differs from an independent reading of
        the file; empty where it does not.
    slow
        Whether it is left to the long part.
    """

    name: str
    make: Callable[[Path], Path]
    read: Callable[[Path], Any]
    kind: str = "text"
    check: Callable[[bytes, Any], str] | None = None
    slow: bool = False


class Hang(BaseException):
    """It took too long."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Stop what takes too long, where Python may be interrupted."""

    def stop(_: int, __: FrameType | None) -> None:
        raise Hang(f"more than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def peak() -> int:
    """Most bytes that this process had in memory so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class Fuzz:
    """Damages the file of a case again and again; what went wrong is in ``wrong``."""

    def __init__(self, case: Case, folder: Path, seed: int) -> None:
        self.case, self.seed = case, seed
        self.path = case.make(folder)
        self.content = self.path.read_bytes()
        if problem := self._tried(self.content):
            raise AssertionError(f"{case.name}: the sound file: {problem}")
        self.counts: Counter[str] = Counter()
        self.wrong: list[tuple[int, str]] = []

    def once(self, number: int) -> str:
        """One mutation, told by its number."""
        # By the name as well, so that cases are not damaged alike.
        rng = np.random.default_rng([self.seed, number, *self.case.name.encode()])
        data = damaged(rng, self.content, self.case.kind)
        self.path.write_bytes(data)
        before = peak()
        problem = self._tried(data)
        if not problem and peak() - before > MEMORY + 4 * len(data):
            problem = f"bomb: {(peak() - before) / 2**20:.0f} MB"
        if problem:
            self.counts[problem.partition(":")[0]] += 1
            self.wrong.append((number, problem))
        return problem

    def _tried(self, data: bytes) -> str:
        start = time.monotonic()
        try:
            # As a program has them: no error.
            with warnings.catch_warnings(), limited(SECONDS):
                warnings.simplefilter("ignore")
                result = self.case.read(self.path)
        except InputError as error:
            if hasattr(self, "counts"):
                self.counts["refused"] += 1
                return "lines: of more than one line" if "\n" in str(error) else ""
            return f"refused: {error}"
        except Hang as error:
            return f"hang: {error}"
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            return f"uncaught: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
        if time.monotonic() - start > SECONDS:
            return "hang: beyond Python"
        if hasattr(self, "counts"):
            self.counts["accepted"] += 1
        difference = self.case.check(data, result) if self.case.check else ""
        return f"values: {difference}" if difference else ""
