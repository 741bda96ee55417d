"""Whatever a job throws, the next one of its lane runs."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from deepwas_app.app.jobs import Job, JobStore, Status
from deepwas_app.genetics.annotation.bigwig import annotate_signal

from ..genetics.test_apart import write_bigwig


class Panic(BaseException):
    """As PyO3's PanicException, which is no Exception either."""


def event(fraction: float) -> SimpleNamespace:
    return SimpleNamespace(fraction=fraction, message="step")


def one_step():
    yield event(1.0)
    return "the result"


def raising(error: BaseException):
    def steps():
        yield event(0.5)
        raise error

    return steps


def raising_at_once(error: BaseException):
    def start():
        raise error

    return start


ERRORS = [Panic("BadData"), SystemExit(3), KeyboardInterrupt(), GeneratorExit(), MemoryError()]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("make", [raising, raising_at_once])
def test_a_job_that_throws_is_over_and_the_next_one_runs(make, error):
    jobs = JobStore()
    bad, good = jobs.submit(Job("Bad", make(error))), jobs.submit(Job("Good", one_step))
    assert good.wait(20)
    assert (bad.status, good.status) == (Status.FAILED, Status.DONE)
    # What the machine refuses is said in words.
    known = "memory" if isinstance(error, MemoryError) else type(error).__name__
    assert known in bad.error
    assert jobs.place(bad) == 0


def test_so_it_is_where_what_comes_after_a_job_fails():
    def after() -> None:
        raise Panic("after")

    jobs = JobStore()
    bad, good = (jobs.submit(Job("J", one_step, after=hook)) for hook in (after, None))
    assert bad.wait(20)
    assert good.wait(20)
    assert (bad.status, good.status) == (Status.DONE, Status.DONE)


def test_so_it_is_where_a_job_cannot_be_closed():
    begun = threading.Event()

    def steps():
        try:
            while True:
                begun.set()
                yield event(0.1)
        finally:
            raise Panic("close")

    jobs = JobStore()
    bad = jobs.submit(Job("Bad", steps))
    assert begun.wait(20)
    jobs.cancel(bad)
    good = jobs.submit(Job("Good", one_step))
    assert good.wait(20)
    assert bad.status is Status.FAILED
    # One that waits is closed by whoever cancels it.
    paused = jobs.submit(Job("Paused", steps))
    jobs.pause(paused)
    while paused.status is not Status.PAUSED:
        pass
    jobs.cancel(paused)
    assert paused.status is Status.CANCELLED


def test_a_damaged_bigwig_fails_its_job_in_one_line(tmp_path: Path):
    path, content = tmp_path / "a.bw", bytearray(write_bigwig(tmp_path / "a.bw").read_bytes())
    # The packed values, which the library unpacks in a way that panics.
    content[600:700] = b"\xff" * 100
    path.write_bytes(content)

    def steps():
        yield event(0.1)
        return annotate_signal(path, np.array(["22"] * 2), np.array([1_001, 150_001]))

    jobs = JobStore()
    bad, good = jobs.submit(Job("Annotate", steps)), jobs.submit(Job("Good", one_step))
    assert good.wait(60)
    assert (bad.status, good.status) == (Status.FAILED, Status.DONE)
    assert bad.error.startswith(f"{path}: cannot be read (")
    assert "\n" not in bad.error
