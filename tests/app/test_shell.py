"""The dashboard without a browser: pages that are turned to, away from, and back to."""

import shutil

import pytest

from deepwas_app.app import explore, store
from deepwas_app.app.shell import Dashboard


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
