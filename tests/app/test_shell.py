"""The dashboard without a browser: pages that are turned to, away from, and back to."""

import shutil

import panel as pn
import pytest
from bokeh.plotting import figure
from panel.io.location import Location

from deepwas_app.app import explore, shell, store
from deepwas_app.app.pages import PAGES
from deepwas_app.app.shell import Dashboard, sync_address
from deepwas_app.app.state import AppState


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
        "locus": lambda: page.choices.runs.options,
        "compare": lambda: page.first.options,
        "export": lambda: page.run.options,
    }[name]()
    assert set(offered) == {"linear", "mlp"}
    if name == "locus":
        assert page.choices.prior.value == "mlp"
        settle(page, lambda: page.figure.tracks["heritability"].figures[0] in page.figure.figures)


def test_other_pages_are_built_where_nobody_waits(small_study, small_runs, monkeypatch, settle):
    dashboard = explore(small_study)
    turn(dashboard, "study")
    # There is no server.
    dashboard.idle.moments += 1
    dashboard.poller.poll()
    assert list(dashboard.pages) == ["study"]
    monkeypatch.setattr(shell, "few_visitors", lambda: True)

    def rest():
        settle(dashboard, lambda: not dashboard.poller.waiting)
        dashboard.idle.moments += 1
        dashboard.poller.poll()
        dashboard.poller.poll()

    rest()
    # A page is made in one moment, and comes piece by piece in the next ones.
    assert len(dashboard.pages) == 2
    turned = dashboard.pages["train"]
    assert len(turned._content.objects) == 0
    rest()
    assert len(turned._content.objects) == 1
    assert not turned.whole
    turn(dashboard, "train")
    assert turned.whole
    assert len(turned._content.objects) > 1
    turn(dashboard, "study")
    while len(dashboard.pages) < len(PAGES) or not all(p.whole for p in dashboard.pages.values()):
        rest()
    assert [name for name, page in dashboard.pages.items() if page.active] == ["study"]
    settle(dashboard, lambda: not dashboard.poller.waiting)
    dashboard.idle.moments += 1
    dashboard.poller.poll()
    assert not dashboard.idle.wanted
    shutil.copytree(small_runs.mlp.path, store.runs_folder(small_study) / "mlp.run")
    dashboard.state.refresh_runs(select="mlp")
    assert set(turn(dashboard, "annotations").chooser.options) == {"mlp"}


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


def test_an_address_of_no_page_is_that_of_the_first(small_study):
    state = AppState.of(small_study)
    state.page = "nowhere"
    dashboard = Dashboard(state)
    dashboard.poller.poll()
    assert list(dashboard.pages) == ["study"]
    assert dashboard.menu.active == (0,)


@pytest.fixture
def address(monkeypatch) -> Location:
    """The browser's address."""
    location = Location()
    monkeypatch.setattr(type(pn.state), "location", property(lambda _: location))
    return location


def test_a_locus_can_be_sent_to_a_colleague(small_study, address):
    state = AppState()
    sync_address(state)
    state.show(small_study, small_study.attrs["path"])
    dashboard = Dashboard(state)
    locus = turn(dashboard, "locus")
    strongest = locus.region
    locus.go_to_variant(4000)
    place = f"{locus.region.chromosome}:{locus.region.start}-{locus.region.stop}"
    assert address.query_params["region"] == place

    theirs = AppState()
    sync_address(theirs)
    assert (theirs.page, theirs.region) == ("locus", place)
    theirs.show(small_study, theirs.study_key)
    other = Dashboard(theirs)
    other.poller.poll()
    assert other.pages["locus"].region == locus.region
    # Back and forth in the browser's history.
    address.update_query(region="1:1-500000")
    other.poller.poll()
    assert (other.pages["locus"].region.start, other.pages["locus"].region.stop) == (1, 500_000)
    assert strongest != locus.region


def test_a_region_that_is_none_is_said_once_and_left(small_study):
    dashboard = explore(small_study)
    dashboard.state.region = "nowhere"
    locus = turn(dashboard, "locus")
    assert "nowhere" in dashboard.state.notice[1]
    strongest = locus.region
    said: list = []
    dashboard.state.param.watch(lambda event: said.append(event.new), "notice")
    dashboard.state.region = "99:1-2"
    for _ in range(3):
        dashboard.poller.poll()
    assert len(said) == 1
    assert locus.region == strongest
    assert dashboard.state.region == locus.place


def test_another_study_begins_at_its_own_strongest_locus(small_study):
    dashboard = explore(small_study)
    locus = turn(dashboard, "locus")
    first = locus.region
    locus.go_to_variant(4000)
    dashboard.state.show(small_study.copy(), "copy")
    dashboard.poller.poll()
    assert locus.region == first


def test_figures_of_different_pages_have_axes_of_their_own(study_with_runs, settle):
    """HoloViews links axes of equal dimensions in a whole document, unless it is told not to."""
    dashboard = explore(study_with_runs)
    for name in PAGES:
        turn(dashboard, name)
        settle(dashboard, lambda: not dashboard.poller._pending)
    drawn = list(dashboard.page.get_root().select({"type": figure}))
    free = [f for f in drawn if f not in dashboard.pages["locus"].figure.figures]
    assert len(free) > 8
    for side in ("x_range", "y_range"):
        assert len({getattr(f, side).id for f in free}) == len(free)
