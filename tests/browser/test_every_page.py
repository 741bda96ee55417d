"""Every page, light and dark: nothing serious for axe-core, and pictures of it to look at."""

import shutil
from importlib.resources import files
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from deepwas_app.app.pages import PAGES

SECOND = 1000
# What stands last on a page that is whole.
WHOLE = {
    "study": "LD blocks that do not fit",
    "train": "Runs",
    "annotations": "Effect on heritability",
    "locus": "What drives the prior of the reference variant",
    "compare": "All finished runs",
    "scaling": "Held-out gain over the constant prior",
    "export": "Score genotypes",
}
FOUND = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] })
  return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`))
}"""


def axe() -> str:
    return (files("axe_playwright_python") / "axe.min.js").read_text()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_can_be_read_and_is_pictured(
    page: Page, dashboard_url: str, screenshots: Path, small_study, small_runs, theme: str
):
    from deepwas_app.app import store

    for name in ("linear", "mlp"):
        run = getattr(small_runs, name)
        shutil.copytree(run.path, store.runs_folder(small_study) / f"{name}.run")
    page.emulate_media(color_scheme=theme)
    page.goto(f"{dashboard_url}?study={small_study.attrs['path']}&runs=%5B%22mlp%22%5D")
    assert set(WHOLE) == set(PAGES)
    for name, last in WHOLE.items():
        button = page.get_by_role("navigation").get_by_role("button", name=name.capitalize())
        button.click()
        heading = page.get_by_role("heading", name=last)
        expect(heading).to_be_visible(timeout=90 * SECOND)
        # Until nothing is being computed any more.
        expect(page.get_by_role("progressbar", name="…").locator("visible=true")).to_have_count(
            0, timeout=90 * SECOND
        )
        page.wait_for_timeout(1.5 * SECOND)
        page.evaluate(f"{axe()}; 0")
        # What has just come onto the page has its names a moment later.
        for _ in range(10):
            found = page.evaluate(FOUND)
            if not found:
                break
            page.wait_for_timeout(2 * SECOND)
        assert found == [], name
        for width in (1280, 820):
            page.set_viewport_size({"width": width, "height": 1000})
            page.wait_for_timeout(0.7 * SECOND)
            page.screenshot(path=screenshots / f"{name}-{theme}-{width}.png", full_page=True)
        page.set_viewport_size({"width": 1280, "height": 1000})


def test_axe_finds_what_is_wrong(page: Page):
    page.set_content("<html lang='en'><title>x</title><main><h1>x</h1><button></button></main>")
    page.evaluate(f"{axe()}; 0")
    assert [line.split(":")[0] for line in page.evaluate(FOUND)] == ["button-name"]
