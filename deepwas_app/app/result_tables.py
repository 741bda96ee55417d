"""Result tables on pages: shown, and given as files."""

import asyncio
import html
import io
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui
import param
from bokeh.models.widgets.tables import HTMLTemplateFormatter

from deepwas_app.workflow.tables import Column, Table

PLACE = Column("where", "LD block", "chromosome and ends of the LD block")

# Of a real number (`value`): empty where there is none, and never 0.000 where it is not 0.
REAL = """<%
  const d = {digits}, size = Math.abs(value), none = value == null || isNaN(value)
  const power = (k) => value.toExponential(k).replace("e+", "e")
  const fixed = (k) => value.toLocaleString(
    "en", {{minimumFractionDigits: k, maximumFractionDigits: k}})
  let said
  if (none) said = ""
  else if (size == 0) said = d == null ? "0" : fixed(d)
  else if (d == null) said = size < 1e-3 || size >= 1e5 ? power(2) : String(+value.toPrecision(3))
  else said = size < 0.5 * 10 ** -d ? power(1) : fixed(d)
%><%= said %>"""

TABLE_STYLE = """
.tabulator .tabulator-row.tabulator-selected,
.tabulator .tabulator-row.tabulator-selected:hover {
  background-color: rgba(63, 127, 209, 0.16) !important; color: inherit !important;
}
.tabulator { border-radius: 6px; font-size: 13px !important; }
.tabulator .tabulator-cell, .tabulator .tabulator-col-content { padding: 6px 8px !important; }
.tabulator .tabulator-tableholder { overflow-x: auto; scrollbar-width: thin; }
.tabulator .tabulator-header .tabulator-col { background: transparent; }
.tabulator-col .tabulator-col-title { white-space: normal !important; max-width: 112px; }
.tabulator-col .tabulator-col-title[style*="text-align: right"] { margin-left: auto; }
"""


def download(
    label: str,
    filename: str,
    content: Callable[[], str],
    after: Callable[[], None] = lambda: None,
) -> pmui.FileDownload:
    """A button that makes a text file in a thread when it is pressed, and not before.

    `after` is called when it is made, by the page's own thread, which alone may change the page.
    """
    making = 0

    async def make() -> io.StringIO:
        nonlocal making
        # Else the same content a second time would be no change, and hence no download.
        button.data = None
        making += 1
        button.loading = True
        try:
            text = await asyncio.to_thread(content)
            after()
            return io.StringIO(text)
        finally:
            making -= 1
            button.loading = making > 0

    def settle(event: param.parameterized.Event) -> None:
        # A browser says back what it was told, and a slow one after the file was made.
        if event.new and not making:
            button.loading = False

    button = pmui.FileDownload(
        callback=make,
        filename=filename,
        label=label,
        icon="download",
        size="small",
        margin=(0, 0, 10, 0),
    )
    # Not in the constructor: there it warns of an option that nobody gave.
    button.variant = "outlined"
    button.param.watch(settle, "loading")
    return button


def table_download(
    label: str, filename: str, table: Table, frame: pd.DataFrame | Callable[[], pd.DataFrame]
) -> pmui.FileDownload:
    """A button that gives a result table as its command writes it.

    Parameters
    ----------
    label, filename
        On the button, and of the file.
    table
        What the frame holds.
    frame
        The result, or what computes it when the button is pressed.
    """
    return download(label, filename, lambda: table.text(frame() if callable(frame) else frame))


def page_frame(table: Table, frame: pd.DataFrame) -> pd.DataFrame:
    """What a page shows of a result: the columns of `table` that are there, missing ones empty."""
    shown = frame[[name for name in table.names if name in frame]]
    numbers = [name for name in shown if shown[name].dtype.kind == "f" and shown[name].isna().any()]
    # Tabulator writes NaN; None is an empty cell.
    return shown.assign(
        **{name: shown[name].astype(object).where(shown[name].notna(), None) for name in numbers}
    )


def page_table(
    table: Table,
    frame: pd.DataFrame,
    *,
    page_size: int = 0,
    wrapped: Sequence[str] = (),
    pictures: Sequence[str] = (),
    **params: Any,
) -> pn.widgets.Tabulator:
    """A result table to read, not to edit.

    Parameters
    ----------
    table
        What is shown: titles, decimals and tooltips are its own. Columns of the frame that it does
        not have are left out.
    frame
        The result.
    page_size
        Rows of a page where there are more; 0 for all at once.
    wrapped
        Columns of long text, which breaks into lines.
    pictures
        Columns of SVG that this package drew of numbers; nobody else's words may be in them.
    **params
        Passed to the widget; they win.
    """
    shown = [table[name] for name in table.names if name in frame]
    numbers = [c for c in shown if frame[c.name].dtype.kind in "fiu"]
    # Tabulator renders both, and the name of a phenotype is another person's.
    options: dict[str, Any] = {
        "titles": {c.name: html.escape(c.heading) for c in shown},
        "header_tooltips": {c.name: html.escape(c.meaning) for c in shown},
        "formatters": {c.name: _formatter(c, frame[c.name].dtype.kind == "f") for c in numbers}
        | {name: {"type": "textarea"} for name in wrapped}
        | {name: {"type": "html"} for name in pictures},
        "text_align": {column.name: "right" for column in numbers},
        # Above its numbers, also where the last column takes the rest of the width.
        "header_align": {column.name: "right" for column in numbers},
        "show_index": False,
        **({"sortable": dict.fromkeys(pictures, False)} if pictures else {}),
        "disabled": True,
        "selectable": False,
        "page_size": page_size or None,
        "pagination": "local" if 0 < page_size < len(frame) else None,
        "sizing_mode": "stretch_width",
        "layout": "fit_data_stretch",
        "stylesheets": [TABLE_STYLE],
    }
    return pn.widgets.Tabulator(page_frame(table, frame), **(options | params))


def _formatter(column: Column, real: bool) -> Any:
    if not real:
        return {"type": "money", "precision": False, "thousand": ","}
    digits = "null" if column.digits is None else column.digits
    return HTMLTemplateFormatter(template=REAL.format(digits=digits))
