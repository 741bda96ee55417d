"""Many annotations, each tested beside what a run has learned, from derivatives kept once."""

import hashlib
import os
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import false_discovery_control

from deepwas_app.core.effects import free_parameters, tilt_fisher
from deepwas_app.core.priors import Standardisation
from deepwas_app.core.scan import derivatives as batch_derivatives
from deepwas_app.core.scan import moved
from deepwas_app.core.scan import scan as scan_core
from deepwas_app.errors import InputError
from deepwas_app.genetics.annotation.annotations import join_annotations
from deepwas_app.genetics.annotation.sources import in_folder
from deepwas_app.genetics.annotation.tables import NAMING
from deepwas_app.genetics.chromosomes import rows_of_each
from deepwas_app.genetics.store import open_store, store_folder
from deepwas_app.intervals import p_value
from deepwas_app.workflow.progress import Progress, job, relay
from deepwas_app.workflow.results.locus import RunLike, opened, opened_run
from deepwas_app.workflow.runs.batches import block_slice, standardisation
from deepwas_app.workflow.runs.fitted import Fitted
from deepwas_app.workflow.runs.models import objective_of
from deepwas_app.workflow.runs.run_batches import training_batches
from deepwas_app.workflow.studies.builtin import StudyLike
from deepwas_app.workflow.tables import Column, Table

SCAN = Table(
    "scan",
    "Each annotation tested beside all that a run has learned, the surest first: one row an "
    "annotation.",
    (
        Column("Category", "Annotation", "name of the annotation"),
        Column("File", "File", "where it is from"),
        Column("Mean", "Mean", "over training variants; of a set the share that it has", "", ".5g"),
        Column(
            "Coefficient",
            "Effect",
            "one-step estimate of its effect beside the run's annotations",
            "log variance per s.d.",
            ".5g",
        ),
        Column(
            "Coefficient_std_error", "s.e.", "its standard error", "log variance per s.d.", ".5g"
        ),
        Column("Coefficient_z-score", "z", "score test, conditional on the run", "", ".5g"),
        Column(
            "Coefficient_p",
            "P",
            "two-sided, by Student's t with as many degrees of freedom as LD blocks, less one",
            "",
            ".5g",
            digits=None,
        ),
        Column(
            "FDR",
            "q",
            "false discovery rate where all as sure are called (Benjamini and Hochberg)",
            "",
            ".5g",
            digits=None,
        ),
        Column("Note", "Note", "why numbers are missing; empty where all is well"),
    ),
)
ENDING = ".derivatives.zarr"
_KIND = "derivatives"
_VARIABLES = (
    *NAMING,
    "derivative_block",
    "derivative_score",
    "derivative_cross",
    "derivative_block_score",
    "derivative_fisher",
)


