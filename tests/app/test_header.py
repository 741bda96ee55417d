"""What stands above every page: study, jobs, address, Python, and the system's theme."""

import html
from types import SimpleNamespace

import panel as pn
import panel_material_ui as pmui
import pytest

from deepwas_app.app import explore, store
from deepwas_app.app.jobs import JOBS, Job, Status
from deepwas_app.app.pages import PAGES
from deepwas_app.app.state import AppState


def words(view) -> str:
    shown = [o.object for o in view._layout.select(pmui.Typography)]
    return html.unescape("\n".join(map(str, shown)))


def buttons(view, label: str) -> list:
    return [b for b in view._layout.select(pmui.Button) if b.label == label and b.visible]


def click(button) -> None:
    button.clicks += 1


def ended(title: str, **about) -> Job:
    def steps():
        yield SimpleNamespace(fraction=1.0, message="done")

    job = JOBS.submit(Job(title, steps, **about))
    assert job.wait(60)
    return job


def test_the_study_is_chosen_on_any_page(small_study, data_root, settle):
    path = data_root / "other.study.zarr"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(small_study.attrs["path"])
    dashboard = explore(small_study)
    dashboard.state.page = "train"
    dashboard.poller.poll()
    assert dashboard.header.study.value == small_study.attrs["path"]
    dashboard.header.study.value = str(path)
    settle(dashboard, lambda: dashboard.state.shown_key == str(path))
    assert dashboard.header.study.value == str(path)
    assert dashboard.state.page == "train"


def test_without_a_study_the_chooser_says_so():
    assert explore().header.study.value == ""
    assert "Choose a study" in explore().header.study.options


def test_the_browser_is_told_of_the_study_that_is_open(small_study, settle):
    """Panel gives a value that is not offered up for the first one, and tells nobody."""
    dashboard = explore()
    root = dashboard.page.get_root()
    dashboard.state.request(small_study.attrs["path"])
    settle(dashboard, lambda: dashboard.state.study is not None)
    model, _ = dashboard.header.study._models[root.ref["id"]]
    assert model.data.value in model.data.options
    assert dashboard.header.study.options[model.data.value] == small_study.attrs["path"]


def test_jobs_that_ended_are_news_until_they_are_looked_at(small_study):
    ended("Before", kind="train", study="x")
    dashboard = explore(small_study)
    dashboard.poller.poll()
    assert dashboard.header.jobs.label == "Jobs"
    ended("After", kind="train", study="x")
    dashboard.poller.poll()
    assert dashboard.header.jobs.label == "Jobs (1 ended)"
    click(dashboard.header.jobs)
    assert dashboard.page.contextbar_open
    dashboard.poller.poll()
    assert dashboard.header.jobs.label == "Jobs"
    shown = words(dashboard.drawer)
    assert shown.index("After: done") < shown.index("Before: done")
    assert "0 s ago" in shown


def test_a_waiting_job_is_cancelled_in_the_drawer(small_study):
    import threading

    gate = threading.Event()

    def steps():
        gate.wait(60)
        yield SimpleNamespace(fraction=0.5, message="half")

    first, second = JOBS.submit(Job("One", steps)), JOBS.submit(Job("Two", steps))
    dashboard = explore(small_study)
    dashboard.drawer.look(True)
    dashboard.poller.poll()
    assert "Two: waiting, 1 ahead" in words(dashboard.drawer)
    click(buttons(dashboard.drawer, "Cancel")[1])
    assert second.status is Status.CANCELLED
    dashboard.poller.poll()
    assert "Two: cancelled" in words(dashboard.drawer)
    assert not first.status.over
    gate.set()


def test_go_to_it_opens_the_study_and_the_page_of_a_job(small_study, settle):
    state = AppState()
    state.open(small_study.attrs["path"])
    ended("Sweep 1", kind="scaling", study=store.study_hash(state.study))
    dashboard = explore()
    dashboard.drawer.look(True)
    dashboard.poller.poll()
    click(buttons(dashboard.drawer, "Go to it")[0])
    assert dashboard.state.page == "scaling"
    settle(dashboard, lambda: dashboard.state.study is not None)
    assert dashboard.state.shown_key == small_study.attrs["path"]


def test_kinds_of_jobs_belong_to_one_page():
    kinds = [kind for page in PAGES.values() for kind in page.jobs]
    assert len(kinds) == len(set(kinds))
    assert {"train", "scaling", "build", "finemap", "score"} <= set(kinds)


