"""Association: the variants' P values, coloured by LD to a reference variant."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from bokeh.models import HoverTool, TapTool
from bokeh.models.annotations import Span
from bokeh.plotting import figure

from deepwas_app.genetics.statistics import GENOME_WIDE, minus_log10_p, p_text
from deepwas_app.plots.locus_legend import ld_legend
from deepwas_app.plots.manhattan import thin
from deepwas_app.plots.theme import (
    LD_COLOURS,
    LD_EDGES,
    LD_REFERENCE,
    LD_UNKNOWN,
    RED,
    ink,
    printed,
)
from deepwas_app.plots.track import Locus, Track, columns_of, empty_source
from deepwas_app.plots.tracks import TRACKS

MOST_VARIANTS = 6000
# -log10 P from which the direction of an effect is drawn: below, the sign is mostly chance.
SUGGESTIVE = 5.0
COLUMNS = (
    "row",
    "variant",
    "x",
    "position",
    "alleles",
    "frequency",
    "z",
    "minus_log10_p",
    "p",
    "people",
    "r2",
    "r2_text",
    "colour",
    "marker",
    "size",
)
TIPS = [
    ("Variant", "@variant"),
    ("Effect/other allele", "@alleles, @frequency{%.3g}"),
    ("P, z", "@p, @z{%.3g}"),
    ("People", "@people{0,0}"),
    ("r² to reference", "@r2_text"),
]


def locus_table(study: xr.Dataset, rows: np.ndarray) -> pd.DataFrame:
    """The variants of a region as points.

    Parameters
    ----------
    study
        A study.
    rows
        Rows of the region.

    Returns
    -------
    pandas.DataFrame
        ``row``, ``variant``, ``x`` (Mb), ``position``, ``alleles``, ``frequency``, ``z``,
        ``minus_log10_p``, ``people``, ``block``, ``marker`` (which way a strong effect goes),
        ``size``, ``p`` (text), ``r2`` (NaN: unknown) and ``colour``. Unscored variants are left
        out; beyond 6,000 variants the crowd near the axis is thinned, hits never are.
    """
    part = study.isel(variants=rows)
    z = part["variant_z"].values.astype(float)
    table = pd.DataFrame(
        {
            "row": rows,
            "variant": part["variant_id"].values.astype(str),
            "x": part["variant_position"].values / 1e6,
            "position": part["variant_position"].values,
            "alleles": [
                f"{effect}/{other}"
                for effect, other in zip(
                    part["variant_effect_allele"].values.astype(str),
                    part["variant_other_allele"].values.astype(str),
                    strict=True,
                )
            ],
            "frequency": part["variant_allele_frequency"].values,
            "z": z,
            "minus_log10_p": minus_log10_p(z),
            "people": part["variant_sample_size"].values,
            "block": part["variant_block"].values,
        }
    )
    table = table[np.isfinite(table["z"])].reset_index(drop=True)
    if len(table) > MOST_VARIANTS:
        height = table["minus_log10_p"].to_numpy()
        keep = np.union1d(
            thin(table["x"].to_numpy(), height, (900, 240)), np.flatnonzero(height > GENOME_WIDE)
        )
        table = table.iloc[keep].reset_index(drop=True)
    directed = np.where(table["z"] > 0, "triangle", "inverted_triangle")
    suggestive = table["minus_log10_p"] >= SUGGESTIVE
    table["marker"] = np.where(suggestive, directed, "circle")
    # A triangle of a size is smaller than a circle of that size.
    table["size"] = np.where(suggestive, 11, 8)
    table["p"] = p_text(table["minus_log10_p"].to_numpy())
    table["r2"] = np.nan
    table["colour"] = LD_UNKNOWN
    return table


def leads_of(table: pd.DataFrame, leads: Sequence[int]) -> tuple[int, ...]:
    """Which of the drawn variants lead a locus with genome-wide significance.

    Parameters
    ----------
    table
        From :func:`locus_table`.
    leads
        Rows in the study of the lead variants of its loci.
    """
    strong = table["minus_log10_p"].to_numpy() > GENOME_WIDE
    return tuple(np.flatnonzero(np.isin(table["row"].to_numpy(), leads) & strong).tolist())


def r2_of(rows: np.ndarray, first: int, known: np.ndarray) -> np.ndarray:
    """The r² of some variants with a reference, NaN outside its LD block.

    Parameters
    ----------
    rows
        Of the variants, in the study.
    first, known
        First row of the block, and the r² of its variants.
    """
    inside = rows - first
    here = (inside >= 0) & (inside < len(known))
    r2 = np.full(len(rows), np.nan)
    r2[here] = known[inside[here]]
    return r2


def colour_by_ld(r2: np.ndarray) -> np.ndarray:
    """Colours of the five usual LD bins; grey where the LD is unknown.

    Parameters
    ----------
    r2
        Squared correlations with the reference variant; NaN is unknown.

    Returns
    -------
    numpy.ndarray
        Hex colours.
    """
    known = np.isfinite(r2)
    bins = np.digitize(np.where(known, r2, 0.0), LD_EDGES) - 1
    return np.where(known, np.array(LD_COLOURS)[bins], LD_UNKNOWN)


@TRACKS.add
class AssociationTrack(Track):
    """-log10 P of the variants; ``points`` is their data source."""

    name, order = "association", 10
    label, height = "−log₁₀ P", 340
    needs = frozenset({"variants", "reference", "r2", "pinned", "leads"})

    def __init__(self, make: Callable[[int, str], figure]) -> None:
        super().__init__(make)
        self.points = empty_source(*COLUMNS)
        self.reference = empty_source("x", "minus_log10_p", "variant")
        self.pinned = empty_source("x", "minus_log10_p")
        self.leads = empty_source("x", "minus_log10_p", "variant")
        self._drawn: pd.DataFrame | None = None
        (track,) = self.figures
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
            size="size",
            marker="marker",
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
            source=self.pinned,
            size=17,
            fill_color=None,
            line_color=LD_REFERENCE,
            line_width=2,
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
        names: dict[str, Any] = {"text": "variant", "text_font_size": "12px"}
        track.text(
            "x",
            "minus_log10_p",
            source=self.reference,
            x_offset=12,
            y_offset=-4,
            text_font_style="bold",
            text_color=LD_REFERENCE,
            **names,
        )
        self._names = track.text(
            "x",
            "minus_log10_p",
            source=self.leads,
            y_offset=-7,
            text_align="center",
            text_color=ink(False),
            **names,
        )
        # Where variants lie on each other, all their tips at once would hide the plot; and below a
        # variant a tip does not hide the peak.
        hover = HoverTool(
            renderers=[dots],
            tooltips=TIPS,
            formatters=printed(TIPS),
            limit=1,
            attachment="below",
        )
        track.add_tools(hover, TapTool(renderers=[dots]))
        track.add_layout(ld_legend(track), "above")

    def draw(self, locus: Locus) -> None:
        """The variants, their colours, and the reference variant."""
        table = locus.variants
        new = table is not self._drawn
        if new:
            self._drawn = table
            self.points.selected.indices = []
            top = float(table["minus_log10_p"].max()) if len(table) else 0.0
            self.figures[0].y_range.update(start=0, end=max(top, GENOME_WIDE) * 1.12)
        r2 = np.full(len(table), np.nan) if locus.r2 is None else locus.r2
        if new or not np.array_equal(r2, self.points.data["r2"], equal_nan=True):
            coloured = {"r2": r2, "r2_text": _ld_text(r2), "colour": colour_by_ld(r2)}
            known = columns_of(table.drop(columns=["block"])) if new else self.points.data
            self.points.data = {**known, **coloured}
        # The reference has its name already.
        leads = [at for at in locus.leads if at != locus.reference]
        for source, some in (
            (self.reference, [] if locus.reference is None else [locus.reference]),
            (self.pinned, list(locus.pinned)),
            (self.leads, leads),
        ):
            part = table.iloc[some]
            source.data = {column: part[column].tolist() for column in source.data}

    def set_dark(self, dark: bool) -> None:
        """The edges of the dots, and names."""
        self._names.glyph.text_color = ink(dark)
        dots = self._dots
        glyphs: list[Any] = [dots.glyph, dots.selection_glyph, dots.nonselection_glyph]
        for glyph in glyphs:
            glyph.line_color = "#ffffff" if dark else "#20242c"

    def on_tap(self, callback: Callable[[int], None]) -> None:
        """Call ``callback(row)`` when a variant is clicked; ``row`` counts the study's variants."""

        def chosen(attr: str, old: list[int], new: list[int]) -> None:
            if new:
                callback(int(self.points.data["row"][new[0]]))

        self.points.selected.on_change("indices", chosen)


def _ld_text(r2: np.ndarray) -> list[str]:
    return [f"{value:.2f}" if np.isfinite(value) else "not known" for value in r2]
