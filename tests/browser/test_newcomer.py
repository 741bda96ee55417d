"""A newcomer uploads four files, builds a study of them, trains, looks, and takes a file away."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from deepwas_app.genetics.builtin import data_dir

SECOND = 1000


def turn_to(page: Page, name: str) -> None:
    page.get_by_role("navigation").get_by_role("button", name=name, exact=True).click()
    expect(page.get_by_role("heading", level=1, name=name)).to_be_visible(timeout=120 * SECOND)


def upload(page: Page, label: str, *names: str) -> None:
    """Choose files, as a browser's own window would."""
    folder = data_dir() / "height_chr22"
    chooser = page.get_by_role("button", name=label).first
    chooser.set_input_files([folder / name for name in names])


def test_from_four_files_to_weights(page: Page, dashboard_url: str, screenshots: Path):
    wait = {"timeout": 120 * SECOND}
    page.goto(f"{dashboard_url}?page=study&study=nowhere.study.zarr")
    expect(page.get_by_text("Choose a study above")).to_be_visible(**wait)
    page.screenshot(path=screenshots / "study-without-study.png")
    page.get_by_role("button", name="Build from your files").click()
    page.get_by_role("textbox", name="Name of the study").fill("Mine")
    upload(page, "Upload summary statistics", "height.fastGWA.gz")
    upload(page, "Upload genotypes", "genotypes.bed", "genotypes.bim", "genotypes.fam")
    expect(page.get_by_text(re.compile("Uploaded (3|genotypes)"))).to_be_visible(**wait)
    page.get_by_role("button", name="Build the study").click()
    expect(page.locator("header").get_by_text("Mine")).to_be_visible(**wait)
    expect(page.get_by_role("heading", name="Manhattan plot")).to_be_visible(**wait)

    # A number is one, or it is said that it is none; and Enter works also the second time
    turn_to(page, "Train")
    epochs = page.get_by_role("textbox", name="Epochs")
    epochs.fill("abc")
    epochs.press("Enter")
    expect(page.get_by_text("Epochs abc: give a whole number.").first).to_be_visible(**wait)
    epochs.fill("3")
    epochs.press("Enter")
    epochs.fill("2")
    epochs.press("Enter")

    # What is held out is clicked on the bar
    bar = page.get_by_role("group", name="Held-out LD blocks")
    first = bar.get_by_role("button").first
    expect(first).to_have_attribute("aria-pressed", "false")
    first.click()
    expect(bar.get_by_role("button").first).to_have_attribute("aria-pressed", "true", **wait)
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_text(re.compile("Train mlp.*: done"))).to_be_visible(**wait)
    strip = page.locator("dl").filter(has_text="Time left")
    expect(strip).to_contain_text(re.compile(r"Held-out gain-?\d+\.\d+ ± \d"))
    page.screenshot(path=screenshots / "newcomer-trained.png", full_page=True)

    # It is deleted only when that was asked
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_role("button", name="Delete it")).to_be_hidden(**wait)
    expect(page.get_by_role("gridcell", name="mlp-64x2-1")).to_be_visible()

    turn_to(page, "Locus")
    expect(page.get_by_text("Reference variant").first).to_be_visible(**wait)
    turn_to(page, "Export")
    expect(page.get_by_role("button", name=re.compile("^Copy deepwas export"))).not_to_have_count(
        0, **wait
    )
    with page.expect_download(**wait) as download:
        page.get_by_role("button", name="Download (about").first.click()
    assert Path(download.value.path()).read_text().startswith("CHR\tSNP\tBP")
