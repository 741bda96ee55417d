"""The Locus page under a hand: wheel, keys, clicks, tracks, and the figure as a file."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from .test_dashboard import GLYPH, POSITION, SECOND, column, wait_for

RANGE = f"""() => {{
  const [figure] = ({GLYPH})("variants")
  return [figure.x_range.start, figure.x_range.end]
}}"""


def test_wheel_keys_clicks_tracks_and_files(page: Page, dashboard_url: str, height):
    page.goto(f"{dashboard_url}?page=locus&study=height_chr22&reference=rs9614670")
    expect(page.get_by_text("Reference variant rs9614670,")).to_be_visible(timeout=90 * SECOND)
    wait_for(page, lambda: len(column(page, "variants", "row")) > 100, seconds=90)
    page.wait_for_timeout(2 * SECOND)

    # The wheel zooms before any click, and the address has it when that is over.
    heights = column(page, "variants", "minus_log10_p")
    ranked = sorted(range(len(heights)), key=lambda i: -heights[i])
    before, address = page.evaluate(RANGE), page.url
    x, y = page.evaluate(POSITION, ranked[0])
    page.mouse.move(x, y + 40)
    page.mouse.wheel(0, -120)
    wait_for(page, lambda: page.evaluate(RANGE) != before)
    wait_for(page, lambda: page.url != address)
    start, end = page.evaluate(RANGE)
    assert f"22%3A{round(start * 1e6)}-{round(end * 1e6)}" in page.url

    # A click tells of a variant; the colours stay until it is made the reference.
    colours, target = column(page, "variants", "colour"), ranked[8]
    name = column(page, "variants", "variant")[target]

    def clicked() -> bool:
        page.mouse.click(*page.evaluate(POSITION, target))
        page.wait_for_timeout(2 * SECOND)
        return page.get_by_text(f"Variant {name},").is_visible()

    wait_for(page, clicked, seconds=60)
    assert column(page, "variants", "colour") == colours
    link = page.get_by_role("link", name="Ensembl")
    assert link.get_attribute("rel") == "noopener noreferrer"
    assert link.get_attribute("href").startswith("https://grch37.ensembl.org/")
    page.get_by_role("button", name="Make reference").click()
    wait_for(page, lambda: column(page, "variants", "colour") != colours)

    # Tracks go, and the figure is one file of those that are left.
    page.get_by_role("button", name="Runs and tracks").click()
    page.get_by_role("checkbox", name="Annotations").click()
    page.wait_for_url(re.compile("tracks=.*-annotations"), timeout=30 * SECOND)
    with page.expect_download(timeout=60 * SECOND) as download:
        page.get_by_role("button", name="SVG").click()
    picture = Path(download.value.path()).read_text()
    assert picture.startswith("<svg ")
    assert picture.count('<g transform="translate(0 ') >= 2
    assert "Position on chromosome 22 (Mb, hg19)" in picture
    assert "Coding sequence" not in picture
    assert name in picture

    # Keys go from locus to locus, but not where somebody is typing.
    address = page.url
    page.get_by_role("textbox", name="Region, gene or variant").press("]")
    page.wait_for_timeout(SECOND)
    assert page.url == address
    page.get_by_role("heading", level=1, name="Locus").click()
    page.keyboard.press("]")
    wait_for(page, lambda: page.url != address)
    expect(page.get_by_text("Reference variant rs8136517,")).to_be_visible(timeout=30 * SECOND)
