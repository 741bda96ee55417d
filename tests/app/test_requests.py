"""Who gets in to the server, and what its answers carry."""

import asyncio
import contextlib
import gc
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin

import panel as pn
import pytest
from tornado.httpclient import HTTPClientError, HTTPRequest, HTTPResponse
from tornado.ioloop import IOLoop
from tornado.simple_httpclient import SimpleAsyncHTTPClient
from tornado.web import create_signed_value
from tornado.websocket import websocket_connect

from deepwas_app.app import serving
from deepwas_app.app.requests import VISITOR, protect
from deepwas_app.errors import InputError
from deepwas_app.workflow.settings import ServeSettings

SECRET = "s" * 32
ROOT = Path(__file__).parents[2]
# Of tornado's client, whose loop ends before its sockets do.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module", autouse=True)
def collected():
    """Sockets that clients leave open are let go of here, not while another test runs."""
    yield

    async def another() -> None:
        # Only then tornado forgets the loops that have ended.
        IOLoop.current()

    asyncio.run(another())
    gc.collect()


class Client:
    """A browser without a screen, of a server in a thread."""

    def __init__(self, port: int) -> None:
        self.url, self.port = f"http://localhost:{port}", port

    def get(self, path: str = "/", **options: Any) -> HTTPResponse:
        async def fetch() -> HTTPResponse:
            request = HTTPRequest(self.url + path, follow_redirects=False, **options)
            return await SimpleAsyncHTTPClient(force_instance=True).fetch(
                request, raise_error=False
            )

        return asyncio.run(fetch())

    def websocket(self, page: HTTPResponse, path: str = "/ws", **headers: str) -> int:
        """Status of the websocket of a page: 101 where its session answers."""
        token = re.search(rb'"token":"([^"]+)"', page.body)
        words = ["bokeh", token[1].decode() if token else "none"]
        request = HTTPRequest(f"ws://localhost:{self.port}{path}", headers=headers)

        async def connect() -> int:
            try:
                stream = await websocket_connect(request, subprotocols=words)
            except HTTPClientError as problem:
                return problem.code
            said = await asyncio.wait_for(stream.read_message(), 5)
            stream.close()
            return 101 if said and "ACK" in str(said) else 0

        return asyncio.run(connect())


@pytest.fixture
def start(monkeypatch, unprotected):
    """Starts servers of a light page."""
    stops: list[Any] = []
    monkeypatch.setattr(serving, "dashboard", lambda: pn.pane.Str("hello"))
    monkeypatch.setattr(pn.config, "cookie_secret", None)

    def start(**settings: Any) -> Client:
        port = settings.pop("port", None) or free_port()
        ready, made = threading.Event(), []

        def run() -> None:
            asyncio.set_event_loop(asyncio.new_event_loop())
            server = serving.make_server(ServeSettings(port=port, **settings))
            server.start()
            made.append(server)
            server.io_loop.add_callback(ready.set)
            server.io_loop.start()
            server.stop()

        thread = threading.Thread(target=run)
        thread.start()
        assert ready.wait(30)
        stops.append((made[0], thread))
        return Client(port)

    yield start
    for server, thread in stops:
        server.io_loop.add_callback(server.io_loop.stop)
        thread.join(30)
    with contextlib.suppress(AttributeError):
        pn.config.oauth_provider = None


def cookies(answer: HTTPResponse) -> str:
    found = SimpleCookie()
    for line in answer.headers.get_list("Set-Cookie"):
        found.load(line)
    return "; ".join(f"{name}={morsel.value}" for name, morsel in found.items())


@pytest.mark.parametrize("begun", ["protected", "by another"])
def test_answers_carry_headers_and_scripts_a_nonce(start, begun, monkeypatch):
    if begun == "by another":
        # As `panel serve` has it: nothing of ours runs before the script of the first page.
        monkeypatch.setattr(serving, "protect", lambda **_: None)
        page = lambda: protect() or pn.pane.Str("hello")  # noqa: E731
        monkeypatch.setattr(serving, "dashboard", page)
    client = start()
    page = client.get()
    assert page.code == 200
    policy = page.headers["Content-Security-Policy"]
    (nonce,) = re.findall("'nonce-([^']+)'", policy)
    scripts = re.findall(rb"<script[^>]*>", page.body)
    assert len(scripts) > 2
    assert all(f'nonce="{nonce}"'.encode() in script for script in scripts)
    (of_scripts,) = [part for part in policy.split("; ") if part.startswith("script-src")]
    assert "unsafe-inline" not in of_scripts
    assert "frame-ancestors 'none'" in policy
    assert nonce not in client.get().headers["Content-Security-Policy"]
    for answer in (page, client.get("/nothing"), client.get("/static/js/bokeh.min.js")):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Referrer-Policy"] == "same-origin"
    odd = client.get(headers={"Host": "a;script-src * 'unsafe-inline'"})
    assert "unsafe-inline' ws" not in odd.headers.get("Content-Security-Policy", "")
    assert "ws://a;" not in odd.headers.get("Content-Security-Policy", "")


