"""Reading a prior: effects alone, shifted annotations, what drives a variant."""

from collections.abc import Generator
from functools import partial

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.core.batch import BlockBatch
from deepwas_app.core.effects import tilt_fisher, tilt_jackknife
from deepwas_app.core.jackknife import jackknife_error
from deepwas_app.core.priors import LinearPrior, Standardisation
from deepwas_app.core.response import integrated_gradients
from deepwas_app.core.scoring import fit_scoring, start_scoring
from deepwas_app.core.shifts import draw_shifts, one_step_information, shift_test, variant_scores
from deepwas_app.errors import InputError
from deepwas_app.genetics.matching import find_variant
from deepwas_app.workflow.progress import Progress, job
from deepwas_app.workflow.results.identity import VARIANT, identity
from deepwas_app.workflow.results.locus import RunLike, opened
from deepwas_app.workflow.results.no_information import (
    NULL,
    coefficient_reasons,
    first_reasons,
    left_out,
)
from deepwas_app.workflow.runs.baseline import baseline_model, own_constant, prepared
from deepwas_app.workflow.runs.batches import block_slice, standardisation
from deepwas_app.workflow.runs.fitters import coefficient_precision
from deepwas_app.workflow.runs.folds import model_at
from deepwas_app.workflow.runs.models import noisy_model, objective_of
from deepwas_app.workflow.runs.run_batches import check_on_disk, run_batches
from deepwas_app.workflow.runs.summary import is_null
from deepwas_app.workflow.settings.results import FEWEST_SHIFTS, SHIFTS
from deepwas_app.workflow.studies.builtin import StudyLike
from deepwas_app.workflow.studies.tracks import block_tracks, open_study_tracks
from deepwas_app.workflow.tables import Column, Table

SHIFTED = Table(
    "shifted",
    "Each annotation on its own against circular shifts of it along the genome, one row an "
    "annotation.",
    (
        Column("Category", "Annotation", "name of the annotation"),
        Column(
            "Shift_coefficient",
            "Alone, one step",
            "one-step estimate of the annotation's effect on its own, per s.d.",
            "log variance",
            ".8g",
        ),
        Column("Shift_std_error", "s.e., shifted", "s.d. of it over shifts", "log variance", ".8g"),
        Column("Shift_z", "z, shifted", "the estimate in s.d. over shifts", "", ".8g"),
        Column(
            "Shift_p",
            "P, shifted",
            "two-sided P by shifts, at least 1 / (shifts + 1)",
            "",
            ".8g",
            digits=None,
        ),
        Column(
            "Shift_enrichment_std_error",
            "s.e., shifted",
            "s.d. over shifts as an enrichment of a binary annotation",
            "",
            ".8g",
        ),
    ),
)
DRIVERS = Table(
    "drivers",
    "What drives the prior of one variant, the strongest first: one row an annotation or, for a "
    "transformer, a track.",
    (
        *VARIANT.part("SNP", "CHR", "BP", "A1", "A2"),
        Column("INPUT", "Input", "name of the annotation or track"),
        Column("KIND", "Kind", "binary, continuous or track"),
        Column(
            "VALUE",
            "Value",
            "of the variant, in its own unit; of a track the mean over its window",
            "",
            ".5g",
        ),
        Column(
            "MEAN", "Mean", "what it is compared with: the mean over training variants", "", ".5g"
        ),
        Column(
            "ATTRIBUTION",
            "Attribution",
            "by integrated gradients; they sum to the variant's log variance minus that of a "
            "variant with mean annotations",
            "log variance",
            ".5g",
        ),
        Column("FOLD", "Times", "by how much it multiplies the prior heritability", "", ".5g"),
    ),
)


