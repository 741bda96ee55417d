"""What only the browser knows or can do: the theme of the system, keys, and the clipboard."""

from collections.abc import Callable
from typing import Any

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


class Width(JSComponent):
    """How wide the place is in which it stands."""

    pixels = param.Integer(default=0, doc="0 until it is on show.")

    _esm = """
    export function render({ model }) {
      const here = document.createElement("div")
      here.style.width = "100%"
      let waiting = null
      const look = () => {
        const pixels = Math.round(here.getBoundingClientRect().width)
        if (pixels && pixels !== model.pixels) { model.pixels = pixels }
      }
      const observer = new ResizeObserver(() => {
        clearTimeout(waiting)
        waiting = setTimeout(look, 200)
      })
      observer.observe(here)
      model.on("remove", () => observer.disconnect())
      return here
    }
    """


class Idle(JSComponent):
    """Counts moments in which the person who looks does nothing, and the browser has time."""

    moments = param.Integer(default=0, doc="How many there were.")
    wanted = param.Boolean(default=True, doc="Whether to go on counting.")

    _esm = """
    export function render({ model }) {
      const acts = ["pointermove", "pointerdown", "keydown", "wheel", "touchmove"]
      let last = performance.now()
      const act = () => { last = performance.now() }
      const there = { capture: true, passive: true }
      for (const name of acts) { document.addEventListener(name, act, there) }
      const look = () => {
        if (document.visibilityState === "visible" && performance.now() - last > 1500) {
          requestIdleCallback(() => { model.moments += 1 })
        }
      }
      const timer = setInterval(look, 300)
      const stop = () => {
        clearInterval(timer)
        for (const name of acts) { document.removeEventListener(name, act, there) }
      }
      model.on("wanted", () => { if (!model.wanted) { stop() } })
      model.on("remove", stop)
      return document.createElement("div")
    }
    """


class Keys(JSComponent):
    """Tells of keys that are pressed while it is on show, but not of what is typed anywhere.

    Parameters
    ----------
    pressed
        Called with the key.
    """

    keys = param.List(default=[], item_type=str, doc="Of which keys it tells.")

    _esm = """
    export function render({ model }) {
      const here = document.createElement("div")
      const typing = "input, textarea, select, [contenteditable], [role=listbox], [role=menu]"
      const tell = (event) => {
        const target = event.composedPath()[0]
        // Some keyboards have brackets only with AltGr, which Windows reports as Ctrl and Alt.
        const command = event.ctrlKey || event.metaKey || event.altKey
        if (command && !event.getModifierState("AltGraph")) { return }
        if (!model.keys.includes(event.key) || !here.checkVisibility()) { return }
        if (target.closest?.(typing)) { return }
        model.send_msg(event.key)
      }
      document.addEventListener("keydown", tell)
      model.on("remove", () => document.removeEventListener("keydown", tell))
      return here
    }
    """

    def __init__(self, pressed: Callable[[str], None], **params: Any) -> None:
        super().__init__(**({"width": 0, "height": 0, "margin": 0} | params))
        self._pressed = pressed
        self.on_msg(self._told)

    def _told(self, event: Any) -> None:
        if event.data in self.keys:
            self._pressed(event.data)


