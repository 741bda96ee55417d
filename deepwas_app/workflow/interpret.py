"""Reading a prior: effects alone, response curves, what drives a variant, shifted annotations."""

from collections.abc import Generator, Sequence
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.core.batch import BlockBatch
from deepwas_app.core.effects import tilt_fisher, tilt_jackknife
from deepwas_app.core.fit import fit_scoring, start_scoring
from deepwas_app.core.jackknife import jackknife_error
from deepwas_app.core.priors import LinearPrior, Model, Standardisation, ridge_precision
from deepwas_app.core.response import integrated_gradients, response
from deepwas_app.core.shifts import draw_shifts, one_step_information, shift_test, variant_scores
from deepwas_app.errors import InputError
from deepwas_app.workflow.batching import block_batches, block_slice, standardisation
from deepwas_app.workflow.progress import Progress
from deepwas_app.workflow.run import Run
from deepwas_app.workflow.train import moment_model

_BATCH = 4
_AVERAGED = 4_000


class Marginal(NamedTuple):
    """Effects of annotations one at a time, each fitted without the others.

    Attributes
    ----------
    coefficient, error
        Change of log variance per s.d. of the annotation, and its standard error, (annotations,).
    """

    coefficient: np.ndarray
    error: np.ndarray


def marginal_effects(study: xr.Dataset, run: Run) -> Generator[Progress, None, Marginal]:
    """Fit a linear prior of each annotation alone, on the run's training blocks.

    Yields
    ------
    Progress

    Returns
    -------
    Marginal
        Beside the joint coefficients these show what correlated annotations share.
    """
    run.check_study(study)
    batches = _training_batches(study, run)
    standardise = standardisation(study, run.train_blocks)
    count = study.sizes["annotations"]
    constant = _constant(batches)
    coefficient, error = np.zeros(count), np.zeros(count)
    for a in range(count):
        yield Progress(a / count, str(study["annotation"].values[a]))
        own = Standardisation(standardise.mean[a : a + 1], standardise.deviation[a : a + 1])
        alone = [
            eqx.tree_at(lambda b: b.annotations, batch, batch.annotations[..., a : a + 1])
            for batch in batches
        ]
        prior = LinearPrior(own, constant.prior.level, jnp.zeros(1))  # type: ignore[attr-defined]
        model = Model(prior, constant.log_s2, constant.log_kappa)
        precision = np.asarray(ridge_precision(model, run.settings.coefficient_sd))
        for step in fit_scoring(start_scoring(model), alone, precision=precision):
            model = step.state.model
        assert isinstance(model.prior, LinearPrior)
        coefficient[a] = float(model.prior.coefficients[0])
        error[a] = jackknife_error(tilt_jackknife(model, own, alone).coefficients)[0]
    return Marginal(coefficient, error)


def _training_batches(study: xr.Dataset, run: Run) -> Sequence[BlockBatch]:
    return block_batches(study, run.train_blocks, alpha=run.settings.alpha, batch_blocks=_BATCH)


def _constant(batches: Sequence[BlockBatch]) -> Model:
    model = moment_model(batches)
    for step in fit_scoring(start_scoring(model), batches):
        model = step.state.model
    return model


