"""Pictures of what a fitted prior says about annotations."""

from collections.abc import Mapping

import holoviews as hv
import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.plots.theme import GREY, figure_options, series_colour

Z95 = 1.96


def forest_table(
    effects: Mapping[str, xr.Dataset], value: str, order: str = "size"
) -> pd.DataFrame:
    """Rows of a forest plot: one per annotation and run.

    Parameters
    ----------
    effects
        Annotation effects by run name; each on the dimension ``annotations``.
    value
        Variable to show; its standard error is ``value + "_se"``.
    order
        ``"size"``: largest first by the mean over runs. ``"given"``: as in the study.

    Returns
    -------
    pandas.DataFrame
        ``annotation``, ``run``, ``value``, ``se``, ``low``, ``high``, ``y``, ``row``, ``colour``.
    """
    tables = []
    for i, (run, effect) in enumerate(effects.items()):
        estimate = effect[value].values.astype(float)
        se = effect[f"{value}_se"].values.astype(float)
        tables.append(
            pd.DataFrame(
                {
                    "annotation": effect["annotation"].values.astype(str),
                    "run": run,
                    "value": estimate,
                    "se": se,
                    "low": estimate - Z95 * se,
                    "high": estimate + Z95 * se,
                    "colour": series_colour(i),
                    "series": i,
                }
            )
        )
    columns = ["annotation", "run", "value", "se", "low", "high", "colour", "series"]
    table = pd.concat(tables) if tables else pd.DataFrame(columns=columns)
    table = table[np.isfinite(table["value"].astype(float))].reset_index(drop=True)
    mean = table.groupby("annotation", sort=False)["value"].mean()
    names = list((mean.sort_values() if order == "size" else mean.iloc[::-1]).index)
    row = {name: i for i, name in enumerate(names)}
    table["row"] = table["annotation"].map(row).astype(float)
    place = {series: i for i, series in enumerate(sorted(table["series"].unique()))}
    step = 0.6 / max(len(place), 1)
    middle = (len(place) - 1) / 2
    table["y"] = table["row"] - (table["series"].map(place).astype(float) - middle) * step
    return table


def forest(
    effects: Mapping[str, xr.Dataset], value: str, label: str, reference: float = 0.0
) -> hv.Overlay:
    """Forest plot: estimate and 95% interval per annotation, one colour per run.

    Parameters
    ----------
    effects
        Annotation effects by run name.
    value
        Variable to show; its standard error is ``value + "_se"``.
    label
        Label of the x axis, with its unit.
    reference
        Where the vertical line stands: the value that means "no effect".

    Returns
    -------
    holoviews.Overlay
        A vertical line, an interval and a point per annotation and run.
    """
    table = forest_table(effects, value)
    rows = table.drop_duplicates("annotation")
    hover = [
        ("Annotation", "@annotation"),
        ("Run", "@run"),
        ("Estimate", "@value{0.000}"),
        ("Standard error", "@se{0.000}"),
        ("95% interval", "@low{0.000} to @high{0.000}"),
    ]
    layers: list[hv.Element] = [
        hv.VLine(reference).opts(color=GREY, line_width=1, line_dash="dashed")
    ]
    for run, part in table.groupby("run", sort=False):
        colour = part["colour"].iloc[0]
        layers.append(hv.Segments(part, ["low", "y", "high", "y"]).opts(color=colour, line_width=2))
        layers.append(
            hv.Points(
                part, ["value", "y"], ["annotation", "run", "se", "low", "high"], label=str(run)
            ).opts(color=colour, size=8, tools=["hover"], hover_tooltips=hover)
        )
    return hv.Overlay(layers).opts(
        **figure_options(
            max(220, 90 + (20 + 7 * max(len(effects) - 1, 0)) * len(rows)),
            yticks=list(zip(rows["row"], rows["annotation"], strict=True)),
            ylim=(-0.7, max(len(rows), 1) - 0.3),
            xlabel=label,
            ylabel="",
            show_legend=len(effects) > 1,
            legend_position="bottom_right",
        )
    )