@job
def marginal_effects(
    study: StudyLike | None, run: RunLike
) -> Generator[Progress, None, xr.Dataset]:
    """Fit a log-linear prior of each annotation alone, on the run's training blocks.

    Returns
    -------
    Dataset over ``annotations``: ``marginal``, ``marginal_se`` (change of log variance per s.d. of
    the annotation), ``unit_marginal``, ``unit_marginal_se`` (the same per unit). Beside the joint
    effects these show what correlated annotations share. NaN where the data say nothing.

    Yields
    ------
    Progress

    Notes
    -----
    By the run's own objective, with its noise fixed where the run's is, and with a normal prior on
    the coefficient of the same s.d., or its own where that is learned, whose pull is undone by one
    step.
    """
    study, run = opened(study, run)
    check_on_disk(study)
    yield Progress(0.0, "fitting the constant prior")
    objective = objective_of(run.settings)
    batches = run_batches(study, run, run.train_blocks, tracks=False, marginal=objective.marginal)
    constant = own_constant(study, batches, run.settings)
    batches = prepared(batches, objective, baseline_model(study, batches))
    standardise = standardisation(study, run.train_blocks)
    count = study.sizes["annotations"]
    coefficient, error, known_from = np.zeros(count), np.zeros(count), np.zeros(count)
    for a in range(count):
        yield Progress((a + 0.5) / (count + 1), str(study["annotation"].values[a]))
        own = Standardisation(standardise.mean[a : a + 1], standardise.deviation[a : a + 1])
        alone = batches.map(partial(_with_one_annotation, a))
        prior = LinearPrior(own, constant.prior.level, jnp.zeros(1))  # type: ignore[attr-defined]
        model = noisy_model(run.settings, prior, constant.s2, constant.kappa, constant.alpha)
        precision = coefficient_precision(model, run.settings)
        fitting = fit_scoring(start_scoring(model), alone, precision=precision, objective=objective)
        for step in fitting:
            model = step.state.model
        found = model.prior.log_coefficients()
        assert found is not None
        moves = tilt_jackknife(model, own, alone, objective)
        coefficient[a] = float(found[0]) + moves.unpulled[0]
        error[a], known_from[a] = jackknife_error(moves.coefficients)[0], moves.known_from[0]
    deviation = np.asarray(standardise.deviation, np.float64)
    binary = study["annotation_kind"].values == "binary"
    told = coefficient_reasons(error, deviation, binary, known_from, len(run.train_blocks))
    reasons = first_reasons(told, [NULL if is_null(run.summary) else ""] * count)
    coefficient, error = left_out(coefficient, reasons), left_out(error, reasons)
    values = {
        "marginal": coefficient,
        "marginal_se": error,
        "unit_marginal": coefficient / deviation,
        "unit_marginal_se": error / deviation,
    }
    return xr.Dataset({name: ("annotations", column) for name, column in values.items()})


def _with_one_annotation(a: int, batch: BlockBatch) -> BlockBatch:
    return eqx.tree_at(lambda b: b.annotations, batch, batch.annotations[..., a : a + 1])


