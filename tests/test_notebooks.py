"""Every notebook runs from top to bottom, and is kept without outputs."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
# Warnings of runs are part of what notebooks show.
WARNED = re.compile(r"^.*RunWarning: .*\n\s+warnings\.warn.*\n", re.M)


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


def said(notebook, words: str) -> str:
    """What the one cell with some words in it prints and gives back, as text."""
    (cell,) = [c for c in notebook.cells if c.cell_type == "code" and words in c.source]
    printed = [output.text for output in cell.outputs if output.get("name") == "stdout"]
    return "".join([*printed, shown(cell).get("text/plain", "")])


def said_wrong(notebook) -> list[str]:
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    texts = [WARNED.sub("", o.text) for o in outputs if o.get("name") == "stderr"]
    return [text for text in texts if text]


def named(start: str):
    """The notebook whose name begins so, to be executed."""
    (found,) = [path for path in NOTEBOOKS if path.name.startswith(start)]
    return pytest.mark.parametrize("executed", [found], indirect=True, ids=[found.name])


@named("01")
def test_quickstart_goes_from_the_study_to_a_locus(executed, height):
    assert not said_wrong(executed)
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


@named("02")
def test_a_locus_is_explored(executed, height):
    assert not said_wrong(executed)
    assert "rs9614670 chr22:45338817-46338817 z 10.5" in said(executed, "np.nanargmax")
    # The lead variant is in a credible set under both priors.
    assert said(executed, "found.sets").count("rs9614670") == 2


@named("03")
def test_a_larger_network_predicts_better_where_annotations_interact(executed):
    assert not said_wrong(executed)
    true, best = map(float, re.findall(r"([\d.]+) nats", said(executed, "found.truth")))
    assert true > best > 20
    gains = said(executed, "dw.scaling(").splitlines()[1:]
    linear, *_, wide = (float(line.split()[3]) for line in gains)
    assert wide > linear > 8


@named("04")
def test_public_files_are_read_as_they_come(executed):
    assert not said_wrong(executed)
    assert said(executed, 'sbayesrc="ukbEUR_small"') == "6"
    assert "so in fastGWA files" in said(executed, "dw.understand(")
    assert "Not in the LD panel" in said(executed, "dw.alignment(study)")
    assert "linear" in said(executed, "dw.evaluate(run)")


@named("05")
def test_effects_are_beside_their_truth(executed):
    assert not said_wrong(executed)
    table = said(executed, "True_enrichment").splitlines()[2:]
    rows = [[float(word) for word in line.split()[-3:]] for line in table]
    assert len(rows) == 3
    # Within four standard errors; a set of few variants may be pulled further.
    assert sum(abs(estimate - true) < 4 * error for estimate, error, true in rows) >= 2


@named("06")
def test_a_prior_that_knows_more_scores_better(executed):
    assert not said_wrong(executed)
    scores = re.findall(r"R2 ([\d.]+)", said(executed, "weights = {}"))
    constant, linear = map(float, scores)
    assert linear > constant > 0.3


@named("07")
def test_own_priors_and_annotations_are_judged(executed):
    assert not said_wrong(executed)
    assert abs(float(said(executed, 'with_noise.summary["gain"] -'))) < 1
    assert "Product" in said(executed, "dw.evaluate([linear, mine])")


@named("08")
def test_a_run_of_another_process_is_read(executed):
    assert not said_wrong(executed)
    assert said(executed, "subprocess.Popen") == "0"
    assert "small True" in said(executed, "dw.open_run")


def test_every_notebook_is_executed():
    tested = Path(__file__).read_text()
    assert all(f'@named("{path.name[:2]}")' in tested for path in NOTEBOOKS)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_outputs_are_cleared(path):
    cells = nbformat.read(path, as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert code
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
