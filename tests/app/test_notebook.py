"""What is sent to notebooks, without a browser: in order, and never before it can be taken."""

from bokeh.document import Document
from bokeh.models import ColumnDataSource, Range1d

from deepwas_app.app import notebook


class Way:
    """In place of Jupyter's own comm."""

    def __init__(self):
        self.sent = []

    def send(self, data, metadata=None, buffers=()):
        self.sent.append(data)


def test_what_is_sent_too_early_comes_in_order_when_the_view_is_there():
    comm, way = notebook.WaitingComm(), Way()
    # Panel would try again later, out of order, without this.
    assert comm._comm
    comm.send("first")
    comm._comm = way
    comm.send("second")
    assert way.sent == []
    comm.arrived()
    comm.send("third")
    assert way.sent == ["first", "second", "third"]


def test_a_view_that_nobody_sees_does_not_fill_memory(monkeypatch):
    monkeypatch.setattr(notebook, "_KEPT", 3)
    comm, way = notebook.WaitingComm(), Way()
    comm._comm = way
    for i in range(10):
        comm.send(i)
    assert comm.lost
    assert comm._kept == []
    comm.arrived()
    # No half of a message: the view is made again.
    assert way.sent == []


def test_changes_are_those_of_the_kernel_not_those_that_the_browser_told():
    document, source, place = Document(), ColumnDataSource({"x": [1]}), Range1d(0, 1)
    for model in (source, place):
        document.add_root(model)
    document.hold()
    changes = notebook.Changes(document, "browser")
    place.set_from_json("start", 0.5, setter="browser")
    source.data = {"x": [1, 2]}
    place.end = 3
    told = [(event.model, event.attr) for event in changes._events]
    assert told == [(source, "data"), (place, "end")]
    # Callbacks of models are called at once, as with a server.
    heard = []
    place.on_change("start", lambda attr, old, new: heard.append(new))
    place.start = 2
    assert heard == [2]


def test_a_way_that_is_opened_twice_is_not_closed():
    said = []

    class Comm:
        _closed = False

        def __init__(self, name):
            self.comm_id = name

        def __del__(self):
            if not self._closed:
                said.append(self.comm_id)

    class Browser:
        _comm = None

        def _handle_open(self, comm, message):
            self._comm = comm

    browser = Browser()
    notebook._opened(browser, Comm("first"), {})
    notebook._opened(browser, Comm("first"), {})
    assert said == []
    # Another page is another way.
    notebook._opened(browser, Comm("second"), {})
    assert said == ["first"]
