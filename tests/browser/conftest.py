"""A real Chromium that tolerates no error and no request to another machine."""

import os
import socket
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlparse

import pytest

CHROMIUM = Path("/usr/bin/chromium")
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
HERE = Path(__file__).parent
LOCAL = {"localhost", "127.0.0.1", ""}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore:reference already known"))


@pytest.fixture(scope="module")
def chromium() -> Iterator[object]:
    """The browser; without it the tests skip, or fail where it is required."""
    if not CHROMIUM.exists():
        if os.environ.get("DEEPWAS_REQUIRE_BROWSER") == "1":
            pytest.fail(f"{CHROMIUM} is missing: install Debian's package chromium")
        pytest.skip(f"{CHROMIUM} is missing")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium) -> Iterator[object]:
    """A page of 1280 px; any error, or any request to elsewhere, fails the test."""
    context = chromium.new_context(viewport={"width": 1280, "height": 1000})
    tab = context.new_page()
    problems: list[str] = []
    tab.on("pageerror", lambda error: problems.append(f"page error: {error}"))
    tab.on(
        "console",
        lambda message: (
            problems.append(f"console: {message.text}") if message.type == "error" else None
        ),
    )

    def seen(request) -> None:
        address = urlparse(request.url)
        if address.scheme not in ("data", "blob") and (address.hostname or "") not in LOCAL:
            problems.append(f"request to {request.url}")

    tab.on("request", seen)
    yield tab
    context.close()
    assert not problems, "\n".join(problems)


@pytest.fixture
def dashboard_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The served dashboard, with a data folder of its own."""
    import panel as pn
    from bokeh.server.tornado import BokehTornado
    from tornado.web import Application

    from deepwas_app.app import shell
    from deepwas_app.app.jobs import JOBS
    from deepwas_app.app.requests import protect
    from deepwas_app.app.serving import dashboard

    # Protected as by the command, and only so long.
    name = "get_handler_delegate"
    monkeypatch.setattr(BokehTornado, name, getattr(Application, name))
    protect()
    # No page is built before it is asked for, but where a test wants that.
    monkeypatch.setattr(shell, "FEW", 0)
    monkeypatch.setenv("DEEPWAS_DATA_ROOT", str(tmp_path / "data"))
    monkeypatch.delenv("DEEPWAS_STUDIES", raising=False)
    monkeypatch.setenv("DEEPWAS_OPEN_DISK", "1")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = pn.serve(
        dashboard,
        port=port,
        threaded=True,
        show=False,
        verbose=False,
        websocket_origin=[f"localhost:{port}"],
    )
    url = f"http://localhost:{port}/"
    end = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                answer.read()
            break
        except OSError:
            assert time.monotonic() < end, "the server does not answer"
            time.sleep(0.2)
    yield url
    JOBS.stop()
    server.stop()


@pytest.fixture(scope="session")
def screenshots() -> Path:
    folder = HERE / "screenshots"
    folder.mkdir(exist_ok=True)
    return folder