def effect_forest(effects: Mapping[str, xr.Dataset]) -> hv.Overlay:
    """Effect of every annotation on log heritability, per standard deviation of the annotation.

    Parameters
    ----------
    effects
        Annotation effects by run name. Drawn is the average partial effect, which for a linear
        prior is its coefficient.

    Returns
    -------
    holoviews.Overlay
        A forest plot around 0.
    """
    return forest(effects, "partial_effect", "Change of log heritability per s.d.")


def enrichment_forest(effects: Mapping[str, xr.Dataset]) -> hv.Overlay:
    """Heritability enrichment of the binary annotations: share of heritability / share of variants.

    Parameters
    ----------
    effects
        Annotation effects by run name.

    Returns
    -------
    holoviews.Overlay
        A forest plot around 1.
    """
    return forest(effects, "enrichment", "Enrichment", 1.0)


def quantile_table(effects: Mapping[str, xr.Dataset]) -> pd.DataFrame:
    """Enrichment per quantile of the continuous annotations.

    Parameters
    ----------
    effects
        Annotation effects by run name, with ``quantile_enrichment`` (annotations, quantiles).

    Returns
    -------
    pandas.DataFrame
        ``annotation``, ``run``, ``quantile`` (1 is the lowest), ``value``, ``se``, ``low`` and
        ``high``.
    """
    parts = []
    for run, effect in effects.items():
        if "quantile_enrichment" not in effect:
            continue
        value = effect["quantile_enrichment"].values.astype(float)
        se = effect["quantile_enrichment_se"].values.astype(float)
        for a, name in enumerate(effect["annotation"].values.astype(str)):
            for q in np.flatnonzero(np.isfinite(value[a])):
                parts.append((name, run, q + 1, value[a, q], se[a, q]))
    table = pd.DataFrame(parts, columns=["annotation", "run", "quantile", "value", "se"])
    table["low"] = table["value"] - Z95 * table["se"]
    table["high"] = table["value"] + Z95 * table["se"]
    return table


def quantile_enrichment(effects: Mapping[str, xr.Dataset], annotation: str) -> hv.Overlay:
    """Enrichment along the quantiles of a continuous annotation.

    Parameters
    ----------
    effects
        Annotation effects by run name.
    annotation
        Name of the annotation.

    Returns
    -------
    holoviews.Overlay
        One line with 95% intervals per run, in the colours of the other figures, and the line at 1.
    """
    table = quantile_table(effects)
    table = table[table["annotation"] == annotation]
    layers: list[hv.Element] = [hv.HLine(1.0).opts(color=GREY, line_width=1, line_dash="dashed")]
    hover = [
        ("Run", "@run"),
        ("Quantile", "@quantile"),
        ("Enrichment", "@value{0.000}"),
        ("Standard error", "@se{0.000}"),
    ]
    runs = list(effects)
    for run, part in table.groupby("run", sort=False):
        index = runs.index(str(run))
        colour = series_colour(index)
        part = part.assign(x=part["quantile"] + (index - (len(runs) - 1) / 2) * 0.1)
        layers += [
            hv.Curve(part, "x", "value", label=str(run)).opts(color=colour, line_width=1.5),
            hv.Segments(part, ["x", "low", "x", "high"]).opts(color=colour, line_width=1.5),
            hv.Points(part, ["x", "value"], ["run", "quantile", "se"], label=str(run)).opts(
                color=colour, size=7, tools=["hover"], hover_tooltips=hover
            ),
        ]
    count = int(table["quantile"].max()) if len(table) else 5
    return hv.Overlay(layers).opts(
        **figure_options(
            280,
            xlabel="Fifth of the variants, lowest first"
            if count == 5
            else "Quantile, lowest first",
            ylabel="Enrichment",
            xticks=list(range(1, count + 1)),
            xlim=(0.6, count + 0.4),
            show_legend=False,
        )
    )
