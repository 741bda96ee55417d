"""Pictures of where one run predicts held-out variants better than another."""

from typing import Any

import holoviews as hv
import numpy as np
import pandas as pd

from deepwas_app.plots.theme import (
    BLUE,
    GREY,
    ORANGE,
    finished,
    hover_options,
    run_colour,
)

NAMED = 5
# Of a name, as a share of the genome that is drawn.
NAME_WIDTH = 0.15
# Between chromosomes, Mb.
GAP = 5.0


def place(chromosome: str, start: float, stop: float) -> str:
    """A block's place as people write it: ``22:37.04–38.31 Mb``."""
    return f"{chromosome}:{start / 1e6:.2f}–{stop / 1e6:.2f} Mb"


def places(blocks: pd.DataFrame) -> list[str]:
    """Places of the rows of a table as of ``workflow.compare.compare``."""
    return list(map(place, blocks["CHR"], blocks["START"], blocks["STOP"]))


def by_chromosome(table: pd.DataFrame) -> hv.Overlay:
    """Difference in held-out log-likelihood per variant, with standard errors, by chromosome.

    Parameters
    ----------
    table
        From ``workflow.compare.compare``.

    Returns
    -------
    holoviews.Overlay
        A point with one standard error either side per chromosome, coloured by which run predicts
        better; the dashed line is no difference, the solid one the whole.
    """
    part = table[table["SCOPE"] == "chromosome"].reset_index(drop=True)
    value = part["MILLINATS_PER_VARIANT"].astype(float)
    error = part["MILLINATS_PER_VARIANT_SE"].astype(float)
    drawn = pd.DataFrame(
        {
            "x": np.arange(len(part), dtype=float),
            "value": value,
            "error": error,
            "low": value - error,
            "high": value + error,
            "chromosome": part["CHR"],
            "blocks": part["BLOCKS"],
            "nats": part["DIFFERENCE_NATS"].astype(float),
            "colour": np.where(value >= 0, BLUE, ORANGE),
        }
    )
    hover = [
        ("Chromosome", "@chromosome"),
        ("10⁻³ nats per variant", "@value{%.3g} ± @error{%.2g}"),
        ("Nats", "@nats{%.3g}"),
        ("LD blocks", "@blocks"),
    ]
    # One block has no standard error.
    known = drawn[np.isfinite(error)]
    whole = float(table["MILLINATS_PER_VARIANT"].iloc[0])
    # No difference is always in sight: else a small one would look large.
    lowest = min(0.0, float(np.nanmin(drawn[["value", "low"]])))
    highest = max(0.0, float(np.nanmax(drawn[["value", "high"]])))
    room = 0.06 * (highest - lowest or 1.0)
    return finished(
        hv.Overlay(
            [
                hv.HLine(0.0).opts(color=GREY, line_width=1, line_dash="dashed"),
                hv.HLine(whole).opts(color=GREY, line_width=1),
                hv.Segments(known, ["x", "low", "x", "high"], ["colour"]).opts(
                    color="colour", line_width=2
                ),
                hv.Points(
                    drawn, ["x", "value"], ["chromosome", "error", "nats", "blocks", "colour"]
                ).opts(
                    color="colour",
                    size=9,
                    **hover_options(hover),
                ),
            ]
        ),
        320,
        xticks=list(zip(drawn["x"], drawn["chromosome"], strict=True)),
        xlim=(-0.6, max(len(drawn), 1) - 0.4),
        ylim=(lowest - room, highest + room),
        xlabel="Chromosome",
        ylabel="Difference (10⁻³ nats per variant)",
        show_legend=False,
    )


COSTS = {"parameters": "Parameters of the prior", "seconds": "Time of training (s)"}


def costs(runs: pd.DataFrame, cost: str) -> hv.Overlay:
    """Held-out gain of runs against what they cost.

    Parameters
    ----------
    runs
        One row a run: ``run``, ``parameters``, ``seconds`` of its training, and in milli-nats per
        variant ``gain_per_variant``, ``low`` and ``high``.
    cost
        ``"parameters"`` or ``"seconds"``.

    Returns
    -------
    holoviews.Overlay
        A point with its 95% interval per run, in the run's colour; log x axis.
    """
    drawn = runs.dropna(subset=["gain_per_variant", cost]).reset_index(drop=True)
    drawn = drawn.assign(colour=[run_colour(name) for name in drawn["run"]])
    hover = [
        ("Run", "@run"),
        ("Gain (10⁻³ nats/variant)", "@gain_per_variant{%.4g}"),
        ("95% interval", "@low{%.4g} to @high{%.4g}"),
        ("Parameters", "@parameters{0,0}"),
        ("Seconds", "@seconds{%.3g}"),
    ]
    others = [name for name in COSTS if name != cost]
    points = hv.Points(
        drawn, [cost, "gain_per_variant"], ["run", "low", "high", *others, "colour"]
    ).opts(
        color="colour",
        size=11,
        nonselection_alpha=1,
        **hover_options(hover) | {"tools": ["hover", "tap"]},
    )
    bars = hv.Segments(drawn, [cost, "low", cost, "high"], ["colour"]).opts(
        color="colour", line_width=2
    )
    line = hv.HLine(0.0).opts(color=GREY, line_width=1, line_dash="dashed")
    return finished(
        hv.Overlay([line, bars, points]),
        320,
        logx=True,
        xlabel=COSTS[cost],
        ylabel="Held-out gain (10⁻³ nats per variant)",
        show_legend=False,
    )


