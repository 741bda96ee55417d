"""Many visitors at once: what they wait for, what fails, and what the server keeps of them.

``python benchmarks/load.py`` starts the dashboard in a process of its own and lets visitors come:
each opens the Locus page of the built-in height study and moves to another region every few
seconds, as the browser's address does. They speak the protocol of Bokeh's websockets; some may be
real Chromium (``--browsers``), which move by a key. Then sessions are opened and closed one after
another. An action's time is from the message that moves to the last change that comes back. What
was found is printed, and added to benchmarks/reliability.md as a row.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import websocket_connect

QUIET = 0.8
THINKING = 3.0
CHROMIUM = "/usr/bin/chromium"
PAGE = Path(__file__).with_name("reliability.md")
# What stands behind the table.
LAST_ROW = "<!--- end of the table of load -->"


def address(url: str, start: int) -> str:
    """Of a megabase of chromosome 22."""
    words = {"page": "locus", "study": "height_chr22", "region": f"22:{start}-{start + 1_000_000}"}
    return f"{url}?{urllib.parse.urlencode(words, safe=':-')}"


class Visitor:
    """One visitor, who speaks as BokehJS does.

    Parameters
    ----------
    url
        Of the dashboard.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.bytes = 0
        self.errors: list[str] = []

    async def open(self, start: int) -> float:
        """Load the page and its document; seconds until nothing more came."""
        began = time.monotonic()
        page = await AsyncHTTPClient().fetch(
            HTTPRequest(address(self.url, start), request_timeout=300)
        )
        found = re.search(r'"token":\s*"([^"]+)"', page.body.decode())
        assert found is not None, "the page has no token"
        cookie = page.headers.get("Set-Cookie", "").partition(";")[0]
        request = HTTPRequest(
            self.url.replace("http", "ws", 1) + "ws",
            headers={"Origin": self.url.rstrip("/"), "Cookie": cookie},
            request_timeout=300,
        )
        self.socket = await websocket_connect(
            request, subprotocols=["bokeh", found[1]], max_message_size=2**28
        )
        await self._message(120)
        await self._send("PULL-DOC-REQ", {})
        while True:
            kind, content = await self._message(300)
            if kind == "PULL-DOC-REPLY":
                break
        self.location = _location(content["doc"])
        ready = {"type": "event", "name": "document_ready", "values": {"type": "map"}}
        told = {"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": ready}
        await self._send("PATCH-DOC", {"events": [told]})
        return await self._settled(began, 60)

    async def move(self, start: int) -> float:
        """Move to another region; seconds until the last change that came of it."""
        began = time.monotonic()
        search = "?" + urllib.parse.urlparse(address(self.url, start)).query
        change = {"model": {"id": self.location}, "attr": "search", "new": search}
        await self._send("PATCH-DOC", {"events": [{"kind": "ModelChanged", **change}]})
        return await self._settled(began, 60)

    def close(self) -> None:
        """Go away."""
        self.socket.close()

    async def _settled(self, began: float, seconds: float) -> float:
        last = began
        while time.monotonic() - began < seconds:
            try:
                kind, _ = await self._message(QUIET)
            except TimeoutError:
                if last > began:
                    return last - began
                continue
            if kind == "PATCH-DOC":
                last = time.monotonic()
        self.errors.append(f"nothing came in {seconds:.0f} s")
        return seconds

    async def _send(self, kind: str, content: Any) -> None:
        header = {"msgid": f"{random.getrandbits(64):x}", "msgtype": kind}
        for part in (header, {}, content):
            await self.socket.write_message(json.dumps(part))

    async def _message(self, seconds: float) -> tuple[str, Any]:
        """Kind and content of the next message; its buffers are counted and left."""
        header = json.loads(await self._part(seconds))
        await self._part(60)
        content = json.loads(await self._part(60))
        for _ in range(2 * header.get("num_buffers", 0)):
            await self._part(60)
        if header["msgtype"] == "ERROR":
            self.errors.append(str(content.get("text")))
        return header["msgtype"], content

    async def _part(self, seconds: float) -> Any:
        # Shielded, because a read that was given up would lose what it was about to get.
        self._reading = getattr(self, "_reading", None) or asyncio.ensure_future(
            self.socket.read_message()
        )
        part = await asyncio.wait_for(asyncio.shield(self._reading), seconds)
        self._reading = None
        if part is None:
            raise ConnectionError("the server closed the connection")
        self.bytes += len(part)
        return part


def _location(document: dict[str, Any]) -> str:
    """The id of the model that is the browser's address."""
    for root in document["roots"]:
        if root["name"].endswith("location.Location"):
            return root["id"]
    raise AssertionError("the document has no address")


def region(rng: random.Random) -> int:
    """Where a megabase begins."""
    return rng.randrange(17_000_000, 49_000_000, 100_000)


async def visit(url: str, seed: int, until: float, seen: dict[str, list[Any]]) -> None:
    """A visit: open, then move again and again."""
    rng = random.Random(seed)
    visitor = Visitor(url)
    try:
        # Not all in the same second.
        await asyncio.sleep(rng.uniform(0, 20))
        seen["opened"].append(await visitor.open(region(rng)))
        while time.monotonic() < until:
            await asyncio.sleep(rng.expovariate(1 / THINKING))
            seen["moved"].append(await visitor.move(region(rng)))
        visitor.close()
    except Exception as error:
        seen["errors"].append(f"{type(error).__name__}: {error}")
    seen["errors"] += visitor.errors


