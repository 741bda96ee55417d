"""Small pieces that every page is put together from."""

import html
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui
from holoviews.streams import Selection1D

from deepwas_app.app.browser import copies_tag
from deepwas_app.app.markup import text

GAP = 16

# Of numbers on cards, and of what is said about one.
_FIGURES = {
    "& dl": {
        "m": 0,
        "display": "grid",
        "gap": "10px",
        "gridTemplateColumns": "repeat(auto-fit, minmax(var(--least, 96px), 1fr))",
    },
    "& dl > div": {
        "p": "10px 14px",
        "border": "1px solid",
        "borderColor": "divider",
        "borderRadius": "10px",
        "backgroundColor": "background.paper",
        "position": "relative",
    },
    "& dt": {"color": "text.secondary", "fontSize": "0.75rem"},
    "& dd": {"m": 0, "fontSize": "1.25rem", "fontWeight": 600},
    "& [data-help]:is(:hover, :focus-visible)::after": {
        "content": "attr(data-help)",
        "position": "absolute",
        "left": 0,
        "top": "100%",
        "zIndex": 2,
        "width": "max-content",
        "maxWidth": "260px",
        "p": "4px 8px",
        "borderRadius": "4px",
        "fontSize": "0.75rem",
        "fontWeight": 400,
        "color": "background.paper",
        "backgroundColor": "text.primary",
    },
}
_ALERT = {"& p": {"margin": 0}, "borderRadius": "8px"}


def title(heading: str, intro: str) -> pmui.Column:
    """A page's heading (the only h1) and one line that says what it is for."""
    return pmui.Column(
        pmui.Typography(
            heading, variant="h1", sx={"fontSize": "1.6rem", "m": 0}, margin=(4, 0, 0, 0)
        ),
        pmui.Typography(
            intro, variant="body2", sx={"color": "text.secondary"}, margin=(0, 0, 4, 0)
        ),
        sizing_mode="stretch_width",
    )


def section(name: str, *objects: Any, note: str = "", **params: Any) -> pmui.Paper:
    """A card with a heading, an optional explaining line, and its contents."""
    head = pmui.Typography(
        # Not ##: that gives it an anchor, of one name on several pages.
        f"<h2>{name}</h2>\n\n{note}",
        variant="body2",
        sx={
            "color": "text.secondary",
            "& h2": {"color": "text.primary", "fontSize": "1.05rem", "fontWeight": 600, "m": 0},
        },
        margin=(0, 0, 6 if note else 2, 0),
    )
    options: dict[str, Any] = {"sizing_mode": "stretch_width"}
    options |= params
    return pmui.Paper(
        head,
        *objects,
        variant="outlined",
        elevation=0,
        margin=(0, 0, GAP, 0),
        sx={"p": "14px 16px", "borderRadius": "10px"},
        **options,
    )


def cells(*objects: tuple[Any, int], breakpoint: str = "md") -> pmui.Grid:
    """Objects side by side in twelfths of the width; below a breakpoint, one under the other.

    Parameters
    ----------
    *objects
        Pairs of an object and the twelfths that it takes.
    breakpoint
        Material's name of the width from which they are side by side.

    Returns
    -------
    panel_material_ui.Grid
        The layout.
    """
    return pmui.Grid(
        *(pmui.Grid(item, size={"xs": 12, breakpoint: twelfths}) for item, twelfths in objects),
        container=True,
        spacing=2,
        sizing_mode="stretch_width",
    )


def figures(cards: Sequence[tuple[str, str, str]], least: int = 96) -> pmui.Typography:
    """Numbers on cards side by side, which wrap on narrow screens.

    Parameters
    ----------
    cards
        Of each its label, its value, and what is said where the pointer rests, if anything.
    least
        Width of the narrowest, pixels.
    """
    return pmui.Typography(
        figure_values(cards),
        sx=_FIGURES | {"--least": f"{least}px"},
        sizing_mode="stretch_width",
        margin=(0, 0, GAP, 0),
    )


def figure_values(cards: Sequence[tuple[str, str, str]]) -> str:
    """What :func:`figures` shows, for one whose numbers change."""
    return f"<dl>{''.join(map(_figure, cards))}</dl>"


def _figure(card: tuple[str, str, str]) -> str:
    # One line each: an empty one would end what Markdown leaves as it is.
    label, value, about = (html.escape(" ".join(words.split())) for words in card)
    help_text = f' tabindex="0" data-help="{about}"' if about else ""
    return f"<div{help_text}><dt>{label}</dt><dd>{value}</dd></div>"