@job
def derivatives(study: StudyLike | None, run: RunLike) -> Generator[Progress, None, xr.Dataset]:
    """Derivatives of a run's log-likelihood in every training variant's log prior variance.

    Parameters
    ----------
    study, run
        A fitted run, and the study that it was fitted to; None: where it was then.

    Returns
    -------
    xarray.Dataset
        Over ``variants``: what names them, ``derivative_block``, ``derivative_score`` (nats) and
        ``derivative_cross`` (variants, parameters), the Fisher information between a variant's log
        variance and the run's level, tilts and noise; ``derivative_block_score`` (blocks,
        parameters) and ``derivative_fisher`` (parameters, parameters). It has neither LD nor
        z-scores.

    Yields
    ------
    Progress

    Raises
    ------
    InputError
        For a run that was trained on LD score regression.

    Notes
    -----
    See :func:`deepwas_app.core.scan.derivatives`.
    """
    study, run = opened(study, run)
    if objective_of(run.settings).marginal:
        raise InputError(
            f"{run.path}: was trained by LD score regression, and these are derivatives of the "
            "full likelihood. Take a run that was trained by it."
        )
    model, standardise = run.model(), standardisation(study, run.train_blocks)
    # What a constant prior has not looked at it is not asked about.
    if not hasattr(model.prior, "standardise"):
        standardise = Standardisation(standardise.mean[:0], standardise.deviation[:0])
    free = free_parameters(model, standardise)
    batches = training_batches(study, run)
    blocks = sorted(run.train_blocks)
    rows = [block_slice(study, b) for b in blocks]
    starts = dict(zip(blocks, np.cumsum([0, *(r.stop - r.start for r in rows)]), strict=False))
    total = sum(r.stop - r.start for r in rows)
    score, cross = np.zeros(total, np.float32), np.zeros((total, len(free)), np.float32)
    own = np.zeros((len(blocks), len(free)))
    fisher = np.zeros((len(free), len(free)))
    for done, batch in enumerate(batches):
        yield Progress(done / len(batches), f"LD blocks: batch {done + 1} of {len(batches)}")
        (found,) = batch_derivatives(model, standardise, [batch])
        fisher += tilt_fisher(model, standardise, [batch])[np.ix_(free, free)]
        for i, b in enumerate(np.asarray(batch.index).tolist()):
            if b >= 0:
                size = rows[blocks.index(b)].stop - rows[blocks.index(b)].start
                here = slice(starts[b], starts[b] + size)
                score[here], cross[here] = found.score[i, :size], found.cross[i, :size]
                own[blocks.index(b)] = found.parameter_score[i]
    yield Progress(1.0, "done")
    along = study["annotation"].values[: standardise.mean.shape[0]].astype(str)
    names = ["level", *along, "log s2", "log kappa", "alpha"]
    number = np.repeat(np.arange(len(blocks)), [r.stop - r.start for r in rows])
    of_study = np.concatenate([np.arange(r.start, r.stop) for r in rows])
    return xr.Dataset(
        {name: ("variants", study[name].values[of_study]) for name in NAMING}
        | {
            "derivative_block": ("variants", number.astype(np.int32)),
            "derivative_score": ("variants", score),
            "derivative_cross": (("variants", "parameters"), cross),
            "derivative_block_score": (("blocks", "parameters"), own),
            "derivative_fisher": (("parameters", "others"), fisher),
        },
        coords={"parameter": ("parameters", np.array(names)[free])},
        attrs={
            "kind": _KIND,
            "genome_build": study.attrs["genome_build"],
            "run": run.name,
            "fitted": _mark(run),
        },
    )


def _mark(run: Fitted) -> str:
    """A hash of what was fitted to what."""
    digest = hashlib.sha256(run.study_hash.encode())
    for leaf in jax.tree.leaves(run.model()):
        digest.update(np.asarray(leaf).tobytes())
    return digest.hexdigest()[:16]


def open_derivatives(path: str | Path) -> xr.Dataset:
    """Open derivatives that were kept.

    Parameters
    ----------
    path : path
        NAME.derivatives.zarr, which :func:`scan` keeps beside a run.

    Returns
    -------
    xarray.Dataset
        What :func:`derivatives` gives, read when it is asked for.

    Raises
    ------
    InputError
        If there are none, or they are damaged.
    """
    return open_store(path, _KIND, _VARIABLES)


class _Kept(NamedTuple):
    """What tests read, in memory."""

    variants: xr.Dataset
    numbers: dict[str, np.ndarray]


