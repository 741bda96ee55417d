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
from bokeh.models.widgets.tables import ScientificFormatter

from deepwas_app.workflow.tables import Column, Table

PLACE = Column("where", "LD block", "chromosome and ends of the LD block")

TABLE_STYLE = """
.tabulator .tabulator-row.tabulator-selected,
.tabulator .tabulator-row.tabulator-selected:hover {
  background-color: rgba(63, 127, 209, 0.16) !important; color: inherit !important;
}
.tabulator { border-radius: 6px; font-size: 13px; }
.tabulator .tabulator-header .tabulator-col { background: transparent; }
.tabulator-col .tabulator-col-title { white-space: normal !important; max-width: 112px; }
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
        | {name: {"type": "textarea"} for name in wrapped},
        "text_align": {column.name: "right" for column in numbers},
        "show_index": False,
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
    if real and column.digits is None:
        return ScientificFormatter(
            precision=3, power_limit_low=-3, power_limit_high=5, nan_format=""
        )
    precision = column.digits if real else False
    return {"type": "money", "precision": precision, "thousand": ","}
