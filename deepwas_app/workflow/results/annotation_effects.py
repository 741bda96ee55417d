"""Annotation effects and enrichment of a run, with labels."""

from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax.scipy.special import logsumexp

from deepwas_app.core.effects import enrichment, enrichment_interval, score_test, tilt_jackknife
from deepwas_app.core.jackknife import jackknife_error
from deepwas_app.core.priors import ConstantPrior, Prior
from deepwas_app.core.response import average_partial_effects
from deepwas_app.intervals import p_value
from deepwas_app.workflow.results import no_information as none
from deepwas_app.workflow.results.locus import RunLike, opened
from deepwas_app.workflow.runs.annotations import annotation_doubts, listed
from deepwas_app.workflow.runs.baseline import constant_model
from deepwas_app.workflow.runs.batches import log_heterozygosity, standardisation
from deepwas_app.workflow.runs.heritability import prior_heritability
from deepwas_app.workflow.runs.models import noisy_model, objective_of
from deepwas_app.workflow.runs.run_batches import spread_variants, training_batches
from deepwas_app.workflow.runs.summary import is_null
from deepwas_app.workflow.studies.builtin import StudyLike

QUANTILES = 5
SHAPE_GIVEN = (
    "The prior is not log-linear: errors and intervals say how far the data fix it along each "
    "annotation, its shape taken as given; in simulations such 95% intervals of enrichment held "
    "the truth in 91%"
)
_AVERAGED = 20_000


def log_linear(prior: Prior) -> bool:
    """Whether log f is linear in the annotations, so that it has coefficients."""
    return prior.log_coefficients() is not None


