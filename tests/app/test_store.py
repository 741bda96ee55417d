"""Results that all sessions share: made once, of the weights that there are, and kept."""

import os
import threading
import time

import pytest

from deepwas_app.app import store
from deepwas_app.app.cache import Shelf
from deepwas_app.app.state import AppState
from deepwas_app.errors import InputError


def test_two_who_ask_at_once_share_one_result():
    shelf, made, gate = Shelf(2), [], threading.Event()

    def make():
        made.append(1)
        gate.wait(60)
        return "the result"

    found: list = []
    threads = [
        threading.Thread(target=lambda: found.append(shelf.get("key", make))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    gate.set()
    for thread in threads:
        thread.join(60)
    assert found == ["the result"] * 3
    assert len(made) == 1


def test_what_failed_is_tried_again_and_the_oldest_goes():
    shelf, made = Shelf(2), []

    def fail():
        raise InputError("no")

    with pytest.raises(InputError, match="no"):
        shelf.get("a", fail)
    for key in "abacab":
        shelf.get(key, lambda key=key: made.append(key))
    assert made == ["a", "b", "c", "b"]


def test_results_are_kept_by_what_the_arguments_are_however_they_are_given():
    shelf, made = Shelf(4), []

    @shelf.keeps(str.lower)
    def shout(word: str, mark: str = "!") -> str:
        made.append(word)
        return word.upper() + mark

    @shelf.keeps(str.lower)
    def whisper(word: str) -> str:
        return word.lower()

    assert [shout("a"), shout("A"), shout(word="a"), shout("a", "?")] == ["A!"] * 3 + ["A?"]
    assert whisper("a") == "a"
    assert made == ["a", "a"]


@pytest.fixture
def linear(study_with_runs):
    return next(run for run in AppState.of(study_with_runs).runs if store.run_name(run) == "linear")


def test_results_are_of_the_weights_not_of_the_name(study_with_runs, linear, monkeypatch):
    made: list = []
    monkeypatch.setattr(
        "deepwas_app.workflow.results.heritability.heritability",
        lambda *_: made.append(1) or len(made),
    )
    assert [store.value(study_with_runs, linear, "heritability") for _ in range(2)] == [1, 1]
    os.utime(linear.path / "weights.eqx", ns=(0, 0))
    assert [store.value(study_with_runs, linear, "heritability") for _ in range(2)] == [2, 2]


def test_many_clicks_leave_the_results_of_whole_studies(study_with_runs, linear, monkeypatch):
    monkeypatch.setattr(
        "deepwas_app.workflow.results.heritability.heritability", lambda *_: object()
    )
    monkeypatch.setattr(
        "deepwas_app.workflow.results.interpret.variant_drivers", lambda *_: object()
    )
    first = store.value(study_with_runs, linear, "heritability")
    clicked = [store.drivers(study_with_runs, linear, row) for row in range(80)]
    assert store.value(study_with_runs, linear, "heritability") is first
    assert store.drivers(study_with_runs, linear, 0) is clicked[0]
