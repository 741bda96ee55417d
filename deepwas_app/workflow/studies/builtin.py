"""The built-in studies, made from the built-in files on first use."""

import time
from collections.abc import Generator
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

import xarray as xr

from deepwas_app.genetics.builtin import data_dir
from deepwas_app.genetics.content import content_hash
from deepwas_app.genetics.locks import BusyError, only_writer
from deepwas_app.genetics.store import open_study_store
from deepwas_app.provenance import note
from deepwas_app.workflow.folders import cache_dir
from deepwas_app.workflow.progress import Progress, job
from deepwas_app.workflow.settings import PanelSettings, SimulateSettings, StudySettings

StudyLike: TypeAlias = xr.Dataset | str | Path
"""A study, its path, or the name of a built-in one."""

BUILTIN = {"height_chr22": "Height, chromosome 22", "simulated": "Simulated, 22 chromosomes"}
# Enough signal that models of some ten thousand parameters still learn from it.
SIMULATED = {"truth": "interactions", "h2": 0.5}


def builtin_studies() -> dict[str, str]:
    """Name the built-in studies.

    Returns
    -------
    Name to title.
    """
    return dict(BUILTIN)


def builtin_path(name: str) -> Path:
    """Where a built-in study is, or will be; another release makes its own."""
    return cache_dir() / version("deepwas-explorer") / f"{name}.study.zarr"


@job
def build_builtin(name: str) -> Generator[Progress, None, Path]:
    """Make a built-in study, unless it is there already.

    Returns
    -------
    Path of the study.

    Yields
    ------
    Progress
    """
    path = builtin_path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    while not path.exists():
        try:
            with only_writer(path.with_name(name)):
                if not path.exists():
                    yield from _build(name, path)
        except BusyError:
            yield Progress(0.0, f"waiting for {BUILTIN[name]}, which another process makes")
            time.sleep(0.2)
    return path


def _build(name: str, path: Path) -> Generator[Progress, None, Path]:
    # These bring JAX along, which opening a study must not wait for.
    from deepwas_app.workflow.studies.build import build_ld, build_study
    from deepwas_app.workflow.studies.simulate import simulate

    if name == "simulated":
        settings = SimulateSettings(**SIMULATED, title=BUILTIN[name], output=str(path))
        return (yield from simulate.steps(settings))
    folder = data_dir() / "height_chr22"
    panel = path.with_name("height_chr22.ld.zarr")
    yield from build_ld.steps(
        PanelSettings(
            bfile=str(folder / "genotypes"), blocks=str(folder / "blocks.bed"), output=str(panel)
        )
    )
    return (
        yield from build_study.steps(
            StudySettings(
                sumstats=str(folder / "height.fastGWA.gz"),
                ld=str(panel),
                annotations=[str(folder / "annotations.tsv.gz")],
                title=BUILTIN[name],
                output=str(path),
            )
        )
    )


def open_study(path: StudyLike) -> xr.Dataset:
    """Open a study.

    Parameters
    ----------
    path
        NAME.study.zarr, or the name of a built-in study ("height_chr22", "simulated"), which is
        made on first use (seconds for the first, under a minute for the second). An open study is
        given back as it is.

    Returns
    -------
    xarray.Dataset
        Lazy; see ``deepwas_app.genetics.variables`` for its variables.

    Raises
    ------
    InputError
        If there is no such study.
    """
    if isinstance(path, xr.Dataset):
        note(path.attrs.get("path", "study"), lambda: _facts(path, content_hash(path)))
        return path
    study = open_study_store(build_builtin(str(path)) if str(path) in BUILTIN else path)
    note(study.attrs["path"], lambda: _facts(study, study.attrs["content_hash"]))
    return study


def _facts(study: xr.Dataset, known: str) -> dict[str, Any]:
    """What is kept of a study, by its hash, with results that are made of it."""
    made_of = study.attrs.get("provenance", [])
    return {"role": "study", "content_hash": known, "made_of": made_of}