def annotation_effects(study: StudyLike | None, run: RunLike) -> xr.Dataset:
    """Effects of every annotation in a run, with block-jackknife standard errors.

    Parameters
    ----------
    study
        From ``open_study``, or its path; None for the run's own.
    run
        A run, its path, or the last step of a fit.

    Returns
    -------
    Dataset over ``annotations`` (and ``quantiles``):

    annotation_deviation
        S.d. over the training variants, in the annotation's own unit; infinite where all are alike.
    coefficient, coefficient_se
        Log-linear prior: change of log variance per s.d. of the annotation, without the pull of the
        normal prior on coefficients (one step from the fitted ones, by which the prior is); NaN for
        other priors.
    unit_coefficient, unit_coefficient_se
        The same per unit of the annotation.
    partial_effect, partial_effect_se
        Average change of log variance per s.d., the other annotations and the tracks as they are;
        for a log-linear prior the coefficient.
    unit_partial_effect, unit_partial_effect_se
        The same per unit.
    score_z, score_p
        Joint score test: z and two-sided P that the coefficient is 0, from the gradient of the
        log-likelihood at the constant prior, whatever prior and objective the run has.
    proportion_variants, proportion_heritability, proportion_heritability_se
        Shares of a binary annotation; NaN for continuous ones.
    enrichment, enrichment_se, enrichment_low, enrichment_high, enrichment_p
        Share of heritability over share of variants, its standard error and 95% interval (which is
        not symmetric); P (two-sided) that heritability per variant is the same inside as outside.
    quantile_lower, quantile_upper
        Least and largest value in each fifth of a continuous annotation, lowest first; NaN for
        binary ones, and where equal values leave a fifth empty.
    quantile_proportion_variants and so on
        Shares and enrichment of the fifths, with the names of the above.
    note, quantile_note
        Why a number of the annotation, or of the fifth, is NaN that others have, or what else is to
        be known of it; empty where all is well. See :mod:`.no_information` for the rule.
    jackknife
        (blocks, annotations): change of the effects, per s.d., without each training block.
    h2
        (): heritability of all variants.

    Notes
    -----
    Standard errors are one-step block jackknives along the log-linear direction of each annotation
    (for a log-linear prior these are the prior's own parameters), of the objective that the run
    was fitted by; see ``core.effects``. Partial effects are averaged over at most 20,000 variants
    spread over the genome, 512 where the prior reads tracks.
    """
    study, run = opened(study, run)
    model = run.model()
    annotations = study["variant_annotation"].values
    binary = study["annotation_kind"].values == "binary"
    standardise = standardisation(study, run.train_blocks)
    batches = training_batches(study, run)
    jackknife = tilt_jackknife(model, standardise, batches, objective_of(run.settings))
    error = jackknife_error(jackknife.coefficients)
    deviation = np.asarray(standardise.deviation, np.float64)
    missing = np.full(len(binary), np.nan)
    averaged, tracks = spread_variants(study, run, _AVERAGED)
    partial = average_partial_effects(model.prior, averaged, standardise, binary, tracks)
    coefficient, coefficient_se = missing, missing
    coefficients = model.prior.log_coefficients()
    if coefficients is not None:
        coefficient = np.asarray(coefficients, np.float64) + jackknife.unpulled
        coefficient_se, partial = error, coefficient
    # The constant prior is not far from the mean of the fitted one.
    log_f = model.prior(averaged, tracks)
    level = ConstantPrior(logsumexp(log_f) - jnp.log(len(log_f)))
    start = noisy_model(run.settings, level, model.s2, model.kappa, model.alpha, trained=False)
    test = score_test(constant_model(batches, run.settings, start), standardise, batches)
    blocks = len(run.train_blocks)
    own = none.coefficient_reasons(error, deviation, binary, jackknife.known_from, blocks)
    doubts = annotation_doubts(study, run.train_blocks)
    apart = _not_told_apart(doubts.groups, study["annotation"].values.astype(str))
    null = [none.NULL if is_null(run.summary) else ""] * len(own)
    # What leaves nothing to be said is no reason where just the interval is wide.
    gone = [reason if reason != none.WIDE else "" for reason in own]
    no_coefficient = none.first_reasons(gone, null, apart, own)
    no_share = none.first_reasons(gone, null)

    standardised = (annotations - np.asarray(standardise.mean)) / np.asarray(standardise.deviation)
    moves = jackknife
    if model.learn_alpha:
        # Shares move with alpha as with the coefficient of one more annotation.
        standardised = np.column_stack([standardised, log_heterozygosity(study)])
        moves = jackknife._replace(
            coefficients=np.column_stack([jackknife.coefficients, jackknife.alpha])
        )
    v = prior_heritability(study, model, str(run.path))
    fifths, *edges = _fifths(annotations[:, ~binary])
    sets = np.concatenate(
        [annotations[:, binary] == 1, fifths.reshape(len(annotations), -1)], axis=1
    )
    shares = enrichment(v, sets, standardised, moves)
    low, high = enrichment_interval(shares)
    per_set = {
        "proportion_variants": shares.variants,
        "proportion_heritability": shares.share,
        "proportion_heritability_se": shares.share_error,
        "enrichment": shares.value,
        "enrichment_se": shares.error,
        "enrichment_low": low,
        "enrichment_high": high,
        "enrichment_p": p_value(shares.z, blocks),
    }
    # A set knows of its annotation, and so does a fifth.
    of_set = np.concatenate([np.flatnonzero(binary), np.tile(np.flatnonzero(~binary), QUANTILES)])
    with np.errstate(divide="ignore", invalid="ignore"):
        log_error = shares.share_error / (shares.share * (1 - shares.share))
    wide = [none.WIDE if too else "" for too in none.too_wide(log_error, blocks)]
    set_notes = none.first_reasons([no_share[a] for a in of_set], wide)
    for name in list(per_set)[1:]:
        per_set[name] = none.left_out(per_set[name], set_notes)

    def of_binary(values: np.ndarray) -> np.ndarray:
        return _filled(binary, values[: binary.sum()])

    lower, upper = (_filled(~binary, edge) for edge in edges)

    def of_fifths(values: np.ndarray) -> tuple[tuple[str, str], np.ndarray]:
        table = _filled(~binary, values[binary.sum() :].reshape(QUANTILES, -1).T)
        return (("annotations", "quantiles"), np.where(np.isnan(lower), np.nan, table))

    quantile_note = np.full(lower.shape, "", dtype=object)
    quantile_note[~binary] = np.array(set_notes[binary.sum() :], object).reshape(QUANTILES, -1).T
    no_enrichment = np.full(len(binary), "", dtype=object)
    no_enrichment[binary] = set_notes[: binary.sum()]
    outlying = [none.OUTLYING if out else "" for out in doubts.outlying]
    note = none.joined(no_coefficient, list(no_enrichment), outlying)

    per_annotation = {
        "annotation_kind": study["annotation_kind"].values,
        "annotation_deviation": deviation,
        "coefficient": coefficient,
        "coefficient_se": coefficient_se,
        "unit_coefficient": coefficient / deviation,
        "unit_coefficient_se": coefficient_se / deviation,
        "partial_effect": partial,
        "partial_effect_se": error,
        "unit_partial_effect": partial / deviation,
        "unit_partial_effect_se": error / deviation,
        "score_z": test.z,
        "score_p": test.p,
    }
    known = {"annotation_kind", "annotation_deviation"}
    for name in per_annotation.keys() - known:
        reasons = none.first_reasons(gone, apart) if name.startswith("score") else no_coefficient
        per_annotation[name] = none.left_out(per_annotation[name], reasons)
    per_annotation |= {name: of_binary(values) for name, values in per_set.items()}
    per_annotation["note"] = note
    return xr.Dataset(
        {name: ("annotations", values) for name, values in per_annotation.items()}
        | {
            "quantile_lower": (("annotations", "quantiles"), lower),
            "quantile_upper": (("annotations", "quantiles"), upper),
            "quantile_note": (("annotations", "quantiles"), quantile_note.astype(str)),
        }
        | {f"quantile_{name}": of_fifths(values) for name, values in per_set.items()}
        | {"jackknife": (("blocks", "annotations"), jackknife.coefficients), "h2": v.sum()},
        coords={
            "annotation": ("annotations", study["annotation"].values),
            "quantile": ("quantiles", np.arange(1, QUANTILES + 1)),
        },
        attrs={
            "run": run.name,
            "prior": run.settings.prior,
            "constant": run.prior_type.constant,
            "blocks": blocks,
            "log_linear": log_linear(model.prior) or run.prior_type.constant,
        },
    )


