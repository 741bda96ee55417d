"""Pictures of runs, and of sweeps."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import holoviews as hv
import xarray as xr

from deepwas_app.plots import annotations as _annotations
from deepwas_app.plots import response as _response
from deepwas_app.plots import train as _train
from deepwas_app.plots.scaling import scaling_curve
from deepwas_app.workflow.results.annotation_effects import annotation_effects
from deepwas_app.workflow.results.locus import RunLike, opened_all, opened_runs
from deepwas_app.workflow.results.response import (
    annotation_column,
    interaction_surface,
    response_curve,
)
from deepwas_app.workflow.results.scaling import summary
from deepwas_app.workflow.runs.fitted import Fitted
from deepwas_app.workflow.runs.run import open_run
from deepwas_app.workflow.runs.sweep import Sweep
from deepwas_app.workflow.studies.builtin import StudyLike

Runs = RunLike | Iterable[RunLike]


def effects(study: StudyLike | None, runs: Runs, *, unit: bool = False) -> hv.Overlay:
    """Effect of every annotation on log heritability with 95% intervals, per s.d. or per unit.

    Parameters
    ----------
    study
        From ``open_study``, or its path; None for that of the runs.
    runs
        One or several: open, by path, or last steps of fits. Each has a colour.
    unit
        Per unit of the annotation, not per standard deviation.

    Returns
    -------
    holoviews.Overlay
        One row an annotation: change of the log of the per-variant heritability, the others held,
        with 1.96 jackknife standard errors.

    Raises
    ------
    InputError
        If a run is not of the study.

    Examples
    --------
    >>> picture = dw.plot.effects(study, run)
    """
    return _annotations.effect_forest(of_each(study, runs, annotation_effects), unit)


def enrichment(study: StudyLike | None, runs: Runs) -> hv.Overlay:
    """Heritability enrichment of the binary annotations, with 95% intervals.

    Parameters
    ----------
    study
        From ``open_study``, or its path; None for that of the runs.
    runs
        One or several: open, by path, or last steps of fits. Each has a colour.

    Returns
    -------
    holoviews.Overlay
        One row a binary annotation: share of heritability over share of variants (1: none), with
        1.96 jackknife standard errors.

    Raises
    ------
    InputError
        If a run is not of the study.

    Examples
    --------
    >>> picture = dw.plot.enrichment(study, run)
    """
    return _annotations.enrichment_forest(of_each(study, runs, annotation_effects))


def quantiles(study: StudyLike | None, runs: Runs, annotation: str) -> hv.Overlay:
    """Enrichment along the fifths of a continuous annotation.

    Parameters
    ----------
    study
        From ``open_study``, or its path; None for that of the runs.
    runs
        One or several: open, by path, or last steps of fits. Each has a colour.
    annotation
        Name of a continuous annotation.

    Returns
    -------
    holoviews.Overlay
        Share of heritability over share of variants of each fifth of the variants, lowest values
        first, with 95% intervals.

    Raises
    ------
    InputError
        If a run is not of the study, or the study has no such annotation.

    Examples
    --------
    >>> picture = dw.plot.quantiles(study, run, "Minor allele frequency")
    """
    study, several = opened_all(study, runs)
    annotation_column(study, annotation)
    found = of_each(study, several, annotation_effects)
    return _annotations.quantile_enrichment(found, annotation)


def response(
    study: StudyLike | None, runs: Runs, annotation: str, by: str | None = None
) -> hv.Overlay | hv.Image:
    """How log variance answers to an annotation, or to two; runs of several seeds give a band.

    Parameters
    ----------
    study
        From ``open_study``, or its path; None for that of the runs.
    runs
        One or several: open, by path, or last steps of fits. Each has a colour.
    annotation
        Name of an annotation; the others stay as they are.
    by
        Name of a second one, with which it may act together.

    Returns
    -------
    holoviews.Overlay or holoviews.Image
        Curve of the change of log prior variance along the annotation, with its band; with `by`
        the surface over both, as a map, or as lines where one of them is binary.

    Raises
    ------
    InputError
        If a run is not of the study, or the study has no such annotation.

    Examples
    --------
    >>> picture = dw.plot.response(study, run, "Minor allele frequency")
    >>> surface = dw.plot.response(study, run, "Minor allele frequency", by="Coding sequence")
    """
    study, several = opened_all(study, runs)
    if by is None:
        curve = response_curve(study, several, annotation)
        return _response.response_figure({several[0].name: curve})
    surface = interaction_surface(study, several, annotation, by)
    if "binary" in surface.attrs["kinds"]:
        return _response.surface_lines(surface)
    return _response.surface_map(surface, "effect")


def held_out_gain(runs: str | Path | Iterable[str | Path]) -> hv.Overlay:
    """Held-out gain over the constant prior while runs were trained; run folders by path.

    Parameters
    ----------
    runs
        Path of a run folder, or several.

    Returns
    -------
    holoviews.Overlay
        Gain (10⁻³ nats per held-out variant) by step, with one standard error; a colour a run.

    Raises
    ------
    InputError
        If one is no run folder.

    Examples
    --------
    >>> trained = dw.train(study, path="mine.run", prior="constant")
    >>> picture = dw.plot.held_out_gain(["mine.run"])
    """
    named = [runs] if isinstance(runs, str | Path) else list(runs)
    opened = [open_run(path) for path in named]
    return _train.held_out_gain({run.name: run.metrics() for run in opened})


def scaling(found: Sweep) -> hv.Overlay:
    """Held-out gain against the number of parameters, of what ``scaling`` found.

    Parameters
    ----------
    found
        From :func:`deepwas_app.scaling`.

    Returns
    -------
    holoviews.Overlay
        Gain (10⁻³ nats per held-out variant) of each fit and the mean over seeds with its standard
        error, a colour an objective; the gain of the true prior where that is known.

    Examples
    --------
    >>> found = dw.scaling(study, path="sweep", sizes=["linear"], epochs=1)
    >>> picture = dw.plot.scaling(found)
    """
    said = summary(found)
    return scaling_curve(said.fits, said.means, said.truth)


def of_each(
    study: StudyLike | None, runs: Runs, compute: Callable[[xr.Dataset, Fitted], Any]
) -> dict[str, Any]:
    """A result of every run by its name; of fits of one name by name and number."""
    found: dict[str, Any] = {}
    if not (several := opened_runs(runs)):
        return found
    study, several = opened_all(study, several)
    for run in several:
        same = sum(name.split(" #")[0] == run.name for name in found)
        found[f"{run.name} #{same + 1}" if same else run.name] = compute(study, run)
    return found
