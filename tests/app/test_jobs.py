"""Jobs: one at a time per lane, in order, to be paused, resumed and cancelled."""

import errno
import gc
import threading
import time
import weakref
from types import SimpleNamespace

import pytest

from deepwas_app.app import explore, store, visitor
from deepwas_app.app.job_view import JobView, job_line
from deepwas_app.app.jobs import FILES, JOBS, Job, JobStore, Status
from deepwas_app.app.requests import VISITOR
from deepwas_app.app.state import AppState
from deepwas_app.errors import InputError


class Steps:
    """A generator of steps that a test lets through one by one."""

    def __init__(self, count: int = 3) -> None:
        self.count, self.closed = count, threading.Event()
        self.gate = threading.Semaphore(0)

    def __call__(self):
        try:
            for i in range(self.count):
                self.gate.acquire()
                yield SimpleNamespace(fraction=(i + 1) / self.count, message=f"step {i + 1}")
            return "the result"
        finally:
            self.closed.set()


def _quick(kind: str, study: str) -> Job:
    steps = Steps(1)
    steps.gate.release()
    return Job("Quick", steps, kind=kind, study=study)


def until(condition, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


@pytest.fixture
def jobs() -> JobStore:
    return JobStore()


def test_a_job_runs_to_its_end_and_keeps_its_events(jobs):
    steps = Steps()
    steps.gate.release(3)
    job = jobs.submit(Job("Count", steps))
    assert job.wait(60)
    assert job.status is Status.DONE
    assert job.result == "the result"
    assert [event.message for event in job.events] == ["step 1", "step 2", "step 3"]
    assert job.fraction == 1.0


def test_the_second_job_waits_and_sees_its_place(jobs):
    first, second, third = Steps(), Steps(), Steps()
    one, two, three = (jobs.submit(Job("J", s)) for s in (first, second, third))
    until(lambda: one.status is Status.RUNNING)
    assert [jobs.place(job) for job in (one, two, three)] == [0, 1, 2]
    assert two.status is Status.QUEUED
    first.gate.release(3)
    assert one.wait(60)
    until(lambda: two.status is Status.RUNNING)
    assert jobs.place(three) == 1
    for job, steps in ((two, second), (three, third)):
        jobs.cancel(job)
        steps.gate.release(3)
        assert job.wait(60)


def test_lanes_do_not_wait_for_each_other(jobs):
    slow, quick = Steps(), Steps()
    blocked = jobs.submit(Job("Slow", slow))
    quick.gate.release(3)
    assert jobs.submit(Job("Quick", quick, lane="files")).wait(60)
    assert blocked.status is not Status.DONE
    slow.gate.release(3)
    assert blocked.wait(60)


def test_cancelling_a_running_job_closes_its_generator(jobs):
    steps = Steps()
    job = jobs.submit(Job("Count", steps))
    steps.gate.release(1)
    until(lambda: len(job.events) == 1)
    jobs.cancel(job)
    steps.gate.release(1)
    assert job.wait(60)
    assert job.status is Status.CANCELLED
    assert steps.closed.is_set()
    assert len(job.events) <= 2


def test_cancelling_a_waiting_job_never_starts_it(jobs):
    first, second = Steps(), Steps()
    running = jobs.submit(Job("One", first))
    waiting = jobs.submit(Job("Two", second))
    until(lambda: running.status is Status.RUNNING)
    jobs.cancel(waiting)
    assert waiting.status is Status.CANCELLED
    first.gate.release(3)
    assert running.wait(60)
    assert waiting.events == []


def test_a_paused_job_lets_the_next_one_run_and_then_goes_on(jobs):
    first, second = Steps(), Steps()
    one = jobs.submit(Job("One", first))
    first.gate.release(1)
    until(lambda: len(one.events) == 1)
    two = jobs.submit(Job("Two", second))
    jobs.pause(one)
    first.gate.release(1)
    until(lambda: one.status is Status.PAUSED)
    second.gate.release(3)
    assert two.wait(60)
    assert one.status is Status.PAUSED
    jobs.resume(one)
    first.gate.release(1)
    assert one.wait(60)
    assert one.status is Status.DONE
    assert len(one.events) == 3


def test_cancelling_a_paused_job_closes_it(jobs):
    steps = Steps()
    job = jobs.submit(Job("One", steps))
    steps.gate.release(1)
    until(lambda: len(job.events) == 1)
    jobs.pause(job)
    steps.gate.release(1)
    until(lambda: job.status is Status.PAUSED)
    jobs.cancel(job)
    assert job.wait(60)
    assert steps.closed.is_set()


@pytest.mark.parametrize("cancelled", [True, False])
def test_a_job_is_not_lost_in_the_instant_that_it_pauses(cancelled, jobs):
    class Pausing(Job):
        def advance(self):
            super().advance()
            # The worker has not put it down yet.
            if self.pausing and not self.status.over:
                (jobs.cancel if cancelled else jobs.resume)(self)
                self.pausing = False

    steps = Steps()
    job = jobs.submit(Pausing("One", steps))
    steps.gate.release(1)
    until(lambda: len(job.events) == 1)
    jobs.pause(job)
    steps.gate.release(2)
    assert job.wait(60)
    assert job.status is (Status.CANCELLED if cancelled else Status.DONE)
    assert cancelled or len(job.events) == 3


def test_a_job_that_is_over_holds_no_data(jobs):
    class Data:
        pass

    data = Data()
    held = weakref.ref(data)

    def begin(data=data):
        assert data is not None
        yield SimpleNamespace(fraction=1.0, message="")

    job = jobs.submit(Job("Use data", begin))
    assert job.wait(60)
    waiting = jobs.submit(Job("Never begun", begin, lane="files"))
    jobs.cancel(waiting)
    assert waiting.wait(60)
    del begin, data
    gc.collect()
    assert held() is None


def test_bad_input_is_one_line_and_the_rest_is_unexpected(jobs, caplog):
    def bad():
        raise InputError("a.txt: no such file. Check the path.")
        yield

    def full():
        raise OSError(errno.ENOSPC, "", "x.run")
        yield

    def broken():
        yield SimpleNamespace(fraction=0.5, message="")
        raise RuntimeError("boom")

    job = jobs.submit(Job("Read", bad))
    assert job.wait(60)
    assert (job.status, job.error) == (Status.FAILED, "a.txt: no such file. Check the path.")
    assert "Traceback" not in caplog.text
    job = jobs.submit(Job("Write", full))
    assert job.wait(60)
    assert job.error.startswith("x.run: No space left on device. Free some space")
    job = jobs.submit(Job("Fit", broken))
    assert job.wait(60)
    assert "unexpected" in job.error
    assert "boom" in job.error
    assert "Traceback" in caplog.text


def test_the_store_forgets_old_jobs_but_never_active_ones(jobs):
    stuck = Steps()
    waiting = jobs.submit(Job("Stuck", stuck))
    for _ in range(60):
        steps = Steps(1)
        steps.gate.release()
        jobs.submit(Job("Quick", steps, lane="files")).wait(60)
    assert len(jobs.jobs) <= 41
    assert waiting in jobs.jobs
    stuck.gate.release(3)
    assert waiting.wait(60)


def test_visits_do_not_push_off_the_last_results_of_each_kind(jobs):
    kinds = ("scaling", "alone:a", "score")
    first = [jobs.submit(_quick(kind, "s")) for kind in kinds]
    for job in first:
        assert job.wait(60)
    for i in range(60):
        assert jobs.submit(_quick("open", f"study {i % 50}")).wait(60)
    assert len(jobs.jobs) <= 41
    assert [jobs.latest(kind, "s") for kind in kinds] == first
    newer = jobs.submit(_quick("score", "s"))
    assert newer.wait(60)
    for i in range(60):
        assert jobs.submit(_quick(f"shifted:{i}", "s")).wait(60)
    assert not [job for job in jobs.jobs if job.kind == "open"]
    assert first[2] not in jobs.jobs


def test_opening_does_not_wait_for_what_others_build(small_study):
    steps = Steps()
    building = JOBS.submit(Job("Build", steps, lane=FILES))
    state = AppState()
    state.request(small_study.attrs["path"])
    assert state.opening.wait(60)
    state.check_opening()
    assert state.study is not None
    assert not building.status.over
    # What must be made first is made in its turn.
    state.request("simulated")
    if store.to_be_made("simulated"):
        assert state.opening.status is Status.QUEUED
        JOBS.cancel(state.opening)
    steps.gate.release(3)
    assert building.wait(60)


def test_the_dashboard_shows_what_goes_on_before_what_is_paused():
    dashboard = explore()
    paused, running, queued = (Steps() for _ in range(3))
    one = JOBS.submit(Job("One", paused))
    JOBS.pause(one)
    paused.gate.release(1)
    until(lambda: one.status is Status.PAUSED)
    dashboard.poller.poll()
    assert dashboard.header.jobs.label.startswith("One: paused")
    two, three = JOBS.submit(Job("Two", running)), JOBS.submit(Job("Three", queued))
    until(lambda: two.status is Status.RUNNING)
    dashboard.poller.poll()
    assert dashboard.header.jobs.label == "Two: starting (+1 waiting)"
    for job, steps in ((three, queued), (two, running), (one, paused)):
        JOBS.cancel(job)
        steps.gate.release(3)
        assert job.wait(60)


def test_latest_prefers_a_job_that_is_not_over(jobs):
    first, second = Steps(), Steps()
    old = jobs.submit(Job("Old", first, kind="train", study="s"))
    new = jobs.submit(Job("New", second, kind="train", study="s"))
    until(lambda: old.status is Status.RUNNING)
    jobs.cancel(new)
    assert jobs.latest("train", "s") is old
    assert jobs.latest("train", "other") is None
    first.gate.release(3)
    assert old.wait(60)


def test_the_view_follows_its_job_and_tells_once_when_it_is_over():
    steps, told = Steps(), []
    view = JobView(on_over=told.append)
    job = JOBS.submit(Job("Count", steps))
    view.watch(job)
    steps.gate.release(1)
    until(lambda: job.events)
    view.refresh()
    assert view._bar.value == 33
    assert "step 1" in view._line.object
    view._toggle(None)
    assert job.pausing
    steps.gate.release(1)
    until(lambda: job.status is Status.PAUSED)
    view.refresh()
    assert view.pause.label == "Resume"
    assert "paused" in job_line(job)
    view._toggle(None)
    steps.gate.release(1)
    assert job.wait(60)
    view.refresh()
    view.refresh()
    assert told == [job]
    assert view.cancel.disabled


def test_jobs_are_stopped_by_who_started_them_or_by_the_owner(monkeypatch):
    """Also where a browser says that a disabled button was pressed."""
    who = SimpleNamespace(user=None, cookies={VISITOR: "ann"})
    who.curdoc = SimpleNamespace(session_context=SimpleNamespace(id="session"))
    monkeypatch.setattr(visitor.pn, "state", who)
    gate = threading.Event()

    def steps():
        while not gate.wait(0.01):
            yield SimpleNamespace(fraction=0.5, message="going on")
        raise InputError("file.tsv: line 1: SECRET")

    job = JOBS.submit(Job("Build mine", steps))
    assert job.owner == "ann"

    def view_of(name: str, user: str | None = None) -> JobView:
        who.cookies, who.user = {VISITOR: name}, user
        view = JobView()
        view.watch(job)
        return view

    theirs = view_of("bob")
    assert theirs.cancel.disabled
    assert theirs.pause.disabled
    theirs._cancel(None)
    theirs._toggle(None)
    assert not job.cancelling
    assert not job.pausing
    monkeypatch.setenv("DEEPWAS_OWNERS", "eve")
    assert view_of("bob", "bob").cancel.disabled
    assert not view_of("bob", "eve").cancel.disabled
    assert not view_of("ann").cancel.disabled
    gate.set()
    assert job.wait(60)
    assert "SECRET" in job_line(job)
    who.cookies = {VISITOR: "bob"}
    assert job_line(job) == "Build mine: failed"
    who.cookies = {}
    assert visitor.visitor() == "session"
