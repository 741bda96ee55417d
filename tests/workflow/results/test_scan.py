"""Annotations in files are tested beside what a run knows, with and without the run."""

import shutil

import numpy as np
import pandas as pd
import pytest

from deepwas_app.errors import InputError
from deepwas_app.genetics.annotation.sources import in_folder
from deepwas_app.workflow.info import info
from deepwas_app.workflow.results.scan import SCAN, derivatives, open_derivatives, scan
from deepwas_app.workflow.runs.run import open_run
from deepwas_app.workflow.tables import write_text


@pytest.fixture(scope="module")
def files(small_study, tmp_path_factory):
    """A folder: a table for each chromosome, a BED, and a BED that is nowhere."""
    folder = tmp_path_factory.mktemp("annotations")
    variants = pd.DataFrame({"SNP": small_study["variant_id"].values})
    names = small_study["annotation"].values.astype(str)
    values = pd.DataFrame(small_study["variant_annotation"].values, columns=names)
    chromosome = small_study["variant_chromosome"].values
    for name in pd.unique(chromosome):
        here = chromosome == name
        part = pd.concat([variants[here], values[here]], axis=1)
        part.to_csv(folder / f"own.{name}.tsv", sep="\t", index=False)
    position = small_study["variant_position"].values
    some = np.random.default_rng(0).random(len(position)) < 0.2
    bed = pd.DataFrame({"c": chromosome, "from": position - 1, "to": position})[some]
    bed.to_csv(folder / "chance.bed", sep="\t", index=False, header=False)
    (folder / "nowhere.bed").write_text("1\t1999999990\t1999999999\n")
    return folder


@pytest.fixture(scope="module")
def runs(small_runs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("kept")
    for name in ("constant", "linear", "mlp"):
        shutil.copytree(vars(small_runs)[name].path, folder / f"{name}.run")
    return folder


@pytest.fixture(scope="module")
def tested(small_study, runs, files):
    return scan(small_study, runs / "constant.run", files)


def test_files_of_chromosomes_are_one(files):
    found = [name.rpartition("/")[2] for name in in_folder(files, ["1"])]
    assert sorted(found) == ["chance.bed", "nowhere.bed", "own.{CHR}.tsv"]
    (files / ".hidden").touch()
    assert len(in_folder(files, ["1"])) == 3


def test_annotations_that_matter_are_found_with_their_sign(tested, small_study, small_runs):
    table = tested.set_index("Category")
    assert {*small_study["annotation"].values} <= {*table.index}
    fitted = np.asarray(small_runs.linear.model().prior.coefficients)
    own = table.loc[small_study["annotation"].values.astype(str), "Coefficient_z-score"]
    largest = np.abs(fitted).argsort()[::-1][:3]
    assert (np.sign(own.to_numpy()[largest]) == np.sign(fitted[largest])).all()
    assert table.index[0] in small_study["annotation"].values[largest]
    chance = table.loc["chance"]
    assert chance["Mean"] == pytest.approx(0.2, abs=0.02)
    assert chance["Coefficient_p"] > 1e-3
    assert table["Coefficient_p"].min() < 1e-4
    assert (table["FDR"].dropna() >= table["Coefficient_p"].dropna() - 1e-15).all()


def test_what_cannot_be_tested_says_why(tested, small_study, runs, files):
    last = tested.iloc[-1]
    assert last["Category"] == "nowhere.bed"
    assert "no variant" in last["Note"]
    assert np.isnan(last["Coefficient_p"])
    known = scan(small_study, runs / "linear.run", files).set_index("Category")
    own = known.loc[small_study["annotation"].values.astype(str)]
    assert own["Coefficient_p"].isna().all()
    assert (own["Note"] == "says nothing that the run does not know").all()
    assert np.isfinite(known.loc["chance", "Coefficient_p"])


def test_neither_run_nor_study_is_needed_again(tested, runs, files, tmp_path):
    kept = runs / "constant.derivatives.zarr"
    assert kept.is_dir()
    alone = shutil.copytree(kept, tmp_path / "shared.derivatives.zarr")
    again = scan(None, alone, files)
    pd.testing.assert_frame_equal(again, tested)
    facts = info(alone, verify=True)
    assert facts["run"] == "constant"
    assert "none damaged" in facts["verified"]
    assert not any("block_Q" in name or "variant_z" in name for name in open_derivatives(alone))


def test_kept_derivatives_are_those_of_the_run_as_it_is(small_study, runs, files, tmp_path):
    kept = open_derivatives(runs / "constant.derivatives.zarr")
    shutil.copytree(runs / "linear.run", tmp_path / "a.run")
    shutil.copytree(runs / "constant.derivatives.zarr", tmp_path / "a.derivatives.zarr")
    scan(small_study, tmp_path / "a.run", files / "chance.bed")
    assert open_derivatives(tmp_path / "a.derivatives.zarr").attrs["fitted"] != kept.attrs["fitted"]


def test_a_network_is_tilted(small_study, runs, files):
    found = derivatives(small_study, open_run(runs / "mlp.run"))
    assert list(found["parameter"].values[:2]) == ["level", small_study["annotation"].values[0]]
    score = found["derivative_score"].values
    by_block = np.bincount(found["derivative_block"].values, score)
    level = found["derivative_block_score"].values[:, 0]
    np.testing.assert_allclose(by_block, level, rtol=1e-3, atol=1e-3)


def test_a_table_is_read_back_and_nothing_is_told(tested, runs, tmp_path):
    write_text(SCAN.text(tested), tmp_path / "scan.tsv")
    assert info(tmp_path / "scan.tsv")["kind"] == "result table, scan"
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match="no file of annotations"):
        scan(None, runs / "constant.derivatives.zarr", empty)