def test_a_browser_is_told_from_others_by_a_cookie(start):
    client = start()
    first, second = client.get(), client.get()
    assert VISITOR in cookies(first)
    assert cookies(first) != cookies(second)
    assert "HttpOnly" in first.headers["Set-Cookie"]
    assert not cookies(client.get(headers={"Cookie": cookies(first)}))


def test_websockets_come_from_pages_of_the_server(start):
    client = start(allow_origin=["www.example.org"])
    page = client.get()
    assert client.websocket(page, Origin=client.url) == 101
    assert client.websocket(page, Origin="http://www.example.org") == 101
    assert client.websocket(page, Origin="http://evil.example") == 403
    assert client.websocket(page) == 403
    programs = start(allow_origin=["none"])
    assert programs.websocket(programs.get()) == 101
    assert programs.websocket(programs.get(), Origin="http://evil.example") == 403


def test_an_address_imports_no_module(start):
    client = start()
    assert client.get("/components/antigravity/x/_css/y").code == 404
    assert "antigravity" not in sys.modules


def test_a_prefix_is_before_all_addresses(start):
    client = start(prefix="/deepwas/")
    page = client.get("/deepwas/")
    assert page.code == 200
    assert client.get("/").code == 404
    assert client.websocket(page, "/deepwas/ws", Origin=client.url) == 101


@pytest.mark.parametrize("prefix", ["", "/deepwas"])
def test_names_and_passwords(start, tmp_path, prefix):
    file = tmp_path / "people.json"
    file.write_text(json.dumps({"ann": "secret"}))
    client = start(basic_auth=str(file), prefix=prefix)
    refused = client.get(f"{prefix}/")
    assert refused.code == 302
    login = urljoin(f"{prefix}/", refused.headers["Location"])
    assert login.startswith(f"{prefix}/login?")
    assert client.websocket(refused, f"{prefix}/ws", Origin=client.url) == 403
    form = client.get(login)
    assert form.code == 200
    assert b"http" not in form.body.replace(b'charset="utf-8"', b"")
    hostile = client.get(f"{prefix}/login?error=<script>alert(1)</script>")
    assert b"<script" not in hostile.body

    def log_in(password: str) -> HTTPResponse:
        body = urlencode({"username": "ann", "password": password})
        return client.get(f"{prefix}/login", method="POST", body=body)

    assert "user=" not in cookies(log_in("wrong"))
    known = {"Cookie": cookies(log_in("secret"))}
    page = client.get(f"{prefix}/", headers=known)
    assert page.code == 200
    assert client.websocket(page, f"{prefix}/ws", Origin=client.url, **known) == 101
    assert client.websocket(page, f"{prefix}/ws", Origin=client.url) == 403


def test_login_by_a_provider(start):
    client = start(oauth_provider="github", oauth_key="key", oauth_secret="x", cookie_secret=SECRET)
    refused = client.get()
    assert refused.code == 302
    assert client.websocket(refused, Origin=client.url) == 403
    sent = client.get(urljoin("/", refused.headers["Location"]))
    assert sent.code == 302
    assert sent.headers["Location"].startswith("https://github.com/login/oauth/authorize?")
    assert "client_id=key" in sent.headers["Location"]
    signed = create_signed_value(SECRET, "user", "ann").decode()
    known = {"Cookie": f"user={signed}; id_token={signed}"}
    assert client.get(headers=known).code == 200


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"address": "0.0.0.0"}, "Choose a login"),
        ({"address": "server.example.org"}, "--no-login"),
        ({"address": "0.0.0.0", "no_login": True, "open_disk": True}, "--open-disk"),
        ({"basic_auth": "a.json", "oauth_provider": "github"}, "choose one"),
        ({"basic_auth": "nowhere.json"}, "no such file"),
        ({"address": ""}, "Choose a login"),
    ],
)
def test_strangers_are_let_in_only_where_that_is_said(settings, said):
    with pytest.raises(InputError, match=re.escape(said)):
        serving.check_access(ServeSettings(**settings))


