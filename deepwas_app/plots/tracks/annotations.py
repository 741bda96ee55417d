"""Annotations of the variants, a row of marks each."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from bokeh.models import FixedTicker, HoverTool, LinearColorMapper
from bokeh.plotting import figure

from deepwas_app.plots.theme import PALE_BLUE, printed, series_colour
from deepwas_app.plots.track import Locus, Track, columns_of, empty_source, shortened
from deepwas_app.plots.tracks import TRACKS

MOST_VARIANTS = 1500
"""With more, an annotation is an image: a browser draws thousands of lines slowly."""
COLUMNS = 600
HEAT = ("#440154", "#414487", "#2a788e", "#22a884", "#7ad151", "#fde725")
PALETTE = (series_colour(0), PALE_BLUE, *HEAT)


def annotation_ticks(study: xr.Dataset, rows: np.ndarray, names: Sequence[str]) -> pd.DataFrame:
    """One row of marks per annotation: where a binary one applies, how large a continuous one is.

    Parameters
    ----------
    study
        A study.
    rows
        Rows of the region.
    names
        Annotations to show, top first.

    Returns
    -------
    pandas.DataFrame
        ``x`` (Mb), ``y`` (row, 0 at the bottom), ``low``, ``high``, ``annotation``, ``variant``,
        ``value``, ``colour``.
    """
    known = list(study["annotation"].values.astype(str))
    shown = [name for name in names if name in known]
    columns = ["x", "y", "low", "high", "annotation", "variant", "value", "colour"]
    if not shown or not len(rows):
        return pd.DataFrame(columns=columns)
    index = [known.index(name) for name in shown]
    part = study.isel(variants=rows, annotations=index)
    values = part["variant_annotation"].values.astype(float)
    kinds = part["annotation_kind"].values.astype(str)
    x, variant = part["variant_position"].values / 1e6, part["variant_id"].values.astype(str)
    tables = []
    for a, name in enumerate(shown):
        y = float(len(shown) - 1 - a)
        if kinds[a] == "binary":
            here = np.flatnonzero(values[:, a] > 0.5)
            colour = np.full(len(here), series_colour(0) if a % 2 == 0 else PALE_BLUE)
        else:
            here = np.flatnonzero(np.isfinite(values[:, a]))
            colour = _heat(values[here, a])
        tables.append(
            pd.DataFrame(
                {
                    "x": x[here],
                    "y": y,
                    "low": y - 0.34,
                    "high": y + 0.34,
                    "annotation": name,
                    "variant": variant[here],
                    "value": values[here, a],
                    "colour": colour,
                }
            )
        )
    return pd.concat(tables, ignore_index=True)[columns]


def annotation_images(
    study: xr.Dataset, rows: np.ndarray, names: Sequence[str], ends: tuple[float, float]
) -> pd.DataFrame:
    """One row of pixels per annotation, in the colours of :func:`annotation_ticks`.

    Of several variants in a pixel the one with the largest value counts.

    Parameters
    ----------
    study, rows, names
        As there.
    ends
        Of the position axis, Mb.

    Returns
    -------
    pandas.DataFrame
        ``image`` ((1, columns) uint8, 0 for no mark, else one more than the place in `PALETTE`),
        ``x``, ``y`` (lower left), ``dw``, ``dh``, ``annotation``.
    """
    known = list(study["annotation"].values.astype(str))
    shown = [name for name in names if name in known]
    wide = ends[1] - ends[0]
    x = study["variant_position"].values[rows] / 1e6
    column = np.clip(((x - ends[0]) / wide * COLUMNS).astype(int), 0, COLUMNS - 1)
    # Variants lie in the order of their places, and so do pixels.
    pixels, first = np.unique(column, return_index=True)
    kinds = study["annotation_kind"].values.astype(str)
    drawn = []
    for a, name in enumerate(shown):
        at = known.index(name)
        values = study["variant_annotation"][rows, at].values.astype(float)
        largest = np.fmax.reduceat(values, first)
        if kinds[at] == "binary":
            shade = np.where(largest > 0.5, 1 + a % 2, 0)
        else:
            edges = np.nanquantile(values, np.linspace(0, 1, len(HEAT) + 1)[1:-1])
            shade = np.where(np.isfinite(largest), 3 + np.searchsorted(edges, largest), 0)
        image = np.zeros((1, COLUMNS), np.uint8)
        image[0, pixels] = shade
        drawn.append((image, ends[0], len(shown) - 1 - a - 0.34, wide, 0.68, name))
    return pd.DataFrame(drawn, columns=["image", "x", "y", "dw", "dh", "annotation"])


def _heat(values: np.ndarray) -> np.ndarray:
    """Colour by rank, because distances and LD scores span orders of magnitude."""
    if len(values) == 0:
        return np.zeros(0, dtype=str)
    rank = pd.Series(values).rank(method="average", pct=True).to_numpy()
    return np.array(HEAT)[np.minimum((rank * len(HEAT)).astype(int), len(HEAT) - 1)]


@TRACKS.add
class AnnotationsTrack(Track):
    """The chosen annotations; ``marks`` is their data source."""

    name, order = "annotations", 40
    height = 200
    needs = frozenset({"rows", "annotations"})

    def __init__(self, make: Callable[[int, str], figure]) -> None:
        super().__init__(make)
        self.marks = empty_source("x", "low", "high", "annotation", "variant", "value", "colour")
        (track,) = self.figures
        marks = track.segment(
            "x", "low", "x", "high", source=self.marks, line_color="colour", line_width=2
        )
        tips = [("Annotation", "@annotation"), ("Variant", "@variant"), ("Value", "@value{%.4g}")]
        track.add_tools(
            HoverTool(renderers=[marks], tooltips=tips, formatters=printed(tips), limit=1)
        )
        self.images = empty_source("image", "x", "y", "dw", "dh", "annotation")
        draw_image: Any = track.image
        images = draw_image(
            source=self.images,
            color_mapper=LinearColorMapper(
                palette=["rgba(0, 0, 0, 0)", *PALETTE], low=-0.5, high=len(PALETTE) + 0.5
            ),
        )
        tips = [("Annotation", "@annotation"), ("Value", "zoom in to read it")]
        track.add_tools(HoverTool(renderers=[images], tooltips=tips))
        track.xgrid.grid_line_color = None
        self._named: tuple[str, ...] | None = None

    def shown(self, locus: Locus) -> bool:
        """With an annotation."""
        return bool(locus.annotations)

    def draw(self, locus: Locus) -> None:
        """The marks and the names beside them."""
        names, (track,) = locus.annotations, self.figures
        many = len(locus.rows) > MOST_VARIANTS
        ticks = annotation_ticks(locus.study, locus.rows, () if many else names)
        ends = locus.region.start / 1e6, locus.region.stop / 1e6
        images = annotation_images(locus.study, locus.rows, names if many else (), ends)
        self.marks.data = columns_of(ticks.drop(columns=["y"]))
        self.images.data = {name: images[name].tolist() for name in self.images.data}
        if tuple(names) != self._named:
            self._name(track, names)
        track.y_range.update(start=-0.6, end=max(len(names), 1) - 0.4)
        self.height = 26 + 19 * max(len(names), 1)

    def _name(self, track: figure, names: Sequence[str]) -> None:
        """Names on the axis: when they change, for Bokeh then looks through the whole document."""
        rows = list(range(len(names)))
        track.yaxis.ticker = FixedTicker(ticks=rows)
        track.yaxis.major_label_overrides = {
            row: shortened(name) for row, name in zip(rows, reversed(names), strict=True)
        }
        self._named = tuple(names)
