"""Held-out likelihood against model size."""

import holoviews as hv
import pandas as pd

from deepwas_app.plots.theme import (
    GREY,
    finished,
    hover_options,
    series_colour,
)


def scaling_curve(
    fits: pd.DataFrame, means: pd.DataFrame, truth: float | None = None
) -> hv.Overlay:
    """Held-out gain over the constant prior against the number of parameters.

    Parameters
    ----------
    fits
        One row per fit: ``objective`` by the name to be shown, ``parameters`` and
        ``gain_per_variant``, in milli-nats per held-out variant.
    means
        Their means over seeds with ``low``, ``high`` and ``seeds``.
    truth
        Gain of the true prior in the same unit, where it is known: a line.

    Returns
    -------
    holoviews.Overlay
        One line with 95% intervals per objective, every fit as a small point with its
        row as ``fit``; log x axis.
    """
    hover = [
        ("Parameters", "@parameters{0,0}"),
        ("Gain (10⁻³ nats/variant)", "@gain_per_variant{%.4g}"),
        ("Seeds", "@seeds"),
    ]
    layers: list[hv.Element] = [hv.HLine(0.0).opts(color=GREY, line_width=1, line_dash="dashed")]
    if truth is not None:
        ends = means["parameters"].agg(["min", "max"]).to_numpy()
        layers += [
            # A curve, so that the axis reaches up to it.
            hv.Curve([(end, truth) for end in ends]).opts(color=GREY, line_width=1.5),
            hv.Text(ends[1], truth, "the true prior", halign="right", valign="top").opts(
                text_color=GREY, text_font_size="9pt"
            ),
        ]
    for i, (objective, part) in enumerate(means.groupby("objective", sort=False)):
        colour, label = series_colour(i), str(objective)
        each = fits[fits["objective"] == objective]
        layers += [
            hv.Points(
                each.assign(fit=each.index), ["parameters", "gain_per_variant"], ["fit"]
            ).opts(color=colour, size=7, alpha=0.45, nonselection_alpha=0.45, tools=["tap"]),
            hv.Segments(part, ["parameters", "low", "parameters", "high"]).opts(
                color=colour, line_width=2
            ),
            hv.Curve(part, "parameters", "gain_per_variant", label=label).opts(
                color=colour, line_width=2
            ),
            hv.Points(part, ["parameters", "gain_per_variant"], ["seeds"], label=label).opts(
                color=colour, size=9, **hover_options(hover)
            ),
        ]
    return finished(
        hv.Overlay(layers),
        420,
        logx=True,
        xlabel="Parameters of the prior",
        ylabel="Held-out gain (10⁻³ nats per variant)",
        show_legend=means["objective"].nunique() > 1,
        legend_position="top_left",
    )
