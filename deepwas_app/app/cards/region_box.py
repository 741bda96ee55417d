"""The ways to a region on the Locus page: by name, to a strong locus, nearer and farther."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui
import xarray as xr

from deepwas_app.app import store
from deepwas_app.app.components import typed
from deepwas_app.app.regions import HALF_WINDOW, around
from deepwas_app.genetics.genes import nearest_gene
from deepwas_app.genetics.statistics import minus_log10_p
from deepwas_app.genetics.study import lead_variants, strongest_loci

ZOOMS = (("Zoom in", "zoom_in", 0.5), ("Zoom out", "zoom_out", 2.0))
STEPS = (("Previous locus", "chevron_left", -1), ("Next locus", "chevron_right", 1))


class RegionBox(pn.viewable.Viewer):
    """One line: a text box, the strongest loci, and buttons to step through them and to zoom.

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
    more
        What else stands in the line.
    """

    def __init__(
        self,
        study: xr.Dataset,
        go_to: Callable[[str], None],
        go_to_variant: Callable[[int], None],
        zoom: Callable[[float], None],
        *more: Any,
    ) -> None:
        super().__init__()
        small: dict[str, Any] = {"size": "small", "margin": (7, 8, 5, 0)}
        self.box = pmui.TextInput(
            label="Region, gene or variant",
            placeholder=example(study, store.genes(study)),
            description="Press Enter to go there. At most 10 Mb.",
            width=240,
            **small,
        )
        self._go_to, self._go_to_variant = go_to, go_to_variant
        self._row = 0
        self._typed = self._shown = ""
        self.box.param.watch(self._enter, "enter_pressed")
        self.box.param.watch(self._came_late, "value")
        go = icon_button("Go", "search", lambda _: go_to(typed(self.box)))
        self.loci = pmui.Select(
            label="Strongest loci",
            options=loci(study),
            width=290,
            description="Variants with the smallest P, at least 500 kb from each other.",
            **small,
        )
        self.loci.param.watch(self._chosen, "value")
        self.steps = [icon_button(label, icon, partial(self.step, n)) for label, icon, n in STEPS]
        zooms = [icon_button(label, icon, partial(_zoomed, zoom, by)) for label, icon, by in ZOOMS]
        self._layout = pmui.FlexBox(
            self.box, go, self.loci, *self.steps, *zooms, *more, align_items="center"
        )

    def write(self, place: str, row: int) -> None:
        """Write where the page is now: a region, and the row of a variant in its middle."""
        self._shown = self.box.value = place
        self._row = row
        if row in self.loci.options.values():
            self.loci.value = row

    def _chosen(self, event: Any) -> None:
        # Not where the page is already.
        if event.new != self._row:
            self._go_to_variant(event.new)

    def step(self, direction: int, _: Any = None) -> None:
        """Go to the next of the strongest loci along the genome; from the last to the first."""
        rows = sorted(self.loci.options.values())
        beyond = [row for row in rows if (row - self._row) * direction > 0]
        if rows:
            self._go_to_variant((beyond or rows)[0 if direction > 0 else -1])

    def _enter(self, _: Any) -> None:
        self._typed, self._shown = typed(self.box), ""
        self._go_to(self._typed)

    def _came_late(self, event: Any) -> None:
        """Keep the place: the browser tells what was typed after it has told of Enter."""
        if self._shown and event.new.strip() == self._typed != self._shown:
            self._typed, self.box.value = "", self._shown

    def __panel__(self) -> pmui.FlexBox:
        return self._layout


def icon_button(label: str, icon: str, action: Callable[[Any], None]) -> pmui.IconButton:
    """A button that is only an icon; its label is its tip and its name for screen readers."""
    button = pmui.IconButton(icon=icon, description=label, size="small", margin=(8, 2, 6, 0))
    button.on_click(action)
    return button


def _zoomed(zoom: Callable[[float], None], factor: float, _: Any) -> None:
    zoom(factor)


def example(study: xr.Dataset, genes: pd.DataFrame) -> str:
    """What may be typed: a region, a gene and a variant, all at the study's strongest locus."""
    row = next(iter(strongest_loci(study, count=1)), 0)
    position = int(study["variant_position"].values[row])
    region = around(study, row)
    found = nearest_gene(genes, region.chromosome, position)
    near = [found[0]] if found and found[1] <= HALF_WINDOW else []
    return ", ".join([f"{region:,}", *near]) + f" or {study['variant_id'].values[row]}"


def loci(study: xr.Dataset) -> dict[str, int]:
    """Rows of the lead variants of the strongest loci, by what people read of them."""
    found = {}
    for row in lead_variants(study):
        variant = study.isel(variants=row)
        name, chromosome = variant["variant_id"].item(), variant["variant_chromosome"].item()
        height = float(minus_log10_p(variant["variant_z"].values))
        position = int(variant["variant_position"])
        found[f"{name}, {chromosome}:{position:,}, −log₁₀ P {height:.0f}"] = row
    return found
