"""Where a job stands, in words and as a progress bar with its buttons."""

from collections.abc import Callable
from typing import Any

import panel as pn
import panel_material_ui as pmui

from deepwas_app.app.jobs import JOBS, Job, Status
from deepwas_app.app.markup import text
from deepwas_app.app.visitor import may_stop


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
        # It may have a line of a file that another person uploaded.
        return job.error if may_stop(job.owner) else f"{job.title}: failed"
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
        over, others = job.status.over, not may_stop(job.owner)
        self._line.object = text(line)
        self._bar.param.update(
            value=percent,
            color={Status.FAILED: "error", Status.DONE: "success"}.get(job.status, "primary"),
        )
        paused = job.status is Status.PAUSED
        self.pause.param.update(
            label="Resume" if paused else "Pause",
            icon="play_arrow" if paused else "pause",
            disabled=over or others or (job.pausing and not paused),
        )
        self.cancel.disabled = over or others or job.cancelling
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
        # Of a button that is disabled a browser may say all the same that it was pressed.
        if self.job is not None and may_stop(self.job.owner):
            (JOBS.resume if self.job.status is Status.PAUSED else JOBS.pause)(self.job)
            self.refresh()

    def _cancel(self, _: Any) -> None:
        if self.job is not None and may_stop(self.job.owner):
            JOBS.cancel(self.job)
            self.refresh()

    def __panel__(self) -> pmui.Column:
        return self._layout
