"""Which annotations drive one variant's prior, as bars."""

import holoviews as hv
import pandas as pd

from deepwas_app.plots.theme import (
    BLUE,
    GREY,
    ORANGE,
    finished,
    hover_options,
)

MOST_BARS = 8
NAME_LETTERS = 28


def driver_bars(drivers: pd.DataFrame) -> pd.DataFrame:
    """The strongest inputs of a variant's prior, and the rest as one.

    Parameters
    ----------
    drivers
        INPUT, VALUE, MEAN, ATTRIBUTION (log variance), FOLD; strongest first.

    Returns
    -------
    pandas.DataFrame
        ``input``, ``label``, ``attribution``, ``value``, ``mean``, ``fold``, ``y`` (strongest
        on top), ``colour``.
    """
    shown = drivers.head(MOST_BARS)
    table = pd.DataFrame(
        {
            "input": shown["INPUT"].astype(str),
            "attribution": shown["ATTRIBUTION"],
            "value": [f"{v:.3g}" for v in shown["VALUE"]],
            "mean": [f"{v:.3g}" for v in shown["MEAN"]],
            "fold": shown["FOLD"],
        }
    )
    rest = drivers.iloc[MOST_BARS:]
    if len(rest):
        others = {
            "input": f"{len(rest)} others together",
            "attribution": rest["ATTRIBUTION"].sum(),
            "value": "",
            "mean": "",
            "fold": rest["FOLD"].prod(),
        }
        table = pd.concat([table, pd.DataFrame([others])], ignore_index=True)
    table["label"] = [
        n if len(n) <= NAME_LETTERS else n[: NAME_LETTERS - 1] + "…" for n in table["input"]
    ]
    table["y"] = [float(y) for y in range(len(table) - 1, -1, -1)]
    table["colour"] = [ORANGE if a > 0 else BLUE for a in table["attribution"]]
    return table


def driver_plot(drivers: pd.DataFrame) -> hv.Overlay:
    """Bars of what raises (right) and lowers (left) a variant's prior heritability.

    Parameters
    ----------
    drivers
        As in :func:`driver_bars`.
    """
    table = driver_bars(drivers).assign(left=0.0)
    table["bottom"], table["top"] = table["y"] - 0.36, table["y"] + 0.36
    hover = [
        ("Annotation", "@input"),
        ("Value, mean", "@value, @mean"),
        ("Log heritability", "@attribution{+0.000}"),
        ("Times", "@fold{%.4g}"),
    ]
    bars = hv.Rectangles(
        table,
        ["left", "bottom", "attribution", "top"],
        ["input", "value", "mean", "fold", "colour"],
    ).opts(color="colour", line_color=None, **hover_options(hover))
    zero = hv.VLine(0.0).opts(color=GREY, line_width=1)
    return finished(
        hv.Overlay([bars, zero]),
        max(150, 80 + 24 * len(table)),
        yticks=list(zip(table["y"], table["label"], strict=True)),
        ylim=(-0.7, max(len(table), 1) - 0.3),
        xlabel="Change of log prior heritability",
        xticks=4,
        ylabel="",
        show_legend=False,
    )
