"""Runs belong to contents: what a study holds now, and what older versions wrote."""

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from deepwas_app.app.store import study_hash
from deepwas_app.cli import main
from deepwas_app.errors import InputError
from deepwas_app.genetics.content import content_hash
from deepwas_app.genetics.ld.panel import open_panel
from deepwas_app.genetics.store import open_study_store
from deepwas_app.genetics.study import add_annotation
from deepwas_app.workflow.results.evaluation import evaluate
from deepwas_app.workflow.results.heritability import run_heritability
from deepwas_app.workflow.results.locus import opened
from deepwas_app.workflow.results.posterior import posterior
from deepwas_app.workflow.runs.run import open_run
from deepwas_app.workflow.runs.train import train
from deepwas_app.workflow.settings import TrainSettings
from deepwas_app.workflow.studies.build import build_study

# A study, a finished run, one that was stopped after two of its four epochs, and an LD panel.
OLD = Path(__file__).parents[2] / "data" / "version_0_1_0.zip"


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("old")
    with zipfile.ZipFile(OLD) as archive:
        archive.extractall(folder)
    return folder


def reversed_annotations(study: xr.Dataset) -> xr.Dataset:
    values = study["variant_annotation"].values[::-1]
    return study.assign(variant_annotation=(("variants", "annotations"), values))


def test_what_an_older_version_wrote_opens_and_is_evaluated(old: Path, capsys):
    study, run = opened(old / "old.study.zarr", old / "finished.run")
    assert content_hash(study) == study.attrs["content_hash"] == run.study_hash
    assert "variable_hashes" not in study.attrs
    assert run_heritability(study, run).sum() == pytest.approx(0.2705231, rel=1e-4)
    assert evaluate([run])["gain"].item() == pytest.approx(0.0100402, rel=1e-4)
    assert np.isfinite(posterior(study, run)["variant_posterior_mean"]).all()
    for name in ("old.study.zarr", "finished.run", "begun.run", "old.ld.zarr"):
        assert main(["info", str(old / name), "--json"]) == 0
        assert json.loads(capsys.readouterr().out.splitlines()[-1])
    with pytest.raises(InputError, match="was trained on another study"):
        run.check_study(reversed_annotations(study))


@pytest.mark.parametrize(
    ("command", "rows"),
    [
        (["effects", "--study", "old.study.zarr", "-o", "-"], 3),
        (["finemap", "--study", "old.study.zarr", "--region", "1:1-2000000", "-o", "-"], 100),
        (["export", "--study", "old.study.zarr", "--weights", "-"], 500),
    ],
)
def test_commands_take_a_run_of_an_older_version(old: Path, command, rows, monkeypatch, capsys):
    monkeypatch.chdir(old)
    assert main([command[0], "finished.run", *command[1:]]) == 0
    assert len(capsys.readouterr().out.splitlines()) == rows + 1


def test_a_panel_of_an_older_version_serves_a_study(old: Path, tmp_path: Path):
    panel = open_panel(old / "old.ld.zarr")
    assert panel.attrs["report"][-1] == {"step": "In the LD panel", "variants": 40, "kind": "out"}
    gwas = pd.DataFrame({"SNP": panel["variant_id"].values.astype(str), "A1": "A", "A2": "G"})
    gwas.assign(Z=1.0, N=1000).to_csv(tmp_path / "gwas.tsv", sep="\t", index=False)
    path = build_study(
        sumstats=tmp_path / "gwas.tsv", ld=panel, output=str(tmp_path / "new.study.zarr")
    )
    assert int(open_study_store(path)["variant_scored"].sum()) == 40


def test_a_run_of_an_older_version_goes_on_to_where_it_would_have_ended(old: Path, tmp_path: Path):
    path = tmp_path / "begun.run"
    shutil.copytree(old / "begun.run", path)
    study = open_study_store(old / "old.study.zarr")
    resumed = train(study, open_run(path).settings, path, resume=True)
    straight = open_run(old / "finished.run")
    assert resumed.finished
    # Not to the last digit: learned noise has a weak prior since.
    np.testing.assert_allclose(
        resumed.metrics()["train_loss"], straight.metrics()["train_loss"], rtol=1e-4
    )
    assert resumed.summary["h2"] == pytest.approx(straight.summary["h2"], rel=1e-3)


def test_a_study_that_is_as_it_was_written_has_the_hash_of_its_store(small_study: xr.Dataset):
    written = small_study.attrs["content_hash"]
    opened = open_study_store(small_study.attrs["path"])
    for same in (
        opened,
        opened.load(),
        opened.assign_attrs(title="another"),
        opened.assign(more=("variants", np.zeros(opened.sizes["variants"]))),
        opened.assign(variant_z=opened["variant_z"].astype(np.float64)),
        reversed_annotations(reversed_annotations(opened)),
    ):
        assert content_hash(same) == written


