"""Reports of loci: which loci, and which files with what in them."""

import re

import pandas as pd
import pytest

import deepwas_app as dw
from deepwas_app.cli import main
from deepwas_app.errors import InputError
from deepwas_app.provenance import ENDING


@pytest.fixture
def unseen(monkeypatch):
    """No browser, which takes seconds a picture."""
    monkeypatch.setattr("deepwas_app.reporting.browser", lambda: None)


def test_a_report_has_a_page_and_a_table_of_each_locus(small_study, small_runs, tmp_path, unseen):
    leads = small_study["variant_id"].values[[100, 700]].astype(str)
    page = dw.report(small_study, small_runs.linear, tmp_path / "mine", loci=list(leads))
    files = sorted(file.name for file in page.parent.iterdir())
    stems = [f"locus_{i + 1:02d}_{name}".replace(":", "_") for i, name in enumerate(leads)]
    wanted = ["loci.tsv", "report.html", *(f"{stem}.tsv" for stem in stems)]
    # Beside each what it was made by.
    assert {name for name in files if not name.endswith(ENDING)} == {*wanted}
    loci = pd.read_csv(page.parent / "loci.tsv", sep="\t")
    assert loci["SNP"].tolist() == list(leads)
    assert loci["BEST_PIP"].notna().all()
    variants = pd.read_csv(page.parent / f"{stems[0]}.tsv", sep="\t")
    assert leads[0] in set(variants["SNP"])
    assert {"PIP", "PIP_UNIFORM"} <= set(variants)
    words = page.read_text()
    assert words.count("<section>") == 2
    assert not re.search(r'(src|href)="', words.partition("</style>")[2])


def test_a_report_by_command_without_a_run(small_study, tmp_path, unseen, capsys):
    path, folder = str(small_study.attrs["path"]), tmp_path / "plain"
    place = "1:1-400000"
    assert main(["report", "--study", path, "--loci", place, "-o", str(folder)]) == 0
    (table,) = folder.glob("locus_*.tsv")
    found = pd.read_csv(table, sep="\t")
    assert list(found) == ["CHR", "SNP", "BP", "A1", "A2", "Z", "P"]
    assert found["BP"].max() <= 400_000
    assert "report.html" in capsys.readouterr().err
    # A folder that is in use stays as it is.
    assert main(["report", "--study", path, "--loci", place, "-o", str(folder)]) == 1


def test_places_that_are_not_there_are_refused_before_anything_is_written(small_study, tmp_path):
    with pytest.raises(InputError, match="nor a variant"):
        dw.report(small_study, (), tmp_path / "none", loci=["rs_nowhere"])
    assert not (tmp_path / "none").exists()


def test_names_of_a_study_are_text_on_the_page(small_study, tmp_path, unseen):
    study = small_study.assign_attrs(title="<script>alert(1)</script>")
    lead = str(small_study["variant_id"].values[5])
    page = dw.report(study, (), tmp_path / "text", loci=[lead])
    assert "<script>alert(1)" not in page.read_text()
