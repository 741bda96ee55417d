"""The legends of LD colours on the locus plot."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from bokeh.core.properties import value
from bokeh.models.annotations import Legend, LegendItem
from bokeh.plotting import figure

from deepwas_app.plots.theme import (
    GREY,
    HUES,
    LD_COLOURS,
    LD_EDGES,
    LD_REFERENCE,
    LD_UNKNOWN,
    shades,
)
from deepwas_app.plots.track import shortened

_OPTIONS: dict[str, Any] = {
    "orientation": "horizontal",
    "location": "right",
    "margin": 2,
}
# One mark nowhere: a legend shows none for an empty source. Filled boxes are as large as the
# theme lets marks be, and grey edges are seen on white and on near-black.
_NOWHERE: dict[str, Any] = {"x": [np.nan], "y": [np.nan], "line_color": GREY}


def _box(track: figure, label: str, colour: str) -> LegendItem:
    drawn: Any = track.rect(width=0, height=0, fill_color=colour, **_NOWHERE)
    return LegendItem(label=label, renderers=[drawn])


def ld_legend(track: figure) -> Legend:
    """The five bins of r², unknown r², and the reference variant, for a track."""
    bins = [f"{low:.1f}–{low + 0.2:.1f}" for low in LD_EDGES]
    bins[-1] = f"r²  {bins[-1]}"
    items = [_box(track, *pair) for pair in zip(bins[::-1], LD_COLOURS[::-1], strict=True)]
    items.append(_box(track, "other LD block", LD_UNKNOWN))
    diamond: Any = track.scatter(marker="diamond", size=15, fill_color=LD_REFERENCE, **_NOWHERE)
    items.append(LegendItem(label="reference", renderers=[diamond]))
    # In two rows: on a tablet, a legend that is wider than its plot is cut.
    return Legend(items=items, ncols=4, **_OPTIONS)


def references_legend(track: figure) -> Legend:
    """The hues of several references, from little LD to much; shown where there are several."""
    items = []
    for hue in HUES:
        pale, full = shades(hue, len(LD_COLOURS))[0], hue
        items += [_box(track, "", full), _box(track, "r² < 0.2", pale)]
    return Legend(items=items, ncols=2, visible=False, **_OPTIONS)


def name_references(legend: Legend, names: Sequence[str]) -> None:
    """Write the names of the references into their legend."""
    for i in range(len(HUES)):
        name = shortened(names[i]) if i < len(names) else ""
        items: Any = legend.items[2 * i : 2 * i + 2]
        for item, label in zip(items, (f"r² ≥ 0.8 to {name}", "< 0.2"), strict=True):
            item.update(visible=bool(name), label=value(label))
