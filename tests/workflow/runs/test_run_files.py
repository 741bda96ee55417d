"""Files of a run: damage is noticed, a kill does no harm, and one process writes at a time."""

import json
import shutil
from itertools import count
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from deepwas_app.cli import main
from deepwas_app.errors import InputError
from deepwas_app.workflow.runs.run import open_run
from deepwas_app.workflow.runs.run_files import read_file, read_index, replace_files
from deepwas_app.workflow.runs.sweep import scaling
from deepwas_app.workflow.runs.train import train
from deepwas_app.workflow.settings import ScalingSettings, TrainSettings
from deepwas_app.workflow.verify import verified

SMALL = {"prior": "mlp", "width": 4, "depth": 1, "epochs": 2}


def begun(study, path):
    """A run that was killed after its first epoch."""
    job = train.steps(study, TrainSettings(**SMALL), path)
    while next(job).checkpoint is None:
        pass
    job.close()
    return path


def test_what_is_damaged_or_lost_of_a_run_is_noticed_and_named(small_runs, tmp_path):
    path = shutil.copytree(small_runs.mlp.path, tmp_path / "m.run")
    assert verified(path).text == "4 files as written, none damaged or lost"
    run = open_run(path)
    readers = {
        "run.json": lambda: open_run(path),
        "metrics.parquet": run.metrics,
        "blocks.parquet": run.blocks,
        "weights.eqx": run.model,
    }
    assert set(readers) == set(read_index(path))
    rng = np.random.default_rng(0)
    for name, read in readers.items():
        whole = (path / name).read_bytes()
        for _ in range(16):
            bits = np.frombuffer(whole, np.uint8).copy()
            bits[rng.integers(len(bits))] ^= 1 << rng.integers(8)
            (path / name).write_bytes(bits.tobytes())
            with pytest.raises(InputError, match=rf"{name}: is damaged .*train again into a new"):
                read()
        (path / name).write_bytes(whole[:-5])
        with pytest.raises(InputError, match=rf"{name}: is damaged"):
            read()
        (path / name).unlink()
        with pytest.raises(InputError, match=rf"{name}: is lost"):
            read()
        assert any(name in line for line in verified(path).damaged)
        (path / name).write_bytes(whole)
    assert not verified(path).damaged


def test_a_lost_checkpoint_is_not_taken_for_a_run_without_one(small_study, tmp_path):
    path = begun(small_study, tmp_path / "m.run")
    (path / "checkpoint.eqx").unlink()
    for resume in (True, False):
        with pytest.raises(InputError, match=r"checkpoint\.eqx: is lost|exists already"):
            train(small_study, TrainSettings(**SMALL), path, resume=resume)
    assert (path / "weights.eqx").exists()


def test_a_kill_while_files_are_replaced_leaves_what_can_be_read(tmp_path, monkeypatch):
    files = {"a": b"old", "b": None, "gone": b"old"}
    later = {"a": b"new", "b": b"new", "gone": None}
    moves = {"replace": Path.replace, "unlink": Path.unlink}
    for moment in count():
        folder = tmp_path / str(moment)
        folder.mkdir()
        replace_files(folder, files)
        left = iter(range(moment))

        def dying(name, left=left):
            def call(*names, **known):
                if next(left, None) is None:
                    raise KeyboardInterrupt
                return moves[name](*names, **known)

            return call

        with monkeypatch.context() as patch:
            for name in moves:
                patch.setattr(Path, name, dying(name))
            try:
                replace_files(folder, later)
                ended = True
            except KeyboardInterrupt:
                ended = False
        for name in files:
            if (folder / name).exists():
                assert read_file(folder, name) in (b"old", b"new")
            else:
                with pytest.raises(FileNotFoundError):
                    read_file(folder, name)
        # As often as it is killed.
        replace_files(folder, later)
        assert read_index(folder).keys() == {"a", "b"}
        (folder / "a").unlink()
        with pytest.raises(InputError, match="a: is lost"):
            read_file(folder, "a")
        if ended:
            break
    assert moment > 4


@pytest.mark.parametrize("left", ["nothing", "a partial file", "its record"])
def test_an_empty_or_half_made_folder_is_trained_into_or_resumed(left, small_study, tmp_path):
    settings = TrainSettings(prior="linear")
    for resume in (False, True):
        path = tmp_path / f"{resume}.run"
        path.mkdir()
        if left == "a partial file":
            (path / ".partial-1-run.json").write_text("{")
        if left == "its record":
            job = train.steps(small_study, settings, path)
            next(job)
            kept = shutil.copytree(path, tmp_path / f"kept {resume}")
            job.close()
            shutil.move(kept, path)
        assert train(small_study, settings, path, resume=resume).finished
        assert not list(path.glob(".partial*"))


def test_what_else_is_in_a_folder_is_not_trained_into(small_study, tmp_path):
    (tmp_path / "m.run").mkdir()
    (tmp_path / "m.run" / "thesis").write_text("precious")
    for resume, why in ((False, "exists already"), (True, "not a run folder")):
        with pytest.raises(InputError, match=why):
            train(small_study, TrainSettings(**SMALL), tmp_path / "m.run", resume=resume)
    assert (tmp_path / "m.run" / "thesis").read_text() == "precious"


def test_a_half_made_run_does_not_hold_up_a_sweep(small_study, tmp_path):
    (tmp_path / "linear-likelihood-seed0.run").mkdir()
    found = scaling(small_study, ScalingSettings(sizes=["linear"]), tmp_path)
    assert len(found.table) == 2


def test_a_second_trainer_and_a_second_sweep_are_refused_by_name(small_study, tmp_path, capsys):
    path = tmp_path / "m.run"
    job = train.steps(small_study, TrainSettings(**SMALL), path)
    next(job)
    refusal = r"m\.run: process \d+ of \w+ on .*, since .*, writes to it"
    for resume in (False, True):
        with pytest.raises(InputError, match=refusal):
            train(small_study, TrainSettings(**SMALL), path, resume=resume)
    assert main(["train", small_study.attrs["path"], "-o", str(path)]) == 1
    assert "writes to it" in capsys.readouterr().err
    job.close()
    settings, folder = ScalingSettings(sizes=["linear"]), tmp_path / "sweep"
    sweep = scaling.steps(small_study, settings, folder)
    next(sweep)
    with pytest.raises(InputError, match=r"sweep: process \d+ of"):
        next(scaling.steps(small_study, settings, folder))
    sweep.close()
    assert not list(tmp_path.rglob("*.lock"))


def test_a_run_without_checksums_is_read_and_gone_on_with(small_study, tmp_path):
    path = begun(small_study, tmp_path / "m.run")
    (path / ".checksums").unlink()
    done = train(small_study, TrainSettings(**SMALL), path, resume=True)
    whole = train(small_study, TrainSettings(**SMALL), tmp_path / "whole.run")
    pd.testing.assert_frame_equal(done.metrics(), whole.metrics())
    assert json.loads((path / "run.json").read_text())["summary"]


def test_what_a_kill_leaves_in_a_run_or_sweep_is_removed(small_study, tmp_path):
    settings = ScalingSettings(sizes=["linear"], objectives=["likelihood"])
    scaling(small_study, settings, tmp_path)
    run = tmp_path / "linear-likelihood-seed0.run"
    before = sorted(tmp_path.rglob("*"))
    for folder in (tmp_path, run):
        (folder / ".partial-1-scaling.tsv").write_text("half")
    replace_files(run, {"checkpoint.eqx": b"left"})
    scaling(small_study, settings, tmp_path)
    assert sorted(tmp_path.rglob("*")) == before
    assert not verified(run).damaged
