"""Every result says which software made it, by which command and of which inputs."""

import hashlib
import json
from pathlib import Path

import pandas as pd
import pytest
from bed_reader import to_bed

import deepwas_app as dw
from deepwas_app.cli import main
from deepwas_app.genetics import files
from deepwas_app.versions import versions


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def beside(path: Path) -> dict:
    return json.loads(path.with_name(f"{path.name}.provenance.json").read_text())


@pytest.fixture(scope="module")
def run(small_runs) -> Path:
    return small_runs.linear.path


def test_a_table_has_its_provenance_beside_it_and_no_line_of_it_within(run, small_study, tmp_path):
    out = tmp_path / "effects.tsv"
    assert main(["effects", str(run), "-o", str(out)]) == 0
    assert out.read_text().startswith("Category\t")
    found = beside(out)
    assert found["sha256"] == digest(out)
    assert found["command"] == f"deepwas effects {run} -o {out}"
    assert found["versions"] == versions()
    assert {"jax", "deepwas-explorer"} <= set(found["versions"])
    fit, study = found["inputs"]
    (weights,) = run.glob("*.eqx")
    assert (fit["path"], fit["weights_sha256"]) == (str(run), digest(weights))
    assert (study["role"], study["content_hash"]) == ("study", small_study.attrs["content_hash"])
    assert study["made_of"] == small_study.attrs["provenance"]


@pytest.mark.parametrize(
    "words", [["effects"], ["calibration"], ["evaluate"], ["outlook"]], ids=lambda words: words[0]
)
def test_json_says_it_too(run, small_study, words, capsys):
    assert main([*words, str(run), "--json", "--quiet"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    for one in found if isinstance(found, list) else [found]:
        assert one["provenance"]["versions"] == versions()
        assert str(run) in [each["path"] for each in one["provenance"]["inputs"]]


def test_json_of_a_study_keeps_what_it_calls_provenance_itself(small_study, capsys):
    assert main(["info", small_study.attrs["path"], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["provenance"] == small_study.attrs["provenance"]


def test_scores_name_the_files_that_they_are_made_of(tmp_path, monkeypatch, capsys):
    to_bed(tmp_path / "g.bed", [[0, 1], [1, 2], [2, 0]], properties={"sid": ["a", "b"]})
    weights = pd.DataFrame({"SNP": ["a", "b"], "A1": ["A1", "A1"], "A2": "A2", "BETA": 1.0})
    weights.to_csv(tmp_path / "w.tsv", sep="\t", index=False)
    out = tmp_path / "s.tsv"
    words = ["score", "--weights", f"{tmp_path}/w.tsv", "--bfile", f"{tmp_path}/g", "-o", str(out)]
    assert main(words) == 0
    found = {Path(one["path"]).name: one for one in beside(out)["inputs"]}
    assert {*found} == {"w.tsv", "g.bed", "g.bim", "g.fam"}
    assert all(one["sha256"] == digest(tmp_path / name) for name, one in found.items())
    # A file of many gigabytes is not read for it.
    monkeypatch.setattr(files, "_HASHED", 10)
    assert main(words) == 0
    found = {Path(one["path"]).name: one for one in beside(out)["inputs"]}
    assert "sha256" not in found["w.tsv"]
    assert found["w.tsv"]["size"] == (tmp_path / "w.tsv").stat().st_size


def test_functions_of_a_notebook_write_it_as_well(run, tmp_path):
    out = tmp_path / "v.tsv"
    dw.export(None, run, snpvar=str(out))
    found = beside(out)
    assert found["command"] == "export"
    assert [one["role"] for one in found["inputs"]] == ["run", "study"]
