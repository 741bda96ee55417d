"""The commands export, finemap, score and compare, as they are typed."""

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bed_reader import to_bed

from deepwas_app.cli import main
from deepwas_app.workflow.runs.run import write_record


@pytest.fixture(scope="module")
def runs(small_runs) -> dict[str, str]:
    return {name: str(run.path) for name, run in vars(small_runs).items()}


def table(text: str) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(text), sep="\t")


def test_export_writes_every_file_that_is_asked_for(runs, tmp_path, capsys):
    names = {"--snpvar": "v.tsv", "--weights": "w.tsv", "--pgs-catalog": "p.txt", "--susie": "s"}
    words = [word for flag, name in names.items() for word in (flag, str(tmp_path / name))]
    assert main(["export", runs["linear"], *words, "--floor", "--region", "1:1-900000000"]) == 0
    beside = {f"{name}.provenance.json" for name in names.values()}
    assert {p.name for p in tmp_path.iterdir()} == {*names.values(), *beside}
    assert "w.tsv: 6,000 variants" in capsys.readouterr().err
    v = pd.read_csv(tmp_path / "v.tsv", sep="\t")["SNPVAR"]
    assert v.max() / v.min() < 100.1
    assert main(["export", runs["linear"], "--weights", "-"]) == 0
    assert capsys.readouterr().out == (tmp_path / "w.tsv").read_text()


def test_exported_weights_score_simulated_people(runs, small_study, tmp_path, capsys):
    """Genotypes and a phenotype drawn from the true effects: the score predicts it."""
    rng = np.random.default_rng(0)
    p = small_study["variant_allele_frequency"].values
    dosages = rng.binomial(2, p, (300, len(p))).astype(np.float32)
    to_bed(
        tmp_path / "g.bed",
        dosages,
        properties={
            "sid": small_study["variant_id"].values.astype(str),
            "chromosome": small_study["variant_chromosome"].values.astype(str),
            "bp_position": small_study["variant_position"].values,
            "allele_1": ["A"] * len(p),
            "allele_2": ["G"] * len(p),
        },
    )
    effects = small_study["variant_true_effect"].values
    genetic = ((dosages - 2 * p) / np.sqrt(2 * p * (1 - p))) @ effects
    fam = pd.read_csv(tmp_path / "g.fam", sep=r"\s+", header=None)
    noise = rng.standard_normal(300) * genetic.std()
    pheno = pd.DataFrame({"FID": fam[0], "IID": fam[1], "Y": genetic + noise})
    pheno.to_csv(tmp_path / "y.tsv", sep="\t", index=False)
    weights = str(tmp_path / "w.tsv")
    assert main(["export", runs["linear"], "--weights", weights]) == 0
    files = ["--weights", weights, "--bfile", str(tmp_path / "g")]
    out = tmp_path / "score.tsv"
    words = ["--pheno", str(tmp_path / "y.tsv"), "-o", str(out), "--json"]
    assert main(["score", *files, *words]) == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out.splitlines()[-1])
    assert found["accuracy"]["low"] > 0.01
    assert found["accuracy"]["r"] > 0
    scores = pd.read_csv(out, sep="\t")
    assert list(scores) == ["FID", "IID", "ALLELE_CT", "SCORE_SUM", "SCORE_AVG", "Y"]
    r = np.corrcoef(scores["SCORE_SUM"], scores["Y"])[0, 1]
    assert found["accuracy"]["r2"] == pytest.approx(r**2, rel=1e-5)
    # Every share of weight that is lost is said, and everything is in the JSON object.
    assert found["weights"][0]["share_of"] == "|weight| × s.d."
    assert [row["MEASURE"] for row in found["measures"]] == ["R2"]
    assert len(found["deciles"]) == 10
    assert found["differences"] == []
    assert main(["score", *files]) == 0
    assert len(table(capsys.readouterr().out)) == 300


