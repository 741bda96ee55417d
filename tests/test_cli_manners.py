"""What the command line says to people: help, what may have been meant, progress, and logs."""

import json
import os
import re
import subprocess
import sys

import pytest

import deepwas_app as dw
from deepwas_app.cli import COMMANDS, command_module, main, output
from deepwas_app.errors import InputError
from deepwas_app.workflow.progress import Progress, job
from deepwas_app.workflow.settings.base import fields
from deepwas_app.workflow.settings.training import TrainSettings

FEW = ["--prior", "linear", "--epochs", "1"]


def refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line with which the parser ends."""
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    return line


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["trian", "x"], "deepwas: trian: no such command. Did you mean train?"),
        (["xyzzy"], "deepwas: xyzzy: no such command."),
        (
            ["train", "x", "-o", "y", "--epohs", "3"],
            "deepwas train: --epohs: no such flag. Did you mean",
        ),
        (["serve", "--prot=80"], "deepwas serve: --prot: no such flag. Did you mean --port?"),
        (["train", "x"], "deepwas train: the following arguments are required: -o/--output."),
        ([], "deepwas: the following arguments are required: COMMAND."),
    ],
)
def test_a_wrong_line_is_one_line_with_what_may_have_been_meant(words, line, capsys):
    said = refused(words, capsys)
    assert said.startswith(line)
    assert re.search(r"See deepwas( \w+)? --help\.$", said)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["serve", "--port", "80000"], "deepwas: --port 80000: give a whole number, 1 to 65535"),
        (["serve", "--port", "-1"], "deepwas: --port -1: give a whole number, 1 to 65535"),
        (["serve", "--port", "http"], "deepwas: --port http: give a whole number, 1 to 65535"),
        (["train", "x", "-o", "y", "--epochs", "1e3"], "deepwas: --epochs 1e3: give a whole"),
        (["train", "x", "-o", "y", "--lr", "nan"], "deepwas: --lr nan: give a number"),
        (["train", "x", "-o", "y", "--alpha", "inf"], "deepwas: --alpha inf: give a number"),
        (["train", "x", "-o", "y", "--epochs", "9" * 5000], "deepwas: --epochs 999"),
        (["serve", "--upload-limit", "-3"], "deepwas: --upload-limit -3.0: give a number"),
    ],
)
def test_nonsense_numbers_are_one_line(words, line, capsys):
    assert main(words) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    (said,) = printed.err.splitlines()
    assert said.startswith(line)
    assert len(said) < 300


@pytest.mark.parametrize("words", [["help"], ["help", "train"]])
def test_help_is_a_word_too(words, capsys):
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 0
    helped = capsys.readouterr().out
    with pytest.raises(SystemExit):
        main([*words[1:], "--help"])
    assert helped == capsys.readouterr().out


def test_the_flags_of_train_are_in_groups(capsys):
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    text = capsys.readouterr().out
    places = [text.index(f"\n{title}:\n") for title in TrainSettings.groups]
    assert places == sorted(places)
    assert places[0] < text.index("  --width") < places[1]
    listed = [name for names in TrainSettings.groups.values() for name in names]
    assert sorted(listed) == sorted(fields(TrainSettings))


def test_every_result_can_be_json():
    # serve has none; score and the like print theirs.
    without = [c for c in COMMANDS if "json" not in fields(command_module(c).Settings)]
    assert without == ["serve"]


def test_json_is_the_last_line_and_quiet_leaves_only_results(small_study, tmp_path, capsys):
    run = str(tmp_path / "r.run")
    assert main(["train", small_study.attrs["path"], *FEW, "-o", run, "--quiet"]) == 0
    printed = capsys.readouterr()
    assert "gain" in printed.out
    assert all(line.startswith("warning: ") for line in printed.err.splitlines())
    for words, rows in (
        (["effects", run], 9),
        (["explain", run, "--variant", str(small_study["variant_id"].values[7])], 1),
        (["response", run, "--annotation", str(small_study["annotation"].values[0])], 2),
        (["export", run, "--snpvar", str(tmp_path / "v.tsv")], 1),
    ):
        assert main([*words, "--json", "--quiet"]) == 0
        (line,) = capsys.readouterr().out.splitlines()
        assert len(json.loads(line)) >= rows
    out = str(tmp_path / "s")
    few = ["--variants", "1200", "--chromosomes", "2", "--people", "60", "--annotations", "3"]
    assert main(["simulate", *few, "-o", out, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["path"] == f"{out}.study.zarr"


@job
def counting(to: int):
    for i in range(to):
        yield Progress((i + 1) / to, f"{i + 1} of {to}")
    return to


def test_a_log_has_a_line_of_progress_now_and_then(monkeypatch, capsys):
    assert output.follow(counting, 4) == 4
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(output, "LINES", 0)
    output.follow(counting, 4)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 4
    assert re.fullmatch(r"\d\d:\d\d:\d\d  50% 2 of 4", lines[1])
    output.follow(counting, 4, quiet=True)
    assert capsys.readouterr().err == ""


def test_a_log_lies_beside_every_run(small_study, tmp_path):
    dw.train(small_study, path=tmp_path / "r.run", prior="linear", epochs=1)
    lines = (tmp_path / "r.log").read_text().splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ", line) for line in lines)
    assert f"deepwas {dw.__version__}, JAX " in lines[0]
    assert "prior linear" in lines[2]
    passes = [line for line in lines if " pass " in line]
    assert passes
    assert "held-out gain" in passes[-1]
    assert "h2 " in lines[-1]
    # What was stopped says so; what left nothing, nothing.
    steps = dw.train.steps(small_study, path=tmp_path / "s.run", prior="mlp", width=4, epochs=5)
    for step in steps:
        if step.checkpoint is not None:
            steps.close()
    assert (tmp_path / "s.log").read_text().splitlines()[-1].endswith("stopped; --resume goes on")
    steps = dw.train.steps(small_study, path=tmp_path / "t.run", prior="mlp", width=4)
    next(steps)
    steps.close()
    assert not (tmp_path / "t.log").exists()
    with pytest.raises(InputError, match="exists already"):
        dw.train(small_study, path=tmp_path / "r.run", prior="linear")
    assert (tmp_path / "r.log").read_text().splitlines() == lines


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("deepwas tr", {"train "}),
        ("deepwas train --prior m", {"mlp "}),
        ("deepwas train x --epo", {"--epochs "}),
    ],
)
def test_shells_are_told_how_a_line_goes_on(line, completed, tmp_path):
    told = tmp_path / "told"
    asked = {"_ARGCOMPLETE": "1", "_ARGCOMPLETE_STDOUT_FILENAME": str(told), "IFS": "\n"}
    asked |= {"COMP_LINE": line, "COMP_POINT": str(len(line)), "_ARGCOMPLETE_IFS": "\n"}
    done = subprocess.run([sys.executable, "-m", "deepwas_app.cli"], env=os.environ | asked)
    assert done.returncode == 0
    assert set(told.read_text().split("\n")) == completed
