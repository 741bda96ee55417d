"""Pictures of how a fitted prior answers to its annotations."""

from collections.abc import Mapping
from typing import Any

import holoviews as hv
import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.plots.forest import short
from deepwas_app.plots.theme import (
    GREY,
    figure_options,
    finished,
    hover_options,
    run_colour,
    series_colour,
)

EFFECT = "Change of log heritability"
DIVERGING = ["#2b6cb8", "#8fb8e0", "#e6e6e4", "#eea66f", "#c2571a"]


def response_figure(curves: Mapping[str, xr.Dataset]) -> hv.Overlay:
    """Response curves of one annotation, one colour per run, with their bands.

    Parameters
    ----------
    curves
        By run name: ``value``, ``effect``, ``low``, ``high`` over ``points``; the attributes
        ``annotation`` and ``kind`` ("binary": two points with intervals and no line).

    Returns
    -------
    holoviews.Overlay
        Change of log heritability against the annotation's own unit.
    """
    first = next(iter(curves.values()))
    binary = first.attrs["kind"] == "binary"
    layers: list[hv.Element] = [hv.HLine(0.0).opts(color=GREY, line_width=1, line_dash="dashed")]
    for i, (run, curve) in enumerate(curves.items()):
        table = curve[["value", "effect", "low", "high"]].to_dataframe().assign(run=run)
        shift = (i - (len(curves) - 1) / 2) * 0.05 if binary else 0.0
        layers += _series(table.assign(x=table["value"] + shift), run, run_colour(run), binary)
    ticks: dict[str, Any] = {"xticks": [(0, "0"), (1, "1")], "xlim": (-0.5, 1.5)} if binary else {}
    return finished(
        hv.Overlay(layers),
        360,
        xlabel=short(first.attrs["annotation"], 60),
        ylabel=EFFECT,
        show_legend=len(curves) > 1,
        legend_position="bottom_right",
        **ticks,
    )


def _series(table: pd.DataFrame, name: str, colour: str, points: bool) -> list[hv.Element]:
    hover = [
        ("Run", "@run"),
        ("Value", "@value{%.4g}"),
        ("Effect", "@effect{%.4g}"),
        ("Band", "@low{%.4g} to @high{%.4g}"),
    ]
    layers: list[hv.Element] = []
    banded = bool(np.isfinite(table["low"]).all())
    if banded and points:
        layers.append(
            hv.Segments(table, ["x", "low", "x", "high"]).opts(color=colour, line_width=2)
        )
    elif banded:
        layers.append(
            hv.Area(table, "x", ["low", "high"]).opts(color=colour, alpha=0.2, line_alpha=0)
        )
    columns = ["value", "effect", "low", "high", "run"]
    if not points:
        layers.append(hv.Curve(table, "x", "effect", label=name).opts(color=colour, line_width=2))
    layers.append(
        hv.Points(table, ["x", "effect"], [c for c in columns if c != "effect"], label=name).opts(
            color=colour,
            size=9 if points else 5,
            **hover_options(hover),
        )
    )
    return layers


def surface_lines(surface: xr.Dataset) -> hv.Overlay:
    """An interaction of a binary annotation with another: one line for each of its two values.

    Parameters
    ----------
    surface
        ``effect``, ``low``, ``high`` over ``first`` and ``second``; the attributes ``first``,
        ``second`` and ``kinds``, of which one at least is "binary".

    Returns
    -------
    holoviews.Overlay
        Parallel lines mean no interaction.
    """
    lines = "first" if surface.attrs["kinds"][0] == "binary" else "second"
    along = "second" if lines == "first" else "first"
    both = surface.attrs["kinds"][0] == surface.attrs["kinds"][1]
    layers: list[hv.Element] = [hv.HLine(0.0).opts(color=GREY, line_width=1, line_dash="dashed")]
    for i, level in enumerate(surface[f"{lines}_value"].values):
        name = f"{short(surface.attrs[lines])} = {level:g}"
        table = pd.DataFrame(
            {
                "x": surface[f"{along}_value"].values,
                "value": surface[f"{along}_value"].values,
                "run": name,
                **{
                    column: surface[column].isel({lines: i}).values
                    for column in ("effect", "low", "high")
                },
            }
        )
        if both:
            table["x"] += (i - 0.5) * 0.05
        layers += _series(table, name, series_colour(i), both)
    ticks: dict[str, Any] = {"xticks": [(0, "0"), (1, "1")], "xlim": (-0.5, 1.5)} if both else {}
    return finished(
        hv.Overlay(layers),
        360,
        xlabel=short(surface.attrs[along], 60),
        ylabel=EFFECT,
        legend_position="top_left",
        **ticks,
    )


def surface_map(surface: xr.Dataset, variable: str) -> hv.Image:
    """A surface of two continuous annotations as a map.

    Parameters
    ----------
    surface
        Over ``first`` and ``second``, equally spaced.
    variable
        ``"effect"`` or ``"interaction"``.

    Returns
    -------
    holoviews.Image
        Blue below 0, orange above.
    """
    one, two = surface["first_value"].values, surface["second_value"].values
    values = surface[variable].values
    largest = float(np.abs(values).max()) or 1.0
    hover = [
        (short(surface.attrs["first"]), "$x{%.4g}"),
        (short(surface.attrs["second"]), "$y{%.4g}"),
        (EFFECT, "@image{%.4g}"),
    ]
    # Image wants the second axis along rows.
    return hv.Image((one, two, values.T), ["x", "y"], EFFECT).opts(
        **figure_options(
            340,
            xlabel=short(surface.attrs["first"], 44),
            ylabel=short(surface.attrs["second"], 44),
            cmap=DIVERGING,
            clim=(-largest, largest),
            colorbar=True,
            **hover_options(hover),
        )
    )
