"""What is understood of a GWAS file, on the page where a study is built."""

from pathlib import Path

import pytest

from deepwas_app.app.cards.load_own import OwnStudyForm
from deepwas_app.app.state import AppState

ROWS = "rs1\t1\t9\tA\tG\t.3\t1\t2\t.6\t9\nrs2\t1\t99\tC\tG\t.3\t1\t2\t.6\t9\n"
OPEN = "SNP\tCHR\tBP\tA1\tA2\tFRQ\tBETA\tSE\tP\tN\n" + ROWS


@pytest.fixture
def form() -> OwnStudyForm:
    return OwnStudyForm(AppState())


def look(form: OwnStudyForm, path: Path, content: str):
    path.write_text(content)
    form.sumstats.path.value = str(path)
    return form.columns


def words(column) -> str:
    return " ".join(str(problem.object) for problem in column.objects)


def test_a_file_is_shown_column_by_column_and_may_be_said_otherwise(form, tmp_path):
    choices = look(form, tmp_path / "gwas.tsv", OPEN)
    assert choices._layout.visible
    assert choices.selects["effect_allele"].value == "A1"
    assert "A, C (not certain: it or A2)" in choices._notes["effect_allele"].object
    assert "A1 or A2" in words(choices._problems)
    assert choices.words == []
    choices.selects["effect_allele"].value = "A2"
    # The partner follows, and is not said.
    assert choices.selects["other_allele"].value == "A1"
    assert choices.words == ["effect_allele=A2"]
    assert choices._problems.objects == []
    choices.selects["frequency"].value = ""
    assert choices.words == ["effect_allele=A2", "frequency=-"]
    assert "Not used: FRQ" in choices._summary.object
    # The same file again, such as an upload that was saved, keeps what was said; another does not.
    other = tmp_path / "saved"
    other.mkdir()
    assert look(form, other / "gwas.tsv", OPEN).words == ["effect_allele=A2", "frequency=-"]
    assert look(form, tmp_path / "other.tsv", OPEN).words == []


def test_a_population_is_chosen_from_a_list(form, tmp_path):
    header = "chr\tpos\tref\talt\tbeta_AFR\tse_AFR\tbeta_EUR\tse_EUR\n"
    choices = look(form, tmp_path / "pan.tsv", header + "1\t9\tA\tG\t1\t2\t3\t4\n")
    assert list(choices.population.options) == ["choose one", "AFR", "EUR"]
    assert choices.population.visible
    assert choices.selects["beta"].value == ""
    assert "Choose one" in words(choices._problems)
    choices.population.value = "EUR"
    assert choices.selects["beta"].value == "beta_EUR"
    assert choices._problems.objects == []
    assert "No sample sizes" in choices._summary.object
    look(form, tmp_path / "gwas.tsv", OPEN)
    assert not choices.population.visible
    assert choices.population.value == ""


def test_an_upload_is_looked_at_before_it_is_saved(form, data_root):
    form.sumstats.chooser.param.update(
        value=OPEN.encode(), filename="mine.tsv", mime_type="text/plain"
    )
    assert form.columns.selects["effect_allele"].value == "A1"
    form.columns.selects["effect_allele"].value = "A2"
    form.sumstats.save()
    assert form.sumstats.path.value.endswith("mine.tsv")
    assert form.columns.words == ["effect_allele=A2"]


def test_a_file_that_cannot_be_read_is_one_line(form, tmp_path):
    choices = look(form, tmp_path / "gwas.tsv", OPEN)
    form.sumstats.path.value = str(tmp_path / "gone.tsv")
    assert "no such file" in words(choices._problems)
    assert choices.selects == {}
    form.sumstats.path.value = str(tmp_path / "gw*.tsv")
    assert choices.selects["effect_allele"].value == "A1"
    form.sumstats.path.value = ""
    assert not choices._layout.visible


def test_a_file_of_no_known_columns_asks_once_and_is_understood_as_it_is_chosen(form, tmp_path):
    names = [f"column_{i}" for i in range(12)]
    rows = ["rs1", "A", "G", "1.5", "900", *["x"] * 7]
    choices = look(form, tmp_path / "gwas.tsv", "\t".join(names) + "\n" + "\t".join(rows) + "\n")
    [asked] = choices._problems.objects
    assert asked.object.startswith("No column has a name that is known for id, or chromosome")
    assert "effect allele; z, beta or odds ratio; standard error or P. Choose" in asked.object
    assert "column_7 and 4 more" in choices._summary.object
    chosen = {"id": 0, "effect_allele": 1, "other_allele": 2, "z": 3, "n": 4}
    for role, column in chosen.items():
        choices.selects[role].value = names[column]
    assert choices._problems.objects == []
    assert choices.words == [f"{role}=column_{i}" for role, i in chosen.items()]
