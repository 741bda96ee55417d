"""Small pieces that every page is put together from."""

import asyncio
import html
import io
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui
from bokeh.models.widgets.tables import ScientificFormatter

from deepwas_app.app.jobs import JOBS, Job, Status
from deepwas_app.app.markup import text
from deepwas_app.workflow.tables import Column, Table

GAP = 16
PLACE = Column("where", "LD block", "chromosome and ends of the LD block")

_ALERT = {"& p": {"margin": 0}, "borderRadius": "8px"}

TABLE_STYLE = """
.tabulator .tabulator-row.tabulator-selected,
.tabulator .tabulator-row.tabulator-selected:hover {
  background-color: rgba(63, 127, 209, 0.16) !important; color: inherit !important;
}
.tabulator { border-radius: 6px; font-size: 13px; }
.tabulator .tabulator-header .tabulator-col { background: transparent; }
.tabulator-col[tabulator-field="gain"] .tabulator-col-title { white-space: normal !important; }
"""


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
    head = [
        pmui.Typography(
            name, variant="h2", sx={"fontSize": "1.05rem", "fontWeight": 600}, margin=(0, 0, 2, 0)
        )
    ]
    if note:
        head.append(
            pmui.Typography(
                note, variant="body2", sx={"color": "text.secondary"}, margin=(0, 0, 6, 0)
            )
        )
    options: dict[str, Any] = {"sizing_mode": "stretch_width"}
    options |= params
    return pmui.Paper(
        *head,
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


def figures(label: str, value: str, help_text: str = "") -> Any:
    """One number on a card."""
    card = pmui.Paper(
        pmui.Typography(label, variant="caption", sx={"color": "text.secondary"}, margin=0),
        pmui.Typography(
            text(value),
            sx={"fontSize": "1.25rem", "fontWeight": 600, "whiteSpace": "nowrap"},
            margin=0,
        ),
        variant="outlined",
        elevation=0,
        margin=0,
        sx={"p": "10px 14px", "borderRadius": "10px"},
        sizing_mode="stretch_width",
    )
    if not help_text:
        return card
    return pmui.Tooltip(card, title=help_text, sizing_mode="stretch_width")


def figures_row(cards: Sequence[Any]) -> pmui.Grid:
    """Lay cards side by side, wrapping on narrow screens."""
    return pmui.Grid(
        *(pmui.Grid(card, size=1) for card in cards),
        columns={"xs": 2, "sm": 4, "md": len(cards)},
        container=True,
        spacing=1.2,
        sizing_mode="stretch_width",
        margin=(0, 0, GAP, 0),
    )


def fold(label: str, *objects: Any) -> pmui.Column:
    """Objects below a button that shows and hides them; hidden at first."""
    inside = pmui.Column(*objects, sizing_mode="stretch_width", visible=False)
    button = pmui.Button(
        label=label, icon="expand_more", variant="text", size="small", margin=(4, 0)
    )

    def toggle(_: Any) -> None:
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


def trouble(problem: str) -> pmui.Alert:
    """What a page says when something is wrong."""
    return pmui.Alert(
        object=text(problem),
        severity="error",
        variant="outlined",
        sx=_ALERT,
        sizing_mode="stretch_width",
        margin=(0, 0, GAP, 0),
    )


def plot(element: Any = None, **params: Any) -> pn.pane.HoloViews:
    """A pane for a HoloViews figure that takes the width of its card.

    Its axes are its own: HoloViews links those of equal dimensions in a whole document, which would
    give the axis of one page to a figure of another.
    """
    return pn.pane.HoloViews(
        element, sizing_mode="stretch_width", margin=0, linked_axes=False, **params
    )


def download(label: str, filename: str, content: Callable[[], str]) -> pmui.FileDownload:
    """A button that makes a text file in a thread when it is pressed, and not before."""

    async def make() -> io.StringIO:
        # Else the same content a second time would be no change, and hence no download.
        button.data = None
        button.loading = True
        try:
            return io.StringIO(await asyncio.to_thread(content))
        finally:
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


def typed(box: pmui.TextInput) -> str:
    """What stands in a text box: not its value, because the browser tells of Enter before that."""
    return (box.value_input or "").strip()


def waiting(words: str) -> pmui.Row:
    """Shown while a figure is being computed."""
    return pmui.Row(
        pmui.CircularProgress(value=True, size=22, label=words, margin=(8, 8)),
        height=240,
    )


def duration(seconds: float | None) -> str:
    """Seconds as people say them: ``"40 s"``, ``"3 min"``, ``"1 h 20 min"``."""
    if seconds is None:
        return ""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds // 3600:.0f} h {seconds % 3600 / 60:.0f} min"


def job_line(job: Job) -> str:
    """One line on where a job stands."""
    if job.status is Status.QUEUED:
        ahead = JOBS.place(job)
        return f"{job.title}: waiting, {ahead} ahead" if ahead else f"{job.title}: about to start"
    if job.status is Status.RUNNING:
        if job.cancelling:
            return f"{job.title}: stopping after this step…"
        if job.pausing:
            return f"{job.title}: pausing after this step…"
        left = f", {duration(job.seconds_left)} left" if job.seconds_left is not None else ""
        return f"{job.title}: {job.message or 'starting'}{left}"
    if job.status is Status.PAUSED:
        return f"{job.title}: paused at {100 * job.fraction:.0f}%"
    if job.status is Status.FAILED:
        return job.error
    return f"{job.title}: {job.status}"


def job_in_turn(kind: str, study: str) -> Job | None:
    """The job to look at: the first that is not over, a paused one last; else the newest."""
    active = [job for job in JOBS.active() if (job.kind, job.study) == (kind, study)]
    active.sort(key=lambda job: job.status is Status.PAUSED)
    return active[0] if active else JOBS.latest(kind, study)


class JobView(pn.viewable.Viewer):
    """Progress of one job, with its buttons. ``refresh`` is called by the session's timer.

    Parameters
    ----------
    on_over
        Called once, with the job, when a job that was being watched is over.
    """

    def __init__(self, on_over: Callable[[Job], None] | None = None) -> None:
        super().__init__()
        self.job: Job | None = None
        self._on_over = on_over
        self._seen: tuple[Any, ...] = ()
        self._bar = pmui.LinearProgress(
            value=0,
            variant="determinate",
            sizing_mode="stretch_width",
            label="Progress",
            margin=(6, 0),
            sx={"height": "8px", "borderRadius": "4px"},
        )
        self._line = pmui.Typography("", variant="body2", margin=(0, 0, 4, 0))
        self.pause = self._button("Pause", "pause", self._toggle)
        self.cancel = self._button("Cancel", "close", self._cancel)
        self._layout = pmui.Column(
            self._line,
            self._bar,
            pmui.Row(self.pause, self.cancel),
            sizing_mode="stretch_width",
            visible=False,
        )

    def watch(self, job: Job | None) -> None:
        """Show this job from now on."""
        self.job, self._seen = job, ()
        self._told = job is None or job.status.over
        self.refresh()

    @property
    def busy(self) -> bool:
        """Whether the job on show waits for its turn or runs."""
        return self.job is not None and self.job.status in (Status.QUEUED, Status.RUNNING)

    def refresh(self) -> None:
        """Bring the widgets up to date; does nothing when nothing changed."""
        job = self.job
        if job is None:
            self._layout.visible = False
            return
        line, percent = job_line(job), round(100 * job.fraction)
        now = (job, line, percent, job.status)
        if now == self._seen:
            return
        self._seen = now
        over = job.status.over
        self._line.object = text(line)
        self._bar.param.update(
            value=percent,
            color={Status.FAILED: "error", Status.DONE: "success"}.get(job.status, "primary"),
        )
        paused = job.status is Status.PAUSED
        self.pause.param.update(
            label="Resume" if paused else "Pause",
            icon="play_arrow" if paused else "pause",
            disabled=over or (job.pausing and not paused),
        )
        self.cancel.disabled = over or job.cancelling
        self._layout.visible = True
        if over and not self._told:
            self._told = True
            if self._on_over is not None:
                self._on_over(job)

    def _button(self, label: str, icon: str, action: Callable[[Any], None]) -> pmui.Button:
        button = pmui.Button(
            label=label, icon=icon, variant="outlined", size="small", margin=(4, 8, 4, 0)
        )
        button.on_click(action)
        return button

    def _toggle(self, _: Any) -> None:
        if self.job is not None:
            (JOBS.resume if self.job.status is Status.PAUSED else JOBS.pause)(self.job)
            self.refresh()

    def _cancel(self, _: Any) -> None:
        if self.job is not None:
            JOBS.cancel(self.job)
            self.refresh()

    def __panel__(self) -> pmui.Column:
        return self._layout
