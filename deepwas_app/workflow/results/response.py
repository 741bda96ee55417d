"""Response curves and interaction surfaces of fitted priors, with bands."""

import difflib
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.core.jackknife import jackknife_error
from deepwas_app.core.response import response as prior_response
from deepwas_app.errors import InputError
from deepwas_app.intervals import interval
from deepwas_app.workflow.results.annotation_effects import annotation_effects, log_linear
from deepwas_app.workflow.results.locus import RunLike, opened_all
from deepwas_app.workflow.runs.fitted import Fitted
from deepwas_app.workflow.runs.run_batches import spread_variants
from deepwas_app.workflow.settings import CURVE_POINTS, SURFACE_POINTS, plain
from deepwas_app.workflow.settings.keywords import knobs
from deepwas_app.workflow.settings.results import ResponseKnobs
from deepwas_app.workflow.studies.builtin import StudyLike
from deepwas_app.workflow.tables import Column, Table

RESPONSE = Table(
    "response",
    "How mean log variance answers to one annotation, or to two, the others as they are: one row a "
    "point.",
    (
        Column("ANNOTATION", "Annotation", "which annotation is set"),
        Column("VALUE", "Value", "to what, in its own unit", "", ".6g"),
        Column("BY", "Together with", "a second annotation", optional=True),
        Column("BY_VALUE", "Its value", "in its own unit", "", ".6g", optional=True),
        Column(
            "EFFECT",
            "Change",
            "change of mean log variance against the variants as they are",
            "log variance",
            ".6g",
        ),
        Column(
            "INTERACTION",
            "Interaction",
            "what the two do beyond the sum of what each does alone",
            "log variance",
            ".6g",
            optional=True,
        ),
        Column("LOW", "From", "lower end of the band", "log variance", ".6g"),
        Column("HIGH", "To", "upper end of the band", "log variance", ".6g"),
        Column("BAND", "Band", "what LOW and HIGH are"),
        Column("RUNS", "Runs", "runs that are averaged over"),
    ),
)

JACKKNIFE, SEEDS, NO_BAND = "95% interval", "range over seeds", "none"
_AVERAGED = 4_000
_LISTED = 8
# Settings that do not change what is fitted, but by chance.
_INCIDENTAL = {"seed", "memory", "rematerialise"}


def seed_ensemble(run: Fitted, runs: Sequence[Fitted]) -> list[Fitted]:
    """The finished runs that differ from a run in their seed only, itself among them.

    Parameters
    ----------
    run
        A run.
    runs
        Runs of the same study to look among; of several with one seed the last counts.
    """
    found = {other.settings.seed: other for other in runs if _differences(run, other) == []}
    found[run.settings.seed] = run
    return [found[seed] for seed in sorted(found) if found[seed].finished]


def _differences(one: Fitted, other: Fitted) -> list[str]:
    """Names of the settings, other than the seed, in which two runs differ."""
    ours, theirs = plain(one.settings), plain(other.settings)
    names = [n for n in ours if n not in _INCIDENTAL and ours[n] != theirs[n]]
    if not names and one.train_blocks != other.train_blocks:
        names = ["training blocks"]
    return names


@knobs(ResponseKnobs)
def response(
    study: StudyLike | None,
    runs: RunLike | Iterable[RunLike],
    annotation: str,
    by: str | None = None,
    *,
    settings: ResponseKnobs,
) -> pd.DataFrame:
    """How log variance answers to an annotation, or to two, the others as they are.

    Parameters
    ----------
    study, runs
        A fitted run, or several that differ in their seed only; and their study, None: where it
        was when the run was trained.
    annotation
        Its name.
    by
        A second one, for an interaction surface.
    settings
        All knobs at once, in place of the keywords below.

    Returns
    -------
    Table :data:`RESPONSE`, one row a point; :func:`response_curve` and :func:`interaction_surface`
    give the same as arrays.
    """
    if by:
        points = settings.points or SURFACE_POINTS
        return response_table(interaction_surface(study, runs, annotation, by, points))
    points = settings.points or CURVE_POINTS
    return response_table(response_curve(study, runs, annotation, points))


