"""Colours and figure defaults shared by every plot.

Every colour is chosen to be readable both on white and on near-black, so that one drawing serves
the light and the dark page; text and axes take the page's colours in the browser.
"""

import re
from collections.abc import Sequence
from typing import Any

import holoviews as hv
import numpy as np

BLUE = "#3f7fd1"
PALE_BLUE = "#8db4e6"
ORANGE = "#e5813a"
GREEN = "#2fa37c"
RED = "#d8505f"
GREY = "#8a94a3"

SERIES = (BLUE, ORANGE, GREEN, "#9a6ad6", "#c99a1c", "#1ba3b8", RED, "#b5739d")
"""One colour per objective or annotation, in the order in which they appear; runs keep theirs."""
# What hues are mixed with.
_PALE = "#c3c9d1"
# Runs, in the order in which they were first drawn.
_DRAWN: dict[str, int] = {}

LD_EDGES = (0.0, 0.2, 0.4, 0.6, 0.8)
LD_COLOURS = ("#463699", "#26BCE1", "#6EFE68", "#F8C32A", "#DB3D11")
LD_UNKNOWN = "#AAAAAA"
LD_REFERENCE = "#9632B8"
HUES = (LD_REFERENCE, "#0f8a5f", "#d9730d")
"""Of the references where there are several: each has its own."""


def ink(dark: bool) -> str:
    """Colour of text that is drawn inside a plot.

    Parameters
    ----------
    dark
        Whether the page is dark.

    Returns
    -------
    str
        A hex colour.
    """
    return "#d5dae1" if dark else "#323a45"


def series_colour(index: int) -> str:
    """Colour of the ``index``-th objective or annotation; colours repeat after eight."""
    return SERIES[index % len(SERIES)]


def run_colour(name: str) -> str:
    """Colour of a run: one and the same wherever it is drawn, by when it first was."""
    return series_colour(_DRAWN.setdefault(str(name), len(_DRAWN)))


def shades(hue: str, count: int) -> list[str]:
    """Colours from grey to a hue."""
    grey, full = (np.array([int(c[i : i + 2], 16) for i in (1, 3, 5)]) for c in (_PALE, hue))
    mixed = [grey + (full - grey) * share for share in np.linspace(0.12, 1, count)]
    return ["#" + "".join(f"{round(part):02x}" for part in colour) for colour in mixed]


def printed(tips: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Formatters of hover tips: fields such as ``@pip{%.3g}`` have significant digits."""
    fields = re.findall(r"([@$])(\w+)\{%", " ".join(tip for _, tip in tips))
    # HoloViews writes @{pip} for @pip, and Bokeh looks for a field as it is written.
    spelt = [mark + name for mark, one in fields for name in (one, f"{{{one}}}")]
    return dict.fromkeys(spelt, "printf")


def hover_options(tips: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """HoloViews options of points with hover tips."""
    return {"tools": ["hover"], "hover_tooltips": list(tips), "hover_formatters": printed(tips)}


def tidy(plot: Any, element: Any) -> None:
    """HoloViews hook: keep the toolbar out of the way and let the page's theme show through."""
    figure = plot.state
    figure.toolbar.logo = None
    figure.toolbar.autohide = True
    figure.min_border_right = 16
    for legend in figure.legend:
        legend.click_policy = "hide"


def finished(drawn: hv.Overlay, height: int = 300, **options: Any) -> hv.Overlay:
    """An overlay with the shared options.

    Its first element has them, too: an overlay of overlays, ``a * b``, asks only its elements.

    Parameters
    ----------
    drawn
        What is drawn, from back to front.
    height, **options
        See :func:`figure_options`.

    Returns
    -------
    holoviews.Overlay
        The same object.
    """
    options = figure_options(height, **options)
    for first in list(drawn)[:1]:
        known = hv.Store.options("bokeh")[type(first).__name__].groups["plot"].allowed_keywords
        first.opts(**{name: value for name, value in options.items() if name in known})
    return drawn.opts(**options)


def figure_options(height: int = 300, **options: Any) -> dict[str, Any]:
    """Options that every HoloViews figure of this package shares.

    Parameters
    ----------
    height
        Height in pixels; the width follows the page.
    **options
        Further HoloViews options; they win over the shared ones.

    Returns
    -------
    dict
        Keyword arguments for ``.opts``.
    """
    shared: dict[str, Any] = {
        "responsive": True,
        "height": height,
        "min_width": 260,
        "title": "",
        "show_grid": True,
        "toolbar": "right",
        "default_tools": ["pan", "box_zoom", "reset", "save"],
        "active_tools": [],
        "hooks": [tidy],
        "fontscale": 1.0,
    }
    return shared | options
