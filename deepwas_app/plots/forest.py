"""Forest plots: an estimate and its interval per annotation, a colour per run."""

from collections.abc import Mapping, Sequence
from typing import Any

import holoviews as hv
import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.intervals import interval
from deepwas_app.plots.theme import (
    GREY,
    finished,
    hover_options,
    run_colour,
)

LONGEST = 34


def short(name: str, longest: int = LONGEST) -> str:
    """A name that fits beside a figure: its middle is left out where it is too long."""
    if len(name) <= longest:
        return name
    half = (longest - 1) // 2
    return f"{name[: longest - 1 - half]}…{name[-half:]}"


def forest_table(
    effects: Mapping[str, xr.Dataset],
    value: str,
    order: str = "size",
    names: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Rows of a forest plot: one per annotation and run.

    Parameters
    ----------
    effects
        Annotation effects by run name; each on the dimension ``annotations``.
    value
        Variable to show; its standard error is ``value + "_se"``. Its 95% interval is from
        ``value + "_low"`` to ``value + "_high"`` where there are these, else symmetric by the
        number of LD blocks in the attribute ``blocks``.
    order
        ``"size"``: largest first by the mean over runs. ``"given"``: as in the study.
    names
        Annotations to show; all of them where none are named.

    Returns
    -------
    pandas.DataFrame
        ``annotation``, ``run``, ``value``, ``se``, ``low``, ``high``, ``y``, ``row``, ``colour``.
    """
    tables = []
    for i, (run, effect) in enumerate(effects.items()):
        estimate = effect[value].values.astype(float)
        se = effect[f"{value}_se"].values.astype(float)
        blocks = effect.attrs.get("blocks")
        ends = dict(zip(("low", "high"), interval(estimate, se, blocks), strict=True))
        for end in ends:
            if f"{value}_{end}" in effect:
                ends[end] = effect[f"{value}_{end}"].values.astype(float)
        tables.append(
            pd.DataFrame(
                {
                    "annotation": effect["annotation"].values.astype(str),
                    "run": run,
                    "value": estimate,
                    "se": se,
                    **ends,
                    "colour": run_colour(run),
                    "series": i,
                }
            )
        )
    columns = ["annotation", "run", "value", "se", "low", "high", "colour", "series"]
    table = pd.concat(tables) if tables else pd.DataFrame(columns=columns)
    table = table[np.isfinite(table["value"].astype(float))].reset_index(drop=True)
    if names is not None:
        table = table[table["annotation"].isin(names)].reset_index(drop=True)
    mean = table.groupby("annotation", sort=False)["value"].mean()
    rows = list((mean.sort_values() if order == "size" else mean.iloc[::-1]).index)
    row = {name: i for i, name in enumerate(rows)}
    table["row"] = table["annotation"].map(row).astype(float)
    place = {series: i for i, series in enumerate(sorted(table["series"].unique()))}
    step = 0.6 / max(len(place), 1)
    middle = (len(place) - 1) / 2
    table["y"] = table["row"] - (table["series"].map(place).astype(float) - middle) * step
    return table


def forest(
    effects: Mapping[str, xr.Dataset],
    value: str,
    label: str,
    reference: float = 0.0,
    *,
    names: Sequence[str] | None = None,
    beside: str = "",
    null: str = "",
    widest: float | None = None,
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
    names
        Annotations to show; all of them where none are named.
    beside
        Second variable, drawn hollow under the first where a run has it.
    null
        Standard error of the value where nothing is there, drawn as a grey bar of 95% around the
        reference where a run has it.
    widest
        Where given, the x axis ends there unless estimates or most intervals go further.

    Returns
    -------
    holoviews.Overlay
        A vertical line, an interval and a point per annotation and run.
    """
    table = forest_table(effects, value, names=names)
    rows = table.drop_duplicates("annotation")
    layers: list[hv.Element] = [
        hv.VLine(reference).opts(color=GREY, line_width=1, line_dash="dashed")
    ]
    if null:
        layers += _null_bars(effects, null, reference, rows)
    for run, part in table.groupby("run", sort=False):
        colour = part["colour"].iloc[0]
        if beside and beside in effects[str(run)]:
            layers += _hollow(effects[str(run)], beside, part, str(run))
        layers.append(hv.Segments(part, ["low", "y", "high", "y"]).opts(color=colour, line_width=2))
        layers.append(
            hv.Points(
                part, ["value", "y"], ["annotation", "run", "se", "low", "high"], label=str(run)
            ).opts(color=colour, size=8, **_hover("Estimate"))
        )
    ticks = [(y, short(name)) for y, name in zip(rows["row"], rows["annotation"], strict=True)]
    ends = {} if widest is None else {"xlim": _limits(table, widest)}
    taller = (7 * max(len(effects) - 1, 0)) + (6 if beside else 0)
    return finished(
        hv.Overlay(layers),
        max(220, 90 + (20 + taller) * len(rows)),
        yticks=ticks,
        ylim=(-0.7, max(len(rows), 1) - 0.3),
        xlabel=label,
        ylabel="",
        show_legend=len(effects) > 1,
        legend_position="bottom_right",
        **ends,
    )


def _limits(table: pd.DataFrame, widest: float) -> tuple[float, float]:
    """Of the x axis, so that a few wide intervals, which run on, do not hide the others."""
    low, high = table["low"].to_numpy(float), table["high"].to_numpy(float)
    if not len(table):
        return 0.0, widest
    end = max(np.quantile(high, 0.8, method="lower"), 1.15 * float(table["value"].max()), widest)
    start = float(low.min())
    return start - 0.03 * (end - start), end


def _hover(estimate: str) -> dict[str, Any]:
    tips = [
        ("Annotation", "@annotation"),
        ("Run", "@run"),
        (estimate, "@value{%.3g}"),
        ("Standard error", "@se{%.2g}"),
        ("95% interval", "@low{%.3g} to @high{%.3g}"),
    ]
    return hover_options(tips)


def _null_bars(
    effects: Mapping[str, xr.Dataset], null: str, reference: float, rows: pd.DataFrame
) -> list[hv.Element]:
    found = next((effect for effect in effects.values() if null in effect), None)
    if found is None:
        return []
    names = found["annotation"].values.astype(str)
    _, high = interval(0.0, found[null].values.astype(float))
    half = pd.Series(high, index=names)
    bars = rows[["annotation", "row"]].assign(half=rows["annotation"].map(half)).dropna()
    bars = bars.assign(low=reference - bars["half"], high=reference + bars["half"])
    return [
        hv.Segments(bars, ["low", "row", "high", "row"], label="shifted annotations").opts(
            color=GREY, line_width=14, alpha=0.3
        )
    ]


def _hollow(effect: xr.Dataset, value: str, part: pd.DataFrame, run: str) -> list[hv.Element]:
    """Estimates that go beside those of a run, lower by a little."""
    other = forest_table({run: effect}, value, names=list(part["annotation"]))
    below = other["annotation"].map(part.set_index("annotation")["y"]) - 0.22
    other = other.assign(y=below)
    colour = part["colour"].iloc[0]
    return [
        hv.Segments(other, ["low", "y", "high", "y"]).opts(color=colour, line_width=1, alpha=0.7),
        hv.Points(other, ["value", "y"], ["annotation", "run", "se", "low", "high"]).opts(
            color=colour,
            fill_alpha=0,
            size=7,
            **_hover("On its own"),
        ),
    ]
