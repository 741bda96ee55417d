"""Data that all sessions of this process share: sessions hold references, never copies."""

import os
from collections.abc import Callable, Generator, Hashable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.app.cache import Shelf
from deepwas_app.app.places import Places
from deepwas_app.app.upload_folder import UploadFolder
from deepwas_app.errors import InputError
from deepwas_app.genetics.content import content_hash, freeze

_STUDIES = Shelf(6)
# Under what name or path each study was opened last, by its hash.
_OPENED: dict[str, str] = {}
# A block may take 100 MB; those who look at one locus need one or two.
_BLOCKS = Shelf(4)
_LD = Shelf(256)
_RESULTS = Shelf(64)
# Small, and as many as there are clicks; they must not push the results of whole studies off.
_DRIVERS = Shelf(256)


def data_root() -> Path:
    """Folder for runs, uploads and studies made here; ``DEEPWAS_DATA_ROOT`` overrides it."""
    named = os.environ.get("DEEPWAS_DATA_ROOT")
    if named:
        return Path(named).expanduser()
    share = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(share) / "deepwas"


def study_hash(study: xr.Dataset) -> str:
    """Hash of what a study holds now: what jobs and caches are keyed by.

    It is asked for at every click, so from here on the study cannot be changed in place.
    """
    freeze(study)
    return content_hash(study)


def open_study(name_or_path: str) -> xr.Dataset:
    """A study with its variant table in memory; the LD blocks stay on disk."""
    from deepwas_app.workflow.studies.builtin import open_study as open_from_disk

    study = open_from_disk(name_or_path)
    # By path as well: annotations are read when they are needed, and a copy may be gone by then.
    key = (study.attrs["content_hash"], study.attrs["path"])
    _OPENED[key[0]] = name_or_path
    return _STUDIES.get(key, lambda: _load_table(study))


def opened_as(content: str) -> str:
    """Name or path under which the study of a hash was opened; empty where it was not."""
    return _OPENED.get(content, "")


def places_of(uploads: UploadFolder) -> Places:
    """The files that a visitor of the server may name; any where ``DEEPWAS_OPEN_DISK`` is set."""
    if os.environ.get("DEEPWAS_OPEN_DISK"):
        return Places()
    return Places([data_root(), *map(Path, named_studies())], uploads_folder(), uploads.path)


def uploads_folder() -> Path:
    """Where uploads are kept, a folder for each session."""
    return data_root() / "uploads"


def named_studies() -> list[str]:
    """Studies that the server was started with."""
    return [p for p in os.environ.get("DEEPWAS_STUDIES", "").split(os.pathsep) if p]


def admitted_study(name_or_path: str, places: Places) -> str:
    """The key of a study that a visitor may open: a known name, or a path.

    Raises
    ------
    InputError
        If it leads elsewhere.
    """
    from deepwas_app.workflow.studies.builtin import builtin_studies

    if name_or_path in builtin_studies() or name_or_path in named_studies():
        return name_or_path
    return places.admit(name_or_path)


def opening(name_or_path: str, places: Places) -> Generator[Any, None, xr.Dataset]:
    """Open a study as a job: a built-in one is made on first use, with its progress."""
    from deepwas_app.workflow.studies.builtin import build_builtin, builtin_studies

    if name_or_path in builtin_studies():
        yield from build_builtin.steps(name_or_path)
    study = open_study(admitted_study(name_or_path, places))
    for file in _read_beside(study):
        places.admit(file)
    return study


def _read_beside(study: xr.Dataset) -> list[str]:
    """Files that the tracks of a study are read from, where they are not kept with it."""
    from deepwas_app.genetics.annotation.tracks import open_tracks
    from deepwas_app.workflow.studies.track_store import tracks_path

    path = tracks_path(study.attrs["path"])
    if not path.exists():
        return []
    tracks = open_tracks(path)
    return [] if tracks.attrs["keep"] else list(tracks.attrs["files"])


def to_be_made(name_or_path: str) -> bool:
    """Whether this is a built-in study that is not there yet."""
    from deepwas_app.workflow.studies.builtin import builtin_path, builtin_studies

    return name_or_path in builtin_studies() and not builtin_path(name_or_path).exists()


