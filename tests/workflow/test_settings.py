"""Knobs: declared whole, checked in one line, and shown by the functions that take them."""

import inspect
import subprocess
import sys

import param
import pytest

from deepwas_app.cli import COMMANDS, command_module, parser
from deepwas_app.cli.flags import flags_of, positional
from deepwas_app.errors import InputError
from deepwas_app.workflow.progress import job
from deepwas_app.workflow.settings import (
    FineMapKnobs,
    FineMapSettings,
    PanelSettings,
    Settings,
    TrainSettings,
    allowed,
    fact,
    facts,
    fields,
    help_text,
    knobs,
    part,
    plain,
)


def knobs_of(command: str) -> dict[str, param.Parameter]:
    return fields(command_module(command).Settings)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_knob_of_every_command_is_declared_whole(command):
    settings = command_module(command).Settings
    assert issubclass(settings, Settings)
    for name, knob in knobs_of(command).items():
        assert knob.doc, name
        assert knob.doc.endswith((".", "NAME.run")), f"{name}: {knob.doc}"
        if isinstance(knob, param.Number) and not isinstance(knob, param.Boolean):
            assert knob.bounds is not None, name
            assert knob.bounds[0] is not None, name
            assert fact(knob, "unit"), name
            assert allowed(knob).lower() in help_text(knob).lower(), name


@pytest.mark.parametrize("command", COMMANDS)
def test_every_flag_of_every_command_is_a_knob(command):
    commands = next(a for a in parser(command)._actions if hasattr(a, "choices") and a.choices)
    typed = {a.dest for a in commands.choices[command]._actions} - {"help"}
    assert typed == set(knobs_of(command)) | {"quiet"}


def test_flags_that_have_no_other_name_are_named_after_the_knob():
    assert flags_of(knobs_of("train")["batch_blocks"]) == ("--batch-blocks",)
    assert flags_of(knobs_of("train")["learning_rate"]) == ("--lr",)
    assert flags_of(knobs_of("check")["run_path"]) == ("--run",)
    assert positional(knobs_of("evaluate")["runs"])


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"epochs": 0}, "epochs 0: give a whole number, 1 to 10000 passes"),
        ({"epochs": "many"}, "epochs many: give a whole number, 1 to 10000 passes"),
        ({"epochs": 1.5}, "epochs 1.5: give a whole number, 1 to 10000 passes"),
        ({"alpha": 2}, "alpha 2: give a number, 0 to 1.5, or learned"),
        ({"precision": "half"}, "precision half: give one of float32, bfloat16"),
        ({"test_blocks": 3}, "test_blocks 3: give text"),
        ({"rematerialise": "yes"}, "rematerialise yes: give True or False"),
    ],
)
def test_a_wrong_value_is_one_line_with_its_range(values, line):
    with pytest.raises(InputError) as problem:
        TrainSettings(**values)
    assert str(problem.value) == line


def test_open_ranges_and_lists_say_what_they_take():
    with pytest.raises(InputError, match=r"^coverage 1: give a number, above 0 and below 1$"):
        FineMapKnobs(coverage=1)
    with pytest.raises(InputError, match=r"^people -1: give a whole number, at least 0 people$"):
        PanelSettings(people=-1)
    with pytest.raises(InputError, match=r"^dense a.npz: give a list of words$"):
        PanelSettings(dense="a.npz")


def test_a_knob_that_is_changed_later_is_named_by_its_label():
    settings = TrainSettings()
    with pytest.raises(InputError, match=r"^Blocks per batch 0: give a whole number, 1 to 1024 LD"):
        settings.batch_blocks = 0
    with pytest.raises(InputError, match=r"^Blocks per batch -1"):
        settings.param.update(batch_blocks=-1)
    assert settings.batch_blocks == TrainSettings.batch_blocks


def test_a_misspelt_knob_names_the_nearest_one():
    with pytest.raises(TypeError, match="TrainSettings has no knob 'epoch': did you mean 'epochs'"):
        TrainSettings(epoch=3)
    with pytest.raises(TypeError, match="FineMapKnobs has no knob 'x': there are effects, causal"):
        FineMapKnobs(x=3)


