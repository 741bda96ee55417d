"""Views in JupyterLab behind JupyterHub and its own proxy, as a user of the Hub has them."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.test_jupyterlab import SECOND, Notebook

PROXY = Path(sys.prefix) / "hub" / "node_modules" / ".bin" / "configurable-http-proxy"

# Made by `make test`, where npm is there.
pytestmark = pytest.mark.skipif(
    not PROXY.exists() or shutil.which("node") is None, reason="the Hub's proxy wants npm"
)
CONFIGURATION = """
c.JupyterHub.bind_url = "http://127.0.0.1:{0}"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{1}"
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{2}"
c.ConfigurableHTTPProxy.command = ["{proxy}"]
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = "{home}/{{username}}"
c.Spawner.cmd = ["{python}", "-m", "jupyterhub.singleuser"]
c.Spawner.args = ["--allow-root"]
c.Spawner.environment = {environment}
"""


def free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@pytest.fixture
def hub(tmp_path: Path, cache: Path) -> Iterator[tuple[str, Path]]:
    """The Hub's address, and the home of its users."""
    ports = free_ports(3)
    environment = {"DEEPWAS_CACHE": str(cache), "DEEPWAS_DATA_ROOT": str(tmp_path / "data")}
    words = {"proxy": PROXY, "home": tmp_path, "python": sys.executable}
    words["environment"] = environment
    (tmp_path / "configuration.py").write_text(CONFIGURATION.format(*ports, **words))
    (tmp_path / "ann").mkdir()
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", "configuration.py"],
            cwd=tmp_path,
            env=os.environ | {"CONFIGPROXY_AUTH_TOKEN": "a-token-for-the-test"},
            stdout=log,
            stderr=log,
        )
    address = f"http://127.0.0.1:{ports[0]}"
    end = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"{address}/hub/api", timeout=10) as answer:
                answer.read()
            break
        except OSError:
            assert time.monotonic() < end, (tmp_path / "log").read_text()
            time.sleep(0.2)
    yield address, tmp_path / "ann"
    # Also the user's server, and the proxy.
    server.terminate()
    server.wait(30)


def test_a_view_of_a_user_of_the_hub(hub, page: Page, small_study) -> None:
    address, home = hub
    page.goto(f"{address}/hub/login")
    page.get_by_label("Username").fill("ann")
    page.get_by_label("Password").fill("any")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/user/ann/lab**", timeout=90 * SECOND)
    notebook = Notebook(
        page,
        (f"{address}/user/ann/", home),
        "hub",
        f"import deepwas_app as dw\nview = dw.LocusView({small_study.attrs['path']!r})\nview",
        "view.region = 'chr5:1-300kb'",
        "await asyncio.sleep(0.5)\nviews()",
    )
    notebook.run_all()
    notebook.agrees(3, lambda models: [0.001, 0.3] in models.values())
    # And back, by hand.
    box = notebook.cells.nth(1).get_by_label("Region, gene or variant")
    box.fill("chr5:100-400kb")
    box.press("Enter")
    notebook.agrees(3, lambda models: [0.1, 0.4] in models.values())