def test_scores_of_several_weights_are_judged_side_by_side(runs, small_study, tmp_path, capsys):
    """Of cases and controls: every table that is asked for, and what people read."""
    rng = np.random.default_rng(1)
    p = small_study["variant_allele_frequency"].values
    dosages = rng.binomial(2, p, (200, len(p))).astype(np.float32)
    names = small_study["variant_id"].values.astype(str)
    properties = {"sid": names, "allele_1": ["A"] * len(p), "allele_2": ["G"] * len(p)}
    to_bed(tmp_path / "g.bed", dosages, properties=properties)
    beta = rng.standard_normal(len(p)) / np.sqrt(2 * p * (1 - p))
    liability = dosages @ beta
    liability += liability.std() * rng.standard_normal(200)
    fam = pd.read_csv(tmp_path / "g.fam", sep=r"\s+", header=None)
    case = 1 + (liability > np.quantile(liability, 0.6))
    pd.DataFrame({"FID": fam[0], "IID": fam[1], "D": case, "C": rng.random(200)}).to_csv(
        tmp_path / "y.tsv", sep="\t", index=False
    )
    weights = pd.DataFrame({"SNP": names, "A1": "A", "BETA": beta})
    weights.to_csv(tmp_path / "good.tsv", sep="\t", index=False)
    weights[::2].to_csv(tmp_path / "half.tsv", sep="\t", index=False)
    files = [str(tmp_path / name) for name in ("good.tsv", "half.tsv")]
    given = ["--bfile", str(tmp_path / "g"), "--pheno", str(tmp_path / "y.tsv")]
    outputs = {name: tmp_path / f"{name}.out" for name in ("accuracy", "differences", "deciles")}
    words = [word for name, path in outputs.items() for word in (f"--{name}", str(path))]
    command = ["score", "--weights", *files, *given, "--prevalence", "0.1"]
    assert main([*command, *words, "-o", str(tmp_path / "s"), "--json"]) == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert found["people"] == 200
    assert len(pd.read_csv(tmp_path / "s", sep="\t")) == 400
    read = {name: pd.read_csv(path, sep="\t") for name, path in outputs.items()}
    assert read["accuracy"]["MEASURE"].tolist() == 2 * ["R2", "AUC", "R2_liability", "OR_per_SD"]
    assert read["accuracy"]["CASES"].tolist() == [80] * 8
    assert read["differences"]["FIRST"].tolist() == 3 * ["good.tsv"]
    assert len(read["deciles"]) == 20
    for name, rows in (("accuracy", "measures"), ("differences",) * 2, ("deciles",) * 2):
        np.testing.assert_allclose(
            read[name].select_dtypes("number"),
            pd.DataFrame(found[rows]).select_dtypes("number"),
            rtol=1e-4,
        )
    assert "good.tsv: R² 0." in printed.err
    assert "R² of the liability 0." in printed.err
    assert "good.tsv less half.tsv: AUC +0." in printed.err
    # What would be written to nowhere is refused before the long part.
    for refused, words in (
        (["--accuracy", "-"], "two tables for one screen"),
        (["--deciles", str(tmp_path / "no" / "d.tsv")], "no such folder"),
        (["--prevalence", "1.5"], "--prevalence 1.5: give a number, above 0 and below 1"),
    ):
        assert main([*command, *refused]) == 1
        assert words in capsys.readouterr().err
    assert main([*command[:6], "--accuracy", "a.tsv"]) == 1
    assert "Give one with --pheno" in capsys.readouterr().err


def test_finemap_writes_its_table_and_says_whether_it_converged(runs, tmp_path, capsys):
    out = tmp_path / "f.tsv"
    region = ["--region", "4:1-900,000,000"]
    assert main(["finemap", runs["linear"], *region, "-o", str(out), "--json"]) == 0
    printed = capsys.readouterr()
    assert "converged in" in printed.err
    found = json.loads(printed.out.splitlines()[-1])
    written = pd.read_csv(out, sep="\t")
    assert found["variants"] == len(written)
    ours = [row for row in found["sets"] if row["PRIOR"] == "model"]
    assert len(ours) >= written["CREDIBLE_SET"].nunique() - 1 > 0


