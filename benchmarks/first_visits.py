"""First visits to the dashboard while the machine is busy: is any page left half filled?

python benchmarks/first_visits.py --visits 20 --busy 2 appends a line to benchmarks/first_visits.md.

A page is whole when it has as many figures, tables with rows and headings as at a visit to the same
server before the load, no spinner, and no error in the browser's console.
"""

import argparse
import itertools
import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from datetime import date
from pathlib import Path

HERE = Path(__file__).parent
PAGES = ("study", "train", "locus")
COUNTED = """() => {
  const found = { figures: 0, rows: 0, headings: 0, spinners: 0 }
  const look = (root) => root.querySelectorAll("*").forEach((node) => {
    if (node.shadowRoot) { look(node.shadowRoot) }
    if (!node.checkVisibility()) { return }
    if (node.matches(".bk-Canvas")) { found.figures += 1 }
    if (node.matches(".tabulator-row")) { found.rows = 1 }
    if (node.matches("h1, h2")) { found.headings += 1 }
    if (node.matches("[role=progressbar].MuiCircularProgress-root")) { found.spinners += 1 }
  })
  look(document)
  return found
}"""


def spin() -> None:
    """Keep a core busy."""
    while True:
        pass


def visit(browser, address: str, wanted: dict | None, seconds: float) -> tuple[dict, float, list]:
    """What is on a page when it is as full as wanted, or when time is up; seconds; errors."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda m: errors.append(m.text[:200]) if m.type == "error" else None)
    begun = time.monotonic()
    page.goto(address, timeout=1e3 * seconds)
    found: dict = {}
    while time.monotonic() - begun < seconds:
        page.wait_for_timeout(500)
        now = page.evaluate(COUNTED)
        if now == wanted:
            found = now
            break
        if wanted is None and now == found and now["headings"] > 2 and not now["spinners"]:
            # As it was five seconds ago, too.
            break
        if wanted is None:
            page.wait_for_timeout(5000)
        found = now
    took = time.monotonic() - begun
    context.close()
    return found, took, errors


def main() -> None:
    """Serve, visit, and say what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visits", type=int, default=20)
    parser.add_argument("--busy", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seconds", type=float, default=90.0)
    parser.add_argument("--study", default="height_chr22")
    parser.add_argument("-o", "--output", type=Path, default=HERE / "first_visits.md")
    asked = parser.parse_args()
    from playwright.sync_api import sync_playwright

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "deepwas_app.cli", "serve", asked.study, "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    busy = [multiprocessing.Process(target=spin, daemon=True) for _ in range(asked.busy)]
    half, errors, times = [], [], []
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://localhost:{port}/", timeout=60).read()
                break
            except OSError:
                time.sleep(0.5)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
            )
            addresses = {name: f"http://localhost:{port}/?page={name}" for name in PAGES}
            whole = {n: visit(browser, a, None, asked.seconds)[0] for n, a in addresses.items()}
            print(whole, flush=True)
            if any(w["spinners"] or not w["figures"] for w in whole.values()):
                raise SystemExit("The machine is busy already: no page was whole to begin with.")
            for process in busy:
                process.start()
            for number, name in zip(range(asked.visits), itertools.cycle(PAGES), strict=False):
                found, took, said = visit(browser, addresses[name], whole[name], asked.seconds)
                times.append(took)
                errors += said
                if found != whole[name]:
                    half.append(f"{name}: {found}")
                print(number + 1, name, f"{took:.1f} s", found, len(said), *said[:1], flush=True)
            browser.close()
    finally:
        for process in busy:
            process.kill()
        server.terminate()
        server.wait(30)
    load = os.getloadavg()[0]
    line = (
        f"- {date.today()}: {asked.visits} first visits ({', '.join(PAGES)}) beside "
        f"{asked.busy} busy loops on {os.cpu_count()} cores (load {load:.0f}): {len(half)} half "
        f"filled after {asked.seconds:.0f} s, {len(errors)} errors in the console; whole after "
        f"{statistics.median(times):.1f} s (median), {max(times):.1f} s (longest)."
    )
    print(line, *half, *errors[:5], sep="\n")
    text = asked.output.read_text() if asked.output.exists() else ""
    title = "# First visits to a busy server\n\nBy `first_visits.py`.\n\n"
    asked.output.write_text((text or title) + line + "\n")


if __name__ == "__main__":
    main()
