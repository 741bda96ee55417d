"""Where on the genome, and which study: what a command is told, looked up."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics import chromosomes

if TYPE_CHECKING:
    from deepwas_app.workflow.run import Run

_REGION = re.compile(r"^([0-9A-Za-z]+):([0-9,_]+)\s*[-–]\s*([0-9,_]+)$")


class Region(NamedTuple):
    """A stretch of a chromosome: 1-based base pairs, both ends included."""

    chromosome: str
    start: int
    stop: int

    def __str__(self) -> str:
        return f"{self.chromosome}:{self.start}-{self.stop}"


def parse_region(text: str) -> Region:
    """Read ``22:30500000-31500000``; ``chr22`` and thousands separators serve as well.

    Raises
    ------
    InputError
        If it is not a region.
    """
    match = _REGION.match(text.strip())
    if not match:
        raise InputError(
            f"{text}: not a region. Write chromosome:start-stop, such as 22:30500000-31500000."
        )
    first, last = sorted(int(re.sub("[,_]", "", match[i])) for i in (2, 3))
    return Region(str(chromosomes.normalise([match[1]])[0]), first, last)


def region_rows(study: xr.Dataset, region: Region) -> np.ndarray:
    """Rows of the study's variants that lie in a region, (variants,) int.

    Raises
    ------
    InputError
        If there are none.
    """
    position = study["variant_position"].values
    inside = (
        (study["variant_chromosome"].values.astype(str) == region.chromosome)
        & (position >= region.start)
        & (position <= region.stop)
    )
    if not inside.any():
        raise InputError(
            f"{region}: no variant of {study.attrs['path']} is in this region. "
            f"{_where(study, region.chromosome)}"
        )
    return np.flatnonzero(inside)


def _where(study: xr.Dataset, chromosome: str) -> str:
    """One sentence on which positions there are."""
    names = study["variant_chromosome"].values.astype(str)
    position = study["variant_position"].values[names == chromosome]
    if len(position):
        build = study.attrs["genome_build"]
        return (
            f"Its chromosome {chromosome} goes from {position.min()} to {position.max()} ({build})."
        )
    return f"It has the chromosomes {', '.join(dict.fromkeys(names.tolist()))}."


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
    # Late: runs bring JAX, which reading a region should not wait for.
    from deepwas_app.workflow.builtin import open_study
    from deepwas_app.workflow.run import open_run

    run = open_run(path)
    if study is None and run.study_path.endswith(".zarr") and not Path(run.study_path).exists():
        raise InputError(
            f"{path}: its study {run.study_path} is no longer there. "
            "Say where it is now with --study."
        )
    opened = open_study(study or run.study_path)
    run.check_study(opened)
    return run, opened
