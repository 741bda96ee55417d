"""Pictures of a study: what came in, what the z-scores look like, how well the model fits."""

import holoviews as hv
import numpy as np
import pandas as pd
import xarray as xr
from bokeh.models import NumeralTickFormatter
from scipy.stats import norm

from deepwas_app.intervals import interval
from deepwas_app.plots.theme import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PALE_BLUE,
    RED,
    finished,
    hover_options,
)


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
        **hover_options([("z", "@z{%.4g}"), ("density", "@Frequency{%.4g}")]),
    )
    null = hv.Curve((grid, norm.pdf(grid)), "z", "density", label="N(0, 1)").opts(
        color=ORANGE, line_width=2
    )
    return finished(
        (bars * null),
        300,
        xlabel="z-score",
        ylabel="Density",
        legend_position="top_right",
        xlim=(-limit, limit),
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
    ).opts(color="colour", line_color=None, **hover_options(hover))
    counts = hv.Labels(drawn, ["stop", "y"], "text").opts(
        text_color=GREY,
        text_align="left",
        text_font_size="10pt",
        xoffset=0.01 * width,
    )
    return finished(
        (bars * counts),
        max(180, 70 + 30 * len(table)),
        yticks=list(zip(y, table["step"], strict=True)),
        xlabel="Variants",
        ylabel="",
        xlim=(0, 1.28 * width),
        ylim=(-0.6, len(table) - 0.4),
        xformatter=NumeralTickFormatter(format="0,0"),
        xticks=4,
    )


def residual_spectrum(spectrum: xr.Dataset) -> hv.Overlay:
    """Mean of x² over its noise along the LD spectrum, beside what the model expects.

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
        **hover_options(
            [
                ("eigenvalue", "@eigenvalue{%.4g}"),
                ("observed", "@observed{%.4g}"),
                ("standard error", "@observed_se{%.4g}"),
                ("expected", "@expected{%.4g}"),
            ]
        ),
    )
    return finished(
        (expected * bars * points),
        300,
        logx=True,
        xlim=(float(table["eigenvalue"].min()) / 1.3, float(table["eigenvalue"].max()) * 1.3),
        xlabel="LD eigenvalue",
        ylabel="Mean of x² (null: 1)",
        legend_position="top_left",
    )
