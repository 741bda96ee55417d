"""What cards share that start long work: a job at a time, with its progress and its outcome."""

from typing import Any, ClassVar

import panel as pn

from deepwas_app.app.job_view import JobView
from deepwas_app.app.jobs import JOBS, Job
from deepwas_app.app.state import AppState


class JobCard(pn.viewable.Viewer):
    """A card over the jobs that it starts; subclasses make the layout.

    Parameters
    ----------
    state
        The study and its runs; also what tells people of a job that is over.
    """

    said: ClassVar[str] = ""
    """What people are told when a job is done; nothing where it is empty."""
    _layout: Any

    def __init__(self, state: AppState) -> None:
        super().__init__()
        self.state = state
        self.progress = JobView(on_over=self._over)

    def submit(self, job: Job) -> Job:
        """Start a job, or put it in the queue, and follow it."""
        self.progress.watch(JOBS.submit(job))
        return job

    def refresh(self) -> None:
        """Bring the progress up to date. Called by the session's timer."""
        self.progress.refresh()

    def over(self, job: Job) -> None:
        """Take in what came of the job that was followed. Subclasses say how."""

    def _over(self, job: Job) -> None:
        self.over(job)
        self.state.tell(job, done=self.said)

    def __panel__(self) -> Any:
        return self._layout
