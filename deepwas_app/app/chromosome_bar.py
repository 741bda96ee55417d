"""A bar of chromosomes, or of LD blocks, as wide as they are: which of them are chosen."""

from typing import ClassVar

import param
from panel.custom import JSComponent


class ChromosomeBar(JSComponent):
    """Buttons side by side; a click chooses one or lets it go."""

    label = param.String(default="", doc="What is chosen, for screen readers.")
    parts = param.List(
        default=[], doc="(name, words for people, share of the width, colour below or nothing)."
    )
    value = param.List(default=[], item_type=str, doc="Names of those that are chosen.")

    _esm = """
    export function render({ model }) {
      const bar = document.createElement("div")
      bar.setAttribute("role", "group")
      const draw = () => {
        bar.setAttribute("aria-label", model.label)
        const before = bar.getRootNode().activeElement?.dataset?.name
        bar.replaceChildren(...model.parts.map(([name, words, share, below]) => {
          const part = document.createElement("button")
          const chosen = model.value.includes(name)
          part.type = "button"
          part.dataset.name = name
          part.textContent = name
          part.title = words
          part.setAttribute("aria-label", words)
          part.setAttribute("aria-pressed", chosen)
          part.style.flexGrow = share
          if (below) { part.style.borderBottom = `4px solid ${below}` }
          part.addEventListener("click", () => {
            const others = model.value.filter((other) => other !== name)
            model.value = chosen ? others : [...model.value, name]
          })
          return part
        }))
        bar.querySelector(`[data-name="${before}"]`)?.focus()
      }
      for (const name of ["parts", "value", "label"]) { model.on(name, draw) }
      draw()
      return bar
    }
    """
    _stylesheets: ClassVar[list[str]] = [
        """
        [role=group] { display: flex; flex-wrap: wrap; gap: 2px; }
        button { flex: 1 1 0; min-width: 24px; min-height: 30px; padding: 2px 0; cursor: pointer;
          font: 500 12px sans-serif; color: inherit; background: rgba(127, 140, 160, 0.16);
          border: 1px solid rgba(127, 140, 160, 0.45); border-radius: 4px; }
        button:hover { background: rgba(127, 140, 160, 0.36); }
        button:focus-visible { outline: 2px solid #3f7fd1; outline-offset: 1px; }
        button[aria-pressed=true] { background: #1d4f91; border-color: #1d4f91; color: white; }
        """
    ]
