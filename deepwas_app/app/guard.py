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
    """Keeps the browser from measuring figures too early, and from toiling for nothing.

    When figures are put on a page that is already on show, Material components measure their
    children as soon as they resize, which may be before a new figure has a layout; Bokeh then
    raises ``Cannot read properties of undefined (reading 'top_panel')``. The figure is measured
    again when its layout is there, so the early calls can be skipped.

    A component that comes or changes its size measures and draws all that is inside of it, and so
    does each that it is inside of. What is asked for in one moment is done once, by the outermost.

    A table that has changed its size asks, as fast as the browser can, whether it may be drawn
    again, until it may; here it asks ten times a second.

    References
    ----------
    https://github.com/panel-extensions/panel-material-ui/issues/548
    """

    _esm = """
    const guard_figures = (view) => {
      for (const name of ["_measure_layout", "_after_layout"]) {
        const original = view[name]
        view[name] = function() {
          if (this.layout != null) { original.call(this) }
        }
      }
    }
    const compute_once = (component) => {
      const compute = component.compute_layout
      const asked = new Set()
      const answer = () => {
        const views = new Set([...asked].filter((view) => !view.is_destroyed))
        asked.clear()
        for (const view of views) {
          let above = view.parent
          while (above != null && !views.has(above)) { above = above.parent }
          if (above == null) { compute.call(view) } else { view._layout_computed = true }
        }
      }
      component.compute_layout = function() {
        if (this.is_managed) { return compute.call(this) }
        if (asked.size === 0) { setTimeout(answer, 0) }
        asked.add(this)
      }
    }
    const ask_slowly = (table) => {
      const pause = () => new Promise((go_on) => setTimeout(go_on, 100))
      const may_draw = (view) => !(
        view._is_scrolling || view._initializing || view.container === null || view.is_drawing
        || view._has_active_editor() || ![...view._initialized_stylesheets.values()].every(Boolean)
      )
      table._flush_resize_when_root_ready = async function() {
        while (this._resize_pending && !this.is_destroyed) {
          await this.root.ready
          if (may_draw(this)) {
            this._resize_pending = false
            this._resize_redraw()
          } else {
            await pause()
          }
        }
      }
    }
    const view_of = (name) => window.Bokeh?.Models?.get(name)?.prototype?.default_view?.prototype
    export function render({ view }) {
      const figure = view_of("Figure")
      if (figure && !figure.guarded_layout) {
        figure.guarded_layout = true
        guard_figures(figure)
        // What this component and Material's have in common.
        let component = Object.getPrototypeOf(view)
        while (component && !Object.hasOwn(component, "compute_layout")) {
          component = Object.getPrototypeOf(component)
        }
        const table = view_of("panel.models.tabulator.DataTabulator")
        if (table?._flush_resize_when_root_ready) { ask_slowly(table) }
        if (component && Object.hasOwn(component, "render_esm")) { compute_once(component) }
      }
      return document.createElement("div")
    }
    """
