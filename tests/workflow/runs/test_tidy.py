"""Runs are renamed, removed and annotated, and refuse what would lose something."""

import json
import shutil
from pathlib import Path

import pytest

from deepwas_app.errors import InputError
from deepwas_app.genetics.locks import only_writer
from deepwas_app.workflow.results.evaluation import evaluate
from deepwas_app.workflow.runs.run import open_run
from deepwas_app.workflow.runs.run_files import unsound
from deepwas_app.workflow.runs.tidy import (
    LONGEST_NAME,
    LONGEST_NOTES,
    read_notes,
    remove_run,
    rename_run,
    write_notes,
)


@pytest.fixture
def run(small_runs, tmp_path: Path):
    return open_run(shutil.copytree(small_runs.linear.path, tmp_path / "linear.run"))


def test_a_run_has_its_new_name_everywhere(run, small_study):
    write_notes(run, "the first\ntry")
    before = run.model()
    renamed = rename_run(run, " with <b> & more ")
    assert renamed.name == "with <b> & more"
    assert not run.path.exists()
    assert evaluate([renamed])["run"].tolist() == ["with <b> & more"]
    assert json.loads((renamed.path / "run.json").read_text())["summary"]["run"] == renamed.name
    assert read_notes(renamed) == "the first\ntry"
    assert list(unsound(renamed.path)) == []
    assert float(renamed.model().s2) == float(before.s2)
    renamed.check_study(small_study)


@pytest.mark.parametrize(
    "name", ["", "  ", "../out", "a/b", "a\\b", "C:x", ".hidden", "a\nb", "x" * (LONGEST_NAME + 1)]
)
def test_a_name_that_is_none_is_refused(run, name):
    with pytest.raises(InputError):
        rename_run(run, name)
    assert run.path.exists()


def test_another_run_is_not_overwritten(run):
    other = shutil.copytree(run.path, run.path.with_name("other.run"))
    with pytest.raises(InputError, match="of this name already"):
        rename_run(run, "other")
    assert run.path.exists()
    assert other.exists()


def test_what_is_being_trained_is_neither_renamed_nor_removed(run):
    with only_writer(run.path):
        with pytest.raises(InputError):
            rename_run(run, "other")
        with pytest.raises(InputError):
            remove_run(run)
    assert run.path.exists()
    remove_run(run)
    assert [path.name for path in run.path.parent.iterdir()] == []


def test_notes_have_an_end_and_can_be_taken_back(run):
    assert read_notes(run) == ""
    write_notes(run, "x")
    with pytest.raises(InputError, match="at most"):
        write_notes(run, "x" * (LONGEST_NOTES + 1))
    assert read_notes(run) == "x"
    write_notes(run, " ")
    assert not (run.path / "notes.txt").exists()
