"""What results were made by and from: software, command and inputs, kept beside them.

A result is made within :func:`making`; whoever opens an input says so by :func:`note`; whoever
writes or prints the result takes :func:`provenance` along.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from deepwas_app.versions import versions

ENDING = ".provenance.json"
"""Of the file beside a result, after the result's own name."""


class _Making:
    """A result that is being made."""

    def __init__(self, command: str) -> None:
        self.command = command
        self.inputs: dict[str, dict[str, Any]] = {}


_now: ContextVar[_Making | None] = ContextVar("making", default=None)


@contextmanager
def making(words: Sequence[str]) -> Iterator[None]:
    """Note what is opened in the meantime, for a command of these words; within another, for it."""
    if _now.get() is not None:
        yield
        return
    token = _now.set(_Making(shlex.join(words)))
    try:
        yield
    finally:
        _now.reset(token)


def note(path: str | Path, facts: Callable[[], dict[str, Any]]) -> None:
    """Say that something is an input of what is being made, if anything is.

    Parameters
    ----------
    path
        Where it is.
    facts
        Gives what else is to be known of it, a hash of it first of all. Asked once.
    """
    making = _now.get()
    if making is not None and str(path) not in making.inputs:
        making.inputs[str(path)] = {"path": str(path)} | facts()


def provenance(*, brief: bool = False) -> dict[str, Any]:
    """Versions of the software; within :func:`making` the command and its inputs, too.

    Parameters
    ----------
    brief
        Without what the inputs were themselves made of.
    """
    making = _now.get()
    if making is None:
        return {"versions": versions()}
    inputs = [
        {name: fact for name, fact in one.items() if not brief or name != "made_of"}
        for one in making.inputs.values()
    ]
    return {"command": making.command, "versions": versions(), "inputs": inputs}


def beside(path: Path) -> bytes:
    """The text of the file that is kept beside a result, which it knows by its hash."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return json.dumps({"sha256": digest} | provenance(), indent=1).encode() + b"\n"
