"""The bar above the pages, in a browser whose system is dark."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect

SECOND = 1000
CLIPBOARD = "navigator.clipboard.readText()"


def test_the_bar_above_the_pages(page: Page, dashboard_url: str, screenshots: Path, height):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.emulate_media(color_scheme="dark")
    page.goto(f"{dashboard_url}?page=locus&study=height_chr22&reference=rs9614670")
    expect(page.get_by_text("Reference variant rs9614670")).to_be_visible(timeout=60 * SECOND)
    # As the system is, without a click.
    expect(page.locator(".mui-dark").first).to_be_visible(timeout=20 * SECOND)
    study = page.locator("header").get_by_role("combobox", name="Study")
    expect(study).to_have_text("Height, chromosome 22", timeout=20 * SECOND)

    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_text("The link to this view is copied.")).to_be_visible()
    assert page.evaluate(CLIPBOARD) == page.url
    assert "reference=rs9614670" in page.url

    page.get_by_role("button", name="Python").click()
    lines = page.get_by_role("textbox", name="In a notebook cell")
    expect(lines).to_have_value(re.compile("^import deepwas_app as dw\n"), timeout=20 * SECOND)
    assert "page.state.reference = 'rs9614670'" in lines.input_value()
    page.get_by_role("button", name="Copy", exact=True).click()
    page.wait_for_function(f"async lines => await {CLIPBOARD} === lines", arg=lines.input_value())
    page.keyboard.press("Escape")

    page.get_by_role("button", name="Jobs").click()
    expect(page.get_by_text("Running and waiting")).to_be_visible(timeout=20 * SECOND)
    expect(page.get_by_text("The link to this view is copied.").last).to_be_visible()
    page.screenshot(path=screenshots / "jobs-dark.png")
    page.keyboard.press("Escape")
    page.wait_for_timeout(SECOND)
    page.get_by_role("navigation").get_by_role("button", name="Train", exact=True).click()
    page.wait_for_url(re.compile("page=train"), timeout=20 * SECOND)
