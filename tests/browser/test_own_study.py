"""A visitor builds a study from a GWAS whose columns do not say which allele counts."""

from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from deepwas_app.genetics.builtin import data_dir

SECOND = 1000
LONG = "Standard_error_of_the_effect_in_the_mixed_model_of_the_third_release_with_covariates"


@pytest.fixture
def gwas(tmp_path: Path) -> Path:
    """The built-in GWAS by other names: of A1 and A2 either may count, and one name is unknown."""
    table = pd.read_csv(data_dir() / "height_chr22" / "height.fastGWA.gz", sep="\t")
    path = tmp_path / "mine.tsv"
    names = {"POS": "BP", "AF1": "FRQ", "SE": LONG}
    table.drop(columns="P").rename(columns=names).to_csv(path, sep="\t", index=False)
    return path


def name(page: Page, label: str, path: object) -> None:
    box = page.get_by_role("textbox", name=label)
    box.fill(str(path))
    box.press("Enter")


def test_columns_of_a_file_are_chosen_and_the_study_is_built_with_them(
    page: Page, dashboard_url: str, screenshots: Path, gwas: Path, tmp_path: Path, height
):
    folder = data_dir() / "height_chr22"
    page.goto(f"{dashboard_url}?page=study")
    page.get_by_role("button", name="Build from your files").click()
    wait = {"timeout": 30 * SECOND}

    # A file that tells nothing is one line
    (tmp_path / "empty.tsv").touch()
    name(page, "Summary statistics: path", tmp_path / "empty.tsv")
    expect(page.get_by_text("empty.tsv: is empty")).to_be_visible(**wait)

    # What is understood, column by column; one is not found by its name
    name(page, "Summary statistics: path", gwas)
    expect(page.get_by_text("No column has a name that is known for standard")).to_be_visible(
        **wait
    )
    counted = page.get_by_role("combobox", name="Allele that the effect counts")
    expect(counted).to_have_text("A1")
    expect(page.get_by_text(f"Not used: {LONG}")).to_be_visible()
    page.screenshot(path=screenshots / "columns-asked.png")
    page.get_by_role("combobox", name="Standard error of the effect").click()
    page.locator("li").filter(has_text=LONG).click()
    expect(page.get_by_text("0.00337976, 0.00162993, 0.00324272 (as you say)")).to_be_visible(
        **wait
    )
    expect(page.get_by_text("which allele the effect counts, A1 or A2")).to_be_visible()

    # The allele is said otherwise, and its partner follows
    counted.click()
    page.locator("li").filter(has_text="A2").click()
    expect(page.get_by_role("combobox", name="The other allele")).to_have_text("A1", **wait)
    expect(page.get_by_text("which allele the effect counts, A1 or A2")).to_be_hidden()
    page.screenshot(path=screenshots / "columns-said.png")

    # Which is wrong, and so the frequencies mirror the panel's: no study
    name(page, "Name of the study", "Mine")
    name(page, "Genotypes: path", folder / "genotypes")
    name(page, "LD blocks: path", folder / "blocks.bed")
    build = page.get_by_role("button", name="Build the study")
    build.click()
    mirrored = page.get_by_text("allele frequencies mirror the panel's")
    expect(mirrored.first).to_be_visible(timeout=90 * SECOND)

    # Said rightly, it is built, and opened
    counted.click()
    page.locator("li").filter(has_text="A1").click()
    expect(page.get_by_role("combobox", name="The other allele")).to_have_text("A2", **wait)
    build.click()
    expect(page.locator("header").get_by_text("Mine")).to_be_visible(timeout=90 * SECOND)
    expect(page.get_by_text("15,792")).to_be_visible(**wait)
    page.screenshot(path=screenshots / "columns-built.png")
