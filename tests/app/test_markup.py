"""What other people wrote is shown as text, wherever it ends up."""

import html
import re
from types import SimpleNamespace

import panel as pn
import panel_material_ui as pmui
import pytest
import xarray as xr
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deepwas_app.app import explore, store
from deepwas_app.app.components import empty, trouble
from deepwas_app.app.job_view import JobView
from deepwas_app.app.jobs import JOBS, Job
from deepwas_app.app.markup import text
from deepwas_app.app.pages import PAGES
from deepwas_app.app.pages.locus import LocusPage
from deepwas_app.app.pages.study import StudyPage
from deepwas_app.app.shell import error_page

HOSTILE = "<img src=x onerror=alert(1)> *s* [l](javascript:alert(2))"
KNOBS = {"width": 4, "depth": 1, "epochs": 1, "link": "exp"}


def rendered(component) -> str:
    """The HTML that the browser is given for a Typography or an Alert."""
    return html.unescape(component.get_root().data.object)


def said(layout) -> str:
    """All HTML of a layout."""
    kinds = (pmui.Typography, pmui.Alert)
    return "\n".join(rendered(o) for o in layout.select(lambda o: isinstance(o, kinds)))


def assert_text(markup: str) -> None:
    for mark in ("<img", "<em>", "<a "):
        assert mark not in markup
    assert "&lt;img" in markup


@example("ldm.info")
@example("see www.x.org, http://x.org or a@x.org")
@example("3.com, mailto:a@b or http://localhost")
@settings(deadline=None)
@given(st.text(st.characters(codec="ascii", categories=("L", "N", "P", "S"))))
def test_words_come_out_as_they_went_in(words):
    shown = rendered(pmui.Typography(text(words)))
    assert html.unescape(shown.strip().removeprefix("<p>").removesuffix("</p>")) == words


@pytest.fixture
def hostile(small_study: xr.Dataset, data_root, monkeypatch) -> xr.Dataset:
    """A study whose every name is a script, with three finished runs that are called so too."""
    from deepwas_app.workflow.runs.run import Run
    from deepwas_app.workflow.runs.train import train
    from deepwas_app.workflow.settings import TrainSettings

    def named(names):
        return (names.dims, [f"{HOSTILE}{name}" for name in names.values])

    study = small_study.assign(variant_id=named(small_study["variant_id"])).assign_coords(
        annotation=named(small_study["annotation"])
    )
    study.attrs |= {"title": HOSTILE, "genome_build": HOSTILE}
    monkeypatch.setattr(Run, "check_study", lambda *_: None)
    for prior in ("constant", "linear", "mlp"):
        path = store.runs_folder(study) / f"{HOSTILE}{prior}.run"
        train(study, TrainSettings(prior=prior, **KNOBS), path)
    return study


ATTRIBUTES = {
    "width",
    "height",
    "role",
    "label",
    "stroke",
    "dasharray",
    "fill",
    "cx",
    "cy",
    "d",
    "r",
}


def test_no_page_renders_what_a_study_or_a_run_is_called(hostile, settle):
    dashboard = explore(hostile)
    for name in PAGES:
        dashboard.state.page = name
        dashboard.poller.poll()
        dashboard.state.selected = [store.run_name(run) for run in dashboard.state.runs]
        settle(dashboard, lambda: not dashboard.poller._pending)
    shown = said(dashboard.page)
    assert "could not be built" not in shown
    assert_text(shown)
    for page in ("annotations", "locus", "compare"):
        assert "&lt;img" in said(dashboard._slots[page]), page
    assert HOSTILE in dashboard.header.study.options
    for table in dashboard.page.select(pn.widgets.Tabulator):
        for name in (name for name, f in table.formatters.items() if "html" in str(f)):
            # Bars drawn of numbers: no tag but those of a drawing, no word but theirs.
            drawn = "".join(filter(None, table.value[name]))
            assert {*re.findall(r"</?(\w+)", drawn)} <= {"svg", "title", "path", "circle"}
            assert {*re.findall(r"[a-z]{2,}(?==)", drawn)} <= ATTRIBUTES
            assert not re.findall(r"\bon\w+=|script|&", drawn)
        assert not any("<" in title for title in table.titles.values())


def test_jobs_are_shown_as_text(small_study):
    view, dashboard = JobView(), explore(small_study)

    def steps():
        yield SimpleNamespace(fraction=0.5, message=HOSTILE)

    job = JOBS.submit(Job(HOSTILE, steps, study="s"))
    job.wait(60)
    view.watch(job)
    assert_text(rendered(view._line))
    waiting = Job(HOSTILE, steps)
    JOBS.jobs.append(waiting)
    dashboard.drawer.look(True)
    dashboard.poller.poll()
    assert_text(said(dashboard.drawer._layout))
    JOBS.jobs.clear()
    # React shows labels of buttons as text.
    assert dashboard.header.jobs.label.startswith("<img src=x")


def test_messages_are_shown_as_text(small_study):
    for alert in (trouble(HOSTILE), error_page(RuntimeError(HOSTILE))[1]):
        assert_text(rendered(alert))
    missing = LocusPage(f"/{HOSTILE}")
    assert_text(rendered(missing._notice))
    page = StudyPage(small_study)
    page.state.say(HOSTILE, "error")
    assert_text(rendered(page._notice))


def test_our_own_advice_is_markdown():
    assert "<strong>Train</strong>" in rendered(empty("See the **Train** page."))
