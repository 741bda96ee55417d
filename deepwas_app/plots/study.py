"""Pictures of a study: what came in, what the z-scores look like, how well the model fits."""

import holoviews as hv
import numpy as np
import pandas as pd
import xarray as xr
from bokeh.models import NumeralTickFormatter
from scipy.stats import norm

from deepwas_app.genetics.statistics import GENOME_WIDE, minus_log10_p
from deepwas_app.intervals import interval
from deepwas_app.plots.theme import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PALE_BLUE,
    RED,
    figure_options,
)

MANHATTAN_CELLS = (1400, 320)


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


def manhattan_table(study: xr.Dataset) -> pd.DataFrame:
    """The points of a Manhattan plot, thinned to what a screen can show.

    Parameters
    ----------
    study
        A study.

    Returns
    -------
    pandas.DataFrame
        ``x`` (Mb), ``minus_log10_p``, ``variant``, ``chromosome``, ``position`` (bp), ``z`` and
        ``colour``.
    """
    z = study["variant_z"].values
    scored = np.flatnonzero(np.isfinite(z))
    axis, _ = genome_axis(study)
    height = minus_log10_p(z[scored])
    drawn = scored[thin(axis[scored], height)]
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


def manhattan(study: xr.Dataset) -> hv.Overlay:
    """Manhattan plot with the genome-wide line at P = 5e-8.

    Parameters
    ----------
    study
        A study.

    Returns
    -------
    holoviews.Overlay
        Points over a horizontal line.
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
        ("z", "@z{0.00}"),
        ("−log₁₀ P", "@minus_log10_p{0.0}"),
    ]
    points = hv.Points(
        table,
        [hv.Dimension("x", label=where), hv.Dimension("minus_log10_p", label="−log₁₀ P")],
        ["variant", "chromosome", "position", "z", "colour"],
    ).opts(color="colour", size=3.5, alpha=0.85, tools=["hover"], hover_tooltips=hover)
    line = hv.HLine(GENOME_WIDE).opts(color=RED, line_dash="dashed", line_width=1)
    top = max(float(table["minus_log10_p"].max()) if len(table) else 0.0, GENOME_WIDE) * 1.05
    options = figure_options(300, ylim=(0, top), xlabel=where, ylabel="−log₁₀ P")
    if ticks:
        options["xticks"] = ticks
    if len(table):
        left, right = float(table["x"].min()), float(table["x"].max())
        edge = 0.01 * (right - left) or 0.1
        options["xlim"] = (left - edge, right + edge)
    return (line * points).opts(**options)


def z_histogram(study: xr.Dataset) -> hv.Overlay:
    """Histogram of the z-scores beside the standard normal, which they would follow under the null.

    Parameters
    ----------
    study
        A study.

    Returns
    -------
    holoviews.Overlay
        Histogram (density) and the N(0, 1) curve.
    """
    z = study["variant_z"].values
    z = z[np.isfinite(z)]
    limit = float(np.clip(np.quantile(np.abs(z), 0.999) if len(z) else 4.0, 4.0, 15.0))
    density, edges = np.histogram(np.clip(z, -limit, limit), bins=80, density=len(z) > 0)
    grid = np.linspace(-limit, limit, 201)
    bars = hv.Histogram(
        (edges, density), kdims=[hv.Dimension("z", label="z-score")], label="this study"
    ).opts(
        fill_color=BLUE,
        fill_alpha=0.55,
        line_color=None,
        tools=["hover"],
        hover_tooltips=[("z", "@z{0.00}"), ("density", "@Frequency{0.000}")],
    )
    null = hv.Curve((grid, norm.pdf(grid)), "z", "density", label="N(0, 1)").opts(
        color=ORANGE, line_width=2
    )
    return (bars * null).opts(
        **figure_options(
            300,
            xlabel="z-score",
            ylabel="Density",
            legend_position="top_right",
            xlim=(-limit, limit),
        )
    )


def waterfall_table(study: xr.Dataset) -> pd.DataFrame:
    """The alignment report as bars: each loss starts where the one before it ended.

    Parameters
    ----------
    study
        A study with an ``alignment`` attribute.

    Returns
    -------
    pandas.DataFrame
        ``step``, ``kind``, ``variants`` (always positive), ``start``, ``stop``, ``colour``,
        ``text``; empty without a report.
    """
    rows = study.attrs.get("alignment", [])
    colours = {"in": GREY, "loss": RED, "out": GREEN, "note": PALE_BLUE}
    bars, left = [], 0
    for row in rows:
        count, kind = abs(int(row["variants"])), row["kind"]
        if kind == "in":
            left = count
        start, stop = (left - count, left) if kind == "loss" else (0, count)
        left = start if kind == "loss" else left
        text = f"−{count:,}" if kind == "loss" and count else f"{count:,}"
        bars.append((row["step"], kind, count, start, stop, colours[kind], text))
    columns = ["step", "kind", "variants", "start", "stop", "colour", "text"]
    return pd.DataFrame(bars, columns=columns)


def alignment_waterfall(study: xr.Dataset) -> hv.Overlay:
    """How many rows of the summary statistics were lost on the way, and why.

    Parameters
    ----------
    study
        A study with an ``alignment`` attribute.

    Returns
    -------
    holoviews.Overlay
        One horizontal bar per step, the count beside it.
    """
    table = waterfall_table(study)
    y = np.arange(len(table))[::-1].astype(float)
    drawn = table.assign(bottom=y - 0.36, top=y + 0.36, y=y)
    # A loss of three variants among a million must still be seen.
    width = max(float(table["stop"].max()) if len(table) else 1.0, 1.0)
    drawn["left"] = np.minimum(drawn["start"], drawn["stop"] - 0.003 * width)
    hover = [("Step", "@step"), ("Variants", "@variants{0,0}")]
    bars = hv.Rectangles(
        drawn, ["left", "bottom", "stop", "top"], ["step", "variants", "colour"]
    ).opts(color="colour", line_color=None, tools=["hover"], hover_tooltips=hover)
    counts = hv.Labels(drawn, ["stop", "y"], "text").opts(
        text_color=GREY,
        text_align="left",
        text_font_size="10pt",
        xoffset=0.01 * width,
    )
    return (bars * counts).opts(
        **figure_options(
            max(180, 70 + 30 * len(table)),
            yticks=list(zip(y, table["step"], strict=True)),
            xlabel="Variants",
            ylabel="",
            xlim=(0, 1.28 * width),
            ylim=(-0.6, len(table) - 0.4),
            xformatter=NumeralTickFormatter(format="0,0"),
            xticks=4,
        )
    )


def residual_spectrum(spectrum: xr.Dataset) -> hv.Overlay:
    """Mean of x² along the LD spectrum, beside what the model expects.

    A gap at small eigenvalues shows LD mismatch between the panel and the GWAS.

    Parameters
    ----------
    spectrum
        ``eigenvalue``, ``observed``, ``observed_se`` and ``expected`` on the dimension ``bins``.

    Returns
    -------
    holoviews.Overlay
        Observed points with 95% intervals and the expected curve; the x axis is logarithmic.
    """
    table = spectrum[["eigenvalue", "observed", "observed_se", "expected"]].to_dataframe()
    table = table.dropna(subset=["eigenvalue", "observed"])
    table["low"], table["high"] = interval(table["observed"], table["observed_se"])
    expected = hv.Curve(table, "eigenvalue", "expected", label="expected by the model").opts(
        color=ORANGE, line_width=2
    )
    bars = hv.Segments(table, ["eigenvalue", "low", "eigenvalue", "high"]).opts(
        color=BLUE, line_width=1.5
    )
    points = hv.Points(
        table, ["eigenvalue", "observed"], ["observed_se", "expected"], label="observed"
    ).opts(
        color=BLUE,
        size=6,
        tools=["hover"],
        hover_tooltips=[
            ("eigenvalue", "@eigenvalue{0.000}"),
            ("observed", "@observed{0.000}"),
            ("standard error", "@observed_se{0.000}"),
            ("expected", "@expected{0.000}"),
        ],
    )
    return (expected * bars * points).opts(
        **figure_options(
            300,
            logx=True,
            xlim=(float(table["eigenvalue"].min()) / 1.3, float(table["eigenvalue"].max()) * 1.3),
            xlabel="LD eigenvalue",
            ylabel="Mean of x²",
            legend_position="top_left",
        )
    )
