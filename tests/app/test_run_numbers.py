"""What pages say of runs beside their numbers: the error of a learned alpha, and doubts."""

import json

import panel_material_ui as pmui
import pytest

from deepwas_app.app import store
from deepwas_app.app.pages.annotations import AnnotationsPage
from deepwas_app.app.pages.compare import ComparePage
from deepwas_app.app.pages.export import ExportPage
from deepwas_app.app.pages.study import StudyPage
from deepwas_app.app.pages.train import TrainPage
from deepwas_app.workflow.runs.run import write_record


def words(layout) -> list[str]:
    return [str(shown.object) for shown in layout.select(pmui.Typography)]


def alerts(layout) -> list[str]:
    return [str(alert.object) for alert in layout.select(pmui.Alert) if alert.visible]


@pytest.fixture
def changed(study_with_runs):
    """A function that puts numbers into the record of the linear run; the study."""

    def change(**numbers):
        path = store.runs_folder(study_with_runs) / "linear.run"
        record = json.loads((path / "run.json").read_text())
        record["summary"] |= numbers
        write_record(path, record)
        return study_with_runs

    return change


def test_a_learned_alpha_has_its_error_beside_it(changed, settle):
    study = changed(alpha=0.61, alpha_se=0.17)
    train, compare, page = TrainPage(study), ComparePage(study), StudyPage(study)
    for table in train.runs, compare._runs_table():
        row = table.value.set_index("run").loc["linear"]
        assert (row["alpha"], row["alpha_se"]) == (0.61, 0.17)
        assert "alpha_se" not in table.hidden_columns
        assert table.titles["alpha_se"] == "s.e."
    page.state.selected = ["linear"]
    settle(page, lambda: any("α of linear" in said for said in words(page._numbers)))
    assert any("<dd>0.61 ± 0.17</dd>" in said for said in words(page._numbers))


def test_where_no_alpha_was_learned_there_is_no_such_column(changed, settle):
    study = changed()
    train, compare, page = TrainPage(study), ComparePage(study), StudyPage(study)
    assert train.runs.hidden_columns == ["alpha_se"]
    assert "alpha_se" not in compare._runs_table().value
    settle(page, lambda: any("h² of" in said for said in words(page._numbers)))
    assert not any("α of" in said for said in words(page._numbers))


def test_doubts_of_a_run_stand_where_its_numbers_do(changed, settle):
    said = ["heritability 1.7 is above 1: check N", "s2 1.5 is above 1.2"]
    study = changed(h2=1.7, s2=1.5, warnings=said)
    line = f"linear: {'. '.join(said)}."
    export = ExportPage(study)
    export.run.value = "linear"
    assert line in alerts(export._layout)
    export.run.value = "mlp"
    assert not any(said[0] in alert for alert in alerts(export._layout))
    annotations = AnnotationsPage(study)
    annotations.state.selected = ["linear"]
    settle(annotations, lambda: annotations.effects)
    assert line in alerts(annotations._layout)


def test_a_regression_that_is_not_done_says_so(small_study, monkeypatch):
    monkeypatch.setattr("deepwas_app.app.asking.Asker.ask", lambda *_: None)
    shown = " ".join(words(StudyPage(small_study)._numbers))
    assert "<dt>LDSC h²</dt><dd>…</dd>" in shown