def response_curve(
    study: StudyLike | None,
    runs: RunLike | Iterable[RunLike],
    annotation: str,
    points: int = CURVE_POINTS,
    effects: xr.Dataset | None = None,
) -> xr.Dataset:
    """Mean log variance against one annotation, with a band.

    Parameters
    ----------
    study
        From ``open_study``.
    runs
        One, or an ensemble of runs that differ in their seed only.
    annotation
        Its name.
    points
        Of the curve, between the 1% and the 99% quantile; 0 and 1 where it is binary.
    effects
        Of the first run, from :func:`annotation_effects`; computed where they are needed.

    Returns
    -------
    Dataset over ``points``: ``value`` (the annotation's own unit), ``effect`` (change of mean log
    variance against that of the variants as they are, mean over runs), ``low``, ``high``. The
    attribute ``band`` says what the last two are: the 95% interval by block jackknife for a
    log-linear prior, which does not depend on its seed; for other priors the least and the largest
    of the runs, which is how much training leaves to chance and not the sampling error of the
    GWAS; NaN for a single one.

    Raises
    ------
    InputError
        If there is no such annotation, or the runs differ in more than their seed.

    Notes
    -----
    Averaged over variants spread over the genome, each with its other annotations and its tracks
    held as they are.
    """
    study, runs = opened_all(study, runs)
    column = annotation_column(study, annotation)
    values = _grid(study, column, points)
    curves = _ensemble(study, runs, [column], values[:, None])
    band, low, high = _band(study, runs, [column], values[:, None], curves, effects)
    return xr.Dataset(
        {
            "value": ("points", values),
            "effect": ("points", curves.mean(axis=0)),
            "low": ("points", low),
            "high": ("points", high),
        },
        attrs={
            "annotation": annotation,
            "kind": str(study["annotation_kind"].values[column]),
            "runs": [run.name for run in runs],
            "band": band,
        },
    )


def interaction_surface(
    study: StudyLike | None,
    runs: RunLike | Iterable[RunLike],
    first: str,
    second: str,
    points: int = SURFACE_POINTS,
    effects: xr.Dataset | None = None,
) -> xr.Dataset:
    """Mean log variance against two annotations, with a band; see :func:`response_curve`.

    Parameters
    ----------
    study, runs
        As for :func:`response_curve`.
    first, second
        Names of the annotations.
    points, effects
        As for :func:`response_curve`.

    Returns
    -------
    Dataset over ``first`` and ``second``: ``first_value``, ``second_value``; ``effect``, ``low``,
    ``high`` as in :func:`response_curve`; and ``interaction``, what the two do together beyond the
    sum of what each does alone (0 everywhere for a log-linear prior).

    References
    ----------
    Friedman & Popescu 2008, doi:10.1214/07-AOAS148.
    """
    study, runs = opened_all(study, runs)
    columns = [annotation_column(study, name) for name in (first, second)]
    if first == second:
        raise InputError(f"{first}: named twice. Name two annotations for a surface.")
    one, two = (_grid(study, column, points) for column in columns)
    pairs = np.stack(np.meshgrid(one, two, indexing="ij"), axis=-1).reshape(-1, 2)
    shape = (len(one), len(two))
    surfaces = _ensemble(study, runs, columns, pairs)
    band, low, high = _band(study, runs, columns, pairs, surfaces, effects)
    alone = [
        _ensemble(study, runs, [column], grid[:, None]).mean(axis=0)
        for column, grid in zip(columns, (one, two), strict=True)
    ]
    effect = surfaces.mean(axis=0).reshape(shape)
    dims = ("first", "second")
    kinds = study["annotation_kind"].values
    return xr.Dataset(
        {
            "first_value": ("first", one),
            "second_value": ("second", two),
            "effect": (dims, effect),
            "low": (dims, low.reshape(shape)),
            "high": (dims, high.reshape(shape)),
            "interaction": (dims, effect - alone[0][:, None] - alone[1][None, :]),
        },
        attrs={
            "first": first,
            "second": second,
            "kinds": [str(kinds[column]) for column in columns],
            "runs": [run.name for run in runs],
            "band": band,
        },
    )


