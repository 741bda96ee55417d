"""The dashboard without a browser: pages that are turned to, away from, and back to."""

import shutil

import pytest

from deepwas_app.app import explore, store
from deepwas_app.app.shell import Dashboard
from deepwas_app.app.state import PAGES


def turn(dashboard: Dashboard, name: str):
    """Turn to a page as its visitor would, and let the timer build it."""
    dashboard.state.page = name
    dashboard.poller.poll()
    return dashboard.pages[name]


@pytest.mark.parametrize("name", ["train", "annotations", "locus", "compare", "export"])
def test_a_page_that_was_hidden_knows_the_runs_of_meanwhile(name, small_study, small_runs, settle):
    dashboard = explore(small_study)
    page = turn(dashboard, name)
    turn(dashboard, "study")
    for run in ("linear", "mlp"):
        path = vars(small_runs)[run].path
        shutil.copytree(path, store.runs_folder(small_study) / f"{run}.run")
    dashboard.state.refresh_runs(select="mlp")
    turn(dashboard, name)
    offered = {
        "train": lambda: page.runs.value["run"],
        "annotations": lambda: page.chooser.options,
        "locus": lambda: page.chooser.options,
        "compare": lambda: page.first.options,
        "export": lambda: page.run.options,
    }[name]()
    assert set(offered) == {"linear", "mlp"}
    if name == "locus":
        assert page.prior.value == "mlp"
        settle(page, lambda: page.figure.heritability_track in page.figure.tracks)


def test_a_page_that_cannot_be_built_is_left_alone_by_the_timer(small_study, monkeypatch):
    broken = small_study.drop_vars(["variant_z", "block_chromosome", "annotation"])
    dashboard = explore(broken)
    problems: list = []
    monkeypatch.setattr(dashboard.poller, "on_error", problems.append)
    for name in PAGES:
        turn(dashboard, name)
        dashboard.poller.poll()
        dashboard.state.refresh_runs()
    assert problems == []
    assert not dashboard.pages["locus"].ready()
    dashboard.state.show(small_study, "small")
    assert turn(dashboard, "locus").ready()


def test_a_page_that_cannot_even_be_made_is_tried_once_a_visit(small_study, monkeypatch):
    dashboard = explore(small_study)
    problems, tried = [], []
    monkeypatch.setattr(dashboard.poller, "on_error", lambda problem: problems.append(problem))

    def make_page(name, *_):
        tried.append(name)
        raise RuntimeError("no such page")

    with monkeypatch.context() as patch:
        patch.setattr("deepwas_app.app.shell.make_page", make_page)
        dashboard.state.page = "locus"
        for _ in range(3):
            dashboard.poller.poll()
    assert tried == ["locus"]
    assert len(problems) == 1
    assert "no such page" in dashboard._slots["locus"].objects[0].object
    dashboard.state.page = "study"
    assert turn(dashboard, "locus").ready()