def caveats(effects: xr.Dataset) -> list[str]:
    """What is to be said beside all numbers of a run, beside what is to be doubted of it."""
    return [] if effects.attrs["log_linear"] else [SHAPE_GIVEN]


def _not_told_apart(groups: list[list[int]], names: np.ndarray) -> list[str]:
    """Of every annotation, which ones it cannot be told apart from."""
    out = [""] * len(names)
    for group in groups:
        for a in group:
            others = listed(names[[b for b in group if b != a]]) or "the others together"
            out[a] = f"not told apart from {others}"
    return out


def strongest_annotations(effects: Mapping[str, xr.Dataset], value: str) -> list[str]:
    """Names of the annotations, first those whose estimates are the furthest from nothing.

    Parameters
    ----------
    effects
        Annotation effects by run name; each on the dimension ``annotations``.
    value
        Variable to rank by, in units of its standard error, ``value + "_se"``.

    Returns
    -------
    list of str
        Without those that no run has an estimate and an error of.
    """
    nothing = 1.0 if value.endswith("enrichment") else 0.0
    best: dict[str, float] = {}
    for effect in effects.values():
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.abs((effect[value].values - nothing) / effect[f"{value}_se"].values)
        for name, score in zip(effect["annotation"].values.astype(str), z, strict=True):
            if np.isfinite(score):
                best[name] = max(score, best.get(name, 0.0))
    return sorted(best, key=lambda name: -best[name])


def _filled(rows: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The values in the rows that are theirs, NaN in the others."""
    out = np.full((len(rows), *values.shape[1:]), np.nan)
    out[rows] = values
    return out


def _fifths(continuous: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fifths of continuous annotations: who is in them, and their least and largest values.

    Returns
    -------
    (variants, fifths, annotations) bool, and twice (annotations, fifths), NaN where nobody is.
    """
    variants, count = continuous.shape
    out = np.zeros((variants, QUANTILES, count), bool)
    lower = np.full((count, QUANTILES), np.nan)
    upper = lower.copy()
    for j, values in enumerate(continuous.T):
        edges = np.quantile(values, np.linspace(0, 1, QUANTILES + 1)[1:-1])
        fifth = np.searchsorted(edges, values, "right")
        out[np.arange(variants), fifth, j] = True
        for q in np.unique(fifth):
            lower[j, q], upper[j, q] = values[fifth == q].min(), values[fifth == q].max()
    return out, lower, upper
