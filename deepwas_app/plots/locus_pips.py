"""Fine-mapping on the locus plot: inclusion probabilities under two priors, credible sets below."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from bokeh.models import ColumnDataSource, FixedTicker, HoverTool
from bokeh.plotting import figure

from deepwas_app.plots.theme import GREY

SET_COLOURS = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d31")
COLUMNS = ("x", "pip", "variant", "set_text", "colour", "size", "alpha")
RUG = (-0.16, -0.05)


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


class PipTracks:
    """Two tracks of the locus plot: the model prior's PIPs above the uniform prior's.

    Parameters
    ----------
    make_track
        Makes an empty track of a height (pixels) with a label.
    """

    def __init__(self, make_track: Callable[[int, str], figure]) -> None:
        self.shown = False
        self.sources = {name: _empty() for name in ("model", "uniform")}
        self.rugs = {name: _empty() for name in ("model", "uniform")}
        self.tracks = [self._track(make_track, name) for name in ("model", "uniform")]

    def show(self, table: pd.DataFrame | None) -> None:
        """Show a fine-mapping's table; None for nothing."""
        self.shown = table is not None
        if table is None:
            return
        for name, suffix in (("model", ""), ("uniform", "_UNIFORM")):
            points = pip_points(table, suffix)
            self.sources[name].data = _columns(points)
            self.rugs[name].data = _columns(points[points["set_text"] != "none"])

    def _track(self, make_track: Callable[[int, str], figure], name: str) -> figure:
        track = make_track(130, f"PIP, {name}")
        track.y_range.update(start=-0.2, end=1.08)
        track.yaxis.ticker = FixedTicker(ticks=[0, 0.5, 1])
        track.segment(
            "x", RUG[0], "x", RUG[1], source=self.rugs[name], line_color="colour", line_width=2
        )
        dots = track.scatter(
            "x",
            "pip",
            source=self.sources[name],
            size="size",
            fill_color="colour",
            fill_alpha="alpha",
            line_color=None,
            name=f"pip-{name}",
        )
        tips = [("Variant", "@variant"), ("PIP", "@pip{0.000}"), ("Credible set", "@set_text")]
        track.add_tools(HoverTool(renderers=[dots], tooltips=tips, limit=1))
        return track


def _empty() -> ColumnDataSource:
    return ColumnDataSource({name: [] for name in COLUMNS})


def _columns(table: pd.DataFrame) -> dict[str, Any]:
    return {str(name): table[name].to_numpy() for name in table.columns}
