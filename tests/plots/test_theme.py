"""Colours that mean the same wherever they are drawn."""

from deepwas_app.plots.theme import SERIES, run_colour


def test_a_run_keeps_its_colour():
    first, second = run_colour("one run"), run_colour("another run")
    assert first != second
    assert {first, second} <= set(SERIES)
    assert (run_colour("another run"), run_colour("one run")) == (second, first)
