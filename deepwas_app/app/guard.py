"""Guards against two races between Panel and Bokeh, one in the server and one in the browser."""

from panel.custom import JSComponent
from panel.io.document import with_lock
from panel.reactive import Syncable


def lock_events() -> None:
    """Let widget callbacks run with the document locked, so that they may change Bokeh models.

    Panel runs an event that arrives while the document is busy without the lock; Bokeh then
    refuses every change of a figure's data ("_pending_writes should be non-None").
    """
    for name in ("_event_coroutine", "_change_coroutine"):
        method = getattr(Syncable, name)
        if not getattr(method, "lock", False):
            setattr(Syncable, name, with_lock(method))


class LayoutGuard(JSComponent):
    """Keeps Bokeh from measuring a figure that has not been laid out yet.

    When figures are put on a page that is already on show, Material components measure their
    children as soon as they resize, which may be before a new figure has a layout; Bokeh then
    raises ``Cannot read properties of undefined (reading 'top_panel')``. The figure is measured
    again when its layout is there, so the early calls can be skipped.
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
