"""What Material and Tabulator leave out for keyboards and screen readers, put in in the browser."""

from panel.custom import JSComponent


class Accessible(JSComponent):
    """Gives names and roles to what has none, as it comes onto the page.

    The (i) of a widget has its words as a name, which needs a role, and opens when it is focused. A
    table is a grid, and what is inside of one must be rows of cells: also what scrolls, and the
    buttons of its foot. tests/browser/test_accessibility.py fails on what is missing here.
    """

    _esm = """
    const set = (node, attributes) => {
      for (const [name, value] of Object.entries(attributes)) {
        if (node.getAttribute(name) !== value) { node.setAttribute(name, value) }
      }
    }
    const RULES = [
      ["span[aria-label]:not([role], [aria-hidden=true] *)", { role: "img", tabindex: "0" }],
      ["div[aria-label='Resize sidebar']", { role: "separator", "aria-orientation": "vertical" }],
      ["[role=progressbar]:not([aria-label]):not([aria-labelledby])", { "aria-label": "Working" }],
      [".tabulator-tableholder", { role: "rowgroup" }],
      [".tabulator-tableholder > .tabulator-table", { role: "presentation" }],
      [".tabulator-footer", { role: "rowgroup" }],
      [".tabulator-footer-contents", { role: "row" }],
      [".tabulator-footer-contents > span", { role: "gridcell" }],
    ]
    export function render({ model }) {
      const known = new WeakSet()
      let added = new Set()
      const mend = (root) => {
        for (const [those, attributes] of RULES) {
          if (root.matches?.(those)) { set(root, attributes) }
          root.querySelectorAll(those).forEach((node) => set(node, attributes))
        }
        const inside = [root, ...root.querySelectorAll("*")]
        for (const node of inside) { if (node.shadowRoot) { watch(node.shadowRoot) } }
      }
      const later = () => {
        const now = added
        added = new Set()
        now.forEach(mend)
      }
      const observer = new MutationObserver((records) => {
        if (added.size === 0) { setTimeout(later, 200) }
        for (const record of records) {
          if (record.type === "attributes") { added.add(record.target) }
          for (const node of record.addedNodes) { if (node.nodeType === 1) { added.add(node) } }
        }
      })
      const watch = (root) => {
        if (known.has(root)) { return }
        known.add(root)
        observer.observe(root, {
          attributeFilter: ["aria-label"], attributes: true, childList: true, subtree: true,
        })
        mend(root)
      }
      watch(document.documentElement)
      model.on("remove", () => observer.disconnect())
      return document.createElement("div")
    }
    """
