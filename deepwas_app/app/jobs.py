"""Long work in the background: one job at a time per lane, others queue and see their place.

A job is a generator made elsewhere: pausing is not asking for its next step, cancelling is closing
it. Worker threads never touch a page; they append to ``Job.events``, which every session that
looks at the job reads from its own cursor.
"""

import atexit
import enum
import logging
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from deepwas_app.app.visitor import visitor
from deepwas_app.errors import InputError, refused

logger = logging.getLogger(__name__)

DEVICE = "device"
FILES = "files"
OPENING = "opening"
OPEN = "open"
KEPT_JOBS = 40


class Status(enum.StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def over(self) -> bool:
        """True when nothing more will happen."""
        return self in (Status.DONE, Status.FAILED, Status.CANCELLED)


class Job:
    """One piece of long work.

    Parameters
    ----------
    title
        What it does, for people.
    start
        Makes the generator; called in the worker thread. What it yields has ``fraction`` (0 to 1)
        and ``message``, and may have ``seconds_left``.
    kind
        What sort of job it is: ``"train"``, ``"build"``, ``"scaling"``.
    study
        Content hash of the study it works on, if any.
    subject
        What it looks at, of the study or elsewhere: the key of a run, or the study to open.
    output
        The folder that it makes, if any.
    lane
        Jobs of one lane run one after another.
    after
        Called when it is over, however it ended.

    Attributes
    ----------
    events
        Everything that the generator yielded, in order. Only ever appended to.
    status, fraction, message, seconds_left
        Where it stands.
    result
        What the generator returned.
    error
        One line for people when it failed, else empty.
    owner
        Who started it, see :func:`deepwas_app.app.visitor.visitor`.
    ended
        When it was over, in seconds since the epoch; 0 before.
    """

    def __init__(
        self,
        title: str,
        start: Callable[[], Generator[Any, None, Any]],
        *,
        kind: str = "",
        study: str = "",
        subject: str = "",
        output: Path | None = None,
        lane: str = DEVICE,
        after: Callable[[], None] | None = None,
    ) -> None:
        self.title, self.lane, self.owner = title, lane, visitor()
        self.kind, self.study, self.subject, self.output = kind, study, subject, output
        self.status = Status.QUEUED
        self.events: list[Any] = []
        self.fraction, self.message = 0.0, ""
        self.seconds_left: float | None = None
        self.result: Any = None
        self.error, self.ended = "", 0.0
        self.cancelling = self.pausing = False
        self._start: Callable[[], Generator[Any, None, Any]] | None = start
        self._generator: Generator[Any, None, Any] | None = None
        self._seconds, self._resumed_at = 0.0, 0.0
        self._over = threading.Event()
        self._after = after

    @property
    def about(self) -> tuple[str, str, str]:
        """What it does to what; of jobs that agree in it, the newest has the word."""
        return self.kind, self.study, self.subject

    def wait(self, timeout: float | None = None) -> bool:
        """Block until the job is over; False if that took longer than ``timeout`` seconds."""
        return self._over.wait(timeout)

    def advance(self) -> None:
        """Run until the job is over or is asked to pause. Called by a worker only."""
        self.status, self._resumed_at = Status.RUNNING, time.monotonic()
        try:
            if self._generator is None:
                assert self._start is not None
                self._generator = self._start()
            while not self.cancelling:
                if self.pausing:
                    self._seconds += time.monotonic() - self._resumed_at
                    self.seconds_left = None
                    return
                self._record(next(self._generator))
            self._generator.close()
            self.finish(Status.CANCELLED)
        except StopIteration as stop:
            self.result, self.fraction = stop.value, 1.0
            self.finish(Status.DONE)
        except InputError as problem:
            self.error = str(problem)
            self.finish(Status.FAILED)
        # Panics of Rust and exits are no Exception, and the jobs behind this one wait.
        except BaseException as problem:
            logger.exception("%s failed", self.title)
            refusal = refused(problem)
            self.error = (
                str(refusal)
                if refusal
                else (
                    f"{self.title}: something unexpected went wrong ({type(problem).__name__}: "
                    f"{problem}). The server's log has the details."
                )
            )
            self.finish(Status.FAILED)

    def drop(self) -> None:
        """Cancel a job that no worker is running."""
        try:
            if self._generator is not None:
                self._generator.close()
        except BaseException:
            logger.exception("%s: what it began could not be cleaned up", self.title)
        finally:
            self.finish(Status.CANCELLED)

    def finish(self, status: Status) -> None:
        """Mark the job as over and let go of what it held."""
        self._generator = self._start = None
        self.seconds_left = None
        self.ended = time.time()
        self.status = status
        try:
            if self._after is not None:
                self._after()
        except BaseException:
            logger.exception("%s: what comes after it failed", self.title)
        finally:
            self._over.set()

    def _record(self, event: Any) -> None:
        self.fraction = min(max(float(event.fraction), 0.0), 1.0)
        self.message = event.message
        seconds = self._seconds + time.monotonic() - self._resumed_at
        guess = seconds * (1 / self.fraction - 1) if self.fraction > 0.01 and seconds > 1 else None
        self.seconds_left = getattr(event, "seconds_left", None) or guess
        self.events.append(event)


class Lane:
    """A worker thread and its queue."""

    def __init__(self, name: str) -> None:
        self.queue: list[Job] = []
        self.current: Job | None = None
        self.changed = threading.Condition()
        threading.Thread(target=self._work, name=f"deepwas-{name}", daemon=True).start()

    def _work(self) -> None:
        while True:
            with self.changed:
                while not self.queue:
                    self.changed.wait()
                job = self.current = self.queue.pop(0)
            job.advance()
            while not self._put_down(job):
                job.advance()

    def _put_down(self, job: Job) -> bool:
        """Let go of a job that is over or pauses; not if it was cancelled or resumed by now."""
        with self.changed:
            if not job.status.over:
                if job.cancelling or not job.pausing:
                    return False
                job.status = Status.PAUSED
            self.current = None
            return True


class JobStore:
    """All jobs of this process. Sessions hold references; the store outlives them."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self._lanes: dict[str, Lane] = {}
        self._lock = threading.Lock()

    def submit(self, job: Job) -> Job:
        """Put a job in its lane's queue."""
        with self._lock:
            for old in self._dispensable()[: max(0, len(self.jobs) - KEPT_JOBS)]:
                self.jobs.remove(old)
            self.jobs.append(job)
        self._enqueue(job)
        return job

    def _dispensable(self) -> list[Job]:
        """Jobs that are over: first those that ``latest`` does not give any more, and openings."""
        over = [job for job in self.jobs if job.status.over]
        latest = {job.about: job for job in over}
        return sorted(over, key=lambda job: (latest[job.about] is job, job.kind != OPEN))

    def pause(self, job: Job) -> None:
        """Stop after the current step, and let the next job of the lane run."""
        lane = self._lane(job)
        with lane.changed:
            if job in lane.queue:
                lane.queue.remove(job)
                job.status = Status.PAUSED
            elif not job.status.over:
                job.pausing = True

    def resume(self, job: Job) -> None:
        """Go on where the job stopped; it goes to the head of the queue."""
        with self._lane(job).changed:
            job.pausing = False
            if job.status is Status.PAUSED:
                job.status = Status.QUEUED
                self._enqueue(job, first=True)

    def cancel(self, job: Job) -> None:
        """Close the job: at once if it waits, after its current step if it runs."""
        lane = self._lane(job)
        with lane.changed:
            job.cancelling = True
            waiting = job in lane.queue
            if waiting:
                lane.queue.remove(job)
            held = job is not lane.current and not job.status.over
        if waiting or held:
            job.drop()

    def place(self, job: Job) -> int:
        """How many jobs run before this one: 0 when it is its turn."""
        lane = self._lane(job)
        with lane.changed:
            if job not in lane.queue:
                return 0
            return lane.queue.index(job) + (lane.current is not None)

    def latest(self, kind: str, study: str = "", subject: str = "") -> Job | None:
        """The newest job of a kind on a study; one that is not over comes before any that is."""
        found = [job for job in self.jobs if job.about == (kind, study, subject)]
        active = [job for job in found if not job.status.over]
        ordered = active or found
        return ordered[-1] if ordered else None

    def active(self) -> list[Job]:
        """Jobs that are not over, oldest first."""
        return [job for job in self.jobs if not job.status.over]

    def stop(self, seconds: float = 10.0) -> None:
        """Cancel everything and wait, so that no run is left half-written."""
        stopped = self.active()
        for job in stopped:
            self.cancel(job)
        for job in stopped:
            job.wait(seconds)

    def _lane(self, job: Job) -> Lane:
        with self._lock:
            if job.lane not in self._lanes:
                self._lanes[job.lane] = Lane(job.lane)
            return self._lanes[job.lane]

    def _enqueue(self, job: Job, first: bool = False) -> None:
        lane = self._lane(job)
        with lane.changed:
            lane.queue.insert(0 if first else len(lane.queue), job)
            lane.changed.notify()


JOBS = JobStore()
"""The process's jobs."""

atexit.register(JOBS.stop)
