"""What small views share: a layout of their own, a timer, and a line for what goes wrong."""

from collections.abc import Callable, Generator
from typing import Any

import panel_material_ui as pmui
import param

from deepwas_app.app.asking import Asker, alone
from deepwas_app.app.components import trouble
from deepwas_app.app.job_view import JobView
from deepwas_app.app.jobs import JOBS, Job, Status
from deepwas_app.app.poller import Poller
from deepwas_app.errors import InputError
from deepwas_app.spelling import Spelt

_PAUSED = Status.PAUSED


class View(Spelt, Asker):
    """A view that is alone in a cell. Its parameters follow the browser, and the browser them."""

    def __init__(self, **params: Any) -> None:
        super().__init__(Poller(), **params)
        self._told = pmui.Column(sizing_mode="stretch_width")
        self._content = pmui.Column(sizing_mode="stretch_width")
        self._layout = pmui.Column(
            *alone(), self._content, self._told, sizing_mode="stretch_width", margin=(0, 0, 12, 0)
        )
        self.poller.add(self._tick)

    def _tick(self) -> None:
        """Called ten times a second; for views that watch something."""

    def _attempt(self, action: Callable[..., None], *arguments: Any) -> None:
        """Do what was asked for in the browser; what is wrong with it is said there."""
        self._told.objects = []
        try:
            action(*arguments)
        except InputError as problem:
            self._told.objects = [trouble(str(problem))]

    def _undone(self, event: Any, action: Callable[[], None]) -> None:
        """Take in a parameter that changed; one that cannot be is as it was, and raises."""
        try:
            action()
        except InputError:
            with param.parameterized.discard_events(self):
                setattr(self, event.name, event.old)
            raise

    def __panel__(self) -> pmui.Column:
        self.poller.start()
        return self._layout


class WatchingView(View):
    """A view of work that goes on: steps are given to it, or it has them made in a thread."""

    running = param.Boolean(False, doc="Whether work goes on; set it to False to stop it.")
    paused = param.Boolean(False, doc="Whether the work waits; set it to hold it or to go on.")

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self.progress = JobView(on_over=lambda _: self._follow_job())
        self._cursor = 0
        self._given: list[Any] = []
        self.param.watch(self._steer, ["running", "paused"])

    def add(self, step: Any) -> None:
        """Show one step more, from whichever thread.

        Parameters
        ----------
        step
            What a fit or a sweep yields.
        """
        self._given.append(step)
        # A loop in a cell keeps the timer from ticking.
        self.poller.between(last=getattr(step, "finished", False))

    def follow(self, steps: Generator[Any, None, Any], title: str = "Work") -> None:
        """Have the steps made in a thread, and show them; the prompt is free at once.

        Parameters
        ----------
        steps
            A generator, as ``dw.fit(...)`` or ``dw.scaling.steps(...)``.
        title
            What the line of progress calls it.

        Raises
        ------
        InputError
            While others are being made.
        """
        if self.running:
            raise InputError("it is at work already. Set running to False first.")
        self._forget()
        self._cursor = 0
        self.progress.watch(JOBS.submit(Job(title, lambda: self._light(steps))))
        self._follow_job()

    def wait(self, seconds: float | None = None) -> bool:
        """Block until the work that is followed is over; False if it is not by then."""
        job = self.progress.job
        over = job is None or job.wait(seconds)
        self._tick()
        return over

    def _light(self, steps: Generator[Any, None, Any]) -> Generator[Any, None, Any]:
        """The steps as they are kept. Subclasses say how."""
        return steps

    def _forget(self) -> None:
        """Begin anew. Subclasses say how."""

    def _take(self, steps: list[Any]) -> None:
        """Show new steps. Subclasses say how."""
        raise NotImplementedError

    def _tick(self) -> None:
        given, self._given = self._given, []
        job = self.progress.job
        if job is not None:
            new = job.events[self._cursor :]
            self._cursor += len(new)
            given += new
        if given:
            self._take(given)
        if job is not None:
            self.progress.refresh()
            self._follow_job()

    def _follow_job(self) -> None:
        job = self.progress.job
        if job is None:
            return
        going = not job.status.over and not job.cancelling
        self.param.update(running=going, paused=going and (job.pausing or job.status is _PAUSED))

    def _steer(self, *_: Any) -> None:
        job = self.progress.job
        if job is None or job.status.over:
            return
        if not self.running:
            JOBS.cancel(job)
        elif self.paused:
            JOBS.pause(job)
        else:
            JOBS.resume(job)
