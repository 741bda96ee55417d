"""The commands, as they are typed."""

import json
import os
import re
import signal
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import deepwas_app as dw
from deepwas_app.cli import main
from deepwas_app.genetics.builtin import data_dir

HEIGHT = data_dir() / "height_chr22"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cli")


@pytest.fixture(scope="module")
def panel(folder: Path) -> str:
    out = str(folder / "eur.ld.zarr")
    files = ["--bfile", str(HEIGHT / "genotypes"), "--blocks", str(HEIGHT / "blocks.bed")]
    assert main(["ld", *files, "-o", out]) == 0
    return out


@pytest.fixture(scope="module")
def linear_run(small_study, folder: Path) -> str:
    out = str(folder / "linear.run")
    assert main(["train", small_study.attrs["path"], "--prior", "linear", "-o", out]) == 0
    return out


def last_json(capsys: pytest.CaptureFixture[str]):
    return json.loads(capsys.readouterr().out.strip().splitlines()[-1])


def test_a_summary_on_screen_has_its_units(small_study, linear_run, capsys):
    words = ["--prior", "linear", "--resume", "-o", linear_run]
    assert main(["train", small_study.attrs["path"], *words]) == 0
    shown = dict(line.split(None, 1) for line in capsys.readouterr().out.splitlines())
    assert shown["gain"].endswith(" nats")
    assert shown["gain_se"].endswith(" nats")
    assert shown["seconds"].endswith(" s")
    assert float(shown["h2"]) > 0


def test_ld_then_study_then_info(panel, folder, capsys):
    out = str(folder / "height.study.zarr")
    files = ["--sumstats", str(HEIGHT / "height.fastGWA.gz"), "--ld", panel]
    notes = ["--annotations", str(HEIGHT / "annotations.tsv.gz")]
    assert main(["study", *files, *notes, "-o", out, "--json"]) == 0
    made = last_json(capsys)
    assert made["warnings"] == []
    flow = [row for row in made["alignment"] if row["kind"] in ("in", "loss")]
    scored = next(row for row in made["alignment"] if row["kind"] == "out")
    assert flow[0]["variants"] == 15_935
    assert sum(row["variants"] for row in flow) == scored["variants"]
    assert main(["info", out, "--json"]) == 0
    facts = last_json(capsys)
    assert (facts["variants"], facts["LD blocks"]) == (15_938, 24)
    assert {Path(row["path"]).name for row in facts["provenance"]} >= {
        "height.fastGWA.gz",
        "annotations.tsv.gz",
    }
    assert main(["info", panel]) == 0
    assert "variants: 15938" in capsys.readouterr().out


def test_a_study_of_mixed_up_alleles_stops_or_is_warned_of(panel, folder, capsys):
    gwas = pd.read_csv(HEIGHT / "height.fastGWA.gz", sep="\t")
    gwas["BETA"] *= np.where(np.random.default_rng(0).random(len(gwas)) < 0.3, -1, 1)
    gwas.to_csv(folder / "mixed.fastGWA", sep="\t", index=False)
    words = ["--sumstats", str(folder / "mixed.fastGWA"), "--ld", panel]
    assert main(["study", *words, "-o", str(folder / "mixed")]) == 1
    assert "signs of strong z-scores contradict LD in" in capsys.readouterr().err.splitlines()[-1]
    assert not list(folder.glob("mixed.study.zarr"))
    words += ["--accept", "ld-signs"]
    assert main(["study", *words, "-o", str(folder / "mixed")]) == 0
    first, second = capsys.readouterr().err.splitlines()[-2:]
    assert first.startswith("warning: The LD of this study is not that of its GWAS")
    assert "effect alleles taken for the other ones" in first
    assert second.startswith("warning: the signs of strong z-scores contradict LD in")
    assert second.endswith("(accepted)")


def test_train_prints_its_summary(small_study, folder, capsys):
    out = str(folder / "mlp")
    knobs = ["--prior", "mlp", "--width", "4", "--depth", "1", "--epochs", "2", "--lr", "0.01"]
    split = ["--test-chromosomes", "2,3", "--device", "cpu"]
    assert main(["train", small_study.attrs["path"], *knobs, *split, "-o", out, "--json"]) == 0
    summary = last_json(capsys)
    names = ("run", "prior", "objective", "parameters", "h2", "s2", "kappa", "gain", "gain_se")
    assert set(names) <= set(summary)
    assert summary["parameters"] == 1 + (9 + 1) * 4 + 4 + 1
    assert Path(out + ".run").is_dir()


def test_evaluate_gives_the_summary_of_training(linear_run, folder, capsys):
    assert main(["evaluate", linear_run, "--json"]) == 0
    (row,) = last_json(capsys)
    trained = json.loads((Path(linear_run) / "run.json").read_text())["summary"]
    assert row.pop("provenance")["command"].startswith("deepwas evaluate")
    assert row == {name: trained[name] for name in row}
    table = folder / "table.tsv"
    assert main(["evaluate", linear_run, "-o", str(table)]) == 0
    assert pd.read_csv(table, sep="\t")["gain"].item() == pytest.approx(row["gain"])


def test_one_held_out_block_has_no_standard_error(small_study, folder, capsys):
    out = str(folder / "one.run")
    few = ["--prior", "mlp", "--width", "4", "--epochs", "1", "--test-blocks", "3"]

    def no_json(word):
        raise AssertionError(f"{word} is no JSON")

    printed = []
    for words in (
        ["train", small_study.attrs["path"], *few, "-o", out, "--json"],
        ["evaluate", out, "--json"],
        ["info", out, "--json"],
    ):
        assert main(words) == 0
        printed.append(capsys.readouterr().out)
    for text in (*printed, (Path(out) / "run.json").read_text()):
        found = json.loads(text, parse_constant=no_json)
        found = found[0] if isinstance(found, list) else found.get("summary", found)
        assert found["gain"] is not None
        assert found["gain_se"] is None
    assert main(["evaluate", out]) == 0
    assert capsys.readouterr().out.splitlines()[1].split("\t")[6] == "NA"


