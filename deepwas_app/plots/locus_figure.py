"""The locus plot: Bokeh tracks over one shared position axis."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from bokeh.models import (
    BoxZoomTool,
    ColumnDataSource,
    CrosshairTool,
    FixedTicker,
    HoverTool,
    NumeralTickFormatter,
    PanTool,
    Range1d,
    ResetTool,
    SaveTool,
    TapTool,
    WheelZoomTool,
)
from bokeh.models.annotations import Span
from bokeh.plotting import figure

from deepwas_app.plots.locus import colour_by_ld
from deepwas_app.plots.locus_legend import ld_legend
from deepwas_app.plots.locus_pips import PipTracks
from deepwas_app.plots.theme import (
    BLUE,
    GENOME_WIDE,
    GREY,
    LD_REFERENCE,
    RED,
    ink,
    series_colour,
)

LEFT_BORDER = 164
NAME_LETTERS = 22
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
POINT_COLUMNS = (
    "row",
    "variant",
    "x",
    "position",
    "alleles",
    "frequency",
    "z",
    "minus_log10_p",
    "r2",
    "r2_text",
    "colour",
)


class LocusFigure:
    """Association, prior heritability, PIPs, annotations and genes over one position axis.

    The figures are made once; a new region, reference variant or run only changes their data.

    Attributes
    ----------
    tracks
        What to show, one under the other; their left and right edges agree.
    x_range
        The shared range, Mb.
    points
        The variants' data source; ``on_tap`` reports a click on one of them.
    pips
        The tracks of a fine-mapping; shown once ``pips.show`` was given its table.
    """

    def __init__(self) -> None:
        self.x_range = Range1d(start=0, end=1, min_interval=0.001)
        self.points = ColumnDataSource({name: [] for name in POINT_COLUMNS})
        self.reference = ColumnDataSource({"x": [], "minus_log10_p": [], "variant": []})
        self.heritability = ColumnDataSource(
            {n: [] for n in ("x", "value", "scaled", "run", "variant", "colour")}
        )
        self.ticks = ColumnDataSource(
            {n: [] for n in ("x", "low", "high", "annotation", "variant", "value", "colour")}
        )
        self.genes = ColumnDataSource(
            {n: [] for n in ("left", "right", "middle", "y", "name", "label", "start", "stop")}
        )
        crosshair = Span(dimension="height", line_color=GREY, line_dash="dotted", line_width=1)
        self.association_track = self._association()
        self.heritability_track = self._heritability()
        self.annotation_track = self._annotations()
        self.gene_track = self._genes()
        self.pips = PipTracks(self._track)
        self._with_runs = self._with_annotations = False
        # Shared tools: what is switched on in the first track's toolbar holds for all of them.
        pan, zoom = PanTool(dimensions="width"), WheelZoomTool(dimensions="width")
        for track in (
            self.association_track,
            self.heritability_track,
            *self.pips.tracks,
            self.annotation_track,
            self.gene_track,
        ):
            track.add_tools(pan, zoom, CrosshairTool(overlay=crosshair))
            track.toolbar.active_drag = pan
        self.association_track.add_tools(
            BoxZoomTool(dimensions="width"), ResetTool(), SaveTool(filename="locus")
        )

    @property
    def tracks(self) -> list[figure]:
        """The tracks that have something to show, from top to bottom.

        Empty ones are left out, not hidden: Bokeh cannot lay out a figure that starts invisible.
        """
        runs = [self.heritability_track] if self._with_runs else []
        annotations = [self.annotation_track] if self._with_annotations else []
        pips = self.pips.tracks if self.pips.shown else []
        return [self.association_track, *runs, *pips, *annotations, self.gene_track]

    def on_tap(self, callback: Callable[[int], None]) -> None:
        """Call ``callback(row)`` when a variant is clicked; ``row`` counts the study's variants."""

        def chosen(attr: str, old: list[int], new: list[int]) -> None:
            if new:
                callback(int(self.points.data["row"][new[0]]))

        self.points.selected.on_change("indices", chosen)

    def show_region(
        self, table: pd.DataFrame, chromosome: str, start: int, stop: int, build: str = ""
    ) -> None:
        """Show the variants of a region.

        Parameters
        ----------
        table
            From `deepwas_app.plots.locus.locus_table`.
        chromosome
            Name, for the axis label.
        start, stop
            Region, base pairs.
        build
            Genome build, for the axis label.
        """
        self.points.selected.indices = []
        data = table.drop(columns=["block"])
        data["r2_text"] = _ld_text(table["r2"].to_numpy())
        self.points.data = _columns(data)
        top = float(table["minus_log10_p"].max()) if len(table) else 0.0
        self.association_track.y_range.update(start=0, end=max(top, GENOME_WIDE) * 1.12)
        self.x_range.update(start=start / 1e6, end=stop / 1e6)
        self.gene_track.xaxis.axis_label = (
            f"Position on chromosome {chromosome} (Mb{', ' * bool(build)}{build})"
        )

    def show_ld(self, r2: np.ndarray) -> None:
        """Colour the variants by LD to the reference variant.

        Parameters
        ----------
        r2
            One value per drawn variant; NaN where unknown.
        """
        patch = {"r2": r2, "r2_text": _ld_text(r2), "colour": colour_by_ld(r2)}
        self.points.data = {**self.points.data, **patch}

    def show_reference(self, reference: int | None) -> None:
        """Mark one of the drawn variants, or none; LD to the one before is no longer shown."""
        shown = np.asarray(self.points.data["r2"], dtype=float)
        if np.isfinite(shown).any():
            self.show_ld(np.full(len(shown), np.nan))
        columns = ("x", "minus_log10_p", "variant")
        chosen = [] if reference is None else [reference]
        self.reference.data = {c: [self.points.data[c][i] for i in chosen] for c in columns}

    def show_heritability(self, runs: Mapping[str, pd.DataFrame], label: str) -> None:
        """Show a value per variant of each selected run, as stems.

        Parameters
        ----------
        runs
            By run name: ``x`` (Mb), ``value``, ``variant``.
        label
            Label of the y axis.
        """
        track = self.heritability_track
        self._with_runs = bool(runs)
        tables = [
            table.assign(run=name, colour=series_colour(i))
            for i, (name, table) in enumerate(runs.items())
        ]
        empty = pd.DataFrame(columns=["x", "value", "variant", "run", "colour"])
        drawn = pd.concat(tables, ignore_index=True) if tables else empty
        values = drawn["value"].to_numpy(dtype=float)
        reach = float(np.nanmax(np.abs(values))) if len(values) else 0.0
        power = int(np.floor(np.log10(reach))) if reach > 0 else 0
        drawn["scaled"] = values / 10.0**power
        self.heritability.data = _columns(drawn)
        end = 1.12 * (reach / 10.0**power or 1.0)
        track.y_range.update(start=-end if np.any(values < 0) else 0.0, end=end)
        track.yaxis.axis_label = f"{label} (×10{str(power).translate(SUPERSCRIPT)})"

    def show_annotations(self, ticks: pd.DataFrame, names: list[str]) -> None:
        """Show one row of marks per annotation.

        Parameters
        ----------
        ticks
            From `deepwas_app.plots.locus.annotation_ticks`.
        names
            The annotations, top first.
        """
        track = self.annotation_track
        self._with_annotations = bool(names)
        self.ticks.data = _columns(ticks.drop(columns=["y"]))
        rows = list(range(len(names)))
        track.yaxis.ticker = FixedTicker(ticks=rows)
        track.yaxis.major_label_overrides = {
            row: _shorten(name) for row, name in zip(rows, reversed(names), strict=True)
        }
        track.y_range.update(start=-0.6, end=max(len(names), 1) - 0.4)
        track.height = 26 + 19 * max(len(names), 1)

    def show_genes(self, genes: pd.DataFrame) -> None:
        """Show stacked genes.

        Parameters
        ----------
        genes
            From `deepwas_app.plots.locus.stack_genes`.
        """
        rows = int(genes["row"].max()) + 1 if len(genes) else 1
        self.genes.data = _columns(genes.drop(columns=["row", "strand"]))
        self.gene_track.y_range.update(start=-rows + 0.2, end=0.75)
        self.gene_track.height = 70 + 27 * rows

    def set_dark(self, dark: bool) -> None:
        """Take the ink of the light or the dark page for the text that is drawn inside."""
        self._gene_names.glyph.text_color = ink(dark)
        edge = "#ffffff" if dark else "#20242c"
        glyphs: list[Any] = [
            self._dots.glyph,
            self._dots.selection_glyph,
            self._dots.nonselection_glyph,
        ]
        for glyph in glyphs:
            glyph.line_color = edge

    def _track(self, height: int, label: str) -> figure:
        track = figure(
            height=height,
            x_range=self.x_range,
            y_range=Range1d(start=0, end=1),
            tools="",
            toolbar_location=None,
            y_axis_label=label,
            min_border_left=LEFT_BORDER,
            min_border_right=20,
            min_border_top=8,
            min_border_bottom=4,
            sizing_mode="stretch_width",
            output_backend="canvas",
        )
        track.xaxis.visible = False
        track.ygrid.grid_line_color = None
        return track

    def _association(self) -> figure:
        track = self._track(340, "−log₁₀ P")
        track.toolbar_location = "above"
        track.toolbar.logo = None
        track.add_layout(
            Span(
                location=GENOME_WIDE,
                dimension="width",
                line_color=RED,
                line_dash="dashed",
                line_width=1,
            )
        )
        same: Any = {"fill_alpha": 0.9, "line_color": "#20242c", "line_alpha": 0.35}
        dots = self._dots = track.scatter(
            "x",
            "minus_log10_p",
            source=self.points,
            size=8,
            fill_color="colour",
            line_width=0.6,
            **same,
            **{f"nonselection_{k}": v for k, v in same.items()},
            **{f"selection_{k}": v for k, v in same.items()},
            nonselection_fill_color="colour",
            selection_fill_color="colour",
            name="variants",
        )
        track.scatter(
            "x",
            "minus_log10_p",
            source=self.reference,
            marker="diamond",
            size=19,
            fill_color=LD_REFERENCE,
            line_color="white",
            line_width=1,
        )
        track.text(
            "x",
            "minus_log10_p",
            text="variant",
            source=self.reference,
            x_offset=12,
            y_offset=-4,
            text_font_size="12px",
            text_font_style="bold",
            text_color=LD_REFERENCE,
        )
        tips = [
            ("Variant", "@variant"),
            ("Position", "@position{0,0}"),
            ("Alleles (effect/other)", "@alleles"),
            ("Effect allele frequency", "@frequency{0.000}"),
            ("z", "@z{0.00}"),
            ("−log₁₀ P", "@minus_log10_p{0.00}"),
            ("r² to reference", "@r2_text"),
        ]
        # Where variants lie on each other, all their tips at once would hide the plot.
        hover = HoverTool(renderers=[dots], tooltips=tips, limit=1)
        track.add_tools(hover, TapTool(renderers=[dots]))
        track.add_layout(ld_legend(track), "above")
        return track

    def _heritability(self) -> figure:
        track = self._track(170, "Prior heritability")
        track.segment(
            "x", 0, "x", "scaled", source=self.heritability, line_color="colour", line_alpha=0.5
        )
        dots = track.scatter(
            "x",
            "scaled",
            source=self.heritability,
            color="colour",
            size=5,
            legend_field="run",
            name="heritability",
        )
        tips = [("Variant", "@variant"), ("Run", "@run"), ("Value", "@value{0.00e+0}")]
        track.add_tools(HoverTool(renderers=[dots], tooltips=tips, limit=1))
        track.legend.location = "top_right"
        track.legend.orientation = "horizontal"
        return track

    def _annotations(self) -> figure:
        track = self._track(200, "")
        marks = track.segment(
            "x", "low", "x", "high", source=self.ticks, line_color="colour", line_width=2
        )
        tips = [("Annotation", "@annotation"), ("Variant", "@variant"), ("Value", "@value{0.000}")]
        track.add_tools(HoverTool(renderers=[marks], tooltips=tips, limit=1))
        track.xgrid.grid_line_color = None
        return track

    def _genes(self) -> figure:
        track = self._track(120, "Genes")
        self._gene_bodies = track.segment(
            "left", "y", "right", "y", source=self.genes, line_color=BLUE, line_width=6
        )
        self._gene_names = track.text(
            "middle",
            "y",
            text="label",
            source=self.genes,
            text_align="center",
            text_baseline="bottom",
            y_offset=-4,
            text_font_size="11px",
            text_font_style="italic",
            text_color=ink(False),
        )
        tips = [("Gene", "@label"), ("Position", "@start{0,0}–@stop{0,0}")]
        track.add_tools(HoverTool(renderers=[self._gene_bodies], tooltips=tips))
        track.xaxis.visible = True
        track.xaxis.formatter = NumeralTickFormatter(format="0.[000]")
        track.yaxis.major_tick_line_color = None
        track.yaxis.ticker = FixedTicker(ticks=[])
        track.xgrid.grid_line_color = None
        return track


def _ld_text(r2: np.ndarray) -> list[str]:
    return [f"{value:.2f}" if np.isfinite(value) else "not known" for value in r2]


def _shorten(name: str) -> str:
    return name if len(name) <= NAME_LETTERS else name[: NAME_LETTERS - 1] + "…"


def _columns(table: pd.DataFrame) -> dict[str, Any]:
    return {str(name): table[name].to_numpy() for name in table.columns}
