"""Annotation effects and enrichment of a run, as tables."""

from collections.abc import Generator
from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.intervals import p_value
from deepwas_app.workflow.progress import Progress, job
from deepwas_app.workflow.results.annotation_effects import annotation_effects
from deepwas_app.workflow.results.interpret import (
    SHIFTED,
    marginal_effects,
    shifted_annotations,
)
from deepwas_app.workflow.results.locus import RunLike, opened
from deepwas_app.workflow.runs.doubted import warn_of
from deepwas_app.workflow.settings.keywords import knobs
from deepwas_app.workflow.settings.results import EffectsKnobs
from deepwas_app.workflow.studies.builtin import StudyLike
from deepwas_app.workflow.tables import Column, Table

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
    "two-sided P that heritability per variant is the same inside as outside, by Student's t",
    "",
    ".8g",
    digits=None,
)
_SCORE = (
    Column(
        "Score_z-score",
        "z, score test",
        "joint score test of the coefficient, from the constant prior and with all annotations at "
        "once: it fits nothing, and is the better test where the GWAS is weak",
        "",
        ".8g",
    ),
    Column("Score_p", "P, score test", "its two-sided P, by Student's t", "", ".8g", digits=None),
)
_ENDS = (
    Column("Enrichment_low95", "95% from", "lower end of its 95% interval", "", ".8g"),
    Column("Enrichment_high95", "to", "upper end of its 95% interval", "", ".8g"),
)
_NOTE = Column(
    "Note",
    "Note",
    "why numbers are missing here that others have, or what else is to be known; empty where all "
    "is well",
)


def _coefficient_columns(prefix: str, titles: tuple[str, ...], what: str) -> tuple[Column, ...]:
    """Six columns of an effect, as :func:`_coefficients` names them."""
    names = list(_coefficients(prefix, np.ones(1), np.ones(1), np.ones(1), 2))
    units = ("log variance per s.d.",) * 2 + ("", "") + ("log variance per unit",) * 2
    meanings = (
        f"change of log variance per s.d. of the annotation, {what}",
        "its standard error",
        "the estimate over its standard error",
        "its two-sided P, by Student's t",
        "the same per unit of the annotation",
        "its standard error",
    )
    return tuple(
        Column(name, title, meaning, unit, ".8g", None if name.endswith("_p") else 3, bool(prefix))
        for name, title, meaning, unit in zip(names, titles, meanings, units, strict=True)
    )


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

    Returns
    -------
    Table :data:`EFFECTS`, one row an annotation.

    Yields
    ------
    Progress
    """
    study, run = opened(study, run)
    warn_of(run)
    if found is None:
        found = annotation_effects(study, run)
    alone = shifted = None
    if settings.one_at_a_time:
        alone = yield from marginal_effects.steps(study, run)
    if settings.shifts:
        shifted = yield from shifted_annotations.steps(study, run, settings.shifts)
    return effects_table(found, alone, shifted)


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
    deviation, blocks = effects["annotation_deviation"].values, effects.attrs["blocks"]
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
            "",
            effects["partial_effect"].values,
            effects["partial_effect_se"].values,
            deviation,
            blocks,
        )
        | {
            "Score_z-score": effects["score_z"].values,
            "Score_p": effects["score_p"].values,
            "Enrichment_low95": effects["enrichment_low"].values,
            "Enrichment_high95": effects["enrichment_high"].values,
            "Note": effects["note"].values,
        }
    )
    if alone is not None:
        columns = _coefficients(
            "Marginal_", alone["marginal"].values, alone["marginal_se"].values, deviation, blocks
        )
        table = table.assign(**columns)
    if shifted is not None:
        table = table.merge(shifted, on="Category", how="left")
    return EFFECTS.check(table)


def _coefficients(
    prefix: str, value: np.ndarray, error: np.ndarray, deviation: np.ndarray, blocks: int
) -> dict[str, np.ndarray]:
    with np.errstate(divide="ignore", invalid="ignore"):
        z = value / error
    per_deviation, per_unit = f"{prefix}coefficient", f"{prefix}unit_coefficient"
    if not prefix:
        per_deviation, per_unit = per_deviation.capitalize(), per_unit.capitalize()
    return {
        per_deviation: value,
        f"{per_deviation}_std_error": error,
        f"{per_deviation}_z-score": z,
        f"{per_deviation}_p": p_value(z, blocks),
        per_unit: value / deviation,
        f"{per_unit}_std_error": error / deviation,
    }


EFFECTS = Table(
    "effects",
    "Annotation effects and enrichment in the layout of S-LDSC's results and more, one row an "
    "annotation. Effects are the coefficients of a log-linear prior without the pull of the "
    "normal prior on them, which the fitted ones have, and the average partial effects of any "
    "other; shares and enrichment are of binary annotations. Errors are block jackknives, and "
    "rough with few LD blocks. Of a prior that is not log-linear, errors and intervals say how "
    "far the data fix it along each annotation, its shape taken as given: in simulations such 95%"
    " intervals of enrichment held the truth in 91%. Numbers of which the data say nothing are "
    "NA, and `Note` has the reason: a 95% interval that reaches further than 1,000 times up and "
    "down (of a coefficient per s.d., of a set from outside to inside); an annotation that fewer "
    "than two LD blocks know of (1 / sum of the squares of their shares of its Fisher "
    "information); one that is the same for all scored training variants; everything but the "
    "score test where heritability is less than two standard errors from 0; and the coefficient "
    "of an annotation of whose variance the others explain more than 99.9%, where `Note` says "
    "which ones cannot be told apart.",
    (
        _CATEGORY,
        *_SHARES,
        _ENRICHMENT_P,
        *_coefficient_columns(
            "",
            ("Per s.d.", "s.e.", "z", "P", "Per unit", "s.e., per unit"),
            "the others as they are",
        ),
        *_SCORE,
        *_ENDS,
        _NOTE,
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
        _NOTE,
    ),
)


def quantile_table(effects: xr.Dataset) -> pd.DataFrame:
    """Enrichment of the fifths of every continuous annotation, one row a fifth.

    Parameters
    ----------
    effects
        From :func:`annotation_effects`.

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
        "Note": "note",
    }
    return FIFTHS.frame(
        {"Category": effects["annotation"].values[rows], "Quantile": fifths + 1}
        | {
            column: effects[f"quantile_{name}"].values[rows, fifths]
            for column, name in columns.items()
        }
    )
