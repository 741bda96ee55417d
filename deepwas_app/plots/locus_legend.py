"""The legend of LD colours on the locus plot."""

from typing import Any

import numpy as np
from bokeh.models.annotations import Legend, LegendItem
from bokeh.plotting import figure

from deepwas_app.plots.theme import GREY, LD_COLOURS, LD_EDGES, LD_REFERENCE, LD_UNKNOWN


def ld_legend(track: figure) -> Legend:
    """The five bins of r², unknown r², and the reference variant, for a track."""

    def item(label: str, drawn: Any) -> LegendItem:
        return LegendItem(label=label, renderers=[drawn])

    # One mark nowhere: a legend shows none for an empty source. Filled boxes are as large as the
    # theme lets marks be, and grey edges are seen on white and on near-black.
    nowhere: dict[str, Any] = {"x": [np.nan], "y": [np.nan], "line_color": GREY}

    def box(label: str, colour: str) -> LegendItem:
        return item(label, track.rect(width=0, height=0, fill_color=colour, **nowhere))

    bins = [f"{low:.1f}–{low + 0.2:.1f}" for low in LD_EDGES]
    bins[-1] = f"r²  {bins[-1]}"
    items = [box(*pair) for pair in zip(bins[::-1], LD_COLOURS[::-1], strict=True)]
    items.append(box("other LD block", LD_UNKNOWN))
    diamond = track.scatter(marker="diamond", size=15, fill_color=LD_REFERENCE, **nowhere)
    items.append(item("reference", diamond))
    # In two rows: on a tablet, a legend that is wider than its plot is cut.
    return Legend(items=items, orientation="horizontal", ncols=4, location="right", margin=2)
