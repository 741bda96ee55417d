"""A small soak: visits that are over leave nothing behind in the server."""

import gc
import socket
import time
import urllib.request
import weakref

import panel as pn

from deepwas_app.app import leaks
from deepwas_app.app.pages import PAGES
from deepwas_app.app.serving import close_with_session
from deepwas_app.app.shell import Dashboard

VISITS = 6


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_visits_do_not_pile_up(small_study):
    visited: list[weakref.ref] = []

    def session():
        dashboard = Dashboard(small_study)
        for name in PAGES:
            dashboard.state.page = name
            dashboard.poller.poll()
        assert list(dashboard.pages) == list(PAGES)
        close_with_session(dashboard)
        visited.append(weakref.ref(dashboard.page))
        return dashboard

    port = free_port()
    server = pn.serve(
        session,
        port=port,
        threaded=True,
        show=False,
        verbose=False,
        check_unused_sessions_milliseconds=200,
        unused_session_lifetime_milliseconds=200,
    )
    try:

        def kept() -> tuple[int, int]:
            return len(leaks.busy_watchers()), len(pn.state._views)

        def more() -> bool:
            """Whether either is more than after one visit."""
            return any(now > then for now, then in zip(kept(), after_one, strict=True))

        after_one = None
        for _ in range(VISITS):
            end = time.monotonic() + 60
            while True:
                try:
                    with urllib.request.urlopen(f"http://localhost:{port}/", timeout=60) as answer:
                        answer.read()
                    break
                except OSError:
                    assert time.monotonic() < end
                    time.sleep(0.1)
            time.sleep(1.0)
            after_one = after_one or kept()
        # Sessions that nobody uses are destroyed a moment later, on a busy machine two.
        end = time.monotonic() + 60
        while more() and time.monotonic() < end:
            time.sleep(0.2)
        assert not more(), f"{kept()} after {VISITS} visits, {after_one} after one"
        gc.collect()
        assert len(visited) == VISITS
        alive = sum(page() is not None for page in visited)
        assert alive <= 1, f"{alive} of {VISITS} closed pages are still in memory"
    finally:
        server.stop()


def test_a_page_does_not_listen_to_the_busy_flag(small_study):
    before = leaks.busy_watchers()
    dashboard = Dashboard(small_study)
    assert leaks.busy_watchers() == before
    dashboard.close()
