"""The drawer of jobs and messages: what runs, waits and ended, and what was said."""

import time
from datetime import datetime
from functools import partial
from typing import Any

import panel as pn
import panel_material_ui as pmui

from deepwas_app.app import store
from deepwas_app.app.job_view import JobView, duration, job_line
from deepwas_app.app.jobs import JOBS, OPEN, Job, Status
from deepwas_app.app.markup import text
from deepwas_app.app.pages import PAGES
from deepwas_app.app.state import AppState

ENDED, MESSAGES = 12, 20


class JobsDrawer(pn.viewable.Viewer):
    """All jobs of the server, and what was said to this person. ``refresh`` is called by the timer.

    Parameters
    ----------
    state
        What the session looks at; *Go to* changes it.
    """

    def __init__(self, state: AppState) -> None:
        super().__init__()
        self.state = state
        self.open = False
        self._views: dict[Job, tuple[JobView, pmui.Column]] = {}
        # Those that were over before this person came are no news.
        self._looked_at = {job for job in JOBS.jobs if job.status.over}
        self._seen: tuple[Any, ...] = ()
        self._active = pmui.Column(sizing_mode="stretch_width")
        self._ended = pmui.Column(sizing_mode="stretch_width")
        self._said = pmui.Column(sizing_mode="stretch_width")
        parts = (
            ("Running and waiting", self._active),
            ("Ended", self._ended),
            ("Messages", self._said),
        )
        self._layout = pmui.Column(
            *(item for name, part in parts for item in (_heading(name), part)),
            sizing_mode="stretch_width",
            margin=(8, 12),
        )

    @property
    def news(self) -> int:
        """How many jobs ended that this person has not seen in the drawer."""
        return sum(job not in self._looked_at for job in _shown(over=True))

    def look(self, shown: bool) -> None:
        """Open or close the drawer: what is in it is no news any more."""
        self.open = shown
        self._looked_at |= {job for job in _shown(over=True)}
        self.refresh()

    def refresh(self) -> None:
        """Bring the drawer up to date; nothing while it is closed."""
        if not self.open:
            return
        active, ended = _shown(over=False), _shown(over=True)[-ENDED:][::-1]
        self._looked_at |= set(ended)
        for job in active:
            if job in self._views:
                self._views[job][0].refresh()
        minute = int(time.time() // 60)
        now = (active, ended, minute, len(self.state.messages), self.state.messages[-1:])
        if now == self._seen:
            return
        self._seen = now
        self._views = {job: self._views.get(job) or self._view(job) for job in active}
        rows: list[Any] = [row for _, row in self._views.values()]
        self._active.objects = rows or [_quiet("Nothing.")]
        rows = [self._line(job) for job in ended]
        self._ended.objects = rows or [_quiet("Nothing yet.")]
        said = self.state.messages[-MESSAGES:][::-1]
        self._said.objects = [
            _quiet(f"{datetime.fromtimestamp(m.time):%H:%M} · {m.text}", m.severity) for m in said
        ] or [_quiet("None.")]

    def _view(self, job: Job) -> tuple[JobView, pmui.Column]:
        view = JobView()
        view.watch(job)
        return view, pmui.Column(view, self._go_to(job), sizing_mode="stretch_width")

    def _line(self, job: Job) -> pmui.Column:
        ago = f", {duration(time.time() - job.ended)} ago"
        severity = "error" if job.error else "info"
        return pmui.Column(
            _quiet(f"{job_line(job)}{ago}", severity),
            self._go_to(job),
            sizing_mode="stretch_width",
        )

    def _go_to(self, job: Job) -> pmui.Button:
        page = next((name for name, page in PAGES.items() if job.kind in page.jobs), None)
        button = pmui.Button(
            label="Go to it",
            icon="arrow_forward",
            variant="text",
            size="small",
            margin=0,
            visible=page is not None,
        )
        button.on_click(partial(self._go, job, page))
        return button

    def _go(self, job: Job, page: str | None, _: Any) -> None:
        key = store.opened_as(job.study)
        if key and key != self.state.shown_key:
            self.state.request(key)
        self.state.page = page or self.state.page

    def __panel__(self) -> pmui.Column:
        return self._layout


def _shown(over: bool) -> list[Job]:
    """Jobs to show; that a study was opened is of no interest afterwards."""
    return [j for j in JOBS.jobs if j.status.over == over and not (over and j.kind == OPEN)]


def _heading(words: str) -> pmui.Typography:
    return pmui.Typography(words, variant="subtitle2", margin=(10, 0, 2, 0))


def _quiet(words: str, severity: str = "info") -> pmui.Typography:
    colour = {"error": "error.main", "warning": "warning.main"}.get(severity, "text.secondary")
    return pmui.Typography(
        text(words),
        variant="body2",
        sx={"color": colour, "overflowWrap": "anywhere"},
        margin=(2, 0),
        sizing_mode="stretch_width",
    )


def headline(jobs: list[Job]) -> str:
    """One line on what goes on before what waits; what is paused only where nothing else is."""
    if not jobs:
        return ""
    ordered = sorted(
        jobs, key=lambda j: (j.status is not Status.RUNNING, j.status is not Status.QUEUED)
    )
    queued = sum(job.status is Status.QUEUED for job in ordered[1:])
    return job_line(ordered[0]) + (f" (+{queued} waiting)" if queued else "")
