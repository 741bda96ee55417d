"""How alike a study's annotations are."""

from typing import Any

import holoviews as hv
import numpy as np
import xarray as xr

from deepwas_app.plots.theme import figure_options, hover_options

# Names are drawn where they can be read.
_NAMED = 60


def correlations(found: xr.DataArray) -> hv.HeatMap:
    """Correlations of all pairs of annotations as a map of colours.

    Parameters
    ----------
    found
        (annotation, other) as from ``annotation_overview``.

    Returns
    -------
    holoviews.HeatMap
        Blue below zero, red above; empty where an annotation does not vary.
    """
    names = found["annotation"].values.astype(str)
    count = len(names)
    column, row = np.meshgrid(np.arange(count), np.arange(count))
    edges = np.arange(count + 1) - 0.5
    named = count <= _NAMED
    ticks: dict[str, Any] = {"xaxis": "bare", "yaxis": "bare"}
    if named:
        named_ticks = list(enumerate(names))
        ticks = {"xticks": named_ticks, "yticks": named_ticks}
    longest = max(map(len, names), default=0) if named else 0
    return hv.QuadMesh(
        (
            edges,
            edges,
            found.values,
            names[column],
            names[row],
        ),
        ["column", "row"],
        [
            hv.Dimension("correlation", label="Correlation"),
            "annotation",
            "other",
        ],
    ).opts(
        cmap="RdBu_r",
        clim=(-1, 1),
        colorbar=True,
        line_color=None,
        clipping_colors={"NaN": "rgba(0, 0, 0, 0)"},
        **hover_options(
            [("", "@annotation"), ("", "@other"), ("correlation", "@correlation{%.2f}")]
        ),
        **figure_options(
            max(320, min(720, 120 + 14 * count + 5 * longest)),
            xlabel="",
            ylabel="",
            **ticks,
            xrotation=55,
            invert_yaxis=True,
            show_grid=False,
        ),
    )