def fold(label: str, *objects: Any) -> pmui.Column:
    """Objects below a button that shows and hides them; hidden at first."""
    inside = pmui.Column(sizing_mode="stretch_width", visible=False)
    button = pmui.Button(
        label=label, icon="expand_more", variant="text", size="small", margin=(4, 0)
    )

    def toggle(_: Any) -> None:
        # Only now: what nobody looks at costs nothing.
        inside.objects = inside.objects or list(objects)
        inside.visible = not inside.visible
        button.icon = "expand_less" if inside.visible else "expand_more"

    button.on_click(toggle)
    return pmui.Column(button, inside, sizing_mode="stretch_width")


def empty(advice: str) -> pmui.Alert:
    """What a page says when there is nothing to show yet: what to do, in Markdown."""
    return pmui.Alert(
        object=advice,
        severity="info",
        variant="outlined",
        sx=_ALERT,
        sizing_mode="stretch_width",
        margin=(0, 0, GAP, 0),
    )


def caution(doubt: str) -> pmui.Alert:
    """What a page says when numbers are to be doubted."""
    return _said(doubt, "warning")


def trouble(problem: str) -> pmui.Alert:
    """What a page says when something is wrong."""
    return _said(problem, "error")


def _said(words: str, severity: str) -> pmui.Alert:
    return pmui.Alert(
        object=text(words),
        severity=severity,
        variant="outlined",
        sx=_ALERT,
        sizing_mode="stretch_width",
        margin=(0, 0, GAP, 0),
    )


def opens(element: Any, points: Any, go: Callable[[pd.Series], None]) -> pn.pane.HoloViews:
    """A pane for a figure whose points lead somewhere when they are clicked.

    Parameters
    ----------
    element
        The figure.
    points
        Those of its layers that can be clicked.
    go
        Called with the row of the data of the point.
    """
    pane = plot(element)
    for layer in points:
        chosen = Selection1D(source=layer)

        def clicked(event: Any, layer: Any = layer) -> None:
            if event.new:
                go(layer.data.iloc[event.new[0]])

        chosen.param.watch(clicked, "index")
    return pane


def plot(element: Any = None, **params: Any) -> pn.pane.HoloViews:
    """A pane for a HoloViews figure that takes the width of its card.

    Its axes are its own: HoloViews links those of equal dimensions in a whole document, which would
    give the axis of one page to a figure of another.
    """
    return pn.pane.HoloViews(
        element, sizing_mode="stretch_width", margin=0, linked_axes=False, **params
    )


def stack(stage: pmui.Column, wanted: Sequence[Any]) -> None:
    """Let a column show Bokeh figures, one below the other; those that it has already stay."""
    if [pane.object for pane in stage.objects] != list(wanted):
        kept = {id(pane.object): pane for pane in stage.objects}
        stage.objects = [
            kept.get(id(drawn)) or pn.pane.Bokeh(drawn, sizing_mode="stretch_width", margin=0)
            for drawn in wanted
        ]


def copyable(line: str) -> pmui.Row:
    """A path or a command with a button that copies it; see :func:`let_copy` for another line."""
    words = pmui.Typography(
        "",
        variant="caption",
        sx={
            "color": "text.secondary",
            "fontFamily": "monospace",
            "overflowWrap": "anywhere",
        },
        margin=(4, 0),
    )
    button = pmui.IconButton(
        icon="content_copy", size="small", description="Copy", margin=0, tags=[""]
    )
    copies_tag(button)
    row = pmui.Row(button, words, margin=0, sizing_mode="stretch_width", align="center")
    let_copy(row, line)
    return row


def let_copy(row: pmui.Row, line: str) -> None:
    """Put another line into what :func:`copyable` gave."""
    button, words = row.objects
    words.object = text(line)
    button.param.update(tags=[line], description=f"Copy {line}")


def typed(box: pmui.TextInput) -> str:
    """What stands in a text box: not its value, because the browser tells of Enter before that."""
    return (box.value_input or "").strip()


def waiting(words: str, height: int = 240) -> pmui.Row:
    """Shown while a figure, or what else will be about as high, is being computed."""
    return pmui.Row(
        pmui.CircularProgress(value=True, size=22, label=words, margin=(8, 8)),
        height=height,
    )
