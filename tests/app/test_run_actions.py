"""What can be done with a run on the Train page, and by whom."""

import html

import pytest

from deepwas_app.app import store
from deepwas_app.app.cards import run_actions
from deepwas_app.app.jobs import JOBS, Job
from deepwas_app.app.pages.train import TrainPage


@pytest.fixture
def page(study_with_runs):
    return TrainPage(study_with_runs)


def names(page) -> set[str]:
    return {store.run_name(run) for run in page.state.runs}


def test_settings_are_taken_into_the_form(page):
    page.actions.run.value = "mlp"
    page.actions.again.clicks += 1
    assert (page.settings.prior, page.settings.width, page.settings.depth) == ("mlp", 8, 1)
    assert page.settings.epochs == 3
    assert page.fields["width"].value == 8
    assert "settings of mlp" in page.state.notice[1]


def test_a_run_is_deleted_only_when_that_was_asked(page):
    actions = page.actions
    actions.run.value = "mlp"
    actions.remove.clicks += 1
    assert actions.asked.visible
    assert "mlp" in html.unescape(actions.question.object)
    assert "mlp" in names(page)
    # Another is chosen: the question was not of it.
    actions.run.value = "linear"
    assert not actions.asked.visible
    actions.run.value = "mlp"
    actions.remove.clicks += 1
    actions.really.clicks += 1
    assert names(page) == {"constant", "linear"}
    assert actions.run.value in names(page)


def test_a_run_is_renamed_and_noted(page):
    actions = page.actions
    page.state.selected = ["mlp"]
    actions.run.value = "mlp"
    actions.called.value_input = "small network"
    actions.rename.clicks += 1
    assert names(page) == {"constant", "linear", "small network"}
    assert page.state.selected == ["small network"]
    assert actions.run.value == "small network"
    actions.notes.value_input = "first"
    actions.save.clicks += 1
    actions.run.value = "linear"
    assert actions.notes.value == ""
    actions.run.value = "small network"
    assert actions.notes.value == "first"
    actions.called.value_input = "linear"
    actions.rename.clicks += 1
    assert "of this name already" in page.state.notice[1]


def test_strangers_change_only_what_they_trained(page, monkeypatch):
    monkeypatch.setattr(run_actions, "may_stop", lambda owner: owner == "me")
    actions = page.actions
    for name in ("constant", "linear"):
        actions.run.value = name
    assert actions.rename.disabled
    assert actions.why.visible
    # A browser may say all the same that it was pressed.
    actions.really.clicks += 1
    assert "not yours to change" in page.state.notice[1]
    assert "linear" in names(page)
    path = next(run.path for run in page.state.runs if store.run_name(run) == "linear")
    job = Job("Train linear", lambda: iter(()), kind="train", output=path)
    job.owner = "me"
    JOBS.jobs.append(job)
    assert not run_actions.may_change(page.state.study, page.actions._run())
    job._over.set()
    job.status = job.status.DONE
    assert run_actions.may_change(page.state.study, page.actions._run())
    job.owner = "you"
    assert not run_actions.may_change(page.state.study, page.actions._run())
