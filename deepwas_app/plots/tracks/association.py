"""Association: the variants' P values, coloured by LD to reference variants."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from bokeh.models import ColumnDataSource, HoverTool, LinearColorMapper, TapTool
from bokeh.models.annotations import Span
from bokeh.plotting import figure

from deepwas_app.genetics.statistics import GENOME_WIDE
from deepwas_app.plots.locus_legend import ld_legend, name_references, references_legend
from deepwas_app.plots.locus_points import PALETTE, crowd_image, shade_by_ld
from deepwas_app.plots.theme import HUES, LD_REFERENCE, RED, ink, printed
from deepwas_app.plots.track import Locus, Track, columns_of, empty_source
from deepwas_app.plots.tracks import TRACKS

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
    "effect",
    "prior",
    "pip",
    "r2",
    "r2_text",
    "colour",
    "marker",
    "size",
)
TIPS = [
    ("Variant", "@variant, @alleles, @frequency{%.3g}"),
    ("P, N", "@p, @people{0,0}"),
    ("Effect (s.d.)", "@effect{%.3g}"),
    ("Prior h²", "@prior"),
    ("PIP", "@pip"),
    ("r²", "@r2_text"),
]
# Of the variants that are only an image.
_CROWD = ("row", "variant", "x", "minus_log10_p", "people", "effect")
_CROWD_TIPS = [
    ("Variant", "@variant"),
    ("−log₁₀ P, N", "@minus_log10_p{0.0}, @people{0,0}"),
    ("Effect (s.d.)", "@effect{%.3g}"),
]
# The value of runs that is said where the pointer rests.
_PRIOR = "heritability"


@TRACKS.add
class AssociationTrack(Track):
    """-log10 P of the variants; ``points`` is their data source."""

    name, order = "association", 10
    label, height = "−log₁₀ P", 340
    needs = frozenset(
        ["variants", "reference", "r2", "others", "pinned", "leads", "values", "fine_mapping"]
    )
    values = frozenset({_PRIOR})

    def __init__(self, make: Callable[[int, str], figure]) -> None:
        super().__init__(make)
        self.points = empty_source(*COLUMNS)
        self.crowd = empty_source(*_CROWD)
        self.image = empty_source("image", "x", "y", "dw", "dh")
        self.reference = empty_source("x", "minus_log10_p", "variant", "hue")
        self.pinned = empty_source("x", "minus_log10_p")
        self.leads = empty_source("x", "minus_log10_p", "variant")
        self._drawn: pd.DataFrame | None = None
        self._mark = self._shade = np.zeros(0, int)
        self._key: tuple[Any, Any] = None, None
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
        draw_image: Any = track.image
        drawn_by_image = draw_image(
            source=self.image,
            color_mapper=LinearColorMapper(
                palette=["rgba(0, 0, 0, 0)", *PALETTE], low=-0.5, high=len(PALETTE) + 0.5
            ),
            global_alpha=0.9,
        )
        # Only to be met by the pointer.
        unseen: Any = {"fill_color": None, "line_color": None}
        crowd = track.scatter(
            "x",
            "minus_log10_p",
            source=self.crowd,
            size=8,
            **unseen,
            **{f"nonselection_{k}": v for k, v in unseen.items()},
            **{f"selection_{k}": v for k, v in unseen.items()},
            name="crowd",
        )
        drawn_by_image.level = crowd.level = "underlay"
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
            fill_color="hue",
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
            text_color="hue",
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
        for renderer, tips in ((dots, TIPS), (crowd, _CROWD_TIPS)):
            track.add_tools(
                HoverTool(
                    renderers=[renderer],
                    tooltips=tips,
                    formatters=printed(tips),
                    limit=1,
                    attachment="below",
                )
            )
        track.add_tools(TapTool(renderers=[dots, crowd]))
        self.legends = ld_legend(track), references_legend(track)
        for legend in self.legends:
            track.add_layout(legend, "above")

    def draw(self, locus: Locus) -> None:
        """The variants, their colours, and the reference variants."""
        table = locus.variants
        new = table is not self._drawn
        if new:
            self._drawn = table
            self._mark = np.flatnonzero(table["mark"])
            self._shade = np.zeros(0, int)
            for source in (self.points, self.crowd):
                source.selected.indices = []
            top = float(table["minus_log10_p"].max()) if len(table) else 0.0
            self.figures[0].y_range.update(start=0, end=max(top, GENOME_WIDE) * 1.12)
            crowd = table[~table["mark"]]
            self.crowd.data = columns_of(crowd[list(_CROWD)])
        self._tell(locus, self._colour(locus, new), new)
        hues = {} if locus.reference is None else {locus.reference: LD_REFERENCE}
        others = zip(HUES[1:], locus.others, strict=False)
        hues |= {o.at: hue for hue, o in others if o.at is not None}
        # A reference has its name already.
        leads = [at for at in locus.leads if at not in hues]
        for source, some in (
            (self.reference, list(hues)),
            (self.pinned, list(locus.pinned)),
            (self.leads, leads),
        ):
            part = table.iloc[some].assign(hue=[hues.get(at, "") for at in some])
            source.data = {column: part[column].tolist() for column in source.data}
        several = bool(locus.others)
        self.legends[0].visible, self.legends[1].visible = not several, several
        if several:
            first = "" if locus.reference is None else table["variant"].iloc[locus.reference]
            name_references(self.legends[1], [first, *(o.variant for o in locus.others)])

    def _colour(self, locus: Locus, new: bool) -> dict[str, Any]:
        """Columns of the marks that say their LD; none where it is as it was."""
        table = locus.variants
        r2 = np.full(len(table), np.nan) if locus.r2 is None else locus.r2
        shade, best, _ = shade_by_ld(r2, locus.others)
        if not new and np.array_equal(shade, self._shade):
            same = np.array_equal(best[self._mark], self.points.data["r2"], equal_nan=True)
            if same:
                return {}
        self._shade = shade
        self._draw_crowd(locus, shade)
        best = best[self._mark]
        colours = PALETTE[shade[self._mark]].tolist()
        return {"r2": best, "r2_text": _ld_text(best), "colour": colours}

    def _draw_crowd(self, locus: Locus, shade: np.ndarray) -> None:
        crowd = ~locus.variants["mark"].to_numpy()
        if not crowd.any():
            if len(self.image.data["image"]):
                self.image.data = {name: [] for name in self.image.data}
            return
        left, right = locus.region.start / 1e6, locus.region.stop / 1e6
        heights: Any = self.figures[0].y_range
        top = float(heights.end)
        x, y = (locus.variants[name].to_numpy()[crowd] for name in ("x", "minus_log10_p"))
        image = crowd_image(x, y, shade[crowd], (left, right), top)
        place = {"x": [left], "y": [0], "dw": [right - left], "dh": [top]}
        self.image.data = {"image": [image], **place}

    def _tell(self, locus: Locus, coloured: dict[str, Any], new: bool) -> None:
        """Send the browser all of the marks, or only what is new of them."""
        marks = locus.variants.iloc[self._mark]
        changed = coloured | self._said(locus, marks, new)
        if new:
            known = columns_of(marks.drop(columns=["block", "mark"]))
            self.points.data = {**known, **changed}
        elif changed and len(marks):
            every = slice(0, len(marks))
            self.points.patch({name: [(every, column)] for name, column in changed.items()})

    def _said(self, locus: Locus, marks: pd.DataFrame, new: bool) -> dict[str, Any]:
        """What runs and a fine-mapping say of the marks, where the pointer rests."""
        key = locus.values.get(_PRIOR), locus.fine_mapping
        if not new and all(a is b for a, b in zip(key, self._key, strict=True)):
            return {}
        self._key = key
        priors, pips = key
        return {"prior": _prior_text(priors or {}, marks), "pip": _pip_text(pips, marks)}

    def set_dark(self, dark: bool) -> None:
        """The edges of the dots, and names."""
        self._names.glyph.text_color = ink(dark)
        dots = self._dots
        glyphs: list[Any] = [dots.glyph, dots.selection_glyph, dots.nonselection_glyph]
        for glyph in glyphs:
            glyph.line_color = "#ffffff" if dark else "#20242c"

    def on_tap(self, callback: Callable[[int], None]) -> None:
        """Call ``callback(row)`` when a variant is clicked; ``row`` counts the study's variants."""

        def follow(source: ColumnDataSource) -> None:
            def chosen(attr: str, old: list[int], new: list[int]) -> None:
                if new:
                    callback(int(source.data["row"][new[0]]))

            source.selected.on_change("indices", chosen)

        for source in (self.points, self.crowd):
            follow(source)


def _ld_text(r2: np.ndarray) -> list[str]:
    return [f"{value:.2f}" if np.isfinite(value) else "not known" for value in r2]


def _prior_text(priors: Any, marks: pd.DataFrame) -> list[str]:
    """Of every mark the prior of each run, the name of the run beside it where there are more."""
    said = []
    for run, table in priors.items():
        value = table.set_index("variant")["value"]
        found = value[~value.index.duplicated()].reindex(marks["variant"]).to_numpy()
        name = f" ({run})" if len(priors) > 1 else ""
        said.append([f"{v:.2g}{name}" for v in found])
    return [", ".join(words) for words in zip(*said, strict=True)] or ["no run"] * len(marks)


def _pip_text(table: pd.DataFrame | None, marks: pd.DataFrame) -> list[str]:
    if table is None:
        return ["not fine-mapped"] * len(marks)
    known = table.drop_duplicates("SNP").set_index("SNP")[["PIP", "PIP_UNIFORM"]]
    found = known.reindex(marks["variant"].to_numpy())
    return [
        f"{a:.2g}, uniform prior {b:.2g}" if np.isfinite(a) else "not fine-mapped"
        for a, b in zip(found["PIP"], found["PIP_UNIFORM"], strict=True)
    ]
