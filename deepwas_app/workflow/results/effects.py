"""Annotation effects and enrichment of a run, with labels and as tables."""

from collections.abc import Generator, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import norm

from deepwas_app.core.effects import (
    average_partial_effects,
    enrichment,
    enrichment_interval,
    tilt_jackknife,
)
from deepwas_app.core.jackknife import jackknife_error
from deepwas_app.core.priors import Prior
from deepwas_app.workflow.progress import Progress, job
from deepwas_app.workflow.results.interpret import (
    SHIFTED,
    marginal_effects,
    shifted_annotations,
)
from deepwas_app.workflow.results.locus import RunLike, opened
from deepwas_app.workflow.runs.batches import standardisation
from deepwas_app.workflow.runs.heritability import prior_heritability
from deepwas_app.workflow.runs.models import objective_of
from deepwas_app.workflow.runs.run_batches import spread_variants, training_batches
from deepwas_app.workflow.settings.keywords import knobs
from deepwas_app.workflow.settings.results import EffectsKnobs
from deepwas_app.workflow.studies.builtin import StudyLike
from deepwas_app.workflow.tables import Column, Table

QUANTILES = 5
_AVERAGED = 20_000

_CATEGORY = Column("Category", "Annotation", "name of the annotation")
_SHARES = (
    Column("Prop._SNPs", "Of variants", "share of the variants", "", ".8g"),
    Column("Prop._h2", "Of h²", "share of the heritability", "", ".8g"),
    Column("Prop._h2_std_error", "s.e.", "standard error of that share", "", ".8g"),
    Column("Enrichment", "Enrichment", "share of heritability over share of variants", "", ".8g"),
    Column("Enrichment_std_error", "s.e. of it", "its standard error", "", ".8g"),
)
_ENRICHMENT_P = Column(
    "Enrichment_p",
    "P",
    "two-sided P that heritability per variant is the same inside as outside",
    "",
    ".8g",
    digits=None,
)
_ENDS = (
    Column("Enrichment_low95", "95% from", "lower end of its 95% interval", "", ".8g"),
    Column("Enrichment_high95", "to", "upper end of its 95% interval", "", ".8g"),
)


def _coefficient_columns(prefix: str, titles: tuple[str, ...], what: str) -> tuple[Column, ...]:
    """Six columns of an effect, as :func:`_coefficients` names them."""
    names = list(_coefficients(prefix, np.ones(1), np.ones(1), np.ones(1)))
    units = ("log variance per s.d.",) * 2 + ("", "") + ("log variance per unit",) * 2
    meanings = (
        f"change of log variance per s.d. of the annotation, {what}",
        "its standard error",
        "the estimate over its standard error",
        "its two-sided P",
        "the same per unit of the annotation",
        "its standard error",
    )
    return tuple(
        Column(name, title, meaning, unit, ".8g", None if name.endswith("_p") else 3, bool(prefix))
        for name, title, meaning, unit in zip(names, titles, meanings, units, strict=True)
    )


def log_linear(prior: Prior) -> bool:
    """Whether log f is linear in the annotations, so that it has coefficients."""
    return prior.log_coefficients() is not None


@job
@knobs(EffectsKnobs)
def effects(
    study: StudyLike | None,
    run: RunLike,
    settings: EffectsKnobs,
    found: xr.Dataset | None = None,
) -> Generator[Progress, None, pd.DataFrame]:
    """Annotation effects and enrichment of a run, in the layout of S-LDSC's results and more.

    Parameters
    ----------
    study, run
        A fitted run, and the study that it was fitted to; None: where it was then.
    settings
        All knobs at once, in place of the keywords below.
    found
        From :func:`annotation_effects`, where they are known.

    Yields
    ------
    Progress

    Returns
    -------
    Table :data:`EFFECTS`, one row an annotation.
    """
    study, run = opened(study, run)
    if found is None:
        found = annotation_effects(study, run)
    alone = shifted = None
    if settings.one_at_a_time:
        alone = yield from marginal_effects.steps(study, run)
    if settings.shifts:
        shifted = yield from shifted_annotations.steps(study, run, settings.shifts)
    return effects_table(found, alone, shifted)


