"""What is uploaded into the form of an own study: kept while it is needed, and no longer."""

from pathlib import Path

import pytest

from deepwas_app.app.cards.load_own import OwnStudyForm
from deepwas_app.app.cards.uploads import Chooser
from deepwas_app.app.jobs import JOBS, Status
from deepwas_app.app.pages.export import genotypes_of
from deepwas_app.app.state import AppState
from deepwas_app.app.upload_folder import UploadFolder, label
from deepwas_app.errors import InputError
from deepwas_app.genetics.builtin import data_dir

HEIGHT = data_dir() / "height_chr22"


def upload(source, *paths: Path) -> None:
    """As the browser does it."""
    content, names = [path.read_bytes() for path in paths], [path.name for path in paths]
    many = source.chooser.multiple
    source.chooser.param.update(
        value=content if many else content[0],
        filename=names if many else names[0],
        mime_type=[""] * len(names) if many else "",
    )


@pytest.fixture
def form(data_root) -> OwnStudyForm:
    """A form with uploads for all that it needs."""
    form = OwnStudyForm(AppState())
    form.title.value = "Mine"
    upload(form.sumstats, HEIGHT / "height.fastGWA.gz")
    upload(form.genotypes, *(HEIGHT / f"genotypes.{ending}" for ending in ("bed", "bim", "fam")))
    upload(form.blocks, HEIGHT / "blocks.bed")
    return form


def build(form: OwnStudyForm):
    form._submit(None)
    job = JOBS.jobs[-1]
    assert job.wait(120)
    form.refresh()
    return job


def test_an_error_in_the_form_keeps_the_uploads(form, data_root):
    for field, wrong in ((form.people, "many"), (form.cases, "-3")):
        field.value = wrong
        form._submit(None)
        field.value = ""
    form.source.value = "sbayesrc"
    form._submit(None)
    assert form.state.notice[1].startswith("LD: no path")
    form.source.value = "bfile"
    (data_root / "Mine.study.zarr").mkdir(parents=True)
    form._submit(None)
    assert "exists already" in form.state.notice[1]
    assert form.sumstats.names == ["height.fastGWA.gz"]
    assert len(form.genotypes.names) == 3
    assert not (data_root / "uploads").exists()
    assert not JOBS.jobs


def test_genotypes_of_which_one_is_missing_are_kept(form):
    upload(form.genotypes, HEIGHT / "genotypes.bed", HEIGHT / "genotypes.bim")
    form._submit(None)
    assert form.state.notice[1].startswith("Genotypes: no .fam file")
    assert form.genotypes.names == ["genotypes.bed", "genotypes.bim"]


def test_uploads_are_there_after_a_failure_and_gone_after_a_study(form, data_root):
    form.genotypes.path.value = "/elsewhere/people"
    form.annotations.path.value = "nowhere.bed"
    assert build(form).status is Status.FAILED
    assert not form.button.disabled
    assert Path(form.sumstats.path.value).read_bytes()
    assert Path(form.genotypes.path.value).parent.parent == form.state.uploads.path
    assert form.state.uploads.path.parent == data_root / "uploads"
    form.annotations.path.value = ""
    job = build(form)
    assert job.status is Status.DONE, job.error
    assert (form.sumstats.path.value, form.blocks.path.value) == ("", "")
    # Those that the Export page offers to score.
    kept = {path.suffix for path in data_root.glob("uploads/*/*/*")}
    assert kept == {".bed", ".bim", ".fam"}
    opened = form.state.opening
    assert opened.wait(60)
    assert genotypes_of(opened.result, form.state.places) == form.genotypes.path.value
    form.state.uploads.close()
    assert not list(data_root.glob("uploads/*"))
    assert genotypes_of(opened.result, form.state.places) == ""