async def browse(url: str, number: int, until: float, seen: dict[str, list[Any]]) -> None:
    """So many pages in Chromium, moved by a key."""
    if not number:
        return
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=args)
        pages = []
        for seed in range(number):
            page = await browser.new_page()
            page.on("pageerror", lambda error: seen["errors"].append(f"page: {error}"))
            page.on(
                "console",
                lambda said: seen["errors"].append(said.text) if said.type == "error" else None,
            )
            await page.goto(address(url, region(random.Random(seed))), timeout=300_000)
            pages.append(page)
        while time.monotonic() < until:
            for page in pages:
                await page.keyboard.press("]")
                await asyncio.sleep(THINKING / number)
        await browser.close()


def memory(process: int) -> float:
    """Resident megabytes of a process."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


async def watch(process: int, began: float, samples: list[tuple[float, float]]) -> None:
    """Note the memory of the server every two seconds."""
    while True:
        samples.append((time.monotonic() - began, memory(process)))
        await asyncio.sleep(2)


@contextmanager
def served(folder: str) -> Iterator[tuple[str, int]]:
    """The dashboard in a process of its own: its address and the process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [sys.executable, "-m", "deepwas_app.cli", "serve", "--port", str(port)]
    with Path(folder, "log").open("wb") as log:
        process = subprocess.Popen(
            [*words, "--data-root", folder], stdout=log, stderr=log, env={**os.environ}
        )
        url = f"http://localhost:{port}/"
        try:
            while True:
                with suppress(OSError):
                    urllib.request.urlopen(address(url, 30_000_000), timeout=300).read()
                    break
                assert process.poll() is None, Path(folder, "log").read_text()
                time.sleep(0.3)
            yield url, process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


async def load(asked: argparse.Namespace, url: str, process: int) -> dict[str, Any]:
    """What visitors saw, and the memory of the server."""
    seen: dict[str, list[Any]] = {"opened": [], "moved": [], "errors": []}
    samples: list[tuple[float, float]] = []
    began = time.monotonic()
    until = began + asked.seconds
    watcher = asyncio.ensure_future(watch(process, began, samples))
    visits = [visit(url, seed, until, seen) for seed in range(asked.visitors)]
    await asyncio.gather(*visits, browse(url, asked.browsers, until, seen))
    watcher.cancel()
    late = [megabytes for at, megabytes in samples if at > min(60, asked.seconds / 3)]
    return {
        "visitors": asked.visitors,
        "browsers": asked.browsers,
        "seconds": asked.seconds,
        "machine load": round(os.getloadavg()[0], 1),
        "opened, median s": round(statistics.median(seen["opened"]), 2),
        "moves": len(seen["moved"]),
        "move, median s": round(statistics.median(seen["moved"]), 2),
        "move, 95% s": round(statistics.quantiles(seen["moved"], n=20)[-1], 2),
        "errors": len(seen["errors"]),
        "first error": (seen["errors"] or [""])[0],
        "MB after a minute": round(late[0]),
        "MB at the end": round(late[-1]),
        "MB at most": round(max(late)),
    }


async def pile(asked: argparse.Namespace, url: str, process: int) -> dict[str, Any]:
    """What so many sessions, opened and closed four at a time, leave behind."""

    async def some(number: int, seed: int) -> None:
        rng = random.Random(seed)
        for _ in range(number):
            visitor = Visitor(url)
            await visitor.open(region(rng))
            visitor.close()

    # What the first ones fill is no leak: caches of blocks, of LD and of programs.
    await asyncio.gather(*(some(asked.sessions // 20, seed) for seed in range(4)))
    await asyncio.sleep(45)
    before = memory(process)
    await asyncio.gather(*(some(asked.sessions // 4, seed) for seed in range(10, 14)))
    await asyncio.sleep(45)
    return {"sessions": asked.sessions, "MB that they leave": round(memory(process) - before, 1)}


def note(results: dict[str, Any]) -> None:
    """Add a row to this script's table on the page."""
    names = (
        *("visitors", "browsers", "seconds", "machine load", "moves", "move, median s"),
        *("move, 95% s", "errors", "MB after a minute", "MB at the end"),
        *("sessions", "MB that they leave", "errors in the server's log"),
    )
    row = f"| {' | '.join(str(results.get(name, '')) for name in names)} |"
    before, after = PAGE.read_text().split(LAST_ROW)
    PAGE.write_text(f"{before.rstrip()}\n{row}\n\n{LAST_ROW}{after}")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Many visitors at once.")
    parser.add_argument("--visitors", type=int, default=45)
    parser.add_argument("--browsers", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--sessions", type=int, default=500)
    asked = parser.parse_args()
    AsyncHTTPClient.configure(None, max_clients=1000)
    with tempfile.TemporaryDirectory() as folder, served(folder) as (url, process):
        results: dict[str, Any] = {}
        if asked.visitors:
            results |= asyncio.run(load(asked, url, process))
        if asked.sessions:
            results |= asyncio.run(pile(asked, url, process))
        log = Path(folder, "log").read_text()
        results["errors in the server's log"] = log.count("ERROR")
        for name, value in results.items():
            print(name, value, sep="\t")
        note(results)
        print(log[log.find("ERROR") :][:3000] if "ERROR" in log else "")


if __name__ == "__main__":
    main()
