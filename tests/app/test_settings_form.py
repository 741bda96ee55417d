"""Widgets of settings: what is wrong is said with the label that people see."""

import math
from typing import Any

import pytest

from deepwas_app.app.settings_form import number_input, read_inputs, widget
from deepwas_app.errors import InputError
from deepwas_app.workflow.settings import FineMapKnobs, StudySettings, TrainSettings


def test_a_wrong_number_names_the_label_and_changes_nothing():
    settings = TrainSettings()
    field = widget(settings, "epochs")
    assert field.label == "Epochs"
    assert "1 to 10000 passes. Default 15." in field.description
    with pytest.raises(InputError, match=r"^Epochs 0: give a whole number, 1 to 10000 passes$"):
        field.value = 0
    assert settings.epochs == 15
    field.value = 3
    assert settings.epochs == 3


def test_an_empty_choice_says_what_it_means():
    field = widget(StudySettings(), "format")
    assert field.label == "Format of the GWAS"
    assert field.options["by its header"] == ""


def test_inputs_that_stand_alone_are_read_together():
    effects, causal = (number_input(FineMapKnobs.param[n]) for n in ("effects", "causal"))
    assert (effects.label, effects.value, effects.start) == ("At most", 20, 1)
    effects.value, causal.value = None, 3.0
    knobs = read_inputs(FineMapKnobs, effects=effects, causal=causal)
    assert (knobs.effects, knobs.causal) == (20, 3.0)
    effects.value = 0
    with pytest.raises(InputError, match=r"^At most 0: give a whole number, 1 to 100 variants$"):
        read_inputs(FineMapKnobs, effects=effects, causal=causal)


@pytest.mark.parametrize(
    ("name", "typed", "line"),
    [
        ("epochs", 1.5, "Epochs 1.5: give a whole number, 1 to 10000 passes"),
        ("epochs", 1e25, "Epochs 1e+25: give a whole number, 1 to 10000 passes"),
        ("epochs", None, "Epochs is empty: give a whole number, 1 to 10000 passes"),
        ("epochs", "many", "Epochs many: give a whole number, 1 to 10000 passes"),
        ("learning_rate", -1, "Learning rate -1: give a number, 1e-06 to 1"),
        ("learning_rate", None, "Learning rate is empty: give a number, 1e-06 to 1"),
        ("learning_rate", math.nan, "Learning rate nan: give a number, 1e-06 to 1"),
    ],
)
def test_what_is_typed_wrong_is_a_line_and_goes_from_the_field(name, typed, line, caplog):
    settings = TrainSettings()
    field = widget(settings, name)
    before, told = getattr(settings, name), []
    field.param.watch(lambda event: told.append(event.new), "value", onlychanged=False)
    with pytest.raises(InputError) as problem:
        field._process_events({"value": typed})
    assert str(problem.value) == line
    assert getattr(settings, name) == field.value == before
    # The browser is told what counts.
    assert told == [before]
    assert not caplog.records


def test_what_may_be_empty_may_be_emptied():
    settings = TrainSettings(alpha=0.5)
    widget(settings, "alpha")._process_events({"value": None})
    assert settings.alpha is None
    alone: Any = number_input(FineMapKnobs.param.effects)
    alone._process_events({"value": None})
    assert alone.value is None
    with pytest.raises(InputError, match=r"^At most 0: give a whole number, 1 to 100 variants$"):
        alone._process_events({"value": 0})