@pytest.mark.parametrize(
    "name",
    ["../../x", "/etc/passwd", "..", ".", "", "a\0b", "*", "{CHR}", "x" * 400 + ".tsv.gz", "é" * 90,
     "C:\\x\\y.bed", "\u202egnp.exe", ".hidden", "a/b/c", "-o", "x\ny"],
)  # fmt: skip
def test_names_from_a_browser_are_labels(tmp_path, name):
    uploads = UploadFolder(tmp_path / "up")
    first, second = uploads.write([(name, b"1"), (name, b"2")])
    assert first.parent == second.parent
    assert first.parent.parent == uploads.path
    assert (first.read_bytes(), second.read_bytes()) == (b"1", b"2")
    assert not set(first.name) & set("*?[]{}#,~/\\")
    assert not first.name.startswith((".", "~"))
    assert [path for path in tmp_path.iterdir()] == [tmp_path / "up"]


def test_endings_of_names_stay():
    assert label("x" * 400 + ".tsv.gz").endswith("x.tsv.gz")
    assert label("my data (1).bed") == "my data _1_.bed"


def test_uploads_are_limited_before_they_are_kept(monkeypatch, form, tmp_path):
    monkeypatch.setenv("DEEPWAS_UPLOAD_LIMIT", "0.001")
    uploads = UploadFolder(tmp_path / "up")
    uploads.write([("a", b"x" * 900)])
    with pytest.raises(InputError, match="more than the 0 MB"):
        uploads.write([("b", b"x" * 200)])
    assert len(list(uploads.path.rglob("*"))) == 2
    chooser = Chooser()
    chunk = {"name": "a", "chunk": 1, "total_chunks": 2, "mime_type": ""}
    chooser._process_chunk(chunk | {"data": b"x" * 900})
    with pytest.raises(InputError, match="is more than"):
        chooser._process_chunk(chunk | {"chunk": 2, "data": b"x" * 200})
    assert not chooser._file_buffer
    assert "up to 0 MB" in OwnStudyForm(AppState()).sumstats.chooser.label


def test_what_cannot_be_written_leaves_nothing(monkeypatch, tmp_path):
    uploads = UploadFolder(tmp_path / "up")

    def full(self, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match="No space left"):
        uploads.write([("a", b"1")])
    assert not list(uploads.path.iterdir())


def test_uploads_outlive_the_session_where_a_job_reads_them(tmp_path):
    uploads = UploadFolder(tmp_path / "up")
    (path,) = uploads.write([("a", b"1")])
    uploads.hold()
    uploads.close()
    assert path.exists()
    uploads.release()
    assert not uploads.path.exists()


def test_annotations_that_are_uploaded_come_after_those_on_the_server(form, tmp_path):
    extra = tmp_path / "a,b.bed"
    extra.write_text("22\t1\t2\n")
    form.annotations.path.value = "/data/one.bed, /data/two.bed"
    upload(form.annotations, extra)
    study, _ = form._collect()
    assert study.annotations[:2] == ["/data/one.bed", "/data/two.bed"]
    assert Path(study.annotations[2]).read_text() == "22\t1\t2\n"
    assert len(study.annotations) == 3


def test_what_errors_ask_for_can_be_said_in_the_form(form):
    form.cases.value, form.controls.value = "1,000", "9000"
    form.columns.said = {"z": "ZSCORE", "n": "NEFF"}
    form.chain.value = "/data/hg38ToHg19.over.chain.gz"
    form.settings.build = "hg38"
    study, panel = form._collect()
    assert (study.cases, study.controls) == (1000, 9000)
    assert study.column == ["z=ZSCORE", "n=NEFF"]
    assert study.chain == "/data/hg38ToHg19.over.chain.gz"
    # The GWAS's build is not that of the LD.
    assert (study.build, panel.build) == ("hg38", "hg19")


@pytest.mark.parametrize(("source", "build"), [("ldgm", ""), ("ukbb", ""), ("prscs", "hg38")])
def test_the_build_of_the_ld_is_asked_for_where_its_files_do_not_say_it(form, source, build):
    form.source.value = source
    form.ld.value, form.ld_build.value = "/data/ld", "hg38"
    assert form.ld_build.visible == bool(build)
    assert form._collect()[1].build == build
