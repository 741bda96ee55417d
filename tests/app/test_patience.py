"""A session waits for a browser that is slow to load its page, but not for ever."""

import socket
import time
import urllib.request

import panel as pn
import pytest

from deepwas_app.app import serving


@pytest.mark.parametrize(("waits", "left"), [(False, 0), (True, 1)])
def test_a_session_waits_for_a_slow_browser(monkeypatch, waits, left):
    monkeypatch.setattr(serving, "PATIENCE", 3.0)

    contexts = []

    def session():
        contexts.append(pn.state.curdoc.session_context.server_context)
        if waits:
            serving.wait_for_browser()
        return pn.pane.Str("page")

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = pn.serve(
        session,
        port=port,
        threaded=True,
        show=False,
        verbose=False,
        unused_session_lifetime_milliseconds=200,
        check_unused_sessions_milliseconds=100,
    )

    def sessions() -> int:
        return len(contexts[-1].sessions)

    def until(wanted: int, seconds: float) -> None:
        end = time.monotonic() + seconds
        while sessions() != wanted:
            assert time.monotonic() < end
            time.sleep(0.05)

    try:
        end = time.monotonic() + 30
        while True:
            try:
                with urllib.request.urlopen(f"http://localhost:{port}/", timeout=30) as answer:
                    answer.read()
                break
            except OSError:
                assert time.monotonic() < end
                time.sleep(0.1)
        until(left, 2)
        time.sleep(1.2)
        assert sessions() == left
        until(0, 10)
    finally:
        server.stop()