def known_studies() -> dict[str, str]:
    """Studies to offer, by title: built-in, named by ``DEEPWAS_STUDIES``, and in the data root."""
    from deepwas_app.workflow.studies.builtin import builtin_studies

    found = {title: name for name, title in builtin_studies().items()}
    paths = named_studies() + sorted(str(p) for p in data_root().glob("*.study.zarr"))
    for path in paths:
        if path not in found.values():
            name = Path(path).name.removesuffix(".study.zarr")
            found[f"{name} ({Path(path).parent})" if name in found else name] = path
    return found


def run_name(run: Any) -> str:
    """Name of a run, or of its folder: without ``.run``, after its sweep's name if it has one."""
    path = Path(getattr(run, "path", run))
    name = path.name.removesuffix(".run")
    of_sweep = path.is_relative_to(data_root() / "scaling")
    return f"{path.parent.name}-{name}" if of_sweep else name


def run_key(run: Any) -> str:
    """What tells the results of a run from others': another training may take its name."""
    weights = Path(run.path) / "weights.eqx"
    written = weights.stat() if weights.exists() else None
    return f"{run.path}:{written and (written.st_mtime_ns, written.st_size)}"


def _key(argument: Any) -> Hashable:
    """What tells studies, runs and lists of runs from others; other arguments are their own key."""
    if isinstance(argument, xr.Dataset):
        return study_hash(argument)
    if isinstance(argument, list):
        return tuple(map(_key, argument))
    return run_key(argument) if hasattr(argument, "path") else argument


def _load_table(study: xr.Dataset) -> xr.Dataset:
    light = [name for name in study.variables if study[name].ndim < 2]
    return study.assign({name: study[name].load() for name in light if name in study.data_vars})


@_BLOCKS.keeps(_key)
def read_block(study: xr.Dataset, block: int) -> xr.Dataset:
    """One whitened LD block."""
    from deepwas_app.genetics.store import read_block as read_from_disk

    return read_from_disk(study, block).load()


@_LD.keeps(_key)
def ld(study: xr.Dataset, row: int) -> tuple[int, np.ndarray]:
    """First row of a variant's LD block, and r² of the block's variants with it.

    Nothing for a variant of no block.
    """
    from deepwas_app.genetics.statistics import ld_to_reference

    block = int(study["variant_block"].values[row])
    if block < 0:
        return 0, np.zeros(0, np.float32)
    first = int(study["block_offset"].values[block])
    return first, ld_to_reference(read_block(study, block), row - first)


def runs_folder(study: xr.Dataset) -> Path:
    """Where runs that are started here on a study are kept."""
    return data_root() / "runs" / study_hash(study)[:16]


def sweeps_folder(study: xr.Dataset) -> Path:
    """Where sweeps over sizes that are started here on a study are kept, a folder each."""
    return data_root() / "scaling" / study_hash(study)[:16]


def find_runs(study: xr.Dataset, refused: Callable[[str], None] | None = None) -> list[Any]:
    """Runs of a study, oldest first: those of sweeps, then those made here and those beside it.

    Of sweeps only what is finished: the sweep itself goes on with the rest.

    ``refused(message)`` is told of folders among the study's own that are no run of it; beside a
    study the runs of others are nothing strange.
    """
    folders = [runs_folder(study)]
    beside = Path(str(study.attrs.get("path", ""))).parent
    if beside.is_dir() and beside != folders[0]:
        folders.append(beside)
    paths = [path for folder in folders for path in folder.glob("*.run")]
    of_sweeps = list(sweeps_folder(study).glob("*/*.run"))
    if not paths + of_sweeps:
        return []
    # Late, because runs bring JAX, which a look at the data should not wait for.
    from deepwas_app.workflow.runs.run import open_run

    runs = []
    for path in _by_age(of_sweeps) + _by_age(paths):
        try:
            run = open_run(path)
            run.check_study(study)
        except InputError as problem:
            if refused is not None and path.parent == folders[0]:
                refused(str(problem))
            continue
        if run.finished or path not in of_sweeps:
            runs.append(run)
    return runs


def _by_age(paths: list[Path]) -> list[Path]:
    return sorted(paths, key=lambda path: path.stat().st_mtime)


@_RESULTS.keeps(_key)
def value(study: xr.Dataset, run: Any, name: str) -> np.ndarray:
    """A value of every variant under a run, one of ``workflow.results.values.VALUES``."""
    from deepwas_app.workflow.results.values import VALUES

    return VALUES[name].compute(study, run, None)


