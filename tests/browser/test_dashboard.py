"""A visitor goes through the pages on the built-in height study."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect

SECOND = 1000

GLYPH = """name => {
  for (const doc of Bokeh.documents) {
    for (const figure of doc.all_models) {
      if (!Array.isArray(figure.renderers)) { continue }
      const glyph = figure.renderers.find(renderer => renderer.name === name)
      if (glyph) { return [figure, glyph] }
    }
  }
  return [null, null]
}"""
COLUMN = f"([name, column]) => Array.from(({GLYPH})(name)[1]?.data_source.data[column] ?? [])"
POSITION = f"""index => {{
  const [figure, glyph] = ({GLYPH})("variants")
  const view = Bokeh.index.find_one_by_id(figure.id)
  const data = glyph.data_source.data
  const box = view.canvas_view.el.getBoundingClientRect()
  const x = view.frame.x_scale.compute(data.x[index])
  const y = view.frame.y_scale.compute(data.minus_log10_p[index])
  return [box.left + x, box.top + y]
}}"""


def column(page: Page, glyph: str, name: str) -> list:
    return page.evaluate(COLUMN, [glyph, name])


def wait_for(page: Page, condition, seconds: float = 40) -> None:
    for _ in range(int(seconds * 5)):
        if condition():
            return
        page.wait_for_timeout(200)
    raise AssertionError("waited in vain")


def turn_to(page: Page, name: str) -> None:
    page.get_by_role("navigation").get_by_role("button", name=name, exact=True).click()
    expect(page.get_by_role("heading", level=1, name=name)).to_be_visible(timeout=20 * SECOND)


def fill(page: Page, label: str, value: str) -> None:
    box = page.get_by_role("textbox", name=label)
    box.fill(value)
    box.press("Enter")


def test_through_all_pages(page: Page, dashboard_url: str, screenshots: Path, height):
    # Study
    page.goto(dashboard_url)
    expect(page.get_by_role("heading", level=1, name="Study")).to_be_visible(timeout=40 * SECOND)
    expect(page.get_by_text("15,938")).to_be_visible(timeout=40 * SECOND)
    wait_for(page, lambda: page.locator(".bk-Canvas").count() >= 4)
    page.wait_for_timeout(SECOND)
    page.screenshot(path=screenshots / "study-light.png")

    # Train a small MLP and see the curve move
    turn_to(page, "Train")
    expect(page.get_by_text("No run yet")).to_be_visible(timeout=20 * SECOND)
    fill(page, "Width", "8")
    fill(page, "Depth", "1")
    fill(page, "Epochs", "8")
    page.get_by_role("button", name="Start", exact=True).click()
    wait_for(page, lambda: len(column(page, "gain", "step")) >= 1, seconds=90)
    first = column(page, "gain", "value")
    wait_for(page, lambda: len(column(page, "gain", "step")) > len(first))
    assert column(page, "gain", "value")[-1] != first[-1], "the curve does not move"
    expect(page.get_by_text("Train mlp-8x1-1: done")).to_be_visible(timeout=60 * SECOND)
    assert len(column(page, "loss", "step")) == 8
    expect(page.get_by_role("gridcell", name="mlp-8x1-1")).to_be_visible(timeout=20 * SECOND)

    # Start a second run and cancel it
    fill(page, "Epochs", "5000")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_text("Train mlp-8x1-2:").first).to_be_visible(timeout=20 * SECOND)
    wait_for(page, lambda: len(column(page, "gain", "step")) >= 2)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Train mlp-8x1-2: cancelled")).to_be_visible(timeout=20 * SECOND)
    page.wait_for_timeout(SECOND)
    page.screenshot(path=screenshots / "train-light.png")

    # Annotations
    turn_to(page, "Annotations")
    expect(page.get_by_text("Effects of mlp-8x1-1 (TSV)")).to_be_visible(timeout=60 * SECOND)
    page.get_by_role("tab", name="Enrichment").click()
    expect(page.get_by_role("heading", name="Binary annotations")).to_be_visible()
    page.get_by_role("tab", name="Response").click()
    expect(page.get_by_text("Response of mlp-8x1-1 (TSV)")).to_be_visible(timeout=60 * SECOND)
    page.get_by_role("tab", name="Effects").click()
    page.wait_for_timeout(SECOND)
    page.screenshot(path=screenshots / "annotations-light.png")

    # Locus: click a variant at the strongest locus, and make it the reference
    turn_to(page, "Locus")
    wait_for(page, lambda: len(column(page, "variants", "row")) > 100)
    wait_for(page, lambda: len(column(page, "heritability", "x")) > 100)
    page.wait_for_timeout(2 * SECOND)
    page.screenshot(path=screenshots / "locus-light.png")
    assert re.search("page=locus.*region=22(:|%3A)[0-9]+-[0-9]+", page.url)
    before = column(page, "variants", "colour")
    heights = column(page, "variants", "minus_log10_p")
    ranked = sorted(range(len(heights)), key=lambda i: -heights[i])
    target = next(i for i in ranked if before[i] != before[ranked[0]] and heights[i] > 7.3)

    def clicked() -> bool:
        # On a busy machine the figure is still being laid out, and moves from under a click.
        page.mouse.click(*page.evaluate(POSITION, target))
        page.wait_for_timeout(2 * SECOND)
        return page.get_by_text(f"Variant {name},", exact=False).is_visible()

    name = column(page, "variants", "variant")[target]
    wait_for(page, clicked, seconds=30)
    page.get_by_role("button", name="Make reference").click()
    wait_for(page, lambda: column(page, "variants", "colour") != before)
    expect(page.get_by_text(f"Reference variant {name},")).to_be_visible()
    page.screenshot(path=screenshots / "locus-clicked.png")

    # Fine-map it under the run's prior, and take the credible sets away
    page.get_by_role("button", name="Fine-map this region").click()
    expect(page.get_by_text("credible sets:")).to_be_visible(timeout=60 * SECOND)
    wait_for(page, lambda: len(column(page, "pip-model", "pip")) > 100)
    with page.expect_download(timeout=60 * SECOND) as download:
        page.get_by_role("button", name="Credible sets").click()
    assert Path(download.value.path()).read_text().startswith("PRIOR\tCREDIBLE_SET")
    page.wait_for_timeout(SECOND)
    page.screenshot(path=screenshots / "locus-fine-mapped.png", full_page=True)

    # Scaling: a sweep, stopped after its first fit
    turn_to(page, "Scaling")
    fill(page, "Epochs", "3")
    page.get_by_role("button", name="Start sweep").click()
    expect(page.get_by_role("gridcell", name="linear").first).to_be_visible(timeout=150 * SECOND)
    cancel = page.get_by_role("button", name="Cancel").locator("visible=true")
    if cancel.is_enabled():
        cancel.click()
    page.wait_for_timeout(SECOND)
    page.screenshot(path=screenshots / "scaling-light.png")

    # All of it in the dark
    page.get_by_label("Toggle theme").click()
    for name in ("Study", "Train", "Annotations", "Locus", "Scaling"):
        turn_to(page, name)
        page.wait_for_timeout(0.8 * SECOND)
        page.screenshot(path=screenshots / f"{name.lower()}-dark.png")


def test_address_names_page_and_study(page: Page, dashboard_url: str, height):
    page.goto(f"{dashboard_url}?page=locus&study=height_chr22")
    expect(page.get_by_role("heading", level=1, name="Locus")).to_be_visible(timeout=40 * SECOND)
    wait_for(page, lambda: len(column(page, "variants", "row")) > 100)
    turn_to(page, "Scaling")
    wait_for(page, lambda: "page=scaling" in page.url)


def test_a_missing_study_is_one_clear_line(page: Page, dashboard_url: str, height):
    page.goto(f"{dashboard_url}?study=nowhere.study.zarr")
    expect(page.get_by_text("nowhere.study.zarr").first).to_be_visible(timeout=40 * SECOND)
    expect(page.get_by_text("Choose a study above")).to_be_visible(timeout=20 * SECOND)
