"""What views in notebook cells need in the browser: once a kernel, packed, from no other host."""

import base64
import gzip
import hashlib
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import panel as pn
import panel_material_ui as pmui
from panel.io.resources import CDN_DIST, CSS_URLS, DIST_DIR
from panel_material_ui.base import MaterialComponent

MATERIAL = Path(pmui.__file__).parent / "dist"
_KIND = "application/javascript"
# Cells that have brought what all views need.
_BROUGHT: set[str] = set()
ICONS = "".join(
    f".material-icons{kind} {{ font: 24px/1 'Material Icons{name}'; letter-spacing: normal; "
    "text-transform: none; display: inline-block; white-space: nowrap; direction: ltr; "
    "-webkit-font-smoothing: antialiased; font-feature-settings: 'liga'; }"
    for kind, name in (("", ""), ("-outlined", " Outlined"))
)


def load() -> None:
    """Bring what all views need, once a kernel: nothing is asked of another host.

    A cell that has brought it brings it again, because what it showed before is gone then.
    """
    from IPython import get_ipython
    from IPython.display import display

    parent: dict[str, Any] = getattr(get_ipython(), "get_parent", dict)()
    cell = parent.get("metadata", {}).get("cellId", "")
    if not _BROUGHT or (cell and cell in _BROUGHT):
        display({_KIND: _code()}, raw=True)
        _BROUGHT.add(cell)


@cache
def _code() -> str:
    """What brings it; from then on Material components refer to that."""
    from IPython.utils.capture import capture_output

    with capture_output(stdout=False, stderr=False) as captured:
        pn.extension("tabulator", inline=True)
    scripts = [output.data[_KIND] for output in captured.outputs if _KIND in output.data]
    # Sheets of panel-material-ui are asked of the server of the page, which has none.
    scripts = [re.sub(r"const css_urls = \[.*?\];", "const css_urls = [];", s) for s in scripts]
    # The last that runs once Bokeh is there.
    last = "function(Bokeh) {} // ensure"
    scripts = [
        s.replace(last, "function() { deepwas_sheets(root.Bokeh) } // ensure") for s in scripts
    ]
    bundle = (MATERIAL / "panel-material-ui.bundle.js").read_text(encoding="utf-8")
    sheets = {
        f"{CDN_DIST}{file.relative_to(DIST_DIR).as_posix()}": file.read_text(encoding="utf-8")
        for pattern in ("css/*.css", "bundled/theme/*.css", "bundled/datatabulator/**/*.css")
        for file in DIST_DIR.glob(pattern)
    }
    # Tables ask for icons that ours do not have.
    sheets[CSS_URLS["font-awesome"]] = ""
    parts = {"scripts": scripts, "bundle": bundle, "fonts": _fonts(), "sheets": sheets}
    pack = gzip.compress(json.dumps(parts).encode(), mtime=0)
    name = f"deepwas_{hashlib.sha256(pack).hexdigest()[:12]}"
    _load_material_once(_FROM_LOADED.replace("NAME", name))
    return _LOAD.replace("NAME", name).replace("PACK", base64.b64encode(pack).decode())


def _load_material_once(code: str) -> None:
    """Let Material components of cells refer to the code that was loaded: it is 1.4 MB."""
    rendered: Any = vars(MaterialComponent)["_render_esm"].__func__
    modelled: Any = MaterialComponent._get_model

    def render(cls: Any, compiled: Any = True, server: bool = False) -> Any:
        return rendered(cls, compiled, server) if server else code

    def model(self: Any, doc: Any, root: Any = None, parent: Any = None, comm: Any = None) -> Any:
        made = modelled(self, doc, root, parent, comm)
        if comm is not None:
            made.update(css_bundle=ICONS)
        return made

    setattr(MaterialComponent, "_render_esm", classmethod(render))  # noqa: B010
    setattr(MaterialComponent, "_get_model", model)  # noqa: B010


_LOAD = """
(async () => {
  if (window.NAME) { return }
  const bytes = Uint8Array.from(atob("PACK"), (c) => c.charCodeAt(0))
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))
  const pack = new Response(stream).json()
  const address = (code, type) => URL.createObjectURL(new Blob([code], {type}))
  window.NAME = pack.then(({bundle}) => address(bundle, "text/javascript"))
  const {scripts, fonts, sheets} = await pack
  const add = (kind, content, type = "") => {
    const element = document.createElement(kind)
    element.type = type
    element.textContent = content
    document.head.append(element)
  }
  const places = new Map()
  window.deepwas_sheets = (Bokeh) => {
    const imported = Bokeh.Models.get("ImportedStyleSheet").prototype
    const original = imported.underlying
    imported.underlying = function() {
      const url = this.url.split("?")[0]
      if (!(url in sheets)) { return original.call(this) }
      if (!places.has(url)) { places.set(url, address(sheets[url], "text/css")) }
      return original.call({url: places.get(url)})
    }
  }
  add("script", '{"shimMode": true}', "esms-options")
  add("style", fonts)
  scripts.forEach((code) => add("script", code))
})()
"""

_FROM_LOADED = """
const loaded = await importShim(await window.NAME)
export default loaded.default
"""


def _fonts() -> str:
    """Fonts and icons of panel-material-ui, with the files in place of their addresses."""

    def inlined(match: re.Match[str]) -> str:
        content = base64.b64encode((MATERIAL / match[1]).read_bytes()).decode()
        return f'url("data:font/woff2;base64,{content}") format("woff2")'

    faces = re.findall(r"@font-face ?{[^}]*}", (MATERIAL / "material-icons.css").read_text())
    address = r'url\("./([\w-]+\.{})"\) format\("{}"\)'
    new, old = address.format("woff2", "woff2"), address.format("woff", "woff")
    return re.sub(rf"{new}(?:,\s*{old})?", inlined, "\n".join(faces))
