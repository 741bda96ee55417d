"""Building a study from a person's own files, as the form does."""

import pytest

from deepwas_app.app.cards.load_own import OwnStudyForm
from deepwas_app.app.cards.uploads import check_genotypes, genotype_prefix, save_upload
from deepwas_app.app.jobs import JOBS, Status
from deepwas_app.app.state import AppState
from deepwas_app.app.upload_folder import UploadFolder
from deepwas_app.errors import InputError
from deepwas_app.genetics.builtin import data_dir


def latest():
    return JOBS.jobs[-1]


def test_a_form_without_files_says_which_one_is_missing():
    form = OwnStudyForm(AppState())
    form._submit(None)
    assert form.state.notice[1].startswith("Summary statistics: no file")
    assert not JOBS.jobs


def test_a_study_from_paths_on_the_server(data_root):
    folder = data_dir() / "height_chr22"
    state = AppState()
    form = OwnStudyForm(state)
    form.title.value = "My height"
    form.sumstats.path.value = str(folder / "height.fastGWA.gz")
    form.genotypes.path.value = str(folder / "genotypes")
    form.blocks.path.value = str(folder / "blocks.bed")
    form.people.value = "450,000"
    form._submit(None)
    job = latest()
    assert job.wait(120)
    assert job.status is Status.DONE, job.error
    fractions = [event.fraction for event in job.events]
    assert fractions == sorted(fractions)
    assert job.result == str(data_root / "My-height.study.zarr")
    form.refresh()
    assert state.opening is not None
    assert state.opening.wait(60)
    state.check_opening()
    assert state.study.attrs["title"] == "My height"
    form._submit(None)
    assert "exists already" in state.notice[1]


def test_a_wrong_file_is_one_line(data_root, tmp_path):
    wrong = tmp_path / "wrong.tsv"
    wrong.write_text("a\tb\n1\t2\n")
    folder = data_dir() / "height_chr22"
    state = AppState()
    form = OwnStudyForm(state)
    form.sumstats.path.value = str(wrong)
    form.genotypes.path.value = str(folder / "genotypes")
    form.blocks.path.value = str(folder / "blocks.bed")
    form._submit(None)
    job = latest()
    assert job.wait(120)
    form.refresh()
    assert state.notice[0] == "error"
    assert "wrong.tsv" in state.notice[1]
    assert not list(data_root.glob("*.study.zarr"))


def test_a_number_that_is_none():
    form = OwnStudyForm(AppState())
    form.sumstats.path.value = "x"
    form.people.value = "many"
    form._submit(None)
    assert "'many' is not a number" in form.state.notice[1]


def test_uploads_are_written_under_their_own_name_only(tmp_path):
    form = OwnStudyForm(AppState())
    chooser = form.genotypes.chooser
    chooser.param.update(
        value=[b"1", b"2", b"3"], filename=["../../a.bed", "b.bim", "c.fam"], mime_type=["", "", ""]
    )
    paths = save_upload(UploadFolder(tmp_path / "up"), chooser)
    (folder,) = {path.parent for path in paths}
    assert folder.parent.parent == tmp_path / "up"
    assert chooser.value is None
    assert genotype_prefix(paths) == str(folder / "a")
    assert (folder / "a.fam").read_bytes() == b"3"


def test_genotypes_need_all_three_files():
    with pytest.raises(InputError, match=r"no \.bim and no \.fam"):
        check_genotypes(["a.bed"])


def test_other_sources_of_ld_are_paths_on_the_server():
    form = OwnStudyForm(AppState())
    form.sumstats.path.value = "x"
    form.source.value = "sbayesrc"
    assert form.ld.visible
    form._submit(None)
    assert form.state.notice[1].startswith("LD: no path")
    form.ld.value = "/data/ukbEUR_HM3"
    form.excluded.value = "mhc"
    study, panel = form._collect()
    assert (panel.sbayesrc, panel.bfile, panel.blocks) == ("/data/ukbEUR_HM3", "", "")
    assert study.exclude_regions == ["mhc"]
