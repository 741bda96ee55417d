"""Guards against races between Panel and Bokeh, two in the server and one in the browser.

They replace private methods, so pyproject.toml bounds the versions, and tests/app/test_upstream.py
fails when one of these methods is another than the one that a guard was written for.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from bokeh.document import Document
from panel.custom import JSComponent
from panel.io.document import unlocked, with_lock
from panel.io.state import set_curdoc
from panel.reactive import Syncable


def lock_events() -> None:
    """Let widget callbacks run with the document locked, so that they may change Bokeh models.

    Panel runs an event that arrives while the document is busy without the lock; Bokeh then
    refuses every change of a figure's data ("_pending_writes should be non-None").

    References
    ----------
    The same refusal, from other callers: https://github.com/holoviz/panel/issues/1447 and
    https://github.com/holoviz/panel/issues/5999. That events may go without the lock is meant:
    https://github.com/holoviz/panel/pull/1170.
    """
    for name in ("_event_coroutine", "_change_coroutine"):
        method = getattr(Syncable, name)
        if not getattr(method, "lock", False):
            setattr(Syncable, name, with_lock(method))


def in_order(function: Callable[[], Any]) -> Any:
    """Call a function, and send the browser what it changed as one, in the order of the changes.

    Else Panel's changes of a layout may wait for a busy connection while Bokeh's changes of data
    overtake them, and the browser is told of the data of a figure that it does not have ("reference
    isn't known").

    References
    ----------
    The same message, from another caller: https://github.com/holoviz/panel/issues/6019. Panel keeps
    the order of what it writes itself since https://github.com/holoviz/panel/pull/6443.
    """
    with unlocked(policy="collect"):
        return function()


def order_events() -> None:
    """Let what a widget's callbacks change reach the browser in order, see :func:`in_order`."""
    for name in ("_change_event", "_process_bokeh_event"):
        method = getattr(Syncable, name)
        if not hasattr(method, "__wrapped__"):
            setattr(Syncable, name, _ordered(method))


def _ordered(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def ordered(self: Syncable, doc: Document, *arguments: Any) -> None:
        with set_curdoc(doc):
            in_order(lambda: method(self, doc, *arguments))

    return ordered


class LayoutGuard(JSComponent):
    """Keeps Bokeh from measuring a figure that has not been laid out yet.

    When figures are put on a page that is already on show, Material components measure their
    children as soon as they resize, which may be before a new figure has a layout; Bokeh then
    raises ``Cannot read properties of undefined (reading 'top_panel')``. The figure is measured
    again when its layout is there, so the early calls can be skipped.

    References
    ----------
    https://github.com/panel-extensions/panel-material-ui/issues/548
    """

    _esm = """
    export function render() {
      const figure = window.Bokeh?.Models?.get("Figure")
      const view = figure?.prototype?.default_view?.prototype
      if (view && !view.guarded_layout) {
        for (const name of ["_measure_layout", "_after_layout"]) {
          const original = view[name]
          view[name] = function() {
            if (this.layout != null) { original.call(this) }
          }
        }
        view.guarded_layout = true
      }
      return document.createElement("div")
    }
    """
