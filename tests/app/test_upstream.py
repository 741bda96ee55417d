"""Private methods of other packages that are replaced or called are still those that were tried."""

import hashlib
import inspect
import tomllib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import bokeh
import holoviews.plotting
import pytest
from bokeh.server.tornado import BokehTornado
from packaging.requirements import Requirement
from packaging.version import Version
from panel import pane, state
from panel.io import document
from panel.io.notebook import load_notebook, push
from panel.reactive import Syncable
from panel.viewable import MimeRenderMixin
from panel_material_ui import FileInput, Page
from panel_material_ui.base import MaterialComponent
from tornado.web import Application

from deepwas_app.app.requests import FLUSH

ROOT = Path(__file__).parents[2]
WHAT_TO_DO = (
    "Read what changed there, run tests/app/test_guard.py, tests/app/test_leaks.py and "
    "tests/browser with it, drop what is no longer needed, then state the new {what} here."
)
TRIED = {"bokeh": "3.9", "holoviews": "1.23", "panel": "1.9", "panel-material-ui": "0.16"}
# Of the source, without the decorators that app/guard.py puts around it.
DIGESTS = {
    "guard.lock_events": (Syncable._event_coroutine, "c8003e3bd9af"),
    "guard.lock_events too": (Syncable._change_coroutine, "bc35417d1b8d"),
    "guard.order_events": (Syncable._change_event, "63e633546dc5"),
    "guard.order_events too": (Syncable._process_bokeh_event, "d822408c30bc"),
    "guard.in_order": (document.unlocked, "4ecf10638727"),
    "requests.protect": (Application.get_handler_delegate, "7ade687ca1a4"),
    "requests.protect too": (FLUSH, "3ae7fe815121"),
    "uploads.Chooser": (FileInput._process_chunk, "8de1f935e92b"),
    "notebook.show": (MimeRenderMixin._render_mimebundle, "54bbe74492cc"),
    "notebook.Shown": (MimeRenderMixin._on_msg, "ec5bce9ff0af"),
    "notebook.Changes": (document.hold, "b17ad26f22dc"),
    "notebook.Changes too": (push, "8a874ffbe931"),
    "cells.resources._code": (load_notebook, "1224fdcbc522"),
    "cells.resources._load_material_once": (MaterialComponent._get_model, "c63a7e27bb89"),
    "leaks.cleanup_plots": (pane.HoloViews._cleanup, "92f4411d5e45"),
    "leaks.cleanup_plots too": (holoviews.plotting.Plot.cleanup, "306dadd8b739"),
    "leaks.forget_document": (document._cleanup_doc, "5793e4500c6a"),
}


@pytest.mark.parametrize("name", TRIED)
def test_only_versions_that_were_tried_are_allowed(name):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (declared,) = (
        requirement
        for requirement in map(Requirement, project["dependencies"])
        if requirement.name == name
    )
    major, minor = Version(TRIED[name]).release
    advice = f"{name} {version(name)} was not tried. " + WHAT_TO_DO.format(what="version")
    assert version(name).startswith(f"{TRIED[name]}."), advice
    assert f"{major}.{minor}.999" in declared.specifier
    assert f"{major}.{minor + 1}" not in declared.specifier, advice


def digest(function: Callable) -> str:
    source = inspect.getsource(inspect.unwrap(function))
    return hashlib.sha256(source.encode()).hexdigest()[:12]


@pytest.mark.parametrize("user", DIGESTS)
def test_replaced_and_called_methods_are_those_that_were_read(user):
    function, known = DIGESTS[user]
    advice = f"app/{user} relies on {function.__qualname__}, which changed. "
    assert digest(function) == known, advice + WHAT_TO_DO.format(what="digest")


def test_what_is_cleaned_up_has_the_shape_that_it_had():
    advice = "app/leaks.py relies on this. " + WHAT_TO_DO.format(what="shape")
    assert "self.busy = state.param.busy" in inspect.getsource(Page.__init__), advice
    assert isinstance(state._views, dict), advice
    assert pane.HoloViews()._plots == {}, advice


def test_methods_of_the_browser_that_are_replaced_are_there():
    """LayoutGuard wraps two methods of the view of a figure."""
    script = Path(bokeh.__file__).parent / "server" / "static" / "js" / "bokeh.js"
    view = script.read_text().split("class PlotView extends ")[1].split("PlotView.__name__")[0]
    advice = "app/guard.py's LayoutGuard replaces this. " + WHAT_TO_DO.format(what="place")
    for name in ("_measure_layout", "_after_layout"):
        assert f"        {name}() {{" in view, f"{name}: {advice}"


def test_the_server_leaves_it_to_tornado_who_handles_a_request():
    assert "get_handler_delegate" not in vars(BokehTornado)
