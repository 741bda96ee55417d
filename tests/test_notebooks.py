"""Every notebook runs from top to bottom, and is kept without outputs."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


@pytest.fixture
def executed(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DEEPWAS_DATA_ROOT", str(tmp_path / "data"))
    # Programs that compile fast and run slowly are for other tests.
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    notebook = nbformat.read(request.param, as_version=4)
    client = NotebookClient(notebook, timeout=240, resources={"metadata": {"path": tmp_path}})
    return client.execute()


def shown(cell) -> dict:
    """All that a cell displayed, by MIME type."""
    return {
        kind: content
        for output in cell.outputs
        if output.output_type in ("display_data", "execute_result")
        for kind, content in output.data.items()
    }


@pytest.mark.parametrize("executed", NOTEBOOKS[:1], indirect=True, ids=lambda p: p.name)
def test_quickstart_goes_from_the_study_to_a_locus(executed, height):
    outputs = [output for cell in executed.cells for output in cell.get("outputs", [])]
    assert not [output.text for output in outputs if output.get("name") == "stderr"]
    cells = {cell.source.split("\n")[0]: cell for cell in executed.cells}
    assert "15935" in shown(cells["dw.alignment(study)"])["text/plain"].replace(",", "")
    printed = cells['for step in dw.fit(study, "constant", test_chromosomes="none"):'].outputs
    assert "nats per variant" in printed[0].text
    for widget in ("trainer = dw.TrainPage(study)", "locus = dw.LocusPage(trainer.state)"):
        # What JupyterLab makes a live widget of.
        assert "application/vnd.holoviews_exec.v0+json" in shown(cells[widget])
    summary = shown(cells['trainer.settings.param.update(prior="linear")'])["text/plain"]
    assert "'prior': 'linear'" in summary
    table = cells["dw.effects_table(dw.annotation_effects(study, run)).round(3)"]
    assert "Coding sequence" in shown(table)["text/plain"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_outputs_are_cleared(path):
    cells = nbformat.read(path, as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert code
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
