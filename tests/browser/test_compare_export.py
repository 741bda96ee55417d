"""A visitor compares two runs, goes to a locus, and takes a file away."""

import shutil
from pathlib import Path

from playwright.sync_api import Page, TimeoutError, expect

SECOND = 1000
SAY_LOADING = """() => {
  for (const document of Bokeh.documents)
    for (const model of document._all_models.values())
      if (model.attributes.filename?.endsWith(".snpvar.tsv")) {
        model.setv({loading: true})
        return model.loading
      }
}"""


def test_compare_then_export(
    page: Page, dashboard_url: str, screenshots: Path, small_study, small_runs
):
    from deepwas_app.app import store
    from deepwas_app.workflow.results.compare import compare
    from deepwas_app.workflow.results.exported.snpvar import SNPVAR, snpvar_table

    for name in ("linear", "mlp"):
        run = getattr(small_runs, name)
        shutil.copytree(run.path, store.runs_folder(small_study) / f"{name}.run")
    page.goto(f"{dashboard_url}?page=compare&study={small_study.attrs['path']}")
    expect(page.get_by_text("nats on 5 held-out LD blocks")).to_be_visible(timeout=90 * SECOND)
    page.wait_for_timeout(2 * SECOND)
    page.screenshot(path=screenshots / "compare-light.png")

    # A row leads to its locus
    lead = compare(small_study, small_runs.mlp, small_runs.linear)["LEAD_SNP"].dropna().iloc[0]
    heading = page.get_by_role("heading", level=1, name="Locus")
    cell = page.get_by_role("gridcell", name=lead, exact=True)
    cell.click()
    try:
        heading.wait_for(timeout=20 * SECOND)
    except TimeoutError:
        # The browser loses a click on a table that it is just laying out.
        cell.click()
    expect(heading).to_be_visible(timeout=30 * SECOND)
    expect(page.get_by_text("Reference variant").first).to_be_visible(timeout=30 * SECOND)

    # A file, twice: the second time its content is the same
    page.get_by_role("navigation").get_by_role("button", name="Export", exact=True).click()
    button = page.get_by_role("button", name="Download (about").first
    expect(button).to_be_visible(timeout=30 * SECOND)
    page.wait_for_timeout(2 * SECOND)
    page.screenshot(path=screenshots / "export-light.png")
    # Of the run that predicts best, with which the page begins.
    expected = SNPVAR.text(snpvar_table(small_study, small_runs.linear)).splitlines()
    for _ in range(2):
        with page.expect_download(timeout=60 * SECOND) as download:
            button.click()
        assert download.value.suggested_filename == "linear.snpvar.tsv"
        lines = Path(download.value.path()).read_text().splitlines()
        # Not the texts themselves, whose difference would take pytest minutes to describe.
        assert len(lines) == len(expected)
        assert [pair for pair in zip(lines, expected, strict=True) if pair[0] != pair[1]][:3] == []

    # A slow browser says back that it is loading when the file is made already
    assert page.evaluate(SAY_LOADING)
    expect(button).to_be_enabled(timeout=30 * SECOND)
