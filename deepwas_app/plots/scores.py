"""Pictures of what polygenic scores predict."""

import holoviews as hv
import numpy as np
import pandas as pd

from deepwas_app.plots.theme import (
    BLUE,
    GREY,
    ORANGE,
    finished,
    hover_options,
    series_colour,
)

BINS = 50
# Of a decile, between the first and the last of several scores.
SPREAD = 0.4
ODDS = [(odds, f"{odds:g}") for odds in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)]


def score_density(scores: np.ndarray, status: np.ndarray) -> hv.Overlay:
    """Density of a score among cases and among controls.

    Parameters
    ----------
    scores
        Of people, (people,), in any unit.
    status
        1 for cases, 0 for controls, NaN for others, who are left out.

    Returns
    -------
    holoviews.Overlay
        A histogram (density) of either, in s.d. of the score from its mean among controls.
    """
    control = status == 0
    standard = (scores - scores[control].mean()) / (scores[control].std() or 1.0)
    groups = {"controls": (control, BLUE), "cases": (status == 1, ORANGE)}
    drawn = standard[np.isfinite(status)]
    # Fewer people are told apart by wider bars.
    bins = int(np.clip(np.sqrt(len(drawn)), 10, BINS))
    edges = np.linspace(drawn.min(), drawn.max(), bins + 1)
    bars = []
    for name, (members, colour) in groups.items():
        density, _ = np.histogram(standard[members], edges, density=True)
        bars.append(
            hv.Histogram(
                (edges, density),
                kdims=[hv.Dimension("score", label="Score")],
                vdims=[hv.Dimension("density", label="Density")],
                label=f"{int(members.sum()):,} {name}",
            ).opts(
                fill_color=colour,
                fill_alpha=0.45,
                line_color=colour,
                **hover_options([("Score", "@score{%.4g} s.d."), ("Density", "@density{%.4g}")]),
            )
        )
    return finished(
        hv.Overlay(bars),
        300,
        xlabel="Score (s.d. from the mean of controls)",
        ylabel="Density",
        legend_position="top",
    )


def score_deciles(deciles: pd.DataFrame, phenotype: str = "phenotype") -> hv.Overlay:
    """The phenotype by tenths of the score, a colour per score.

    Parameters
    ----------
    deciles
        The table of deciles of ``score_people``.
    phenotype
        Its name, where it is quantitative.

    Returns
    -------
    holoviews.Overlay
        Means, or odds ratios on a log axis over a line at 1, with 95% intervals.
    """
    odds = "ODDS_RATIO" in deciles
    value = "ODDS_RATIO" if odds else "MEAN"
    label = "Odds ratio against the middle" if odds else f"Mean {phenotype}"
    known = deciles[np.isfinite(deciles[value])]
    names = list(dict.fromkeys(deciles["WEIGHTS"]))
    layers: list[hv.Element] = []
    if odds:
        layers.append(hv.HLine(1.0).opts(color=GREY, line_width=1, line_dash="dashed"))
    hover = [
        ("Weights", "@WEIGHTS"),
        ("Decile", "@DECILE"),
        (label, f"@{value}{{%.4g}}"),
        ("95% interval", "@LOW95{%.4g} to @HIGH95{%.4g}"),
        ("People", "@PEOPLE"),
        *([("Cases", "@CASES")] if odds else []),
    ]
    for i, name in enumerate(names):
        shift = SPREAD * (i / (len(names) - 1) - 0.5) if len(names) > 1 else 0.0
        part = known[known["WEIGHTS"] == name]
        part = part.assign(x=part["DECILE"] + shift)
        colour = series_colour(i)
        layers += [
            hv.Segments(part, ["x", "LOW95", "x", "HIGH95"]).opts(color=colour, line_width=2),
            hv.Points(
                part,
                ["x", value],
                [one for one in part if one not in ("x", value)],
                label=str(name),
            ).opts(color=colour, size=8, **hover_options(hover)),
        ]
    return finished(
        hv.Overlay(layers),
        300,
        xlabel="Decile of the score",
        ylabel=label,
        xticks=list(range(1, 11)),
        xlim=(0.4, 10.6),
        logy=odds,
        ylim=_limits(known, log=odds),
        show_legend=len(names) > 1,
        legend_position="top",
        **({"yticks": ODDS} if odds else {}),
    )


def _limits(deciles: pd.DataFrame, *, log: bool) -> tuple[float, float]:
    """Of the y axis: with room around the intervals."""
    low, high = float(deciles["LOW95"].min()), float(deciles["HIGH95"].max())
    if log:
        room = (high / low) ** 0.06
        return low / room, high * room
    room = 0.06 * (high - low or 1.0)
    return low - room, high + room