@job
def shifted_annotations(
    study: StudyLike | None, run: RunLike, shifts: int = SHIFTS, seed: int = 0
) -> Generator[Progress, None, pd.DataFrame]:
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
    Table :data:`SHIFTED`.

    Yields
    ------
    Progress

    Raises
    ------
    InputError
        If fewer than ten shifts are asked for.

    Notes
    -----
    Standard errors of the effects rest on LD blocks being many. Shifts do not, so where the two
    disagree the shifts are to be believed.
    """
    if shifts < FEWEST_SHIFTS:
        raise InputError(f"{shifts} shifts are too few for a standard error. Take {SHIFTS}.")
    study, run = opened(study, run)
    check_on_disk(study)
    yield Progress(0.0, "fitting the constant prior")
    batches = run_batches(study, run, run.train_blocks, tracks=False)
    constant = own_constant(study, batches, run.settings)
    standardise = standardisation(study, run.train_blocks)
    count = study.sizes["annotations"]
    scores, fisher = np.zeros(study.sizes["variants"]), np.zeros(())
    for done, batch in enumerate(batches):
        yield Progress(0.3 + 0.6 * done / len(batches), "scores of the variants")
        found = np.asarray(variant_scores(constant, batch), np.float64)
        for i, b in enumerate(np.asarray(batch.index)):
            if b >= 0:
                rows = block_slice(study, b)
                scores[rows] += found[i, : rows.stop - rows.start]
        fisher = fisher + tilt_fisher(constant, standardise, [batch])
    yield Progress(0.9, f"{shifts} shifts")
    trained = np.isin(study["variant_block"].values, run.train_blocks)
    annotations = study["variant_annotation"].values[trained]
    drawn = draw_shifts(int(trained.sum()), shifts, np.random.default_rng(seed))
    test = shift_test(scores[trained], annotations, drawn)
    information = one_step_information(fisher, count, constant)
    with np.errstate(divide="ignore", invalid="ignore"):
        coefficient, error = test.observed / information, test.error / information
        fraction = annotations.mean(axis=0, dtype=np.float64)
        spread = error / np.asarray(standardise.deviation, np.float64) * (1 - fraction)
    binary = study["annotation_kind"].values == "binary"
    return SHIFTED.frame(
        {
            "Category": study["annotation"].values,
            "Shift_coefficient": coefficient,
            "Shift_std_error": error,
            "Shift_z": test.z,
            "Shift_p": test.p,
            "Shift_enrichment_std_error": np.where(binary, spread, np.nan),
        }
    )


def explain(study: StudyLike | None, run: RunLike, variant: str | int) -> pd.DataFrame:
    """Which annotations drive one variant's prior, the strongest first.

    Parameters
    ----------
    study, run
        The run and its study.
    variant
        Name of the variant, or its row.

    Returns
    -------
    Table :data:`DRIVERS`.

    Raises
    ------
    InputError
        If the study has no such variant.
    """
    study, run = opened(study, run)
    row = _row(study, variant)
    if not study.sizes["annotations"]:
        raise InputError(f"{study.attrs['path']}: has no annotations that could drive a prior.")
    prior = model_at(study, run, int(study["variant_block"].values[row])).prior
    own = study["variant_annotation"].values[row]
    values = [own]
    # A constant prior keeps none.
    standardise = getattr(prior, "standardise", None) or standardisation(study, run.train_blocks)
    baseline = np.asarray(standardise.mean)
    means = [baseline]
    names = study["annotation"].values.astype(str)
    kinds = study["annotation_kind"].values.astype(str)
    tracks: list[np.ndarray] = []
    mean_tracks = prior.mean_tracks()
    if mean_tracks is not None:
        block = int(study["variant_block"].values[row])
        window = block_tracks(study, block)[row - int(study["block_offset"].values[block])]
        track_mean = np.asarray(mean_tracks)
        tracks = [window[None].astype(np.float32), track_mean]
        read = open_study_tracks(study)
        names = np.append(names, read["track"].values.astype(str))
        kinds = np.append(kinds, ["track"] * len(track_mean))
        # In the units of the files.
        mean, sd = read["track_mean"].values, read["track_sd"].values
        values.append(mean + sd * window.mean(axis=0, dtype=np.float64))
        means.append(mean + sd * track_mean)
    (parts,) = integrated_gradients(prior, own[None], baseline, *tracks)
    table = pd.DataFrame(
        {
            "INPUT": names,
            "KIND": kinds,
            "VALUE": np.concatenate(values).astype(np.float64),
            "MEAN": np.concatenate(means).astype(np.float64),
            "ATTRIBUTION": parts,
            "FOLD": np.exp(parts),
        }
    )
    table = table.sort_values("ATTRIBUTION", key=np.abs, ascending=False, ignore_index=True)
    identified = identity(study, np.full(len(table), row), ("SNP", "CHR", "BP", "A1", "A2"))
    return DRIVERS.check(pd.concat([identified, table], axis=1))


# Its name in version 0.1.0.
variant_drivers = explain


def _row(study: xr.Dataset, variant: str | int) -> int:
    if isinstance(variant, str):
        row = find_variant(study, variant)
        if row is None:
            raise InputError(f"{study.attrs['path']}: has no variant {variant}. Check the name.")
        return row
    return int(variant)


def with_tests(
    effects: xr.Dataset, alone: xr.Dataset | None = None, shifted: pd.DataFrame | None = None
) -> xr.Dataset:
    """Annotation effects with what the tests found beside them.

    Parameters
    ----------
    effects
        Over ``annotations``.
    alone
        From :func:`marginal_effects`.
    shifted
        From :func:`shifted_annotations`; gives ``shift_enrichment_se``.
    """
    if alone is not None:
        effects = effects.assign(alone)
    if shifted is not None:
        error = shifted["Shift_enrichment_std_error"].to_numpy()
        effects = effects.assign(shift_enrichment_se=("annotations", error))
    return effects


def total_fold(drivers: pd.DataFrame) -> float:
    """By how much all inputs together multiply a variant's prior heritability."""
    return float(np.exp(drivers["ATTRIBUTION"].sum()))
