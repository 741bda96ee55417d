"""The session's timer: results of threads, what is forgotten, and what goes wrong."""

import threading

import pytest

from deepwas_app.app import poller as module
from deepwas_app.app.poller import Poller
from deepwas_app.errors import InputError


@pytest.fixture
def poller() -> Poller:
    return Poller()


def finish(*asked) -> None:
    for one in asked:
        one.future.exception(timeout=60)


def test_results_and_problems_are_told_at_a_tick(poller):
    told: list = []

    def wrong():
        raise InputError("a.txt: no such file.")

    asked = [poller.later(work, told.append, told.append) for work in (lambda: 1, wrong)]
    finish(*asked)
    assert told == []
    poller.poll()
    assert sorted(told, key=str) == [1, "a.txt: no such file."]
    poller.poll()
    assert len(told) == 2


def test_what_is_forgotten_is_told_nobody_also_within_a_tick(poller):
    told: list = []
    gone = poller.later(lambda: "gone", told.append, told.append)
    finish(gone)
    poller.forget(gone)

    def first(result):
        told.append(result)
        poller.forget(second)

    asked = poller.later(lambda: "first", first, told.append)
    second = poller.later(lambda: "second", told.append, told.append)
    finish(asked, second)
    poller.poll()
    poller.forget(None)
    assert told == ["first"]


def test_stopping_takes_back_what_no_worker_has_begun(poller):
    gate, begun = threading.Event(), []
    busy = [Poller().later(gate.wait, print, print) for _ in range(module._WORKERS._max_workers)]
    asked = poller.later(lambda: begun.append(1), print, print)
    poller.stop()
    gate.set()
    finish(*busy)
    assert asked.future.cancelled()
    assert not begun


def test_who_raises_when_told_does_not_harm_the_others(poller):
    told, errors = [], []
    poller.on_error = lambda problem: errors.append(str(problem))

    def wrong(*_):
        raise RuntimeError("boom")

    def fails():
        raise InputError("no")

    finish(poller.later(fails, print, wrong), poller.later(lambda: 1, told.append, print))
    poller.poll()
    assert told == [1]
    assert errors == ["boom"]


def test_the_same_error_at_every_tick_is_told_once(poller):
    errors: list[str] = []
    poller.on_error = lambda problem: errors.append(str(problem))
    trouble: list[str] = ["one"]

    def function():
        if trouble:
            raise RuntimeError(trouble[0])

    poller.add(function)
    for said in ("one", "one", "two", "", "two"):
        trouble[:] = [said] * bool(said)
        poller.poll()
    assert errors == ["one", "two", "two"]