def shifted_annotations(study: xr.Dataset, run: Run, shifts: int, seed: int = 0) -> pd.DataFrame:
    """Each annotation on its own against circular shifts of it along the genome.

    Parameters
    ----------
    study, run
        The run's training blocks are used.
    shifts
        How many shifts.
    seed
        Draws them.

    Returns
    -------
    Table, one row an annotation: Category; Shift_coefficient (one-step estimate on its own, log
    variance per s.d.), Shift_std_error (s.d. over shifts), Shift_z, Shift_p (two-sided, at
    least 1 / (shifts + 1)); Shift_enrichment_std_error (the same spread as an enrichment of a
    binary annotation; NA for others).

    Raises
    ------
    InputError
        If fewer than ten shifts are asked for.

    Notes
    -----
    Standard errors of the effects rest on LD blocks being many. Shifts do not, so where the two
    disagree the shifts are to be believed.
    """
    if shifts < 10:
        raise InputError(f"{shifts} shifts are too few for a standard error. Take 200.")
    run.check_study(study)
    batches = _training_batches(study, run)
    constant = _constant(batches)
    standardise = standardisation(study, run.train_blocks)
    scores = np.zeros(study.sizes["variants"])
    for batch in batches:
        found = np.asarray(variant_scores(constant, batch), np.float64)
        for i, b in enumerate(np.asarray(batch.index)):
            if b >= 0:
                rows = block_slice(study, b)
                scores[rows] += found[i, : rows.stop - rows.start]
    trained = np.isin(study["variant_block"].values, run.train_blocks)
    annotations = study["variant_annotation"].values[trained]
    drawn = draw_shifts(int(trained.sum()), shifts, np.random.default_rng(seed))
    test = shift_test(scores[trained], annotations, drawn)
    fisher = tilt_fisher(constant, standardise, batches)
    information = one_step_information(fisher, annotations.shape[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        coefficient, error = test.observed / information, test.error / information
        fraction = annotations.mean(axis=0, dtype=np.float64)
        spread = error / np.asarray(standardise.deviation, np.float64) * (1 - fraction)
    binary = study["annotation_kind"].values == "binary"
    return pd.DataFrame(
        {
            "Category": study["annotation"].values,
            "Shift_coefficient": coefficient,
            "Shift_std_error": error,
            "Shift_z": test.z,
            "Shift_p": test.p,
            "Shift_enrichment_std_error": np.where(binary, spread, np.nan),
        }
    )


def response_curve(
    study: xr.Dataset, runs: Sequence[Run], annotation: str, points: int = 41
) -> xr.Dataset:
    """Mean log variance against one annotation, with a band from several runs.

    Parameters
    ----------
    study
        From ``open_study``.
    runs
        One, or an ensemble that differs in its seed; the band is their spread.
    annotation
        Its name.
    points
        Of the curve, between the 1% and the 99% quantile; 0 and 1 where it is binary.

    Returns
    -------
    Dataset over ``points``: ``value`` (the annotation's own unit), ``effect`` (change of mean log
    variance, mean over runs), ``low``, ``high`` (least and largest of the runs).
    """
    column = _column(study, annotation)
    values = _grid(study, column, points)
    curves = _ensemble(study, runs, [column], values[:, None])
    return xr.Dataset(
        {"value": ("points", values), **_band(curves, ("points",))},
        attrs={"annotation": annotation, "runs": [run.name_on_disk for run in runs]},
    )


def interaction_surface(
    study: xr.Dataset, runs: Sequence[Run], first: str, second: str, points: int = 21
) -> xr.Dataset:
    """Mean log variance against two annotations, with a band from several runs.

    Returns
    -------
    Dataset over ``first`` and ``second``: ``first_value``, ``second_value``; ``effect``, ``low``,
    ``high`` as in :func:`response_curve`; and ``interaction``, what the two do together beyond the
    sum of what each does alone (0 everywhere for a linear prior).
    """
    columns = [_column(study, name) for name in (first, second)]
    one, two = (_grid(study, column, points) for column in columns)
    pairs = np.stack(np.meshgrid(one, two, indexing="ij"), axis=-1)
    shape = (len(runs), len(one), len(two))
    surfaces = _ensemble(study, runs, columns, pairs.reshape(-1, 2)).reshape(shape)
    alone = [
        _ensemble(study, runs, [column], grid[:, None]).mean(axis=0)
        for column, grid in zip(columns, (one, two), strict=True)
    ]
    together = surfaces.mean(axis=0) - alone[0][:, None] - alone[1][None, :]
    # What is left beside main effects, on average nothing.
    together = together - together.mean()
    return xr.Dataset(
        {
            "first_value": ("first", one),
            "second_value": ("second", two),
            **_band(surfaces, ("first", "second")),
            "interaction": (("first", "second"), together),
        },
        attrs={"first": first, "second": second, "runs": [run.name_on_disk for run in runs]},
    )


def _column(study: xr.Dataset, annotation: str) -> int:
    names = study["annotation"].values.astype(str).tolist()
    if annotation not in names:
        raise InputError(
            f"{study.attrs['path']}: has no annotation {annotation}. It has {', '.join(names)}."
        )
    return names.index(annotation)


def _grid(study: xr.Dataset, column: int, points: int) -> np.ndarray:
    if study["annotation_kind"].values[column] == "binary":
        return np.array([0.0, 1.0])
    values = study["variant_annotation"].values[:, column]
    low, high = np.quantile(values, [0.01, 0.99])
    return np.linspace(low, high, points)


def _ensemble(study: xr.Dataset, runs: Sequence[Run], columns, points) -> np.ndarray:
    """Response of each run, (runs, points), averaged over variants spread over the genome."""
    if not runs:
        raise InputError("no run to draw a response of: name at least one.")
    annotations = study["variant_annotation"].values
    rows = np.linspace(0, len(annotations) - 1, min(len(annotations), _AVERAGED)).astype(int)
    out = []
    for run in runs:
        run.check_study(study)
        out.append(response(run.model().prior, annotations[rows], columns, points))
    return np.array(out)


def _band(curves: np.ndarray, dims: tuple[str, ...]) -> dict:
    return {
        "effect": (dims, curves.mean(axis=0)),
        "low": (dims, curves.min(axis=0)),
        "high": (dims, curves.max(axis=0)),
    }


def variant_drivers(study: xr.Dataset, run: Run, variant: str | int) -> pd.DataFrame:
    """Which annotations drive one variant's prior, the strongest first.

    Parameters
    ----------
    study, run
        The run and its study.
    variant
        Name of the variant, or its row.

    Returns
    -------
    Table, one row an annotation: ANNOTATION, VALUE (of the variant), MEAN (over training variants,
    the baseline), ATTRIBUTION (log variance, by integrated gradients; they sum to the variant's
    log f minus that of a variant with mean annotations).

    Raises
    ------
    InputError
        If the study has no such variant.
    """
    run.check_study(study)
    row = _row(study, variant)
    baseline = np.asarray(standardisation(study, run.train_blocks).mean)
    values = study["variant_annotation"].values[row]
    (parts,) = integrated_gradients(run.model().prior, values[None], baseline)
    table = pd.DataFrame(
        {
            "ANNOTATION": study["annotation"].values,
            "VALUE": values.astype(np.float64),
            "MEAN": baseline.astype(np.float64),
            "ATTRIBUTION": parts,
        }
    )
    return table.sort_values("ATTRIBUTION", key=np.abs, ascending=False, ignore_index=True)


def _row(study: xr.Dataset, variant: str | int) -> int:
    if isinstance(variant, str):
        found = np.flatnonzero(study["variant_id"].values.astype(str) == variant)
        if not len(found):
            raise InputError(f"{study.attrs['path']}: has no variant {variant}. Check the name.")
        return int(found[0])
    return int(variant)