def along_genome(table: pd.DataFrame, named: int = NAMED) -> hv.Overlay:
    """Difference in held-out log-likelihood of every LD block, along the genome.

    Parameters
    ----------
    table
        From ``workflow.compare.compare``.
    named
        How many of the blocks that changed most get their lead variant's name.

    Returns
    -------
    holoviews.Overlay
        A bar per block, as wide as the block, coloured by which run predicts better. Chromosomes
        follow each other where there are several.
    """
    part = table[table["SCOPE"] == "block"].copy()
    shift, ticks = _offsets(table)
    start = part["START"].astype(float) / 1e6 + part["CHR"].map(shift)
    stop = part["STOP"].astype(float) / 1e6 + part["CHR"].map(shift)
    value = part["DIFFERENCE_NATS"].astype(float)
    drawn = pd.DataFrame(
        {
            "start": start,
            "low": np.minimum(value, 0.0),
            "stop": stop,
            "high": np.maximum(value, 0.0),
            "value": value,
            "per_variant": part["MILLINATS_PER_VARIANT"].astype(float),
            "where": places(part),
            "lead": part["LEAD_SNP"].astype(str),
            "variants": part["VARIANTS"],
            "colour": np.where(value >= 0, BLUE, ORANGE),
        }
    )
    hover = [
        ("LD block", "@where"),
        ("Lead variant", "@lead"),
        ("Nats", "@value{%.3g}"),
        ("10⁻³ nats per variant", "@per_variant{%.3g}"),
        ("Variants", "@variants"),
    ]
    room = 0.14 * (max(value.max(), 0.0) - min(value.min(), 0.0) or 1.0)
    limits = (min(value.min(), 0.0) - room, max(value.max(), 0.0) + room)
    # The rows come with the block that changed most first.
    chosen = drawn.head(named)
    names = pd.DataFrame(
        {
            "x": (chosen["start"] + chosen["stop"]) / 2,
            "y": chosen["value"] + np.where(chosen["value"] >= 0, room, -room) / 2,
            "text": chosen["lead"],
        }
    )
    names = _apart(names, NAME_WIDTH * float(stop.max() - start.min()), 0.7 * room)
    one = len(ticks) == 1
    options: dict[str, Any] = dict(
        ylim=limits,
        xlabel=f"Chromosome {ticks[0][1]} (Mb)" if one else "Chromosome",
        ylabel="Difference (nats per LD block)",
        show_legend=False,
        **({} if one else {"xticks": ticks}),
    )
    extra = ["value", "per_variant", "where", "lead", "variants", "colour"]
    return finished(
        hv.Overlay(
            [
                hv.Rectangles(drawn, ["start", "low", "stop", "high"], extra).opts(
                    color="colour",
                    line_color="colour",
                    **hover_options(hover),
                ),
                hv.HLine(0.0).opts(color=GREY, line_width=1),
                hv.Labels(names, ["x", "y"], "text").opts(text_color=GREY, text_font_size="9pt"),
            ]
        ),
        320,
        **options,
    )


def _apart(names: pd.DataFrame, width: float, height: float) -> pd.DataFrame:
    """The names that do not cover one before them."""
    kept: list[int] = []
    for i, (x, y) in enumerate(zip(names["x"], names["y"], strict=True)):
        if all(
            abs(x - names["x"].iloc[j]) > width or abs(y - names["y"].iloc[j]) > height
            for j in kept
        ):
            kept.append(i)
    return names.iloc[kept]


def _offsets(table: pd.DataFrame) -> tuple[dict[str, float], list[tuple[float, str]]]:
    """What to add to the places on each chromosome (Mb) to lay them end to end, and their ticks."""
    whole = table[table["SCOPE"] == "chromosome"]
    if len(whole) == 1:
        return {whole["CHR"].iloc[0]: 0.0}, [(0.0, whole["CHR"].iloc[0])]
    shift, ticks, at = {}, [], 0.0
    for name, start, stop in zip(whole["CHR"], whole["START"], whole["STOP"], strict=True):
        length = (stop - start) / 1e6
        shift[name] = at - start / 1e6
        ticks.append((at + length / 2, str(name)))
        at += length + GAP
    return shift, ticks