def test_effects_are_a_table_of_the_annotations(linear_run, capsys):
    import io

    assert main(["effects", linear_run]) == 0
    table = pd.read_csv(io.StringIO(capsys.readouterr().out), sep="\t")
    assert len(table) == 9
    assert (table["Coefficient_std_error"] > 0).all()
    np.testing.assert_allclose(
        table["Coefficient_z-score"], table["Coefficient"] / table["Coefficient_std_error"]
    )


def test_scaling_prints_one_row_a_model(small_study, folder, capsys):
    sizes = ["--sizes", "linear,4x1", "--epochs", "1", "--objectives", "likelihood"]
    assert main(["scaling", small_study.attrs["path"], *sizes, "-o", str(folder / "sweep")]) == 0
    printed = capsys.readouterr()
    lines = printed.out.strip().splitlines()
    assert [line.split("\t")[0] for line in lines] == ["size", "linear", "4x1"]
    said = printed.err.splitlines()
    # Sizes are told before anything is trained, what they gain after it.
    assert said[:2] == ["linear: 10 parameters", "4x1: 46 parameters"]
    assert re.fullmatch(r"likelihood: 4x1 over linear [+-]\d+\.\d \+- \d+\.\d nats", said[2])
    assert re.fullmatch(r"the true prior: \+\d+\.\d nats over the constant one", said[3])
    assert re.match(r"Best of 2 by held-out gain: .*, \d+\.\d nats, of which about \d", said[4])
    assert "Chosen by validation: " in said[4]


def test_simulate_writes_a_study(folder, capsys):
    out = str(folder / "tiny")
    few = ["--variants", "1200", "--chromosomes", "2", "--people", "60", "--annotations", "3"]
    assert main(["simulate", *few, "--seed", "5", "-o", out]) == 0
    assert capsys.readouterr().out.strip() == out + ".study.zarr"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["info", "nowhere"], "nowhere: no such"),
        (["train", "nowhere", "-o", "x.run"], "nowhere: no such study"),
        (["evaluate", "nowhere.run"], "nowhere.run: not a run folder"),
        (["effects", "nowhere.run"], "nowhere.run: not a run folder"),
        (["ld", "--bfile", "nowhere", "-o", "x"], "nowhere.bed: no such file"),
        (["study", "--sumstats", "no.gz", "--ld", "no.ld.zarr", "-o", "x"], "no such"),
        (["simulate", "--h2", "7", "-o", "x"], "h2"),
        (["serve", "nowhere.study.zarr"], "nowhere.study.zarr: no such study"),
        (["scaling", "STUDY", "--objectives", "ldrs", "-o", "x"], "objective ldrs: "),
        (["scaling", "STUDY", "--sizes", "XS,5000x2", "-o", "x"], "size 5000x2, objective like"),
        (
            ["scaling", "STUDY", "--sizes", "wide", "-o", "x"],
            "size 'wide': give linear, XS, S, M, L, XL",
        ),
        (["train", "STUDY", "--device", "gpu", "-o", "x"], "pip install '.[cuda]'"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    words, message, small_study, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    # Put back what --device sets.
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    study = small_study.attrs["path"]
    assert main([study if word == "STUDY" else word for word in words]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = [line for line in printed.err.splitlines() if line.strip()]
    assert line.startswith("deepwas: ")
    assert message in line
    assert list(tmp_path.iterdir()) == []


def test_a_run_goes_on_with_its_own_settings_only(small_study, linear_run, capsys):
    again = ["train", small_study.attrs["path"], "--resume", "-o", linear_run]
    assert main([*again, "--prior", "mlp", "--epochs", "3"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert (
        "linear.run: was begun with other settings (prior linear, not mlp; epochs 15, not 3)"
        in line
    )
    assert main([*again, "--prior", "linear"]) == 0


def test_run_of_another_study_is_one_line(linear_run, height, capsys):
    assert main(["effects", linear_run, "--study", height.attrs["path"]]) == 1
    assert "was trained on another study" in capsys.readouterr().err


def test_the_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out.strip() == f"deepwas {dw.__version__}"


def test_every_command_has_help(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    listed = re.findall(r"^    (\w+) +[A-Z]", capsys.readouterr().out, re.MULTILINE)
    assert set(listed) == {
        *[
            "serve",
            "ld",
            "study",
            "munge",
            "simulate",
            "train",
            "evaluate",
            "scaling",
            "check",
            "calibration",
            "effects",
            "scan",
            "report",
        ],
        *["response", "export", "finemap", "outlook", "explain", "score", "compare", "info"],
    }
    for verb in listed:
        with pytest.raises(SystemExit) as end:
            main([verb, "--help"])
        assert end.value.code == 0
        assert len(capsys.readouterr().out) > 150


def test_a_command_that_is_terminated_cleans_up(monkeypatch, capsys):
    cleaned = []

    def run(_: object) -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(10)
        finally:
            cleaned.append(True)

    monkeypatch.setattr("deepwas_app.cli.commands.info.run", run)
    before = signal.getsignal(signal.SIGTERM)
    assert main(["info", "x"]) == 143
    assert signal.getsignal(signal.SIGTERM) is before
    assert cleaned
    assert capsys.readouterr().err == "deepwas: terminated\n"