def test_the_part_of_a_command_keeps_what_was_typed():
    command = command_module("train").Settings(study="s", epochs=15, output="r.run", json=True)
    training = part(command, TrainSettings)
    assert type(training) is TrainSettings
    assert training.given == {"epochs": 15}
    assert plain(training) == plain(TrainSettings())


@job
@knobs(FineMapKnobs)
def toy(study: str, settings: FineMapKnobs, path: str):
    """Do a thing.

    Parameters
    ----------
    study
        A study.

    Returns
    -------
    dict
    """
    yield
    return {"study": study, "path": path} | plain(settings)


def test_a_function_takes_knobs_as_keywords():
    assert toy("s", path="p", effects=3)["effects"] == 3
    assert toy("s", FineMapKnobs(effects=4), "p")["effects"] == 4
    assert toy("s", path="p", settings=FineMapSettings(purity=0.1))["purity"] == 0.1
    with pytest.raises(TypeError, match="settings are given, and purity beside them"):
        toy("s", FineMapKnobs(), "p", purity=0.1)
    with pytest.raises(TypeError, match=r"toy\(\) has no knob 'puriy': did you mean 'purity'"):
        toy("s", path="p", puriy=0.1)
    with pytest.raises(TypeError, match="path"):
        toy("s")


def test_help_shows_the_knobs():
    shown = inspect.signature(toy).parameters
    assert list(shown)[:3] == ["study", "settings", "path"]
    assert shown["effects"].default == FineMapKnobs.effects
    before, after = inspect.getdoc(toy).split("\n\nReturns\n-------\n")
    assert "Least correlation within a set. 0 to 1. Default 0.5.\n" in before
    assert before.endswith("results are the same. 1 to 1000 processes. Default 1.")
    assert after == "dict"


def test_the_public_functions_show_their_knobs():
    import deepwas_app as dw

    for function, kind in ((dw.fit, TrainSettings), (dw.fine_map, FineMapKnobs)):
        shown = inspect.signature(function).parameters
        assert set(fields(kind)) <= set(shown)
        assert "Default" in function.__doc__


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["train", "s", "-o", "r", "--epochs", "0"], "--epochs 0: give a whole number, 1 to 10000"),
        (["train", "s", "-o", "r", "--epochs", "x"], "--epochs x: give a whole number, 1 to 10000"),
        (["train", "s", "-o", "r", "--lr", "x"], "--lr x: give a number, 1e-06 to 1"),
        (["train", "s", "-o", "r", "--prior", "x"], "--prior x: give one of constant, linear"),
        (["serve", "--port", "0"], "--port 0: give a whole number, 1 to 65535"),
        (["effects", "r", "--shifts", "-1"], "--shifts -1: give a whole number, 0 to"),
        (
            ["response", "r", "--annotation", "a", "--points", "1"],
            "--points 1: give a whole number, 2",
        ),
        (["finemap", "r", "--region", "1:1-2", "--effects", "0"], "--effects 0: give a whole"),
    ],
)
def test_the_command_line_names_the_flag(words, line, capsys):
    from deepwas_app.cli import main

    assert main(words) == 1
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"deepwas: {line}")


@pytest.mark.parametrize(
    ("code", "never"),
    [
        ("from deepwas_app.cli import parser; parser('')", ("jax", "panel", "xarray", "param")),
        # Each LD source declares its flag beside its reader, so that those are imported.
        ("from deepwas_app.cli import parser; parser('ld')", ("jax", "panel")),
        ("from deepwas_app.workflow.settings import StudySettings", ("jax", "panel", "xarray")),
    ],
)
def test_a_list_of_commands_and_settings_of_data_come_quickly(code, never):
    code = f"import sys; {code}; print([m for m in {never!r} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_facts_keep_only_what_is_stated():
    assert facts("people") == {"unit": "people"}
    assert facts() == {}
