"""A notebook that was executed without a browser, as a page without a kernel, shows all views."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from playwright.sync_api import Page

# A figure with something drawn on it in each; of the curves those of the end of the loop.
CELLS = {
    "locus": "dw.LocusView(study, 'chr5:1-300kb', [run])",
    "annotations": "dw.AnnotationView(study, [run])",
    "sweep": "dw.ScalingView(dw.scaling(study, path='sweep', sizes=['linear'], epochs=1))",
    "curves": "view = dw.TrainView()\ndisplay(view)\n"
    "for step in dw.fit(study, 'linear'):\n    view.add(step)",
    "plot": "dw.plot.manhattan(study) * dw.plot.manhattan(study)",
}
POINTS = """() => Bokeh.documents.map((place) => {
  const drawn = [...place._all_models.values()].filter((model) => model.type == "GlyphRenderer")
  return Math.max(0, ...drawn.map((model) => model.data_source.get_length() ?? 0))
})"""


# HoloViews displays an empty output where it is loaded.
@pytest.mark.filterwarnings("ignore:Your element with mimetype")
def test_every_view_is_a_picture(page: Page, small_study, small_runs, tmp_path: Path) -> None:
    start = (
        f"import deepwas_app as dw\nstudy = dw.open_study({small_study.attrs['path']!r})\n"
        f"run = dw.open_run({str(small_runs.linear.path)!r})"
    )
    cells = [nbformat.v4.new_code_cell(cell) for cell in (start, *CELLS.values())]
    notebook = nbformat.v4.new_notebook(cells=cells)
    resources = {"metadata": {"path": tmp_path}}
    NotebookClient(notebook, timeout=240, kernel_name="python3", resources=resources).execute()
    body, _ = HTMLExporter(template_name="lab").from_notebook_node(notebook)
    # What Jupyter's own template asks other hosts for: formulas, diagrams.
    body = re.sub(r"<script\s+src=\"https?:[^>]*>\s*</script>", "", body)
    (tmp_path / "notebook.html").write_text(body)
    page.goto((tmp_path / "notebook.html").as_uri())
    page.wait_for_function(f"window.Bokeh?.documents?.length >= {len(CELLS)}", timeout=60_000)
    page.locator("canvas").nth(len(CELLS) - 1).wait_for(timeout=60_000)
    assert [points > 0 for points in page.evaluate(POINTS)] == [True] * len(CELLS)
    assert page.get_by_text("appear here").count() == 0
    # At most 2 MB each, after the first.
    weights = [
        sum(len(str(content)) for o in cell.outputs for content in o.get("data", {}).values())
        for cell in notebook.cells[1:]
    ]
    assert max(weights[1:]) < 2e6, dict(zip(CELLS, weights, strict=True))
