"""The server ends under an open page, and comes again."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import expect

SECOND = 1000
RUN = "data/runs/*/*.run"


@pytest.fixture
def server(tmp_path: Path, small_study) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """A function that starts the command, always at the same port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [sys.executable, "-m", "deepwas_app.cli", "serve", small_study.attrs["path"]]
    words += ["--port", str(port), "--data-root", str(tmp_path / "data")]
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        with (tmp_path / "log").open("ab") as log:
            process = subprocess.Popen(words, stdout=log, stderr=log, env={**os.environ})
        started.append(process)
        end = time.monotonic() + 120
        while time.monotonic() < end:
            try:
                with urllib.request.urlopen(start.url, timeout=60) as answer:
                    answer.read()
                return process
            except OSError:
                assert process.poll() is None, (tmp_path / "log").read_text()
                time.sleep(0.2)
        raise AssertionError("the server does not answer")

    start.url = f"http://localhost:{port}/"
    yield start
    for process in started:
        process.kill()
        process.wait()


def epochs(folder: Path) -> int:
    """How many the one run that was started has behind it."""
    (metrics,) = folder.glob(f"{RUN}/metrics.parquet")
    table = pd.read_parquet(metrics)
    assert table["epoch"].is_monotonic_increasing
    return int(table["epoch"].max())


def test_a_page_outlives_its_server_and_the_training_goes_on(server, chromium, tmp_path):
    process = server()
    # What the browser says of a server that does not answer is no error here.
    page = chromium.new_context(viewport={"width": 1280, "height": 1000}).new_page()
    page.goto(f"{server.url}?page=train")
    start = page.get_by_role("button", name="Start", exact=True)
    expect(start).to_be_visible(timeout=120 * SECOND)
    page.get_by_label("Epochs").fill("3000")
    page.get_by_label("Epochs").press("Tab")
    start.click()
    end = time.monotonic() + 120
    while not [*tmp_path.glob(f"{RUN}/checkpoint.eqx")]:
        assert time.monotonic() < end, "nothing was trained"
        time.sleep(0.2)
    lost = page.get_by_role("alert").filter(has_text="The server does not answer.")
    expect(lost).to_have_count(0)

    process.send_signal(signal.SIGKILL)
    process.wait()
    reached = epochs(tmp_path)
    assert reached >= 1
    expect(lost).to_be_visible(timeout=30 * SECOND)
    server()
    back = page.get_by_role("alert").filter(has_text="The server is back.")
    expect(back).to_be_visible(timeout=60 * SECOND)
    back.get_by_role("button", name="Reload").click()
    expect(back).to_have_count(0, timeout=60 * SECOND)
    go_on = page.get_by_role("button", name=re.compile("Go on with mlp-"))
    expect(go_on).to_be_visible(timeout=120 * SECOND)
    assert "page=train" in page.url
    go_on.click()
    expect(go_on).to_have_count(0, timeout=20 * SECOND)
    # It goes on from the epoch that it had reached.
    end = time.monotonic() + 240
    while epochs(tmp_path) <= reached:
        assert time.monotonic() < end, "the training does not go on"
        time.sleep(0.5)
    page.context.close()
