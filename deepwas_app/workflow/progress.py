"""Long jobs: what they say of themselves while they run, and how they are run to their end.

A long job is written as a generator that yields steps and returns its result. :func:`job` makes a
function of it that gives the result; the generator stays beside it as ``steps``, for those who
show progress, pause or cancel.
"""

import inspect
from collections.abc import Callable, Generator
from functools import wraps
from typing import Any, Generic, NamedTuple, ParamSpec, Protocol, TypeVar, cast, get_args, overload

from deepwas_app.provenance import making

P = ParamSpec("P")
Step = TypeVar("Step")
Other = TypeVar("Other")
Result = TypeVar("Result")
Step_co = TypeVar("Step_co", covariant=True)
Result_co = TypeVar("Result_co", covariant=True)


class Progress(NamedTuple):
    """One step of a job: how far it is (0 to 1), and what it is doing."""

    fraction: float
    message: str


class Job(Protocol[P, Step_co, Result_co]):
    """A long job: called, it runs to its end and gives its result."""

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Result_co: ...
    @overload
    def __call__(
        self, *args: Any, progress: Callable[[Any], object] | None, **kwargs: Any
    ) -> Result_co: ...

    @property
    def steps(self) -> Callable[P, Generator[Step_co, None, Result_co]]:
        """The job step by step: stop asking to pause, close it to cancel."""


def job(steps: Callable[P, Generator[Step, None, Result]]) -> Job[P, Step, Result]:
    """Make a function that runs a generator to its end and gives what the generator returns.

    Parameters
    ----------
    steps
        A generator function. It stays reachable as the attribute ``steps`` of the new one.

    Returns
    -------
    Job
        Takes the arguments of `steps`, and ``progress``: a function that gets every step.

    Examples
    --------
    >>> @job
    ... def count(to):
    ...     for i in range(to):
    ...         yield Progress((i + 1) / to, f"{i + 1} of {to}")
    ...     return to
    >>> count(2, progress=lambda step: print(step.message))
    1 of 2
    2 of 2
    2
    >>> [step.fraction for step in count.steps(2)]
    [0.5, 1.0]
    """

    @wraps(steps)
    def run(*args: Any, progress: Callable[[Step], object] | None = None, **kwargs: Any) -> Result:
        with making([steps.__name__]):
            return drain(steps(*args, **kwargs), progress)

    run.__signature__ = _with_progress(inspect.signature(steps))  # type: ignore[attr-defined]
    run.steps = steps  # type: ignore[attr-defined]
    return cast(Job[P, Step, Result], run)


def drain(
    steps: Generator[Step, None, Result], progress: Callable[[Step], object] | None = None
) -> Result:
    """Run a generator to its end and give what it returns; `progress` gets every step."""
    watched = _Watched(steps)
    for step in watched:
        if progress is not None:
            progress(step)
    return watched.result


def relay(
    steps: Generator[Step, None, Result], change: Callable[[Step], Other]
) -> Generator[Other, None, Result]:
    """Pass on every step as `change` makes it, and what the generator returns as it is."""
    watched = _Watched(steps)
    try:
        for step in watched:
            yield change(step)
    finally:
        steps.close()
    return watched.result


class _Watched(Generic[Step, Result]):
    """A generator to loop over, which keeps what it returns."""

    result: Result

    def __init__(self, steps: Generator[Step, None, Result]) -> None:
        self._steps = steps

    def __iter__(self) -> Generator[Step, None, None]:
        self.result = yield from self._steps


def _with_progress(signature: inspect.Signature) -> inspect.Signature:
    """The signature with ``progress`` as the last keyword, giving what the generator returns."""
    progress = inspect.Parameter("progress", inspect.Parameter.KEYWORD_ONLY, default=None)
    of_generator = get_args(signature.return_annotation)
    parameters = list(signature.parameters.values())
    last = parameters and parameters[-1].kind is inspect.Parameter.VAR_KEYWORD
    parameters.insert(len(parameters) - bool(last), progress)
    result = of_generator[2] if len(of_generator) == 3 else signature.return_annotation
    return signature.replace(parameters=parameters, return_annotation=result)
