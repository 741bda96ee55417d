"""Widget callbacks may change figures, also when the event comes while the document is busy."""

import asyncio
import socket
import threading
import time
import urllib.request

import panel as pn
import pytest
from bokeh.client import pull_session
from bokeh.events import ButtonClick
from bokeh.models import ColumnDataSource
from bokeh.plotting import figure
from tornado.ioloop import IOLoop

from deepwas_app.app.guard import lock_events


@pytest.fixture
def loop():
    """Of a client in this thread, whose loop other tests may have taken away."""
    with asyncio.Runner() as runner:
        asyncio.set_event_loop(runner.get_loop())
        loop = IOLoop()
        yield loop
        loop.close(all_fds=True)
        asyncio.set_event_loop(None)


@pytest.mark.filterwarnings("ignore::bokeh.util.warnings.BokehUserWarning")
def test_events_that_wait_are_handled_with_the_document_locked(loop):
    lock_events()
    seen: list[str] = []
    made: dict = {}
    handled = threading.Event()

    def session():
        source = ColumnDataSource({"x": [0], "y": [0]})
        drawing = figure(width=200, height=200)
        drawing.scatter("x", "y", source=source)
        button = pn.widgets.Button(label="Move")

        def clicked(_):
            try:
                source.data = {"x": [1], "y": [1]}
                seen.append("moved")
            except RuntimeError as problem:
                seen.append(str(problem))
            handled.set()

        button.on_click(clicked)
        made.update(button=button, document=pn.state.curdoc)
        return pn.Column(drawing, button)

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = pn.serve(session, port=port, threaded=True, show=False, verbose=False)
    try:
        end = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(f"http://localhost:{port}/", timeout=30) as answer:
                    answer.read()
                break
            except OSError:
                assert time.monotonic() < end
                time.sleep(0.1)
        visit = pull_session(url=f"http://localhost:{port}/", io_loop=loop)
        button, document = made["button"], made["document"]
        # From another thread, as when the server is in the middle of something else.
        button._server_event(document, ButtonClick(model=None))
        assert handled.wait(60), "the click was lost"
        assert seen == ["moved"]
        visit.close()
    finally:
        server.stop()
