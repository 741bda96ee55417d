"""What a session is looking at. No Panel here: pages watch this and draw."""

import time
from typing import Any, NamedTuple, Self

import param
import xarray as xr

from deepwas_app.app import store
from deepwas_app.app.jobs import FILES, JOBS, OPEN, OPENING, Job, Status
from deepwas_app.app.places import Places
from deepwas_app.app.upload_folder import UploadFolder
from deepwas_app.errors import InputError
from deepwas_app.spelling import Spelt
from deepwas_app.workflow.results.evaluation import best_run

KEPT_MESSAGES = 100
# Whatever page a person is on, they are told when one of these ends.
AWAITED = ("train", "scaling")


class Message(NamedTuple):
    """What was said to a person.

    Attributes
    ----------
    time
        Seconds since the epoch.
    severity, text
        See :meth:`AppState.say`.
    """

    time: float
    severity: str
    text: str


class AppState(Spelt):
    """The study and the runs that a session is looking at.

    All pages of one dashboard share one state; a page alone in a notebook has its own.

    Parameters
    ----------
    served
        Whether strangers may be looking: they name the files that :func:`store.places_of` gives.
        Others, as in a notebook, name any.
    """

    study = param.Parameter(None, doc="The open study; None before one is opened.")
    study_key = param.String("", doc="Built-in name or path under which it was opened.")
    runs = param.List(default=[], doc="Runs of the study that were found on disk.")
    selected = param.List(default=[], item_type=str, doc="Names of the runs to look at.")
    opening = param.Parameter(None, doc="The job that opens a study; None when there is none.")
    page = param.String("", doc="Address of the page on show; the first where it is of none.")
    region = param.String("", doc="Region of the Locus page, 22:1-2; set it to go elsewhere.")
    reference = param.String("", doc="Variant that others are coloured by; set it to choose one.")
    references = param.String("", doc="Up to two more such variants: rs1,rs2.")
    tracks = param.String("", doc="How the tracks of the Locus page are arranged.")
    tab = param.String("", doc="Tab of the Annotations page on show; the first where of none.")
    annotation = param.String("", doc="Annotation whose variants stand out; none where empty.")
    dark = param.Boolean(default=False, doc="Whether the page is dark.")
    notice = param.Parameter(None, doc="(severity, text) to show to the person; None if nothing.")

    messages = param.List(default=[], item_type=Message, doc="What was said, oldest first.")

    shown_key = ""
    """Key of the study that is shown; ``study_key`` differs while another is being asked for."""

    def __init__(self, served: bool = False, **params: Any) -> None:
        super().__init__(**params)
        self.uploads = UploadFolder(store.uploads_folder())
        self.places = store.places_of(self.uploads) if served else Places()
        self._awaited: list[Job] = []

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
        try:
            name_or_path = store.admitted_study(name_or_path, self.places)
            job = JOBS.latest(OPEN, subject=name_or_path)
        except InputError:
            # The job says it; those of others, who may, are not for this visitor.
            job = None
        if job is None or job.status.over:
            job = JOBS.submit(
                Job(
                    f"Open {name_or_path}",
                    lambda: store.opening(name_or_path, self.places),
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

    def check_jobs(self) -> None:
        """Take in trainings and sweeps of the study that ended. Called by the session's timer."""
        over = [job for job in self._awaited if job.status.over]
        self._awaited = [job for job in JOBS.active() if job.kind in AWAITED]
        for job in over:
            if self.study is None or job.study != store.study_hash(self.study):
                continue
            done = job.kind == "train" and job.status is Status.DONE
            self.refresh_runs(select=store.run_name(job.output) if done else None)
            self.tell(job, done="finished.")

    def show(self, study: xr.Dataset, key: str) -> None:
        """Look at a study that is already open."""
        self.shown_key = key
        with param.parameterized.batch_call_watchers(self):
            # What the address names is kept for the first study.
            if self.study is not None and self.study is not study:
                self.selected, self.region = [], ""
                self.reference = self.references = self.annotation = ""
            self.study, self.study_key = study, key
            self.runs = store.find_runs(study, self._refused)
            known = self.selected_runs() or [run for run in [self.best_run()] if run is not None]
            self.selected = [store.run_name(run) for run in known]

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
        said = Message(time.time(), severity, text)
        self.messages = [*self.messages, said][-KEPT_MESSAGES:]
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