def test_compare_prints_the_difference(runs, capsys):
    assert main(["compare", runs["linear"], runs["constant"], "--json"]) == 0
    printed = capsys.readouterr()
    body, last = printed.out.strip().rsplit("\n", 1)
    whole = table(body).iloc[0]
    assert json.loads(last)["difference"] == pytest.approx(whole["DIFFERENCE_NATS"], rel=1e-5)
    assert "held-out LD blocks" in printed.err


def test_evaluate_names_every_run_and_its_model(runs, capsys):
    assert main(["evaluate", runs["linear"], runs["mlp"]]) == 0
    found = table(capsys.readouterr().out)
    assert found["run"].tolist() == ["linear", "mlp"]
    assert (found[["h2", "s2", "parameters"]] > 0).all(axis=None)
    # LD of the small study is exact: none is learned.
    assert (found["kappa"] == 0).all()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["export", "RUN"], "nothing to write"),
        (["export", "RUN", "--susie", "s.tsv"], "--susie needs a region"),
        (["export", "RUN", "--floor", "--weights", "w"], "--floor goes with --snpvar"),
        (["export", "RUN", "--snpvar", "no/v.tsv"], "no: no such folder"),
        (["export", "nowhere.run", "--snpvar", "v.tsv"], "nowhere.run: not a run folder"),
        (["export", "MOVED", "--snpvar", "v.tsv"], "say where it is now with --study"),
        (["finemap", "RUN", "--region", "22"], "22: not a region"),
        (["finemap", "RUN", "--region", "X:1-5"], "X:1-5: no variant"),
        (["finemap", "RUN", "--region", "1:1-5", "--coverage", "2"], "--coverage"),
        (["score", "--weights", "no.tsv", "--bfile", "g"], "no.tsv: no such file"),
        (["compare", "RUN", "nowhere.run"], "nowhere.run: not a run folder"),
        (["compare", "RUN", "MOVED"], "say where it is now with --study"),
        (["evaluate", "RUN", "UNFINISHED"], "unfinished.run: is not finished"),
    ],
)
def test_bad_input_is_one_line(words, message, runs, tmp_path, monkeypatch, capsys):
    moved = tmp_path / "moved.run"
    shutil.copytree(runs["linear"], moved)
    record = json.loads((moved / "run.json").read_text())
    record["study"]["path"] = "/nowhere/gone.study.zarr"
    write_record(moved, record)
    unfinished = tmp_path / "unfinished.run"
    shutil.copytree(runs["linear"], unfinished)
    record = json.loads((unfinished / "run.json").read_text())
    write_record(unfinished, record | {"summary": {}})
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    places = {"RUN": runs["linear"], "MOVED": str(moved), "UNFINISHED": str(unfinished)}
    assert main([places.get(word, word) for word in words]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = [line for line in printed.err.splitlines() if line.strip()]
    assert line.startswith("deepwas: ")
    assert message.lower() in line.lower()
    assert list(Path(folder).iterdir()) == []


@pytest.mark.parametrize("verb", ["export", "finemap", "score", "compare"])
def test_every_command_has_help(verb, capsys):
    with pytest.raises(SystemExit) as end:
        main([verb, "--help"])
    assert end.value.code == 0
    assert len(capsys.readouterr().out) > 300


def test_calibration_is_a_table_of_sets_of_variants(runs, capsys):
    assert main(["calibration", runs["linear"]]) == 0
    printed = capsys.readouterr()
    assert "root mean square) from the truth" in printed.err
    sets = table(printed.out)["set"].tolist()
    assert sets[-2:] == ["top 10%", "top 1%"]
    assert main(["calibration", runs["linear"], "--json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [row["set"] for row in found["sets"]] == sets
    assert found["log_error"]["mean_absolute"] > 0
