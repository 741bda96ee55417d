"""The ways to a region on the Locus page: by name, to a strong locus, nearer and farther."""

from collections.abc import Callable
from functools import partial
from typing import Any

import panel as pn
import panel_material_ui as pmui
import xarray as xr

from deepwas_app.app.components import typed
from deepwas_app.genetics.statistics import minus_log10_p
from deepwas_app.genetics.study import strongest_loci

ZOOMS = (("Zoom in", "zoom_in", 0.5), ("Zoom out", "zoom_out", 2.0))


class RegionBox(pn.viewable.Viewer):
    """A text box, the strongest loci, and buttons to zoom.

    Parameters
    ----------
    study
        The open study.
    go_to
        Called with what was typed.
    go_to_variant
        Called with the row of the lead variant that was chosen.
    zoom
        Called with how many times as wide the region shall be.
    """

    def __init__(
        self,
        study: xr.Dataset,
        go_to: Callable[[str], None],
        go_to_variant: Callable[[int], None],
        zoom: Callable[[float], None],
    ) -> None:
        super().__init__()
        small: dict[str, Any] = {"size": "small", "margin": (6, 12, 6, 0)}
        self.box = pmui.TextInput(
            label="Region, gene or variant",
            placeholder="22:30,500,000-31,500,000, MYH9 or rs9610",
            description="Press Enter to go there. At most 10 Mb.",
            width=270,
            **small,
        )
        self._go_to = go_to
        self._typed = self._shown = ""
        self.box.param.watch(self._enter, "enter_pressed")
        self.box.param.watch(self._came_late, "value")
        go = pmui.Button(label="Go", color="primary", margin=(8, 12, 6, 0))
        go.on_click(lambda _: go_to(typed(self.box)))
        self.loci = pmui.Select(
            label="Strongest loci",
            options=loci(study),
            width=370,
            description="Variants with the smallest P, at least 500 kb from each other.",
            **small,
        )
        self.loci.param.watch(lambda event: go_to_variant(event.new), "value")
        zooms = []
        for label, icon, factor in ZOOMS:
            button = pmui.Button(label=label, icon=icon, variant="outlined", margin=(8, 8, 6, 0))
            button.on_click(partial(_zoomed, zoom, factor))
            zooms.append(button)
        self._layout = pmui.FlexBox(self.box, go, self.loci, *zooms, align_items="center")

    def write(self, place: str) -> None:
        """Write where the page is now."""
        self._shown = self.box.value = place

    def _enter(self, _: Any) -> None:
        self._typed, self._shown = typed(self.box), ""
        self._go_to(self._typed)

    def _came_late(self, event: Any) -> None:
        """Keep the place: the browser tells what was typed after it has told of Enter."""
        if self._shown and event.new.strip() == self._typed != self._shown:
            self._typed, self.box.value = "", self._shown

    def __panel__(self) -> pmui.FlexBox:
        return self._layout


def _zoomed(zoom: Callable[[float], None], factor: float, _: Any) -> None:
    zoom(factor)


def loci(study: xr.Dataset) -> dict[str, int]:
    """Rows of the lead variants of the strongest loci, by what people read of them."""
    found = {}
    for row in strongest_loci(study):
        variant = study.isel(variants=row)
        name, chromosome = variant["variant_id"].item(), variant["variant_chromosome"].item()
        height = float(minus_log10_p(variant["variant_z"].values))
        position = int(variant["variant_position"])
        found[f"{name}, {chromosome}:{position:,}, −log₁₀ P {height:.0f}"] = row
    return found