def annotation_column(study: xr.Dataset, annotation: str) -> int:
    """Which column of a study's annotations one is; an InputError names those that are alike."""
    names = study["annotation"].values.astype(str).tolist()
    if annotation not in names:
        near = difflib.get_close_matches(annotation, names, _LISTED) or names[:_LISTED]
        more = f" and {len(names) - len(near)} more" if len(near) < len(names) else ""
        raise InputError(
            f"{study.attrs['path']}: has no annotation {annotation}. "
            f"It has {', '.join(near)}{more}."
        )
    return names.index(annotation)


def _grid(study: xr.Dataset, column: int, points: int) -> np.ndarray:
    if study["annotation_kind"].values[column] == "binary":
        return np.array([0.0, 1.0])
    values = study["variant_annotation"].values[:, column]
    low, high = np.quantile(values, [0.01, 0.99])
    return np.linspace(low, high, points)


def _ensemble(
    study: xr.Dataset, runs: Sequence[Fitted], columns: Sequence[int], points: np.ndarray
) -> np.ndarray:
    """Response of each run, (runs, points)."""
    for run in runs:
        differing = _differences(runs[0], run)
        if differing:
            raise InputError(
                f"{run.path}: differs from {runs[0].path} in {', '.join(differing)}. "
                "Name runs that differ in their seed only."
            )
    annotations, tracks = spread_variants(study, runs[0], _AVERAGED)
    return np.array(
        [prior_response(run.model().prior, annotations, columns, points, tracks) for run in runs]
    )


def _band(
    study: xr.Dataset,
    runs: Sequence[Fitted],
    columns: Sequence[int],
    points: np.ndarray,
    curves: np.ndarray,
    effects: xr.Dataset | None,
) -> tuple[str, np.ndarray, np.ndarray]:
    if log_linear(runs[0].blank_model().prior):
        effects = annotation_effects(study, runs[0]) if effects is None else effects
        averaged, _ = spread_variants(study, runs[0], _AVERAGED)
        mean = averaged[:, columns].mean(axis=0, dtype=np.float64)
        away = (points - mean) / effects["annotation_deviation"].values[columns]
        moves = effects["jackknife"].values[:, columns] @ away.T
        return JACKKNIFE, *interval(curves[0], jackknife_error(moves), len(moves))
    if len(runs) == 1:
        return NO_BAND, np.full_like(curves[0], np.nan), np.full_like(curves[0], np.nan)
    return SEEDS, curves.min(axis=0), curves.max(axis=0)


def response_table(found: xr.Dataset) -> pd.DataFrame:
    """A response curve or an interaction surface as a table, one row a point.

    Parameters
    ----------
    found
        From :func:`response_curve` or :func:`interaction_surface`.

    Returns
    -------
    Table :data:`RESPONSE`, its optional columns for a surface.
    """
    if "first" not in found.sizes:
        columns = {
            "ANNOTATION": found.attrs["annotation"],
            "VALUE": found["value"].values,
            "EFFECT": found["effect"].values,
        }
    else:
        one, two = np.meshgrid(
            found["first_value"].values, found["second_value"].values, indexing="ij"
        )
        columns = {
            "ANNOTATION": found.attrs["first"],
            "VALUE": one.ravel(),
            "BY": found.attrs["second"],
            "BY_VALUE": two.ravel(),
            "EFFECT": found["effect"].values.ravel(),
            "INTERACTION": found["interaction"].values.ravel(),
        }
    columns |= {"LOW": found["low"].values.ravel(), "HIGH": found["high"].values.ravel()}
    columns |= {"BAND": found.attrs["band"], "RUNS": len(found.attrs["runs"])}
    return RESPONSE.frame(columns)