def annotation_effects(study: StudyLike | None, run: RunLike) -> xr.Dataset:
    """Effects of every annotation in a run, with block-jackknife standard errors.

    Returns
    -------
    Dataset over ``annotations`` (and ``quantiles``):

    annotation_deviation
        S.d. over the training variants, in the annotation's own unit.
    coefficient, coefficient_se
        Log-linear prior: change of log variance per s.d. of the annotation; NaN for other priors.
    unit_coefficient, unit_coefficient_se
        The same per unit of the annotation.
    partial_effect, partial_effect_se
        Average change of log variance per s.d., the other annotations and the tracks as they are;
        for a log-linear prior the coefficient.
    unit_partial_effect, unit_partial_effect_se
        The same per unit.
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
    jackknife
        (blocks, annotations): change of the effects, per s.d., without each training block.

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
        coefficient, coefficient_se = np.asarray(coefficients, np.float64), error
        partial = coefficient

    standardised = (annotations - np.asarray(standardise.mean)) / np.asarray(standardise.deviation)
    v = prior_heritability(study, model, run.settings.alpha, str(run.path))
    fifths, *edges = _fifths(annotations[:, ~binary])
    sets = np.concatenate(
        [annotations[:, binary] == 1, fifths.reshape(len(annotations), -1)], axis=1
    )
    shares = enrichment(v, sets, standardised, jackknife)
    low, high = enrichment_interval(shares)
    per_set = {
        "proportion_variants": shares.variants,
        "proportion_heritability": shares.share,
        "proportion_heritability_se": shares.share_error,
        "enrichment": shares.value,
        "enrichment_se": shares.error,
        "enrichment_low": low,
        "enrichment_high": high,
        "enrichment_p": 2 * norm.sf(np.abs(shares.z)),
    }

    def of_binary(values):
        return _filled(binary, values[: binary.sum()])

    lower, upper = (_filled(~binary, edge) for edge in edges)

    def of_fifths(values):
        table = _filled(~binary, values[binary.sum() :].reshape(QUANTILES, -1).T)
        return (("annotations", "quantiles"), np.where(np.isnan(lower), np.nan, table))

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
    } | {name: of_binary(values) for name, values in per_set.items()}
    return xr.Dataset(
        {name: ("annotations", values) for name, values in per_annotation.items()}
        | {
            "quantile_lower": (("annotations", "quantiles"), lower),
            "quantile_upper": (("annotations", "quantiles"), upper),
        }
        | {f"quantile_{name}": of_fifths(values) for name, values in per_set.items()}
        | {"jackknife": (("blocks", "annotations"), jackknife.coefficients)},
        coords={
            "annotation": ("annotations", study["annotation"].values),
            "quantile": ("quantiles", np.arange(1, QUANTILES + 1)),
        },
        attrs={
            "run": run.name,
            "prior": run.settings.prior,
            "constant": run.prior_type.constant,
            "blocks": len(run.train_blocks),
            "h2": float(v.sum()),
        },
    )


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


def effects_table(
    effects: xr.Dataset, alone: xr.Dataset | None = None, shifted: pd.DataFrame | None = None
) -> pd.DataFrame:
    """The effects in the layout of S-LDSC's results and more, one row an annotation.

    Parameters
    ----------
    effects
        From :func:`annotation_effects`.
    alone
        Effects one at a time, to go beside these.
    shifted
        The test by shifted annotations, to go beside these.

    Returns
    -------
    Table :data:`EFFECTS`, whose first ten columns are those of S-LDSC; with `alone` and `shifted`
    also its optional ones.
    """
    deviation = effects["annotation_deviation"].values
    table = pd.DataFrame(
        {
            "Category": effects["annotation"].values,
            "Prop._SNPs": effects["proportion_variants"].values,
            "Prop._h2": effects["proportion_heritability"].values,
            "Prop._h2_std_error": effects["proportion_heritability_se"].values,
            "Enrichment": effects["enrichment"].values,
            "Enrichment_std_error": effects["enrichment_se"].values,
            "Enrichment_p": effects["enrichment_p"].values,
        }
        | _coefficients(
            "", effects["partial_effect"].values, effects["partial_effect_se"].values, deviation
        )
        | {
            "Enrichment_low95": effects["enrichment_low"].values,
            "Enrichment_high95": effects["enrichment_high"].values,
        }
    )
    if alone is not None:
        columns = _coefficients(
            "Marginal_", alone["marginal"].values, alone["marginal_se"].values, deviation
        )
        table = table.assign(**columns)
    if shifted is not None:
        table = table.merge(shifted, on="Category", how="left")
    return EFFECTS.check(table)


def _coefficients(prefix: str, value, error, deviation) -> dict[str, np.ndarray]:
    with np.errstate(divide="ignore", invalid="ignore"):
        z = value / error
    per_deviation, per_unit = f"{prefix}coefficient", f"{prefix}unit_coefficient"
    if not prefix:
        per_deviation, per_unit = per_deviation.capitalize(), per_unit.capitalize()
    return {
        per_deviation: value,
        f"{per_deviation}_std_error": error,
        f"{per_deviation}_z-score": z,
        f"{per_deviation}_p": 2 * norm.sf(np.abs(z)),
        per_unit: value / deviation,
        f"{per_unit}_std_error": error / deviation,
    }


EFFECTS = Table(
    "effects",
    "Annotation effects and enrichment in the layout of S-LDSC's results and more, one row an "
    "annotation. Effects are the coefficients of a log-linear prior, and the average partial "
    "effects of any other; shares and enrichment are of binary annotations.",
    (
        _CATEGORY,
        *_SHARES,
        _ENRICHMENT_P,
        *_coefficient_columns(
            "",
            ("Per s.d.", "s.e.", "z", "P", "Per unit", "s.e., per unit"),
            "the others as they are",
        ),
        *_ENDS,
        *_coefficient_columns(
            "Marginal_",
            (
                "Alone, per s.d.",
                "s.e., alone",
                "z, alone",
                "P, alone",
                "Alone, per unit",
                "s.e., alone, per unit",
            ),
            "fitted without the others",
        ),
        *(replace(column, optional=True) for column in SHIFTED.columns[1:]),
    ),
)
FIFTHS = Table(
    "quantiles",
    "Enrichment of the fifths of every continuous annotation, one row a fifth; where many values "
    "are equal, fifths are unequal, and empty ones are left out.",
    (
        _CATEGORY,
        Column("Quantile", "Fifth", "1 is the lowest fifth"),
        Column("Lower", "From", "least value in it, in the annotation's own unit", "", ".8g"),
        Column("Upper", "to", "largest value in it", "", ".8g"),
        *_SHARES,
        *_ENDS,
        _ENRICHMENT_P,
    ),
)


def quantile_table(effects: xr.Dataset) -> pd.DataFrame:
    """Enrichment of the fifths of every continuous annotation, one row a fifth.

    Returns
    -------
    Table :data:`FIFTHS`.
    """
    rows, fifths = np.nonzero(np.isfinite(effects["quantile_lower"].values))
    columns = {
        "Lower": "lower",
        "Upper": "upper",
        "Prop._SNPs": "proportion_variants",
        "Prop._h2": "proportion_heritability",
        "Prop._h2_std_error": "proportion_heritability_se",
        "Enrichment": "enrichment",
        "Enrichment_std_error": "enrichment_se",
        "Enrichment_low95": "enrichment_low",
        "Enrichment_high95": "enrichment_high",
        "Enrichment_p": "enrichment_p",
    }
    return FIFTHS.frame(
        {"Category": effects["annotation"].values[rows], "Quantile": fifths + 1}
        | {
            column: effects[f"quantile_{name}"].values[rows, fifths]
            for column, name in columns.items()
        }
    )
