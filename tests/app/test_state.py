"""What a session looks at when a study is opened, and afterwards."""

from deepwas_app.app import store
from deepwas_app.app.pages.compare import ComparePage
from deepwas_app.app.pages.export import ExportPage
from deepwas_app.app.state import AppState


def test_the_run_that_predicts_best_with_annotations_is_looked_at_first(study_with_runs):
    """By validation chromosomes, which none of these has, else by what is held out."""
    state = AppState.of(study_with_runs)
    finished = [run for run in state.runs if not run.prior_type.constant]
    ordered = sorted(finished, key=lambda run: run.summary["gain"])
    other, best = (store.run_name(run) for run in ordered[-2:])
    assert state.selected == [best]
    assert ExportPage(state).run.value == best
    compare = ComparePage(state)
    assert (compare.first.value, compare.second.value) == (best, other)


def test_what_a_person_chose_stays(study_with_runs):
    state = AppState.of(study_with_runs)
    state.selected = ["constant"]
    state.refresh_runs()
    assert state.selected == ["constant"]
    state.show(study_with_runs, "again")
    assert state.selected == ["constant"]
    assert ExportPage(state).run.value == "constant"


def test_another_study_has_a_choice_of_its_own(study_with_runs):
    state = AppState.of(study_with_runs)
    bare = study_with_runs.isel(annotations=slice(0, 0))
    state.show(bare, "bare")
    assert state.selected == []
    state.show(study_with_runs, "back")
    assert len(state.selected) == 1
    assert store.run_name(state.best_run()) == state.selected[0]