class NumberWords(JSComponent):
    """Tells of what was typed into a field for a number and is none; the field forgets it untold.

    Also lets Enter be pressed in such a field a second time: Material's looks at what was typed
    when it is left, and after Enter it takes itself for left.

    Parameters
    ----------
    say
        Called with a line for people.
    """

    _esm = """
    export function render({ model }) {
      const number = /^[\\s,]*-?[\\d,]*[.]?\\d*(e-?\\d+)?\\s*$/i, whole = /^\\s*-?[\\d,]*\\s*$/
      const look = (event) => {
        const path = event.composedPath(), field = path[0]
        const named = (name) => path.some((node) => node.classList?.contains(name))
        if (field.tagName !== "INPUT" || !named("number-field")) { return }
        const enter = event.type === "keydown"
        if (enter && event.key !== "Enter") { return }
        const kind = named("whole-number") ? "a whole number" : "a number"
        const right = named("whole-number") ? whole : number
        if (!right.test(field.value)) {
          const label = field.labels?.[0]?.textContent ?? ""
          model.send_msg({ label, typed: field.value.slice(0, 80), kind })
          if (enter) { setTimeout(() => field.blur(), 0) }
        } else if (enter) {
          setTimeout(() => { field.blur(); field.focus() }, 0)
        }
      }
      const events = ["keydown", "focusout"]
      for (const name of events) { document.addEventListener(name, look, true) }
      model.on("remove", () => {
        for (const name of events) { document.removeEventListener(name, look, true) }
      })
      return document.createElement("div")
    }
    """

    def __init__(self, say: Callable[[str], None], **params: Any) -> None:
        super().__init__(**({"width": 0, "height": 0, "margin": 0} | params))
        self._say = say
        self.on_msg(self._told)

    def _told(self, event: Any) -> None:
        told = event.data if isinstance(event.data, dict) else {}
        label, typed, kind = (str(told.get(name, ""))[:80] for name in ("label", "typed", "kind"))
        self._say(f"{label} {typed}: give {kind}.")


class SteadyScroll(JSComponent):
    """Lets a turn of the wheel that moves the page go on moving it where it meets a figure.

    Else a page that is scrolled would stop, and zoom, when a figure comes under the pointer; and a
    legend beside a plot would keep the wheel.
    """

    _esm = """
    export function render({ model }) {
      let turned = -Infinity, moved = false, began = []
      const is_legend = (node) => node.classList?.contains("bk-Legend")
      const wheel = (event) => {
        if (event.composedPath().some(is_legend)) { event.stopPropagation(); return }
        if (event.timeStamp - turned > 300) {
          moved = false
          began = event.composedPath().map((node) => [node, node.scrollTop])
        } else {
          moved ||= began.some(([node, top]) => node.scrollTop !== top)
        }
        turned = event.timeStamp
        if (moved) { event.stopPropagation() }
      }
      document.addEventListener("wheel", wheel, { capture: true, passive: true })
      model.on("remove", () => document.removeEventListener("wheel", wheel, { capture: true }))
      return document.createElement("div")
    }
    """


class Connection(JSComponent):
    """Says so when the server is gone, and offers to reload the page when it is back.

    A server that was started anew has no session of this page; what is looked at is in the address.
    """

    _esm = """
    export function render({ view }) {
      const bar = document.createElement("div")
      bar.setAttribute("role", "alert")
      bar.style.cssText = `position: fixed; inset: 0 0 auto 0; z-index: 3000; display: none;
        gap: 1em; align-items: center; justify-content: center; padding: 10px;
        background: #7a1f1a; color: white; font: 500 15px sans-serif`
      const words = document.createElement("span")
      const button = document.createElement("button")
      button.textContent = "Reload"
      button.style.cssText = "font: inherit; padding: 4px 14px; cursor: pointer"
      button.onclick = () => window.location.reload()
      bar.append(words, button)
      const isBack = async () => {
        // Not GET: every one would start a session.
        const options = { method: "HEAD", cache: "no-store" }
        try {
          return (await fetch(window.location.pathname, options)).status < 500
        } catch {
          return false
        }
      }
      const look = async () => {
        if (!bar.isConnected) { return }
        if (await isBack()) {
          words.textContent = "The server is back. Reload the page to go on where you were."
        } else {
          setTimeout(look, 2000)
        }
      }
      view.model.document.on_event("connection_lost", () => {
        words.textContent =
          "The server does not answer. This page is as it was; it is no longer brought up to date."
        bar.style.display = "flex"
        setTimeout(look, 2000)
      })
      return bar
    }
    """


def copies_address(button: pmui.Button) -> None:
    """Let a button copy the browser's address."""
    button.js_on_click(code=f"const words = window.location.href\n{_COPY}")


def copies_tag(button: Any) -> None:
    """Let a button copy its only tag, which may change."""
    # Not by naming another widget to the browser: that keeps closed pages in memory.
    button.js_on_click(code=f"const words = source.tags[0]\n{_COPY}")
