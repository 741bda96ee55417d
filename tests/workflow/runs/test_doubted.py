"""What is to be doubted of a run is said wherever its numbers are taken."""

import json
import shutil
import warnings
from dataclasses import replace

import pytest

import deepwas_app as dw
from deepwas_app.cli import main
from deepwas_app.errors import RunWarning
from deepwas_app.genetics.genotypes.weights import read_weights
from deepwas_app.workflow.runs.doubted import run_warnings
from deepwas_app.workflow.runs.run import open_run, write_record

SAID = ["heritability 1.7 is above 1: check N", "s2 1.5 is above 1.2: z-scores are inflated"]


@pytest.fixture(scope="module")
def doubted(small_runs, tmp_path_factory):
    """The linear run, as if its heritability were 1.7."""
    path = tmp_path_factory.mktemp("doubted") / "doubted.run"
    shutil.copytree(small_runs.linear.path, path)
    record = json.loads((path / "run.json").read_text())
    record["summary"] |= {"h2": 1.7, "s2": 1.5, "warnings": SAID}
    write_record(path, record)
    return open_run(path)


@pytest.fixture(scope="module")
def region(small_study):
    last = small_study["variant_position"].values[small_study["variant_block"].values == 0].max()
    return f"{small_study['variant_chromosome'].values[0]}:1-{last}"


def test_a_run_says_what_its_training_said(small_runs, doubted):
    assert run_warnings(doubted) == SAID
    assert run_warnings(small_runs.linear) == ["15 LD blocks: errors are rough"]
    assert run_warnings(replace(small_runs.linear, summary={})) == []


def test_a_run_without_such_a_record_is_doubted_now(small_runs):
    old = {"h2": 0.27, "s2": 6e-6, "kappa": 6e-5}
    assert [
        words.split(":")[0] for words in run_warnings(replace(small_runs.mlp, summary=old))
    ] == [
        "s2 6e-06 is below 0.8",
        "15 LD blocks",
    ]
    high = replace(small_runs.mlp, summary=old | {"h2": 1.7}, train_blocks=[])
    assert [words.split(":")[0] for words in run_warnings(high)] == [
        "heritability 1.7 is above 1",
        "s2 6e-06 is below 0.8",
    ]


@pytest.mark.parametrize(
    "take",
    [
        lambda study, run, region, file: dw.effects(study, run),
        lambda study, run, region, file: dw.fine_map(study, run, region, effects=1),
        lambda study, run, region, file: dw.snpvar(study, run),
        lambda study, run, region, file: dw.pgs_weights(study, run, posterior="normal"),
        lambda study, run, region, file: dw.prior_weights(study, run, region),
        lambda study, run, region, file: dw.export(study, run, ssf=str(file)),
    ],
    ids=["effects", "fine_map", "snpvar", "pgs_weights", "prior_weights", "export"],
)
def test_python_names_warn(small_study, doubted, region, tmp_path, take):
    with pytest.warns(RunWarning) as caught:
        take(small_study, doubted, region, tmp_path / "f")
    assert [str(w.message) for w in caught] == [f"doubted: {words}" for words in SAID]


def test_commands_say_each_once(doubted, region, tmp_path, capsys):
    file, run = str(tmp_path / "f.tsv"), str(doubted.path)
    weights = str(tmp_path / "w.tsv")
    for words in (
        ["effects", run, "-o", file],
        ["finemap", run, "--region", region, "--effects", "1", "-o", file],
        ["export", run, "--snpvar", file, "--weights", weights, "--posterior", "normal"],
    ):
        assert main(words) == 0
        told = capsys.readouterr().err.splitlines()
        assert [line for line in told if line.startswith("warning: ")] == [
            f"warning: doubted: {words}" for words in SAID
        ]
    assert main(["finemap", run, "--region", region, "--effects", "1", "-o", file, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["warnings"] == SAID


def test_other_warnings_of_a_command_are_shown_as_ever(doubted, monkeypatch):
    def run(settings):
        warnings.warn("another", UserWarning, stacklevel=1)

    monkeypatch.setattr("deepwas_app.cli.commands.effects.run", run)
    with pytest.warns(UserWarning, match="^another$"):
        assert main(["effects", str(doubted.path)]) == 0


def test_a_scoring_file_has_them_at_its_top_and_is_read_all_the_same(doubted, tmp_path):
    scored, plain = tmp_path / "pgs.txt", tmp_path / "w.tsv"
    dw.export(None, doubted, pgs_catalog=str(scored), weights=str(plain), posterior="normal")
    first, *lines = scored.read_text().splitlines()
    assert first == "###PGS CATALOG SCORING FILE"
    assert lines[:2] == [f"##WARNING {words}" for words in SAID]
    assert lines[2] == "#format_version=2.0"
    assert len(read_weights(scored)) == len(read_weights(plain)) > 5_000


def test_evaluate_warns_of_gains_that_cannot_be_set_side_by_side(small_runs):
    other = replace(small_runs.mlp, test_blocks=small_runs.mlp.test_blocks[:-1])
    with pytest.warns(RunWarning, match="not tested on the same LD blocks"):
        dw.evaluate([small_runs.linear, other])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dw.evaluate([small_runs.linear, small_runs.mlp])
        dw.evaluate([small_runs.linear, replace(other, study_hash="another")])
