"""Pictures as files: a page that needs nothing else, or what a browser draws of it."""

import base64
import html
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import holoviews as hv
from bokeh.embed import json_item
from bokeh.model import Model
from bokeh.resources import Resources

from deepwas_app.errors import InputError
from deepwas_app.genetics.writing import replacing_file
from deepwas_app.workflow.tables import write_text

KINDS = (".html", ".svg", ".png")
BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "msedge",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
"""Programs that draw SVG and PNG files; the first that is there."""
# Seconds, of a picture that takes about four.
_PATIENCE = 120


def save(
    picture: Any, path: str | Path, title: str = "DeepWAS Explorer", *, width: int = 900
) -> Path:
    """Write a picture as a page that needs no other file and no network, or as SVG or PNG.

    Parameters
    ----------
    picture
        What any function of ``dw.plot`` gives, also several with ``+`` and ``*``.
    path
        NAME.html, NAME.svg or NAME.png. The last two are drawn by Chromium, Chrome or Edge, which
        must be installed; no window opens.
    title
        Of the page.
    width
        Pixels across of SVG and PNG, whose points are half of these.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    InputError
        For another kind of file, and where no browser is there or it fails.

    Examples
    --------
    >>> dw.plot.save(dw.plot.qq(study), "qq.html").name
    'qq.html'
    """
    path = Path(path).expanduser()
    kind = path.suffix.lower()
    if kind not in KINDS:
        raise InputError(f"{path}: pictures are written as .html, .svg or .png. Name one of these.")
    model = picture if isinstance(picture, Model) else hv.render(picture, backend="bokeh")
    if kind == ".html":
        write_text(_page(model, title), path)
        return path
    program = browser()
    if program is None:
        raise InputError(
            f"{path}: SVG and PNG are drawn by Chromium, Chrome or Edge, and none is installed. "
            "Write .html, and save a PNG from that page."
        )
    with _on_paper(model):
        page = _page(model, title, _EXPORT % {"kind": kind[1:], "width": width})
    drawn = _drawn(program, page, width, path)
    content = base64.b64decode(drawn.split(",")[1]) if kind == ".png" else drawn.encode()
    with replacing_file(path) as temporary:
        temporary.write_bytes(content)
    return path


def browser() -> str | None:
    """The program that draws SVG and PNG files; None where there is none."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def pictures_page(title: str, parts: Sequence[tuple[str, Model]]) -> str:
    """A page that needs no other file: words (HTML) and a picture each, on pages when printed."""
    sections = []
    for place, (words, model) in enumerate(parts):
        with _on_paper(model):
            item = json.dumps(json_item(model)).replace("</", "<\\/")
        sections.append(
            f'<section>{words}<div id="picture-{place}"></div>'
            f'<script>Bokeh.embed.embed_item({item}, "picture-{place}")</script></section>'
        )
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{html.escape(title)}</title>\n{_library()}\n<style>{_PRINT}</style></head>"
        f"<body><h1>{html.escape(title)}</h1>{''.join(sections)}</body></html>\n"
    )


_PRINT = """
body { font: 15px/1.4 system-ui, sans-serif; max-width: 1080px; margin: 24px auto; }
table { border-collapse: collapse; font-size: 13px; margin: 8px 0 16px; }
td, th { border-bottom: 1px solid #ccc; padding: 3px 10px; text-align: left; }
h2 { margin-top: 40px; }
@media print { section { break-before: page; } }
"""


def _library() -> str:
    # Bokeh's own page would link what any class of a program asks for, Panel's from other hosts.
    library = Resources(mode="inline", components=["bokeh", "bokeh-gl"]).js_raw
    return "\n".join(f"<script>{script}</script>" for script in library)


def _page(model: Model, title: str, then: str = "") -> str:
    """A page with a picture, and what is done with its view."""
    item = json.dumps(json_item(model)).replace("</", "<\\/")
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{html.escape(title)}</title>\n{_library()}\n</head>"
        f'<body><div id="picture"></div>\n'
        f'<script>Bokeh.embed.embed_item({item}, "picture"){then}</script></body></html>\n'
    )


_EXPORT = """.then(async ({roots: [view]}) => {
  await view.ready
  setTimeout(() => {
    const {ctx, canvas} = view.export("%(kind)s")
    const drawn = document.createElement("pre")
    drawn.id = "drawn"
    drawn.textContent = ctx.get_serialized_svg?.(true) ?? canvas.toDataURL()
    document.body.replaceChildren(drawn)
  }, 500)
})
document.body.style.margin = 0
document.getElementById("picture").style.width = "%(width)dpx"
"""


@contextmanager
def _on_paper(model: Model) -> Iterator[None]:
    """Draw every dot as such, and no tools."""
    changed = []
    for part in model.references():
        for name, value in (("output_backend", "canvas"), ("toolbar_location", None)):
            if name in part.properties():
                changed.append((part, name, getattr(part, name)))
                setattr(part, name, value)
    try:
        yield
    finally:
        for part, name, value in changed:
            setattr(part, name, value)


def _drawn(browser: str, page: str, width: int, path: Path) -> str:
    """What a browser makes of a page: SVG, or PNG as the address of data."""
    # Bokeh takes pixels of the screen for those of SVG where it has drawn something small.
    scale = 2 if path.suffix.lower() == ".png" else 1
    with tempfile.TemporaryDirectory(prefix="deepwas-", ignore_cleanup_errors=True) as folder:
        file = Path(folder) / "page.html"
        file.write_text(page, encoding="utf-8")
        words = [browser, "--headless", "--disable-gpu", "--disable-dev-shm-usage"]
        words += [f"--force-device-scale-factor={scale}", f"--window-size={width + 100},1000"]
        words += [f"--user-data-dir={folder}/profile", "--no-first-run"]
        # Time goes by as fast as the page is drawn.
        words += ["--virtual-time-budget=20000", "--dump-dom", file.as_uri()]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            # Chromium does not start as root with one.
            words.append("--no-sandbox")
        try:
            done = subprocess.run(words, capture_output=True, timeout=_PATIENCE, check=False)
        except (OSError, subprocess.TimeoutExpired) as problem:
            raise InputError(f"{path}: {browser} did not draw it: {problem}.") from None
    found = re.search(r'<pre id="drawn">(.*?)</pre>', done.stdout.decode(), re.DOTALL)
    if found is None:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise InputError(f"{path}: {browser} did not draw it: {said[-1] if said else 'no word'}.")
    return html.unescape(found[1])