def test_an_altered_study_has_another_hash(small_study: xr.Dataset):
    opened = open_study_store(small_study.attrs["path"])
    written = content_hash(opened)
    one = opened["variant_annotation"].values.copy()
    one[3217, 4] += 1
    altered = [
        reversed_annotations(opened),
        opened.assign(variant_annotation=(("variants", "annotations"), one)),
        opened.isel(variants=slice(None, None, -1)),
        opened.isel(annotations=slice(1, None)),
        opened.assign(variant_z=-opened["variant_z"]),
    ]
    hashes = [content_hash(study) for study in altered]
    assert len({written, *hashes}) == len(altered) + 1
    assert hashes == [content_hash(study.copy()) for study in altered]


def test_annotations_that_are_changed_in_place_are_noticed(small_study: xr.Dataset):
    opened = open_study_store(small_study.attrs["path"])
    assert content_hash(opened) == small_study.attrs["content_hash"]
    values = opened["variant_annotation"].values
    values[:] = values[::-1].copy()
    assert content_hash(opened) != small_study.attrs["content_hash"]
    values[:] = values[::-1].copy()
    assert content_hash(opened) == small_study.attrs["content_hash"]
    values[3217, 4] += 1
    assert content_hash(opened) != small_study.attrs["content_hash"]


def test_a_study_that_is_shown_is_hashed_once_and_cannot_be_changed_in_place(small_study):
    opened = open_study_store(small_study.attrs["path"])
    assert study_hash(opened) == content_hash(opened) == small_study.attrs["content_hash"]
    for name in ("variant_annotation", "variant_z", "variant_id"):
        with pytest.raises(ValueError, match="read-only"):
            opened[name].values[3] = opened[name].values[4]
    more = add_annotation(opened, "Mine", np.ones(opened.sizes["variants"]))
    assert study_hash(more) != study_hash(opened) == small_study.attrs["content_hash"]


def test_a_store_that_was_changed_on_disk_is_noticed(small_study, small_runs, tmp_path: Path):
    import zarr

    path = tmp_path / "changed.study.zarr"
    shutil.copytree(small_study.attrs["path"], path)
    small_runs.linear.check_study(open_study_store(path))
    annotation = zarr.open_array(path / "variant_annotation", zarr_format=2)
    annotation[:] = annotation[:][::-1]
    with pytest.raises(InputError, match="variant_annotation is damaged"):
        small_runs.linear.check_study(open_study_store(path))
    # As of a version without checksums.
    (path / ".checksums").unlink()
    for name in (".zattrs", ".zmetadata"):
        text = (path / name).read_text()
        (path / name).write_text(text.replace('"checksums": true', '"checksums": false'))
    with pytest.raises(InputError, match="trained on another study"):
        small_runs.linear.check_study(open_study_store(path))


def test_another_number_of_annotations_is_one_line(small_study, small_runs):
    fewer = small_study.isel(annotations=slice(2, None))
    with pytest.raises(InputError, match=r"with 9 annotations, not on .*, which has 7\. Name"):
        run_heritability(fewer, small_runs.linear)


def test_a_run_on_an_added_annotation_belongs_to_it(small_study, small_runs, tmp_path: Path):
    values = np.random.default_rng(0).standard_normal(small_study.sizes["variants"])
    ids = small_study["variant_id"].values
    mine = add_annotation(small_study, "Mine", values)
    assert mine["annotation"].values[-1] == "Mine"
    assert mine["annotation_kind"].values[-1] == "continuous"
    # In whatever order a Series has them.
    series = pd.Series(values, ids).sample(frac=1, random_state=1)
    assert content_hash(add_annotation(small_study, "Mine", series)) == content_hash(mine)
    run = train(mine, TrainSettings(prior="linear", epochs=1), tmp_path / "mine.run")
    again = open_run(run.path)
    again.check_study(add_annotation(open_study_store(small_study.attrs["path"]), "Mine", values))
    for other in (small_study, add_annotation(small_study, "Mine", -values)):
        with pytest.raises(InputError, match="another study"):
            again.check_study(other)
    with pytest.raises(InputError, match="another study"):
        small_runs.linear.check_study(mine)


def test_annotations_that_do_not_fit_are_refused(small_study: xr.Dataset):
    ids = small_study["variant_id"].values
    known = str(small_study["annotation"].values[0])
    ones = np.ones(len(ids))
    for name, values, reason in (
        (known, ones, "annotation of this name"),
        ("Mine", ones[1:], "one value for each"),
        ("Mine", pd.Series(ones[1:], ids[1:]), f"1 variants have no value, such as {ids[0]}"),
        ("Mine", pd.Series([1.0, 2.0], [ids[0]] * 2), f"several values for {ids[0]}"),
    ):
        with pytest.raises(InputError, match=reason):
            add_annotation(small_study, name, values)
    assert add_annotation(small_study, "Mine", ones)["annotation_kind"].values[-1] == "binary"
