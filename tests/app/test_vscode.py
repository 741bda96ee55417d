"""Views where there is no way to the browser but that of ipywidgets, as in VS Code."""

import json
from pathlib import Path

import nbformat
from nbclient import NotebookClient


def test_a_view_is_a_widget_that_follows(small_study, tmp_path: Path):
    cells = (
        # What VS Code tells kernels, and Panel looks for.
        "import os\nos.environ['VSCODE_PID'] = '1'\nimport deepwas_app as dw",
        f"view = dw.LocusView({small_study.attrs['path']!r})\nview",
        "view.region = 'chr5:1-300kb'",
    )
    made = [nbformat.v4.new_code_cell(cell) for cell in cells]
    notebook = nbformat.v4.new_notebook(cells=made)
    resources = {"metadata": {"path": tmp_path}}
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources=resources).execute()
    shown = [output.data for output in notebook.cells[1].outputs]
    (view,) = [data for data in shown if "application/vnd.jupyter.widget-view+json" in data]
    widgets = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    widget = widgets[view["application/vnd.jupyter.widget-view+json"]["model_id"]]
    assert widget["model_module"] == "@bokeh/jupyter_bokeh"
    written = json.dumps(widget)
    assert "minus_log10_p" in written
    # The code of Material components is not in each of them.
    assert len(written) < 1e6
