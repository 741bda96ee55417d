"""Colours that mean the same wherever they are drawn."""

from deepwas_app.plots.theme import SERIES, printed, run_colour


def test_a_run_keeps_its_colour():
    first, second = run_colour("one run"), run_colour("another run")
    assert first != second
    assert {first, second} <= set(SERIES)
    assert (run_colour("another run"), run_colour("one run")) == (second, first)


def test_fields_with_significant_digits_are_printed():
    tips = [("PIP", "@pip{%.3g}"), ("P", "@p{%.2g} to @high{%.2g}"), ("z", "@z{0.00}")]
    fields = {"@pip", "@p", "@high", "@{pip}", "@{p}", "@{high}"}
    assert printed(tips) == dict.fromkeys(fields, "printf")
