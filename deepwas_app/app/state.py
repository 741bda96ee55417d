"""What a session is looking at. No Panel here: pages watch this and draw."""

from typing import Any, Self

import param
import xarray as xr

from deepwas_app.app import store
from deepwas_app.app.jobs import FILES, JOBS, OPEN, OPENING, Job, Status
from deepwas_app.workflow.results.evaluation import best_run


class AppState(param.Parameterized):
    """The study and the runs that a session is looking at.

    All pages of one dashboard share one state; a page alone in a notebook has its own.
    """

    study = param.Parameter(None, doc="The open study; None before one is opened.")
    study_key = param.String("", doc="Built-in name or path under which it was opened.")
    runs = param.List(default=[], doc="Runs of the study that were found on disk.")
    selected = param.List(default=[], item_type=str, doc="Names of the runs to look at.")
    opening = param.Parameter(None, doc="The job that opens a study; None when there is none.")
    page = param.String("", doc="Address of the page on show; the first where it is of none.")
    region = param.String("", doc="Region of the Locus page, 22:1-2; set it to go elsewhere.")
    dark = param.Boolean(default=False, doc="Whether the page is dark.")
    notice = param.Parameter(None, doc="(severity, text) to show to the person; None if nothing.")

    shown_key = ""
    """Key of the study that is shown; ``study_key`` differs while another is being asked for."""

    @classmethod
    def of(cls, study: "xr.Dataset | str | AppState | None") -> Self:
        """A state from what people pass to a page: a study, a name or path, or a state."""
        if isinstance(study, cls):
            return study
        state = cls()
        if isinstance(study, xr.Dataset):
            state.show(study, str(study.attrs.get("path", "")))
        elif study is not None:
            state.open(str(study))
        return state

    def open(self, name_or_path: str) -> None:
        """Open a study. Raises InputError with a line for people."""
        self.show(store.open_study(name_or_path), name_or_path)

    def request(self, name_or_path: str) -> None:
        """Open a study in the background; ``check_opening`` shows it when it is there."""
        job = JOBS.latest(OPEN, subject=name_or_path)
        if job is None or job.status.over:
            job = JOBS.submit(
                Job(
                    f"Open {name_or_path}",
                    lambda: store.opening(name_or_path),
                    kind=OPEN,
                    subject=name_or_path,
                    # Opening is quick, and should not wait for what others are making.
                    lane=FILES if store.to_be_made(name_or_path) else OPENING,
                )
            )
        self.opening = job

    def check_opening(self) -> None:
        """Show the study that was asked for, once it is open. Called by the session's timer."""
        job = self.opening
        if job is None or not job.status.over:
            return
        self.opening = None
        if job.status is Status.DONE:
            self.show(job.result, job.subject)
        else:
            self.tell(job)

    def show(self, study: xr.Dataset, key: str) -> None:
        """Look at a study that is already open."""
        self.shown_key = key
        with param.parameterized.batch_call_watchers(self):
            again = self.study is study
            if not again:
                self.selected = []
                self.region = "" if self.study is not None else self.region
            self.study, self.study_key = study, key
            self.runs = store.find_runs(study, self._refused)
            if not self.selected_runs():
                best = self.best_run()
                self.selected = [] if best is None else [store.run_name(best)]

    def refresh_runs(self, select: str | None = None) -> None:
        """Look for runs on disk again, and select one of them as well."""
        if self.study is None:
            return
        with param.parameterized.batch_call_watchers(self):
            self.runs = store.find_runs(self.study)
            names = [store.run_name(run) for run in self.runs]
            chosen = [name for name in self.selected if name in names]
            if select in names and select not in chosen:
                chosen.append(select)
            self.selected = chosen

    def _refused(self, problem: str) -> None:
        self.say(problem, "error")

    def selected_runs(self) -> list[Any]:
        """The selected runs that are finished, in the order of the table."""
        return [run for run in self.runs if store.run_name(run) in self.selected and run.finished]

    def best_run(self) -> Any:
        """What to begin with: of the selected runs, else of all, the one that predicts best."""
        return best_run(self.selected_runs() or self.runs)

    def say(self, text: str, severity: str = "info") -> None:
        """Show a line to the person: ``"info"``, ``"success"``, ``"warning"`` or ``"error"``."""
        # Forgotten first, so that the same line can be said twice.
        with param.parameterized.discard_events(self):
            self.notice = None
        self.notice = (severity, text)

    def tell(self, job: Job, done: str = "") -> None:
        """Say that a job failed and why, or ``done`` where it did not; nothing if cancelled."""
        if job.error:
            self.say(job.error, "error")
        elif done and job.status is Status.DONE:
            self.say(f"{job.title}: {done}", "success")
