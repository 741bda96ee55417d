"""Which files of the server a visitor may name, and what they are told of others."""

import json
import os
import shutil
from pathlib import Path

import pybigtools
import pytest

from deepwas_app.app import store
from deepwas_app.app.cards.load_own import OwnStudyForm
from deepwas_app.app.cards.scores import ScoreForm
from deepwas_app.app.jobs import JOBS, Status
from deepwas_app.app.pages.export import genotypes_of
from deepwas_app.app.places import Places
from deepwas_app.app.state import AppState
from deepwas_app.errors import InputError
from deepwas_app.genetics.annotation.tracks import write_tracks
from deepwas_app.genetics.builtin import data_dir
from deepwas_app.workflow.studies.track_store import tracks_path

SECRET = "SECRET-OF-THE-SERVER\tx\n1\t2\n"


@pytest.fixture
def root(data_root: Path) -> Path:
    """A data root with honest files, and links that lead out of it."""
    data_root.mkdir(parents=True)
    for name in ("chr1.tsv", "chr2.tsv", "people.bed", "people.bim", "a#b.bed"):
        (data_root / name).write_text("x\n")
    (data_root / "inner").mkdir()
    (data_root / "inner" / "file.tsv").write_text("x\n")
    (data_root / "alias.tsv").symlink_to(data_root / "chr1.tsv")
    return data_root


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "secret.tsv").write_text(SECRET)
    return folder


def refusal(places: Places, words: str) -> str:
    with pytest.raises(InputError) as problem:
        places.admit(words)
    return str(problem.value)


@pytest.mark.parametrize(
    "words",
    [
        "chr1.tsv",
        "chr{CHR}.tsv",
        "*.tsv",
        "inner",
        "inner/*",
        "nothing.tsv",
        "people",
        "alias.tsv",
        "chr1.tsv#5",
        "a#b.bed",
    ],
)
def test_what_is_inside_is_admitted_by_its_whole_path(root, words):
    assert Places([root]).admit(words) == f"{root}/{words}"
    assert Places([root]).admit(f"{root}/{words}") == f"{root}/{words}"


def test_words_that_are_no_path_stay(root):
    assert [Places([root]).admit(words) for words in ("", "genes")] == ["", "genes"]


def test_what_is_outside_is_refused_in_the_same_words_whether_it_is_there_or_not(root, outside):
    there, missing = f"{outside}/secret.tsv", f"{outside}/absent.tsv"
    os.chdir(root)
    up = f"../{outside.name}"
    for pattern in ("{}", "chr1.tsv#{}", f"{root}/../x/../..{{}}"):
        said = [
            refusal(Places([root]), pattern.format(path)).replace(path, "PATH")
            for path in (there, missing)
        ]
        assert said[0] == said[1]
        assert "SECRET" not in said[0]
    for words in (
        f"{up}/secret.tsv",
        f"{up}/absent.tsv",
        "inner/../../elsewhere/secret.tsv",
        f"{outside}/*.tsv",
        f"{outside}/none*.tsv",
        f"{outside}/secret{{CHR}}.tsv",
        "*/../../elsewhere/*",
        "/etc/passwd",
        "/",
        "~",
        "~/x",
        "~root/x",
        "~nobody-of-this-name/x",
        "~/.ssh/id_rsa",
        "x\0y",
        "x" * 5000,
        "chr1.tsv#/etc/passwd",
        "chr1.tsv#~/x",
        "chr1.tsv#../x",
    ):
        assert "is not among the files that this server shows" in refusal(Places([root]), words)


@pytest.mark.parametrize("named", ["out.tsv", "*.tsv", "folder", "folder/*", "set", "wide", "w*"])
def test_links_that_lead_out_are_refused(root, outside, named):
    (root / "out.tsv").symlink_to(outside / "secret.tsv")
    (root / "folder").symlink_to(outside)
    # Genotypes are named by their prefix, and an LD folder holds a link.
    (root / "set.bed").write_text("x")
    (root / "set.bim").symlink_to(outside / "secret.tsv")
    (root / "wide" / "deep").mkdir(parents=True)
    (root / "wide" / "deep" / "link").symlink_to(outside / "absent.tsv")
    said = refusal(Places([root]), named)
    # In the same words when nothing is there any more.
    (outside / "secret.tsv").unlink()
    outside.rmdir()
    assert refusal(Places([root]), named) == said


def test_uploads_are_for_the_session_that_made_them(root):
    shared = root / "uploads"
    for name in ("mine", "others"):
        (shared / name).mkdir(parents=True)
        (shared / name / "x.tsv").write_text("x")
    places = Places([root], shared, shared / "mine")
    places.admit("uploads/mine/x.tsv")
    for words in ("uploads/others/x.tsv", "uploads/*/x.tsv", "uploads", "*"):
        refusal(places, words)


