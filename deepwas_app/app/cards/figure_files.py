"""The locus figure as one file: its tracks, one below the other, as the browser draws them."""

from functools import partial
from typing import Any

import panel as pn
import panel_material_ui as pmui
from panel.custom import JSComponent

from deepwas_app.plots.locus_figure import LocusFigure

KINDS = ("svg", "png")


class Saver(JSComponent):
    """Draws figures into one file in the browser, and gives it to the person as a download."""

    _esm = """
    // The colour behind the figures: names and axes have the ink of the page's theme.
    function paper(node) {
      for (; node; node = node.parentNode ?? node.host) {
        const colour = node instanceof Element ? getComputedStyle(node).backgroundColor : ""
        if (colour && !/^transparent$|, 0\\)$/.test(colour)) { return colour }
      }
      return "white"
    }

    function svg(views, width, height, colour) {
      let y = 0
      const parts = views.map((view) => {
        const drawn = view.export("svg", false).ctx.get_serialized_svg(true)
        const part = `<g transform="translate(0 ${y})">${drawn.replace(/^<\\?xml.*?\\?>/, "")}</g>`
        y += view.bbox.height
        return part
      })
      const box = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`
      const back = `<rect width="100%" height="100%" fill="${colour}"/>`
      const whole = `<svg xmlns="http://www.w3.org/2000/svg" ${box}>${back}${parts.join("")}</svg>`
      return new Blob([whole], { type: "image/svg+xml" })
    }

    function png(views, width, height, colour) {
      const layers = views.map((view) => view.export("png"))
      const ratio = layers[0].pixel_ratio
      const canvas = document.createElement("canvas")
      canvas.width = width * ratio
      canvas.height = height * ratio
      const context = canvas.getContext("2d")
      context.fillStyle = colour
      context.fillRect(0, 0, canvas.width, canvas.height)
      let y = 0
      layers.forEach((layer, i) => {
        context.drawImage(layer.canvas, 0, y * ratio)
        y += views[i].bbox.height
      })
      return new Promise((resolve) => canvas.toBlob(resolve, "image/png"))
    }

    export function render({ model }) {
      model.on("msg:custom", async (event) => {
        const { kind, figures, name } = event.data ?? event
        const views = figures.map((id) => Bokeh.index.find_one_by_id(id)).filter((view) => view)
        if (!views.length) { return }
        const width = Math.max(...views.map((view) => view.bbox.width))
        const height = views.reduce((sum, view) => sum + view.bbox.height, 0)
        const draw = kind === "svg" ? svg : png
        const blob = await draw(views, width, height, paper(views[0].el))
        const link = document.createElement("a")
        link.href = URL.createObjectURL(blob)
        link.download = `${name}.${kind}`
        link.click()
        setTimeout(() => URL.revokeObjectURL(link.href), 60000)
      })
      return document.createElement("div")
    }
    """

    def give(self, kind: str, figures: list[str], name: str) -> None:
        """Have the figures of these ids saved, from top to bottom."""
        self._send_msg({"kind": kind, "figures": figures, "name": name})


class FigureFiles(pn.viewable.Viewer):
    """A button a kind of file.

    Parameters
    ----------
    figure
        Saved as it is on show, without the tools.
    """

    def __init__(self, figure: LocusFigure) -> None:
        super().__init__()
        self._figure = figure
        self.saver = Saver(width=0, height=0, margin=0)
        self.buttons = {kind: self._button(kind) for kind in KINDS}
        self._layout = pmui.Row(self.saver, *self.buttons.values(), margin=(7, 0, 5, 0))

    def _button(self, kind: str) -> pmui.Button:
        button = pmui.Button(
            label=kind.upper(),
            description=f"Save the figure as one {kind.upper()} file",
            icon="download",
            size="small",
            variant="text",
            margin=0,
        )
        button.on_click(partial(self._save, kind))
        return button

    def _save(self, kind: str, _: Any) -> None:
        if self._figure.locus is not None:
            region = self._figure.locus.region
            name = f"locus_{region.chromosome}_{region.start}-{region.stop}"
            self.saver.give(kind, [drawn.id for drawn in self._figure.figures], name)

    def __panel__(self) -> pmui.Row:
        return self._layout
