"""The legend of LD colours on the locus plot."""

from typing import Any

import numpy as np
from bokeh.models.annotations import Legend, LegendItem
from bokeh.plotting import figure

from deepwas_app.plots.theme import LD_COLOURS, LD_EDGES, LD_REFERENCE, LD_UNKNOWN


def ld_legend(track: figure) -> Legend:
    """The five bins of r², unknown r², and the reference variant, for a track."""

    def item(label: str, colour: str, **mark: Any) -> LegendItem:
        # One point nowhere: a legend shows no mark for an empty source.
        drawn: Any = track.scatter(
            [np.nan], [np.nan], fill_color=colour, line_color=None, **({"size": 10} | mark)
        )
        return LegendItem(label=label, renderers=[drawn])

    bins = [f"{low:.1f}–{low + 0.2:.1f}" for low in LD_EDGES]
    bins[-1] = f"r²  {bins[-1]}"
    items = [item(*pair) for pair in zip(bins[::-1], LD_COLOURS[::-1], strict=True)]
    items.append(item("r² unknown (other LD block)", LD_UNKNOWN))
    items.append(item("reference", LD_REFERENCE, marker="diamond", size=13))
    return Legend(items=items, orientation="horizontal", location="right", margin=2)
