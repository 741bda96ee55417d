"""What functions and commands are told, a study and runs of it, opened where it is not open yet."""

from collections.abc import Generator, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.provenance import note
from deepwas_app.workflow.runs.fitted import Fitted
from deepwas_app.workflow.studies.builtin import StudyLike, open_study

if TYPE_CHECKING:
    from deepwas_app.workflow.runs.run import Run

RunLike: TypeAlias = Fitted | str | Path
"""A run, its path, or the last step of a fit."""


def opened(study: StudyLike | None, run: RunLike) -> tuple[xr.Dataset, Fitted]:
    """Open a study and a run of it.

    Parameters
    ----------
    study
        None: the run's own, where it was when the run was trained.
    run
        The run.

    Raises
    ------
    InputError
        If one of them is not there, or the run is of another study.
    """
    run = opened_run(run)
    study = run.own_study() if study is None else open_study(study)
    run.check_study(study)
    return study, run


def opened_all(
    study: StudyLike | None, runs: RunLike | Iterable[RunLike]
) -> tuple[xr.Dataset, list[Fitted]]:
    """Open a study and one run of it or several; see :func:`opened`."""
    several = opened_runs(runs)
    if not several:
        raise InputError("no run: name at least one.")
    study, _ = opened(study, several[0])
    for run in several[1:]:
        run.check_study(study)
    return study, several


def opened_runs(runs: RunLike | Iterable[RunLike]) -> list[Fitted]:
    """Open one run or several."""
    if isinstance(runs, Iterable) and not isinstance(runs, str | Generator):
        return [opened_run(run) for run in runs]
    return [opened_run(runs)]


def opened_run(run: RunLike | Generator[Any, None, Any]) -> Fitted:
    """Open a run.

    Raises
    ------
    InputError
        If there is none at this path.
    TypeError
        For a fit that was not run to its last step.
    """
    # Late: runs bring JAX, which `deepwas --help` should not wait for.
    from deepwas_app.workflow.runs.run import Run, open_run

    if isinstance(run, Generator):
        raise TypeError("this is a fit before its first step: take its last, *_, run = fit(...)")
    run = open_run(run) if isinstance(run, str | Path) else run
    if isinstance(run, Run):
        note(run.path, partial(_facts, run))
    return run


def _facts(run: "Run") -> dict[str, Any]:
    """What is kept of a run with results that are read off it."""
    found = {"role": "run", "weights_sha256": run.weights_hash(), "made_by": run.versions}
    folds = [fold.weights_hash() for fold in run.folds]
    return found | ({"folds_weights_sha256": folds} if folds else {})