def test_a_person_alone_names_any_file(root, outside, monkeypatch):
    words = f"{outside}/secret.tsv"
    assert AppState().places.allows(words)
    assert not AppState(served=True).places.allows(words)
    monkeypatch.setenv("DEEPWAS_OPEN_DISK", "1")
    assert AppState(served=True).places.allows(words)


def opened(state: AppState, words: str):
    state.request(words)
    assert state.opening.wait(60)
    return state.opening


def test_an_address_opens_no_study_outside(root, small_study, monkeypatch):
    path = small_study.attrs["path"]
    there, missing = (opened(AppState(served=True), w) for w in (path, f"{path}x"))
    assert there.status is missing.status is Status.FAILED
    assert there.error.replace(path, "") == missing.error.replace(f"{path}x", "")
    assert opened(AppState(), path).status is Status.DONE
    # Who may not has nothing of a job of those who may.
    assert opened(AppState(served=True), path).status is Status.FAILED
    monkeypatch.setenv("DEEPWAS_STUDIES", path)
    assert opened(AppState(served=True), path).status is Status.DONE


def test_a_study_names_no_file_outside(root, small_study, outside, tmp_path):
    (outside / "x.bed").write_text("x")
    source = {"role": "genotypes", "path": str(outside / "x.bed")}
    study = small_study.assign_attrs(provenance=[source])
    assert genotypes_of(study, Places()) == str(outside / "x")
    assert genotypes_of(study, Places([root])) == ""


def test_tracks_of_a_study_are_read_from_no_file_outside(root, small_study, outside):
    mine, signal = root / "mine.study.zarr", outside / "secret.bw"
    shutil.copytree(small_study.attrs["path"], mine)
    lengths = {f"chr{name}": 10**9 for name in {*small_study["block_chromosome"].values}}
    spans = ((name, 0, 10, 1.0) for name in sorted(lengths))
    pybigtools.open(str(signal), "w").write(lengths, spans)
    list(write_tracks(tracks_path(mine), small_study, [signal], window=2, keep=False))
    there = opened(AppState(served=True), "mine.study.zarr")
    signal.unlink()
    missing = opened(AppState(served=True), "mine.study.zarr")
    assert there.status is missing.status is Status.FAILED
    assert str(there.error) == str(missing.error)
    assert "this server shows" in str(there.error)
    assert opened(AppState(), str(mine)).status is Status.DONE


def test_forms_read_nothing_outside(root, outside):
    state = AppState(served=True)
    form = OwnStudyForm(state)
    secret = str(outside / "secret.tsv")
    honest = data_dir() / "height_chr22"
    form.sumstats.path.value = secret
    shown = [alert.object for alert in form.columns._problems.objects]
    assert "this server shows" in str(shown)
    assert "SECRET" not in str(shown)

    def said() -> str:
        form._submit(None)
        return state.notice[1]

    for name in ("chr1.tsv", "people.bed"):
        (root / name).write_bytes((honest / "blocks.bed").read_bytes())
    form.genotypes.path.value = "people"
    assert f"{secret}: is not among" in said()
    form.sumstats.path.value = "chr1.tsv"
    form.genotypes.path.value = str(honest / "genotypes")
    assert f"{honest}/genotypes" in said()
    form.genotypes.path.value = "people"
    for box in (form.annotations.path, form.blocks.path, form.chain):
        box.value = secret
        assert secret in said()
        box.value = ""
    form.annotations.path.value = f"genes, {secret}"
    assert secret in said()
    form.annotations.path.value = ""
    form.source.value = "sbayesrc"
    form.ld.value = str(outside)
    assert str(outside) in said()
    assert "SECRET" not in str(state.messages)
    assert not JOBS.jobs


def test_scores_read_nothing_outside(root, outside, study_with_runs):
    state = AppState(served=True)
    state.show(study_with_runs, "x")
    form = ScoreForm(state, lambda: state.runs[0])
    secret = str(outside / "secret.tsv")
    form.genotypes.value = "people"
    for box in (form.genotypes, form.phenotype, form.covariates, form.others):
        before, box.value = box.value, secret
        form.start()
        assert f"{secret}: is not among" in state.notice[1]
        box.value = before
    assert not JOBS.jobs


def test_the_paths_of_messages_are_those_that_were_typed(root):
    assert json.dumps("~/x")[1:-1] in refusal(Places([root]), "~/x")
    assert store.data_root() == root
