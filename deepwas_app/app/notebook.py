"""Views in notebook cells: what the kernel has and what the browser shows stay equal."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import panel as pn
import param
from bokeh.document import Document
from bokeh.document.callbacks import _combine_document_events
from panel.config import panel_extension
from panel.custom import JSComponent
from panel.io.model import patch_cds_msg
from panel.io.notebook import push
from panel.io.state import state as panel_state
from panel.models.esm import ESMEvent
from pyviz_comms import JupyterComm

from deepwas_app.cells.resources import load

# Messages that are kept for a view that has not come into sight; then it is made again.
_KEPT = 300
# Seconds in which a second copy of a view in the browser is as new as the first.
_FRESH = 5.0


_MOVED = "This view is shown again by another cell, and has moved there."


class WaitingComm(JupyterComm):  # type: ignore[misc]
    """A way to the browser that keeps what it is to bring until the view is there.

    Jupyter's own drops what reaches the browser before: a figure is then without its data, and all
    that refers to what was lost is an error ("reference isn't known").
    """

    def __init__(self, *arguments: Any, **params: Any) -> None:
        self._opened: Any = None
        self._kept: list[tuple[Any, Any, Any]] | None = []
        self.lost = False
        super().__init__(*arguments, **params)

    @property
    def _comm(self) -> Any:
        # Panel sends later, out of order, what it cannot send now.
        return self._opened or self._kept is not None

    @_comm.setter
    def _comm(self, comm: Any) -> None:
        self._opened = comm

    @property
    def comm(self) -> Any:
        return self._opened

    def send(self, data: Any = None, metadata: Any = None, buffers: Any = ()) -> None:
        if self._kept is None:
            super().send(data, metadata, list(buffers))
        elif len(self._kept) < _KEPT and not self.lost:
            self._kept.append((data, metadata, buffers))
        else:
            self.lost = True
            self._kept.clear()

    @property
    def keeps(self) -> bool:
        """Whether something waits for the view."""
        return bool(self._kept) or self.lost

    def arrived(self) -> None:
        """Send what was kept, and from now on at once."""
        kept, self._kept = self._kept or [], None
        for message in kept:
            self.send(*message)


class Arrival(JSComponent):
    """Tells the kernel that the browser has the view that this is part of.

    A page that was loaded again has the view as it once was; it is then told of the view of today.
    """

    replaces = param.List(default=[], doc="Roots of the view that have moved to where this is.")

    _stylesheets: ClassVar[list[str]] = [
        ".arrival { position: absolute; z-index: 10; white-space: nowrap; "
        "transform: translateY(-60%); border-radius: 4px; background: #b3261e; color: white; }"
    ]

    _esm = """
    export function render({ model, view }) {
      const message = document.createElement("div")
      message.className = "arrival"
      const place = view.model.document
      const root = view.root.model.id
      // Under whose name Jupyter forgets the kernel when it ends.
      const origins = window.deepwas_origins ??= {}
      const origin = origins[root] ?? root
      const manager = () => place.roots().find((other) => other.client_comm_id)
      let heard = false
      let wait = 100
      let tries = 0
      // What the kernel said is not said back to it: it may have gone on.
      const listen = (way) => {
        const told = new Set()
        const apply = place.apply_json_patch.bind(place)
        place.apply_json_patch = (patch, ...others) => {
          for (const {model, attr} of patch.events) {
            if (model && attr) { told.add(`${model.id} ${attr}`) }
          }
          try { apply(patch, ...others) } finally { told.clear() }
        }
        const changed = way._document_changed.bind(way)
        way._document_changed = (event) => {
          if (!told.has(`${event.model?.id} ${event.attr}`)) { changed(event) }
        }
      }
      // A way that is opened goes by the kernel's main queue, where it waits for the cell to end;
      // once Jupyter has a subshell for it, it can be opened beside that.
      const reopen = (way) => {
        if (tries >= 5) { return }
        way._blocked = false
        // Not where the kernel has ended meanwhile.
        try { way._client_comm?.open?.() } catch { tries = 5 }
      }
      const connect = (way) => {
        const kernel = window.PyViz?.kernels?.[root]
        if (kernel == null) { return }
        // Jupyter's widgets stop trying after two seconds.
        kernel.registerCommTarget(way.comm_id, (comm) => {
          comm.onMsg = (message) => way.msg_handler(message)
        })
        if (!way._client_comm?.active) {
          delete window.PyViz.comms[way.client_comm_id]
          way._client_comm = window.PyViz.comm_manager.get_client_comm(
            root, way.client_comm_id, (message) => way.on_ack(message))
        } else {
          reopen(way)
        }
      }
      // Also of those that are drawn only when this is there: the kernel has let go of them.
      const moved = window.deepwas_moved ??= new Set()
      model.replaces.forEach((other) => moved.add(other))
      const tell = () => {
        const way = manager()
        if (moved.has(root) && !heard) {
          document.getElementById(root)?.replaceWith("MOVED")
          return
        }
        // A server has none.
        if (way == null || heard || view.is_destroyed) { return }
        if (window.Bokeh.index.find_one_by_id(root) != null) {
          // Nothing listens where the way is not open yet, or the kernel is busy.
          if (wait > 1000) {
            connect(way)
          } else if (wait > 300) {
            reopen(way)
          }
          model.send_msg([root, place.arrival])
          wait = Math.min(2 * wait, 5000)
          tries += 1
          const prompts = [...document.querySelectorAll(".jp-InputPrompt")]
          const busy = prompts.some((prompt) => prompt.textContent.includes("*"))
          message.textContent = tries < 9 ? "" : busy
            ? "The kernel is busy. This view follows when it is not."
            : "No kernel answers: run the cell again."
        }
        setTimeout(tell, wait)
      }
      model.on("msg:custom", ({copy, now, html, note}) => {
        heard = heard || copy === place.arrival
        if (heard) { message.textContent = "" }
        const old = document.getElementById(root)
        if (copy !== place.arrival || old == null || !(now || note)) { return }
        const range = document.createRange()
        range.selectNode(old)
        if (now) {
          window.PyViz.kernels[now] = window.PyViz.kernels[root]
          origins[now] = origin
        }
        old.replaceWith(now ? range.createContextualFragment(html) : note)
        window.Bokeh.documents.splice(window.Bokeh.documents.indexOf(place), 1)
      })
      if (place.arrival == null && manager() != null) { listen(manager()) }
      place.arrival ??= Math.random()
      tell()
      const look = setInterval(() => {
        if (heard && !window.PyViz.kernels[origin] && message.isConnected) {
          message.textContent = "The kernel of this view has ended. Run its cell again."
          clearInterval(look)
        }
      }, 1000)
      model.on("remove", () => clearInterval(look))
      return message
    }
    """.replace("MOVED", _MOVED)

    def _handle_msg(self, data: Any) -> None:
        root, copy = data
        if root in _SHOWN:
            _SHOWN[root].arrived(copy)


class Shown:
    """A view that a cell shows.

    Parameters
    ----------
    view
        What is shown: a Panel Viewable.
    """

    def __init__(self, view: Any) -> None:
        self.view = view
        self._comm = WaitingComm()
        self._copies: dict[float, float] = {}
        self._document = document = Document()
        self._root = view._render_model(document, self._comm)
        self.name = self._root.ref["id"]
        _SHOWN[self.name] = self
        self.content = view._render_mimebundle(self._root, document, self._comm)
        self._changes = Changes(document, self._comm.id)
        _, browser = view._comms[self.name]
        _, manager = browser._on_msg.args
        # It comes in a thread of its own, while cells and ticks change the same: after these.
        loop = asyncio.get_running_loop()
        browser._on_msg = lambda message: self._hear_soon(loop, manager, message)
        browser.manager.register_target(browser.id, partial(_opened, browser))

    def arrived(self, copy: float) -> None:
        """Tell a browser that has it, as it was displayed, what is to be done: perhaps nothing."""
        now = time.monotonic()
        known, first = copy in self._copies, not self._copies
        recent = not first and now - min(self._copies.values()) < _FRESH
        self._copies.setdefault(copy, now)
        lost = first and self._comm.lost
        if first:
            self._comm.arrived()
        if (known or first or recent) and not lost:
            self._tell(copy=copy)
        else:
            self._comm.init()
            again = Shown(self.view)
            self._tell(copy=copy, now=again.name, html=again.content[0]["text/html"])
            self.end()

    def move(self) -> None:
        """Leave the place: the figures of a view are in one document at a time."""
        for copy in self._copies:
            self._tell(copy=copy, note=_MOVED)
        self.end()

    def end(self) -> None:
        """Let go of what is shown there."""
        _SHOWN.pop(self.name, None)
        panel_extension._process_comm_msg({"event_type": "delete", "id": self.name})

    @property
    def changed_unseen(self) -> bool:
        """Whether it is no longer what was displayed, and no browser was told."""
        return not self._copies and (self._changes.any or self._comm.keeps)

    def send(self) -> None:
        """Bring to the browser what has changed: Panel brings only what it has changed itself."""
        if self.name in panel_state._views:
            self._changes.push(self._comm)
        else:
            # Its cell shows something else.
            _SHOWN.pop(self.name, None)

    def _hear_soon(self, loop: Any, manager: Any, message: Any) -> None:
        _HEARD.append(partial(self._hear, manager, message))
        loop.call_soon_threadsafe(take_in)

    def _hear(self, manager: Any, message: Any) -> None:
        """Take in what the browser changed, and answer."""
        patch_cds_msg(self._root, message)
        self._document.unhold()
        manager.assemble(message).apply_to_document(self._document, self._comm.id)
        self.send()

    def _tell(self, **what: Any) -> None:
        (model,) = [m for m in self._root.references() if getattr(m, "class_name", "") == "Arrival"]
        self._document.callbacks.send_event(ESMEvent(model=model, data=what))
        self.send()


def _opened(browser: Any, comm: Any, message: Any) -> None:
    """Take a way that the browser opens; it may open the same one twice, see `Arrival`."""
    before = browser._comm
    if before is not None and before.comm_id == comm.comm_id:
        # Else it closes the new one, which has its name, when it is let go of.
        before._closed = True
    browser._handle_open(comm, message)


class Changes:
    """Collects what changes in a document, but for what the browser said itself.

    Jupyter's documents are always on hold, so that nobody is told of what changes in them; and
    Panel ends that, forgetting what was not sent, whenever the browser says something.
    """

    def __init__(self, document: Document, browser: str) -> None:
        self._document, self._browser = document, browser
        self._events: list[Any] = []
        document.unhold()
        # Else changes of what is not connected yet are dropped.
        panel_state._connected[document] = True
        document.callbacks.on_change_dispatch_to(self)

    def _document_patched(self, event: Any) -> None:
        if event.setter != self._browser:
            _combine_document_events(event, self._events)

    @property
    def any(self) -> bool:
        """Whether something was collected."""
        return bool(self._events)

    def push(self, comm: JupyterComm) -> None:
        """Send what was collected."""
        self._document.unhold()
        self._document.callbacks._held_events += self._events
        self._events = []
        push(self._document, comm)


_SHOWN: dict[str, Shown] = {}
# What browsers said and was not taken in yet.
_HEARD: deque[Callable[[], None]] = deque()


def take_in() -> None:
    """Take in what browsers said. Called by the loop, and by cells that keep it busy."""
    while _HEARD:
        _HEARD.popleft()()


def show(view: Any) -> None:
    """Show a Panel view in the cell that runs.

    What is saved is as the view was when that cell ended, also where no browser saw it change.
    """
    from IPython import get_ipython
    from IPython.display import display

    load()
    shown: Any = pn.panel(view)
    if pn.config.comms != "default":
        # VS Code and Colab have no way but that of ipywidgets, which keeps both sides equal itself.
        data, metadata = shown._repr_mimebundle_()
        display(data, metadata=metadata, raw=True)
        return
    before = [other for other in _SHOWN.values() if other.view is shown]
    for other in before:
        other.move()
    for arrival in shown.select(Arrival):
        arrival.replaces = [*arrival.replaces, *(other.name for other in before)]
    now = Shown(shown)
    data, metadata = now.content
    place = display(data, metadata=metadata, raw=True, display_id=now.name)
    events = get_ipython().events

    def at_end(_: Any) -> None:
        events.unregister("post_run_cell", at_end)
        if now.changed_unseen:
            data, metadata = Shown(shown).content
            place.update(data, metadata=metadata, raw=True)
            now.end()

    events.register("post_run_cell", at_end)


def tell_browsers() -> None:
    """Bring what has changed of views in cells to the browser."""
    for shown in list(_SHOWN.values()):
        shown.send()
