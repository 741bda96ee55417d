"""Fine-mapping: inclusion probabilities under two priors, with their credible sets below."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from bokeh.models import FixedTicker, HoverTool
from bokeh.plotting import figure

from deepwas_app.plots.theme import GREY, printed
from deepwas_app.plots.track import Locus, Track, columns_of, empty_source
from deepwas_app.plots.tracks import TRACKS

SET_COLOURS = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d31")
COLUMNS = ("x", "pip", "variant", "set_text", "colour", "size", "alpha")
RUG = (-0.16, -0.05)
PRIORS = {"model": "", "uniform": "_UNIFORM"}
"""Whose PIPs are drawn, from top to bottom, and how their columns end."""


def set_colour(number: int) -> str:
    """Colour of a credible set; grey for 0, which is none."""
    return SET_COLOURS[(number - 1) % len(SET_COLOURS)] if number else GREY


def pip_points(table: pd.DataFrame, suffix: str = "") -> pd.DataFrame:
    """The variants of a fine-mapping as points.

    Parameters
    ----------
    table
        SNP, BP, and under one prior PIP and CREDIBLE_SET (0: none).
    suffix
        ``"_UNIFORM"`` for the columns of the uniform prior.

    Returns
    -------
    pandas.DataFrame
        ``x`` (Mb), ``pip``, ``variant``, ``set_text``, ``colour``, ``size``, ``alpha``; variants of
        credible sets last, so that they are drawn over the others.
    """
    number = table[f"CREDIBLE_SET{suffix}"].to_numpy()
    points = pd.DataFrame(
        {
            "x": table["BP"].to_numpy() / 1e6,
            "pip": table[f"PIP{suffix}"].to_numpy(),
            "variant": table["SNP"].to_numpy().astype(str),
            "set_text": [f"set {n}" if n else "none" for n in number],
            "colour": [set_colour(n) for n in number],
            "size": np.where(number > 0, 9, 5),
            "alpha": np.where(number > 0, 0.95, 0.6),
        }
    )
    points = points[np.isfinite(points["pip"])]
    return points.iloc[np.argsort(points["set_text"].to_numpy() != "none", kind="stable")]


@TRACKS.add
class PipTrack(Track):
    """The model prior's PIPs above the uniform prior's.

    Attributes
    ----------
    points, rugs
        Data sources by prior: all variants, and those of credible sets.
    """

    name, order = "pips", 30
    title = "Fine-mapping"
    needs = frozenset({"fine_mapping"})

    def __init__(self, make: Callable[[int, str], figure]) -> None:
        self.points = {prior: empty_source(*COLUMNS) for prior in PRIORS}
        self.rugs = {prior: empty_source(*COLUMNS) for prior in PRIORS}
        self.figures = [self._figure(make, prior) for prior in PRIORS]

    def shown(self, locus: Locus) -> bool:
        """With a fine-mapping."""
        return locus.fine_mapping is not None

    def draw(self, locus: Locus) -> None:
        """The variants and the credible sets under both priors."""
        if locus.fine_mapping is None:
            return
        for prior, suffix in PRIORS.items():
            points = pip_points(locus.fine_mapping, suffix)
            self.points[prior].data = columns_of(points)
            self.rugs[prior].data = columns_of(points[points["set_text"] != "none"])

    def _figure(self, make: Callable[[int, str], figure], prior: str) -> figure:
        track = make(self.height, f"PIP, {prior}")
        track.y_range.update(start=-0.2, end=1.08)
        track.yaxis.ticker = FixedTicker(ticks=[0, 0.5, 1])
        track.segment(
            "x", RUG[0], "x", RUG[1], source=self.rugs[prior], line_color="colour", line_width=2
        )
        dots = track.scatter(
            "x",
            "pip",
            source=self.points[prior],
            size="size",
            fill_color="colour",
            fill_alpha="alpha",
            line_color=None,
            name=f"pip-{prior}",
        )
        tips = [("Variant", "@variant"), ("PIP", "@pip{%.3g}"), ("Credible set", "@set_text")]
        track.add_tools(
            HoverTool(renderers=[dots], tooltips=tips, formatters=printed(tips), limit=1)
        )
        return track
