"""The Manhattan plot: every variant along the genome, thinned to what a screen can show."""

from typing import Any

import holoviews as hv
import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.genetics.statistics import GENOME_WIDE, minus_log10_p
from deepwas_app.plots.theme import (
    BLUE,
    ORANGE,
    PALE_BLUE,
    RED,
    finished,
    hover_options,
)

MANHATTAN_CELLS = (1400, 320)
# More dots than these cover each other, and make a saved notebook heavy.
MOST_POINTS = 16_000


def thin(x: np.ndarray, y: np.ndarray, cells: tuple[int, int] = MANHATTAN_CELLS) -> np.ndarray:
    """Indices of one point per cell of a fine grid: what the eye could tell apart on a screen.

    Parameters
    ----------
    x, y
        Coordinates of the points, without NaN.
    cells
        Columns and rows of the grid.

    Returns
    -------
    numpy.ndarray
        Sorted indices of the points to draw. The highest point of a cell represents it.
    """
    if len(x) == 0:
        return np.zeros(0, dtype=np.int64)
    column = _cell(x, cells[0])
    row = _cell(y, cells[1])
    highest_first = np.argsort(-y, kind="stable")
    _, first = np.unique((column * cells[1] + row)[highest_first], return_index=True)
    return np.sort(highest_first[first])


def _thin_enough(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Indices of at most so many points, on the finest grid that has no more."""
    columns, rows = MANHATTAN_CELLS
    while len(kept := thin(x, y, (columns, rows))) > MOST_POINTS:
        columns, rows = int(0.8 * columns), int(0.8 * rows)
    return kept


def _cell(values: np.ndarray, cells: int) -> np.ndarray:
    span = float(np.ptp(values)) or 1.0
    return np.minimum(((values - values.min()) / span * cells).astype(np.int64), cells - 1)


def genome_axis(study: xr.Dataset) -> tuple[np.ndarray, list[tuple[float, str]]]:
    """Place every variant on one axis, chromosomes end to end.

    Parameters
    ----------
    study
        A study, variants sorted by chromosome, then position.

    Returns
    -------
    x
        Position of every variant in Mb along the axis.
    ticks
        Middle of each chromosome and its name; empty for a single chromosome.
    """
    chromosome = study["variant_chromosome"].values.astype(str)
    position = study["variant_position"].values / 1e6
    names, first = np.unique(chromosome, return_index=True)
    names = names[np.argsort(first)]
    if len(names) == 1:
        return position, []
    x, ticks, offset = np.empty(len(position)), [], 0.0
    for name in names:
        here = chromosome == name
        length = float(position[here].max())
        x[here] = position[here] + offset
        ticks.append((offset + length / 2, str(name)))
        offset += length + 5.0
    return x, ticks


def annotated(study: xr.Dataset, annotation: str) -> np.ndarray:
    """Variants that an annotation singles out, (variants,) bool; of a continuous one the top fifth.

    Parameters
    ----------
    study
        A study.
    annotation
        Name of one of its annotations; none of another name.
    """
    names = study["annotation"].values.astype(str).tolist()
    if annotation not in names:
        return np.zeros(study.sizes["variants"], bool)
    at = names.index(annotation)
    values = study["variant_annotation"].isel(annotations=at).values.astype(float)
    if study["annotation_kind"].values[at] == "binary":
        return values > 0.5
    return values > np.nanquantile(values, 0.8)


def manhattan_table(study: xr.Dataset, among: np.ndarray | None = None) -> pd.DataFrame:
    """The points of a Manhattan plot, thinned to what a screen can show.

    Parameters
    ----------
    study
        A study.
    among
        Which variants to draw, (variants,) bool; all by default.

    Returns
    -------
    pandas.DataFrame
        ``x`` (Mb), ``minus_log10_p``, ``variant``, ``chromosome``, ``position`` (bp), ``z`` and
        ``colour``.
    """
    z = study["variant_z"].values
    scored = np.flatnonzero(np.isfinite(z) if among is None else np.isfinite(z) & among)
    axis, _ = genome_axis(study)
    height = minus_log10_p(z[scored])
    drawn = scored[_thin_enough(axis[scored], height)]
    chromosome = study["variant_chromosome"].values.astype(str)
    order = {name: i for i, name in enumerate(dict.fromkeys(chromosome))}
    parity = np.array([order[c] % 2 for c in chromosome[drawn]], dtype=int)
    return pd.DataFrame(
        {
            "x": axis[drawn],
            "minus_log10_p": minus_log10_p(z[drawn]),
            "variant": study["variant_id"].values[drawn].astype(str),
            "chromosome": chromosome[drawn],
            "position": study["variant_position"].values[drawn],
            "z": z[drawn],
            "colour": np.where(parity == 0, BLUE, PALE_BLUE),
        }
    )


def manhattan(study: xr.Dataset, annotation: str = "") -> hv.Overlay:
    """Manhattan plot with the genome-wide line at P = 5e-8.

    Parameters
    ----------
    study
        A study.
    annotation
        One whose variants stand out, see :func:`annotated`.

    Returns
    -------
    holoviews.Overlay
        Points (the rows of ``manhattan_table``) over a horizontal line.
    """
    table = manhattan_table(study)
    _, ticks = genome_axis(study)
    names = table["chromosome"].unique()
    where = (
        "Chromosome" if ticks else f"Position on chromosome {names[0] if len(names) else ''} (Mb)"
    )
    hover = [
        ("Variant", "@variant"),
        ("Position", "@chromosome:@position{0,0}"),
        ("z", "@z{%.4g}"),
        ("−log₁₀ P", "@minus_log10_p{0.0}"),
    ]
    points = hv.Points(
        table,
        [hv.Dimension("x", label=where), hv.Dimension("minus_log10_p", label="−log₁₀ P")],
        ["variant", "chromosome", "position", "z", "colour"],
    ).opts(
        color="colour",
        size=3.5,
        alpha=0.85,
        # A click chooses a variant, and leaves the picture as it is.
        nonselection_alpha=0.85,
        **hover_options(hover) | {"tools": ["hover", "tap"]},
    )
    line = hv.HLine(GENOME_WIDE).opts(color=RED, line_dash="dashed", line_width=1)
    top = max(float(table["minus_log10_p"].max()) if len(table) else 0.0, GENOME_WIDE) * 1.05
    options: dict[str, Any] = {"ylim": (0, top), "xlabel": where, "ylabel": "−log₁₀ P"}
    if ticks:
        options["xticks"] = ticks
    if len(table):
        left, right = float(table["x"].min()), float(table["x"].max())
        edge = 0.01 * (right - left) or 0.1
        options["xlim"] = (left - edge, right + edge)
    drawn = line * points
    if annotation:
        singled = manhattan_table(study, annotated(study, annotation))
        drawn *= hv.Points(singled, ["x", "minus_log10_p"], label=annotation).opts(
            color=ORANGE, size=4
        )
        options |= {"show_legend": True, "legend_position": "top_right"}
    return finished(drawn, 300, **options)