def test_messages_are_kept(small_study):
    dashboard = explore(small_study)
    for line in ("one", "two", "two"):
        dashboard.state.say(line, "warning")
    dashboard.drawer.look(True)
    assert words(dashboard.drawer).count("two") == 2


def test_a_run_that_ends_is_told_and_ticked_on_any_page(study_with_runs, settle):
    """Also one that ran while another, which the Train page shows, was paused."""
    dashboard = explore(study_with_runs)
    dashboard.state.selected = []
    output = store.runs_folder(study_with_runs) / "linear.run"

    def steps():
        yield SimpleNamespace(fraction=0.5, message="half")

    study = store.study_hash(study_with_runs)
    job = Job("Train linear", steps, kind="train", study=study, output=output)
    dashboard.state.page = "locus"
    dashboard.state._awaited = [JOBS.submit(job)]
    settle(dashboard, lambda: dashboard.state.selected == ["linear"])
    assert dashboard.state.notice == ("success", "Train linear: finished.")


@pytest.mark.parametrize("name", PAGES)
def test_the_python_of_a_view_makes_it(name, study_with_runs, settle):
    state = AppState()
    state.open(study_with_runs.attrs["path"])
    dashboard = explore(state)
    state.page = name
    dashboard.poller.poll()
    state.selected = ["constant", "linear"]
    if name == "locus":
        dashboard.pages["locus"].go_to_variant(4000)
    if name == "annotations":
        dashboard.pages["annotations"].tabs.active = 1
    click(dashboard.header.code)
    assert dashboard.header.dialog.open
    lines = dashboard.header.lines.value
    assert dashboard.header.copy.tags == [lines]
    made: dict = {}
    exec(lines, made)
    page = made["page"]
    for _ in range(3):
        page.poller.poll()
    assert type(page) is PAGES[name]
    for attribute in ("shown_key", "selected", "region", "reference", "tab"):
        assert getattr(page.state, attribute) == getattr(state, attribute), attribute
    if name == "locus":
        assert page.region == dashboard.pages["locus"].region
        assert page.reference == 4000
    if name == "annotations":
        assert page.tabs.active == 1


def test_runs_reference_and_tab_are_in_the_address(study_with_runs, monkeypatch):
    from panel.io.location import Location

    from deepwas_app.app.shell import Dashboard, sync_address

    location = Location()
    monkeypatch.setattr(type(pn.state), "location", property(lambda _: location))
    path = study_with_runs.attrs["path"]
    state = AppState()
    sync_address(state)
    state.open(path)
    dashboard = Dashboard(state)
    state.page = "locus"
    dashboard.poller.poll()
    state.selected = ["linear", "mlp"]
    dashboard.pages["locus"].go_to_variant(4000)
    other = int(dashboard.pages["locus"].table["row"].iloc[0])
    dashboard.pages["locus"].choose_reference(other)
    state.tab = "response"

    theirs = AppState()
    sync_address(theirs)
    theirs.open(path)
    copy = Dashboard(theirs)
    for _ in range(3):
        copy.poller.poll()
    assert theirs.selected == ["linear", "mlp"]
    assert copy.pages["locus"].reference == other
    assert copy.pages["locus"].region == dashboard.pages["locus"].region
    theirs.page = "annotations"
    copy.poller.poll()
    assert copy.pages["annotations"].tabs.active == 2


def test_a_link_may_name_a_reference_and_no_region(small_study):
    state = AppState(page="locus", reference=str(small_study["variant_id"].values[4000]))
    state.show(small_study, "small")
    dashboard = explore(state)
    dashboard.poller.poll()
    assert dashboard.pages["locus"].reference == 4000
    state.reference = "nowhere"
    for _ in range(3):
        dashboard.poller.poll()
    assert state.notice == ("error", "nowhere: no such variant in the study. Check its name.")
    assert state.reference == str(small_study["variant_id"].values[4000])


def test_pages_are_dark_where_the_system_is(small_study):
    dashboard = explore(small_study)
    dashboard.theme.dark = True
    dashboard.poller.poll()
    assert dashboard.page.dark_theme
    assert dashboard.state.dark
    # What a person chose afterwards stays.
    dashboard.page.dark_theme = False
    dashboard.poller.poll()
    assert not dashboard.state.dark
