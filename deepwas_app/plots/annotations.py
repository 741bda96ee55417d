"""Pictures of what a fitted prior says about annotations."""

from collections.abc import Mapping, Sequence

import holoviews as hv
import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.plots.forest import forest
from deepwas_app.plots.theme import (
    GREY,
    finished,
    hover_options,
    run_colour,
)


def effect_forest(
    effects: Mapping[str, xr.Dataset], unit: bool = False, names: Sequence[str] | None = None
) -> hv.Overlay:
    """Effect of every annotation on log heritability.

    Parameters
    ----------
    effects
        Annotation effects by run name. Drawn is the average partial effect, which for a log-linear
        prior is its coefficient; below it, hollow, the effect of each annotation on its own where
        there is ``marginal``.
    unit
        Per unit of the annotation, in place of per s.d.
    names
        Annotations to show; all of them where none are named.

    Returns
    -------
    holoviews.Overlay
        A forest plot around 0.
    """
    value, beside, per = ("partial_effect", "marginal", "s.d.")
    if unit:
        value, beside, per = ("unit_partial_effect", "unit_marginal", "unit")
    return forest(
        effects,
        value,
        f"Change of log heritability per {per}",
        names=names,
        beside=beside if any(beside in effect for effect in effects.values()) else "",
    )


def enrichment_forest(
    effects: Mapping[str, xr.Dataset], names: Sequence[str] | None = None
) -> hv.Overlay:
    """Heritability enrichment of the binary annotations: share of heritability / share of variants.

    Parameters
    ----------
    effects
        Annotation effects by run name; with ``shift_enrichment_se`` a grey bar shows where the
        enrichment of shifted annotations lies.
    names
        Annotations to show; all of them where none are named.

    Returns
    -------
    holoviews.Overlay
        A forest plot around 1.
    """
    return forest(
        effects,
        "enrichment",
        "Enrichment",
        1.0,
        names=names,
        null="shift_enrichment_se",
        widest=2.0,
    )


def fifths_table(effects: Mapping[str, xr.Dataset], annotation: str) -> pd.DataFrame:
    """Enrichment per fifth of a continuous annotation.

    Parameters
    ----------
    effects
        Annotation effects by run name, with ``quantile_enrichment`` (annotations, quantiles).
    annotation
        Its name.

    Returns
    -------
    pandas.DataFrame
        ``run``, ``series``, ``quantile`` (1 is the lowest), ``lower``, ``upper`` (values of the
        annotation), ``value``, ``se``, ``low`` and ``high``.
    """
    names = {
        "lower": "quantile_lower",
        "upper": "quantile_upper",
        "value": "quantile_enrichment",
        "se": "quantile_enrichment_se",
        "low": "quantile_enrichment_low",
        "high": "quantile_enrichment_high",
    }
    parts = [pd.DataFrame(columns=["run", "series", "quantile", *names])]
    for i, (run, effect) in enumerate(effects.items()):
        (row,) = np.flatnonzero(effect["annotation"].values.astype(str) == annotation)
        columns = {column: effect[name].values[row].astype(float) for column, name in names.items()}
        part = pd.DataFrame({"run": run, "series": i, **columns})
        part.insert(2, "quantile", np.arange(1, len(part) + 1))
        parts.append(part[np.isfinite(part["value"])])
    return pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)


def quantile_enrichment(effects: Mapping[str, xr.Dataset], annotation: str) -> hv.Overlay:
    """Enrichment along the fifths of a continuous annotation.

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
    table = fifths_table(effects, annotation)
    layers: list[hv.Element] = [hv.HLine(1.0).opts(color=GREY, line_width=1, line_dash="dashed")]
    hover = [
        ("Run", "@run"),
        ("Fifth", "@quantile"),
        ("Values", "@lower{%.4g} to @upper{%.4g}"),
        ("Enrichment", "@value{%.4g}"),
        ("95% interval", "@low{%.4g} to @high{%.4g}"),
    ]
    middle = (len(effects) - 1) / 2
    for (run, series), part in table.groupby(["run", "series"], sort=False):
        colour = run_colour(str(run))
        part = part.assign(x=part["quantile"] + (series - middle) * 0.1)
        layers += [
            hv.Curve(part, "x", "value", label=str(run)).opts(color=colour, line_width=1.5),
            hv.Segments(part, ["x", "low", "x", "high"]).opts(color=colour, line_width=1.5),
            hv.Points(
                part,
                ["x", "value"],
                ["run", "quantile", "lower", "upper", "low", "high"],
                label=str(run),
            ).opts(color=colour, size=7, **hover_options(hover)),
        ]
    return finished(
        hv.Overlay(layers),
        300,
        xlabel="Fifth of the variants, lowest values first",
        ylabel="Enrichment",
        xticks=list(range(1, 6)),
        xlim=(0.6, 5.4),
        show_legend=False,
    )