@pytest.mark.parametrize("address", ["localhost", "127.0.0.1", "127.0.0.2", "::1"])
def test_this_machine_alone_needs_no_login(address):
    serving.check_access(ServeSettings(address=address, open_disk=True))


def test_whoever_is_let_in_aloud_or_logs_in_may_come_from_elsewhere(tmp_path):
    serving.check_access(ServeSettings(address="0.0.0.0", no_login=True))
    file = tmp_path / "people.json"
    for wrong in ("", "ann", "{}", '["ann"]', '{"ann": ""}', '{"ann": 3}'):
        file.write_text(wrong)
        with pytest.raises(InputError, match=r"people\.json"):
            serving.check_access(ServeSettings(basic_auth=str(file)))
    file.write_text('{"ann": "secret"}')
    serving.check_access(ServeSettings(address="0.0.0.0", basic_auth=str(file)))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(words: list[str], address: str, folder: Path):
    """Another server, from when it answers."""
    with (folder / "log").open("w") as log:
        program = subprocess.Popen(words, stdout=log, stderr=log, env=os.environ | private(folder))
    try:
        end = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(address, timeout=10) as answer:
                    answer.read()
                break
            except urllib.error.HTTPError:
                break
            except OSError:
                assert program.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < end, (folder / "log").read_text()
                time.sleep(0.1)
        yield
    finally:
        program.terminate()
        program.wait(20)


def private(folder: Path) -> dict[str, str]:
    names = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    return {name: str(folder / name.lower()) for name in names}


def nginx_location() -> str:
    """What the how-to says to write."""
    text = (ROOT / "docs" / "howto" / "nginx.md").read_text()
    return re.search(r"```nginx\n(.*?)```", text, re.DOTALL)[1]


@pytest.mark.parametrize("upgraded", [True, False])
def test_behind_nginx_as_the_how_to_says(start, tmp_path, upgraded):
    port = free_port()
    server = start(prefix="deepwas", allow_origin=[f"www.example.org:{port}"])
    location = nginx_location().replace("5006", str(server.port))
    if not upgraded:
        location = re.sub(r".*(Upgrade|Connection).*\n", "", location)
    (tmp_path / "nginx.conf").write_text(
        "daemon off; pid nginx.pid; error_log stderr;\n"
        "events {}\nhttp { access_log off; client_body_temp_path body; proxy_temp_path proxy;\n"
        "fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;\n"
        f"server {{ listen 127.0.0.1:{port};\n{location}\n}} }}\n"
    )
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    assert nginx, "install Debian's package nginx"
    words = [nginx, "-p", str(tmp_path), "-c", "nginx.conf", "-e", "stderr"]
    with running(words, f"http://127.0.0.1:{port}/", tmp_path):
        proxy = Client(port)
        page = proxy.get("/deepwas/")
        assert page.code == 200
        assert proxy.get("/deepwas/static/js/bokeh.min.js").code == 200
        origin = {"Origin": f"http://www.example.org:{port}"}
        assert (proxy.websocket(page, "/deepwas/ws", **origin) == 101) == upgraded
        elsewhere = {"Origin": "http://evil.example.org"}
        assert proxy.websocket(page, "/deepwas/ws", **elsewhere) != 101


def test_through_jupyter_server_proxy(start, tmp_path):
    port, own = free_port(), free_port()
    prefix = f"/hub/user/ann/proxy/absolute/{own}"
    start(port=own, prefix=prefix, allow_origin=[f"hub.example.org:{port}"])
    words = [sys.executable, "-m", "jupyter_server", "--allow-root", f"--ServerApp.port={port}"]
    words += ["--ip=127.0.0.1", "--ServerApp.base_url=/hub/user/ann/", "--no-browser"]
    words += ["--IdentityProvider.token=", f"--ServerApp.root_dir={tmp_path}"]
    # Its names of hosts are the Hub's business.
    words += ["--ServerApp.allow_remote_access=True", "--ServerApp.allow_origin=*"]
    with running(words, f"http://127.0.0.1:{port}/hub/user/ann/api", tmp_path):
        proxy = Client(port)
        page = proxy.get(f"{prefix}/")
        assert page.code == 200
        assert proxy.get(f"{prefix}/static/js/bokeh.min.js").code == 200
        origin = {"Origin": f"http://hub.example.org:{port}"}
        assert proxy.websocket(page, f"{prefix}/ws", **origin) == 101
