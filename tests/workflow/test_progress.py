import inspect

import pytest

from deepwas_app.workflow.progress import Progress, drain, job, relay


@job
def count(to: int, **more):
    """Count."""
    try:
        for i in range(to):
            yield Progress((i + 1) / to, f"{i + 1} of {to}")
    finally:
        closed.append(to)
    return {"to": to, **more}


closed: list[int] = []


def test_a_job_gives_what_its_generator_returns():
    told = []
    assert count(2, a=1) == {"to": 2, "a": 1}
    assert count(2, progress=told.append) == {"to": 2}
    assert [step.message for step in told] == ["1 of 2", "2 of 2"]


def test_the_generator_stays_beside_it():
    steps = count.steps(3)
    assert next(steps).fraction == pytest.approx(1 / 3)
    assert drain(steps) == {"to": 3}
    steps, before = count.steps(3), len(closed)
    next(steps)
    steps.close()
    assert len(closed) == before + 1


def test_help_shows_the_arguments_and_the_progress():
    assert count.__doc__ == "Count."
    assert list(inspect.signature(count).parameters) == ["to", "progress", "more"]


def test_a_relay_changes_the_steps_and_keeps_the_result():
    steps = relay(count.steps(2), lambda step: step.message)
    assert next(steps) == "1 of 2"
    assert drain(steps) == {"to": 2}


def test_closing_a_relay_closes_what_it_passes_on():
    steps = relay(count.steps(2), lambda step: step)
    held = steps.gi_frame.f_locals["steps"]
    next(steps)
    steps.close()
    assert held.gi_frame is None
