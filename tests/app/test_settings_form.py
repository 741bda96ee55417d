"""Widgets of settings: what is wrong is said with the label that people see."""

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
    assert (effects.label, effects.value, effects.start) == ("At most", 10, 1)
    effects.value, causal.value = None, 3.0
    knobs = read_inputs(FineMapKnobs, effects=effects, causal=causal)
    assert (knobs.effects, knobs.causal) == (10, 3.0)
    effects.value = 0
    with pytest.raises(InputError, match=r"^At most 0: give a whole number, 1 to 100 variants$"):
        read_inputs(FineMapKnobs, effects=effects, causal=causal)
