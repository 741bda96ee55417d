"""What a long job says of itself while it runs."""

from typing import NamedTuple


class Progress(NamedTuple):
    """One step of a job: how far it is (0 to 1), and what it is doing."""

    fraction: float
    message: str


def finish(job):
    """Run a job (a generator) to its end and give what it returns."""
    while True:
        try:
            next(job)
        except StopIteration as stop:
            return stop.value