@_RESULTS.keeps(_key)
def effects(study: xr.Dataset, run: Any) -> xr.Dataset:
    """Annotation effects under a run."""
    from deepwas_app.workflow.results.annotation_effects import annotation_effects

    return annotation_effects(study, run)


def response(
    study: xr.Dataset, run: Any, ensemble: list[Any], annotation: str, by: str | None
) -> xr.Dataset:
    """Response of a run and its ensemble of seeds to one annotation, or to two."""
    from deepwas_app.workflow.results.annotation_effects import log_linear

    # Runs of one seed may come later; those of a linear prior are all alike.
    alike = log_linear(run.blank_model().prior)
    return _response(study, [run] if alike else ensemble, annotation, by)


@_RESULTS.keeps(_key)
def _response(study: xr.Dataset, runs: list[Any], annotation: str, by: str | None) -> xr.Dataset:
    from deepwas_app.workflow.results.response import interaction_surface, response_curve

    known = effects(study, runs[0])
    if by is None:
        return response_curve(study, runs, annotation, effects=known)
    return interaction_surface(study, runs, annotation, by, effects=known)


def exported(
    study: xr.Dataset, run: Any, export: Any, options: Any, region: Any = None
) -> pd.DataFrame:
    """An exported table of a run, one of ``workflow.exports.EXPORTS``."""
    arguments = export.arguments(options, region)
    return _exported(study, run, export.compute, tuple(arguments.items()))


@_RESULTS.keeps(_key)
def _exported(study: xr.Dataset, run: Any, compute: Any, arguments: Any) -> pd.DataFrame:
    # Two files may be of one table: it is kept by what computes it.
    return compute(study, run, **dict(arguments))


@_RESULTS.keeps(_key)
def comparison(study: xr.Dataset, first: Any, second: Any) -> pd.DataFrame:
    """One run against another where both were held out."""
    from deepwas_app.workflow.results.compare import compare

    return compare(study, first, second)


@_RESULTS.keeps(_key)
def calibration(study: xr.Dataset, run: Any) -> pd.DataFrame:
    """Realised against predicted heritability where a run was held out."""
    from deepwas_app.workflow.results.calibration import calibration as of_run

    return of_run(study, run)


@_DRIVERS.keeps(_key)
def drivers(study: xr.Dataset, run: Any, row: int) -> pd.DataFrame:
    """What drives one variant's prior under a run."""
    from deepwas_app.workflow.results.interpret import variant_drivers

    return variant_drivers(study, run, row)


@_RESULTS.keeps(_key)
def spectrum(study: xr.Dataset) -> xr.Dataset:
    """Residual spectrum of a study."""
    from deepwas_app.workflow.results.spectrum import residual_spectrum

    return residual_spectrum(study)


@_RESULTS.keeps(_key)
def ldsc(study: xr.Dataset) -> pd.DataFrame:
    """Heritability of a study by LD score regression."""
    from deepwas_app.workflow.results.ldsc import ldsc as of_study

    return of_study(study)


@_RESULTS.keeps(_key)
def annotation_overview(study: xr.Dataset) -> tuple[pd.DataFrame, xr.DataArray]:
    """What a study's annotations hold, and how alike they are."""
    from deepwas_app.workflow.results.annotation_overview import annotation_overview as of_study

    return of_study(study)


@_RESULTS.keeps(_key)
def mismatch(study: xr.Dataset) -> pd.DataFrame:
    """LD mismatch of every block of a study."""
    from deepwas_app.workflow.results.mismatch import check

    return check(study)


@_RESULTS.keeps(_key)
def ld_warnings(study: xr.Dataset) -> list[str]:
    """What is to be said of a study whose LD as a whole is not that of its GWAS."""
    from deepwas_app.workflow.studies.ld_fit import ld_warnings

    return ld_warnings(study)


def genes(study: xr.Dataset) -> pd.DataFrame:
    """Protein-coding genes on the study's genome build; empty where there is no table."""
    from deepwas_app.genetics.genes import read_genes

    try:
        return read_genes(str(study.attrs.get("genome_build", "")))
    except InputError:
        return pd.DataFrame(columns=["chromosome", "start", "stop", "strand", "name"])
