"""What only the browser knows or can do: the theme of the system, and the clipboard."""

import panel_material_ui as pmui
import param
from panel.custom import JSComponent

# Where the page is not served securely, browsers offer no clipboard; an old way is left.
_COPY = """
if (navigator.clipboard && window.isSecureContext) {
  navigator.clipboard.writeText(words)
} else {
  const area = document.createElement("textarea")
  area.value = words
  document.body.append(area)
  area.select()
  document.execCommand("copy")
  area.remove()
}
"""


class SystemTheme(JSComponent):
    """Whether the system of the person who looks prefers dark pages."""

    dark = param.Boolean(default=False, doc="True where it does.")

    _esm = """
    export function render({ model }) {
      const query = window.matchMedia("(prefers-color-scheme: dark)")
      const tell = () => { model.dark = query.matches }
      query.addEventListener("change", tell)
      model.on("remove", () => query.removeEventListener("change", tell))
      tell()
      return document.createElement("div")
    }
    """


def copies_address(button: pmui.Button) -> None:
    """Let a button copy the browser's address."""
    button.js_on_click(code=f"const words = window.location.href\n{_COPY}")


def copies_tag(button: pmui.Button) -> None:
    """Let a button copy its only tag, which may change."""
    # Not by naming another widget to the browser: that keeps closed pages in memory.
    button.js_on_click(code=f"const words = source.tags[0]\n{_COPY}")