@job
def scan(
    study: StudyLike | None, run: RunLike, annotations: str | Path | Iterable[str | Path]
) -> Generator[Progress, None, pd.DataFrame]:
    """Test many annotations, each alone beside all that a run has learned.

    Parameters
    ----------
    study, run
        A fitted run, and the study that it was fitted to; None: where it was then. Derivatives of a
        run on disk are kept beside it, and taken from there the next time. NAME.derivatives.zarr in
        place of the run: neither the run nor its study is needed.
    annotations : path or several
        Files, globs and folders: BED, bedGraph, bigWig, LDSC .annot, .gmt gene sets, tables. In a
        folder, files that differ in the chromosome of their name only are one.

    Returns
    -------
    Table :data:`SCAN`. A file that cannot be tested has a row that says why.

    Yields
    ------
    Progress

    Raises
    ------
    InputError
        If the run or the derivatives cannot be read, or no file is given.

    Notes
    -----
    Score tests by the derivatives of the log-likelihood at the fitted model, with block-jackknife
    errors, see :func:`deepwas_app.core.scan.scan`. One step from nothing underestimates a large
    effect: train with the annotation to know it.
    """
    kept = yield from _kept(study, run)
    variants = kept.variants
    present = list(rows_of_each(variants["variant_chromosome"].values))
    several = [annotations] if isinstance(annotations, str | Path) else list(annotations)
    files = [file for word in several for file in in_folder(word, present)]
    rows: list[pd.DataFrame] = []
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        tested = {workers.submit(_tested, file, kept): file for file in files}
        try:
            for done, (table, file) in enumerate(tested.items()):
                yield Progress(0.2 + 0.8 * done / len(files), Path(file).name)
                rows.append(table.result())
        finally:
            workers.shutdown(wait=False, cancel_futures=True)
    if not rows:
        raise InputError("annotations: no file was given. Give at least one.")
    table = pd.concat(rows, ignore_index=True)
    known = table["Coefficient_p"].notna()
    if known.any():
        table.loc[known, "FDR"] = false_discovery_control(table.loc[known, "Coefficient_p"])
    order = table["Coefficient_z-score"].abs().argsort(kind="stable")[::-1]
    order = [*(i for i in order if known[i]), *np.flatnonzero(~known)]
    return SCAN.check(table.iloc[order].reset_index(drop=True))


def _kept(study: StudyLike | None, run: RunLike) -> Generator[Progress, None, _Kept]:
    if isinstance(run, str | Path) and str(run).rstrip("/").endswith(ENDING):
        found = open_derivatives(run)
    else:
        found = yield from _found(study, opened_run(run))
    numbers = {name: found[f"derivative_{name}"].values for name in ("score", "cross", "block")}
    own, fisher = (found[f"derivative_{name}"].values for name in ("block_score", "fisher"))
    numbers["moves"] = moved(own, fisher)
    return _Kept(found[list(NAMING)].load().assign_attrs(found.attrs), numbers)


def _found(study: StudyLike | None, run: Fitted) -> Generator[Progress, None, xr.Dataset]:
    """What lies beside a run, else anew, and kept there."""
    beside = Path(run.path).with_suffix(ENDING)
    on_disk = Path(run.path).is_dir()
    if on_disk and (kept := _of_this_run(beside, run)) is not None:
        return kept
    found = yield from relay(
        derivatives.steps(study, run), lambda step: Progress(0.2 * step.fraction, step.message)
    )
    if on_disk:
        _keep(found, beside)
    return found


def _of_this_run(path: Path, run: Fitted) -> xr.Dataset | None:
    """What is kept beside a run, if it is sound and of what the run is now."""
    try:
        found = open_derivatives(path)
    except InputError:
        return None
    return found if found.attrs.get("fitted") == _mark(run) else None


def _keep(found: xr.Dataset, path: Path) -> None:
    """Beside the run, where that may be written."""
    try:
        with store_folder(path) as folder:
            folder.write_dataset(found, found.attrs)
    except (OSError, InputError):
        return


def _tested(file: str, kept: _Kept) -> pd.DataFrame:
    """Rows of the annotations of one file, or one that says why there are none."""
    build = str(kept.variants.attrs["genome_build"])
    try:
        joined = join_annotations(kept.variants, [file], build, "mean")
    except InputError as problem:
        note = str(problem).removeprefix(f"{file}: ")
        told = {"Category": Path(file).name, "File": file, "Note": note}
        return SCAN.frame([dict.fromkeys(SCAN.names, np.nan) | told])
    found = scan_core(joined.values, **kept.numbers)
    silent = "says nothing that the run does not know"
    return SCAN.frame(
        {
            "Category": joined.names,
            "File": file,
            "Mean": joined.values.mean(axis=0, dtype=np.float64),
            "Coefficient": found.effect,
            "Coefficient_std_error": found.error,
            "Coefficient_z-score": found.z,
            "Coefficient_p": p_value(found.z, found.blocks),
            "FDR": np.nan,
            "Note": np.where(np.isfinite(found.z), "", silent),
        }
    )
