"""Held-out likelihood against model size."""

import holoviews as hv
import numpy as np
import pandas as pd

from deepwas_app.intervals import interval
from deepwas_app.plots.theme import GREY, figure_options, series_colour


def per_variant(
    sweep: pd.DataFrame, columns: tuple[str, ...] = ("gain", "gain_se")
) -> pd.DataFrame:
    """The rows with some columns in milli-nats per held-out variant, in place of nats.

    Parameters
    ----------
    sweep
        With ``variants`` (held out) and the columns, in nats.
    columns
        What is rescaled.
    """
    scale = 1e3 / sweep["variants"].astype(float)
    return sweep.assign(**{name: sweep[name].astype(float) * scale for name in columns})


def scaling_summary(sweep: pd.DataFrame) -> pd.DataFrame:
    """Mean over seeds of every size and objective.

    Parameters
    ----------
    sweep
        One row per fit: ``objective``, ``parameters``, ``variants`` (held out), ``gain`` and
        ``gain_se`` in nats.

    Returns
    -------
    pandas.DataFrame
        ``objective``, ``parameters``, ``gain`` (mean) and ``gain_se`` in milli-nats per variant,
        and ``seeds``. The error is the larger of that of one fit (over LD blocks) and that over
        seeds.
    """
    sweep = per_variant(sweep)
    rows = []
    for (objective, parameters), part in sweep.groupby(["objective", "parameters"], sort=False):
        between = part["gain"].std(ddof=1) / np.sqrt(len(part)) if len(part) > 1 else 0.0
        within = part["gain_se"].astype(float).mean()
        se = np.nanmax([within, between])
        rows.append((objective, int(parameters), part["gain"].mean(), se, len(part)))
    return pd.DataFrame(rows, columns=["objective", "parameters", "gain", "gain_se", "seeds"])


def scaling_curve(sweep: pd.DataFrame, truth: float | None = None) -> hv.Overlay:
    """Held-out gain over the constant prior against the number of parameters.

    Parameters
    ----------
    sweep
        One row per fit, as for `scaling_summary`; objectives by the names to be shown. Its
        attribute ``blocks`` is the number of LD blocks that were held out.
    truth
        Gain of the true prior in nats, where it is known: a dashed line.

    Returns
    -------
    holoviews.Overlay
        One line with 95% intervals per objective, every fit as a small point; log x axis.
    """
    summary, fits = scaling_summary(sweep), per_variant(sweep)
    ends = interval(summary["gain"], summary["gain_se"], sweep.attrs.get("blocks"))
    summary["low"], summary["high"] = ends
    hover = [
        ("Parameters", "@parameters{0,0}"),
        ("Gain (10⁻³ nats/variant)", "@gain{0.000}"),
        ("Seeds", "@seeds"),
    ]
    layers: list[hv.Element] = [hv.HLine(0.0).opts(color=GREY, line_width=1, line_dash="dashed")]
    if truth is not None:
        level = truth * 1e3 / float(sweep["variants"].iloc[0])
        ends = summary["parameters"].agg(["min", "max"]).to_numpy()
        layers += [
            # A curve, so that the axis reaches up to it.
            hv.Curve([(end, level) for end in ends]).opts(color=GREY, line_width=1.5),
            hv.Text(ends[1], level, "the true prior", halign="right", valign="top").opts(
                text_color=GREY, text_font_size="9pt"
            ),
        ]
    for i, (objective, part) in enumerate(summary.groupby("objective", sort=False)):
        colour, label = series_colour(i), str(objective)
        each = fits[fits["objective"] == objective]
        layers += [
            hv.Points(each, ["parameters", "gain"]).opts(color=colour, size=4, alpha=0.4),
            hv.Segments(part, ["parameters", "low", "parameters", "high"]).opts(
                color=colour, line_width=2
            ),
            hv.Curve(part, "parameters", "gain", label=label).opts(color=colour, line_width=2),
            hv.Points(part, ["parameters", "gain"], ["seeds"], label=label).opts(
                color=colour, size=9, tools=["hover"], hover_tooltips=hover
            ),
        ]
    return hv.Overlay(layers).opts(
        **figure_options(
            420,
            logx=True,
            xlabel="Parameters of the prior",
            ylabel="Held-out gain (10⁻³ nats per variant)",
            show_legend=summary["objective"].nunique() > 1,
            legend_position="top_left",
        )
    )
