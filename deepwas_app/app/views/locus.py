"""A region of the genome by itself: its figure, a way to other regions, and clicks on variants."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import panel_material_ui as pmui
import param

from deepwas_app.app import store
from deepwas_app.app.browser import SteadyScroll, Width
from deepwas_app.app.cards.pan import Pan
from deepwas_app.app.cards.region_box import RegionBox
from deepwas_app.app.components import stack
from deepwas_app.app.regions import around, scaled, shown_region
from deepwas_app.app.views.base import View
from deepwas_app.errors import InputError
from deepwas_app.genetics.matching import find_variant
from deepwas_app.genetics.regions import Region
from deepwas_app.genetics.study import strongest_loci
from deepwas_app.plot import regions
from deepwas_app.plots.locus_figure import LocusFigure
from deepwas_app.workflow.results.locus import RunLike, opened_runs
from deepwas_app.workflow.studies.builtin import StudyLike, open_study


class LocusView(View):
    """Association, prior heritability, annotations and genes of a region.

    Made of a study, open or by path, a region, by default the strongest locus, and runs. Every
    parameter may be set, in Python or in the browser, and the other one follows; a region or
    variant that the study does not have is an ``InputError``.

    Examples
    --------
    >>> view = LocusView("height_chr22")  # doctest: +SKIP
    >>> view.region = "chr22:30.5-31.5Mb"  # doctest: +SKIP
    >>> view.selected_variants  # doctest: +SKIP
    """

    region = param.String("", doc="22:30500000-31500000, chr22:30.5-31.5Mb, a gene or a variant.")
    reference = param.String("", doc="Variant that others are coloured by; the strongest if empty.")
    selected_variants = param.List(
        default=[], item_type=str, doc="Variants that are ringed: a click, or Shift and clicks."
    )
    runs = param.List(default=[], doc="Runs whose prior heritability is drawn, open or by path.")
    tracks = param.String("", doc="Which tracks are on show: association,genes,-annotations.")
    dark = param.Boolean(False, doc="Whether text is drawn for a dark page.")

    def __init__(
        self, study: StudyLike, region: str = "", runs: Sequence[RunLike] = (), **params: Any
    ) -> None:
        self.study = open_study(study)
        if not region:
            lead = next(iter(strongest_loci(self.study, count=1)), 0)
            region = f"{around(self.study, lead)}"
        super().__init__(region=region, runs=opened_runs(runs), **params)
        self._genes = store.genes(self.study)
        self._busy = False
        self.figure = LocusFigure()
        association: Any = self.figure.tracks["association"]
        self._points = association.points
        self._points.selected.on_change("indices", self._clicked)
        self._pan = Pan(self.figure)
        self._places = RegionBox(self.study, self._typed, self._lead, self._zoom)
        self._recolour = pmui.Button(
            label="Make reference", icon="palette", variant="outlined", size="small", visible=False
        )
        self._recolour.on_click(lambda _: self._attempt(self._make_reference))
        self._stage = pmui.Column(sizing_mode="stretch_width")
        self._width = Width(sizing_mode="stretch_width", height=0, margin=0)
        self._width.param.watch(lambda event: self.figure.widen(event.new), "pixels")
        self._content.objects = [
            SteadyScroll(width=0, height=0, margin=0),
            pmui.FlexBox(self._places, self._recolour, align_items="center"),
            self._width,
            self._stage,
        ]
        self.figure.set_dark(self.dark)
        self._go(self._region(self.region), self.reference or None)
        watched = {
            "region": lambda: self._go(self._region(self.region)),
            "reference": self._colour,
            "selected_variants": self._ring,
            "runs": self._draw_runs,
            "tracks": self._arrange,
        }
        for name, action in watched.items():
            self.param.watch(lambda event, action=action: self._follow(event, action), name)
        self.param.watch(lambda _: self.figure.set_dark(self.dark), "dark")

    def _follow(self, event: Any, action: Any) -> None:
        if not self._busy:
            self._undone(event, action)

    def _region(self, words: str) -> Region:
        row = find_variant(self.study, words)
        if row is not None:
            return around(self.study, row)
        return shown_region(words, self.study, self._genes)

    def _go(self, region: Region, reference: str | None = None) -> None:
        """Draw a region, coloured by LD to a variant: its strongest one if none is named."""
        fields = regions.locus_fields(
            self.study, region, self.runs, self.figure.values, reference=reference
        )
        names = self.study["annotation"].values.astype(str)[: regions.SHOWN_ANNOTATIONS]
        self._draw(**fields, annotations=tuple(names.tolist()))
        self._settle(region)
        self._arrange()
        self._ring()

    def _draw(self, **fields: Any) -> None:
        # What the figure forgets of the region before was not clicked away.
        self._busy = True
        try:
            self.figure.draw(**fields)
        finally:
            self._busy = False

    def _settle(self, region: Region) -> None:
        """Say where the view is, and what it is coloured by."""
        locus = self.figure.locus
        assert locus is not None
        at = locus.variants.iloc[locus.reference]
        self._busy = True
        try:
            self.param.update(region=str(region), reference=str(at["variant"]))
        finally:
            self._busy = False
        self._places.write(f"{region:,}", int(at["row"]))

    def _colour(self) -> None:
        locus = self.figure.locus
        assert locus is not None
        if self.reference not in set(locus.variants["variant"]):
            row = find_variant(self.study, self.reference)
            if row is None:
                raise InputError(f"{self.reference[:40]}: no such variant in the study.")
            self._go(around(self.study, row), str(self.study["variant_id"].values[row]))
            return
        fields = regions.reference_fields(self.study, locus.region, locus.variants, self.reference)
        self._draw(**fields)
        self._ring()

    def _ring(self) -> None:
        locus = self.figure.locus
        assert locus is not None
        if unknown := set(self.selected_variants) - set(self.study["variant_id"].values):
            raise InputError(f"{min(unknown)[:40]}: no such variant in the study.")
        drawn = np.isin(locus.variants["variant"].to_numpy(), self.selected_variants)
        self.figure.draw(pinned=tuple(np.flatnonzero(drawn).tolist()))
        self._recolour.visible = len(self.selected_variants) == 1

    def _draw_runs(self) -> None:
        self.runs[:] = opened_runs(self.runs)
        locus = self.figure.locus
        assert locus is not None
        self._go(locus.region, self.reference)

    def _arrange(self) -> None:
        self.figure.arrange(self.tracks)
        stack(self._stage, self.figure.figures)

    def _clicked(self, attr: str, old: list[int], new: list[int]) -> None:
        if not self._busy:
            names = self._points.data["variant"]
            self.selected_variants = [str(names[at]) for at in new]

    def _make_reference(self) -> None:
        (self.reference,) = self.selected_variants

    def _typed(self, words: str) -> None:
        self._attempt(lambda: setattr(self, "region", words))

    def _lead(self, row: int) -> None:
        name = str(self.study["variant_id"].values[row])
        self._attempt(self._go, around(self.study, row), name)

    def _zoom(self, factor: float) -> None:
        self._attempt(lambda: self._go(scaled(self._region(self.region), factor), self.reference))

    def _tick(self) -> None:
        view = self._pan.over()
        locus = self.figure.locus
        if view is None or locus is None:
            return
        if view.start < locus.region.start - 1 or view.stop > locus.region.stop + 1:
            self._attempt(self._go, scaled(view, 1.0))
        else:
            self._settle(view)
