"""The run and the study that a command is told, looked up."""

from pathlib import Path
from typing import TYPE_CHECKING

import xarray as xr

from deepwas_app.errors import InputError

if TYPE_CHECKING:
    from deepwas_app.workflow.runs.run import Run


def open_run_with_study(
    path: str | Path, study: str | Path | None = None
) -> "tuple[Run, xr.Dataset]":
    """Open a run and the study that it was trained on.

    Parameters
    ----------
    path
        NAME.run
    study
        Where the study is now, if it was moved.

    Raises
    ------
    InputError
        If the run is not there, its study was moved, or is not as it was when the run was trained.
    """
    # Late: runs bring JAX, which `deepwas --help` should not wait for.
    from deepwas_app.workflow.runs.run import open_run
    from deepwas_app.workflow.studies.builtin import open_study

    run = open_run(path)
    if study is None and run.study_path.endswith(".zarr") and not Path(run.study_path).exists():
        raise InputError(
            f"{path}: its study {run.study_path} is no longer there. "
            "Say where it is now with --study."
        )
    opened = open_study(study or run.study_path)
    run.check_study(opened)
    return run, opened
