"""Heritability by LD score regression, as it is commonly run, beside that of a run."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.core.ldsc import STRONG, ld_score_fit
from deepwas_app.core.ldsr import ld_scores
from deepwas_app.genetics.statistics import genomic_inflation
from deepwas_app.workflow.results.liability import on_liability
from deepwas_app.workflow.results.locus import RunLike, opened, opened_run
from deepwas_app.workflow.runs.batches import block_slice
from deepwas_app.workflow.runs.run_batches import run_batches
from deepwas_app.workflow.runs.split import usable_blocks
from deepwas_app.workflow.runs.summary import LIABILITY
from deepwas_app.workflow.studies.builtin import StudyLike, open_study
from deepwas_app.workflow.tables import Column, Table, with_error

# From so many standard errors on, two heritabilities are not the same.
APART = 3.0
# Fewer variants than this are few for LD score regression; the reference implementation warns too.
_FEW = 200_000

LDSC = Table(
    "ldsc",
    "Heritability by LD score regression on one LD score, in two steps with a free intercept, "
    "one row a study.",
    (
        Column("h2", "h²", "heritability of the study's variants, observed scale", digits=4),
        Column("h2_se", "s.e.", "block-jackknife standard error of it", digits=4),
        Column("intercept", "Intercept", "mean chi-square of a variant without LD"),
        Column("intercept_se", "s.e. of it", "block-jackknife standard error of the intercept"),
        Column(
            "ratio",
            "Ratio",
            "share of the excess of the mean chi-square over 1 that is in the intercept; missing "
            "without an excess",
        ),
        Column("lambda_gc", "λ GC", "median chi-square over its median under the null"),
        Column("mean_chi2", "Mean χ²", "mean chi-square"),
        Column("variants", "Variants", "scored variants, in the regression"),
        Column("strong", "Strong", f"those of a chi-square of {STRONG:.0f} or more"),
        *LIABILITY,
        Column("run", "Run", "name of a run of the study", optional=True),
        Column("run_h2", "Its h²", "heritability of the run", digits=4, optional=True),
        Column("run_h2_se", "s.e.", "standard error of it, where known", digits=4, optional=True),
        Column(
            "distance",
            "Distance",
            "how far the run's heritability is above, in standard errors of both, taken as "
            "independent",
            digits=1,
            optional=True,
        ),
        Column("remark", "Remark", "what may be the cause where they are far", optional=True),
    ),
)


def ldsc(
    study: StudyLike,
    run: RunLike | None = None,
    *,
    prevalence: float | None = None,
    case_fraction: float | None = None,
) -> pd.DataFrame:
    """Heritability of a study by LD score regression, as ``ldsc --h2`` has it by default.

    LD scores are sums over the study's own LD blocks, without the sampling noise of the panel.

    Parameters
    ----------
    study
        From ``open_study``.
    run
        Whose heritability stands beside.
    prevalence, case_fraction
        Shares of the population and of the people of N that have the trait, to give heritability
        on the scale of the liability too; see :func:`on_liability`.

    Returns
    -------
    Table :data:`LDSC`, one row. NaN where LD scores are all alike, or nothing is scored.

    References
    ----------
    Bulik-Sullivan et al. 2015, doi:10.1038/ng.3211.
    """
    study, fitted = (open_study(study), None) if run is None else opened(study, run)
    (scores, among_scored), rows = _scores(study)
    z = study["variant_z"].values[rows].astype(np.float64)
    n = study["variant_sample_size"].values[rows].astype(np.float64)
    h2, intercept = ld_score_fit(z**2, scores, among_scored, n, study.sizes["variants"])
    mean = float((z**2).mean()) if len(z) else float("nan")
    row = {
        "h2": h2.value,
        "h2_se": h2.error,
        "intercept": intercept.value,
        "intercept_se": intercept.error,
        "ratio": (intercept.value - 1) / (mean - 1) if mean > 1 else float("nan"),
        "lambda_gc": genomic_inflation(z),
        "mean_chi2": mean,
        "variants": len(z),
        "strong": int((z**2 >= STRONG).sum()),
    }
    found = LDSC.check(on_liability(pd.DataFrame([row]), study, prevalence, case_fraction))
    return found if fitted is None else beside(found, fitted)


def beside(found: pd.DataFrame, run: RunLike) -> pd.DataFrame:
    """The table :data:`LDSC` of a study with the heritability of a run of it."""
    run = opened_run(run)
    ours = {name: _number(run.summary.get(name)) for name in ("h2", "h2_se")}
    row = found.iloc[0]
    distance = (ours["h2"] - row["h2"]) / np.hypot(row["h2_se"], np.nan_to_num(ours["h2_se"]))
    return LDSC.check(
        found.assign(
            run=run.name,
            run_h2=ours["h2"],
            run_h2_se=ours["h2_se"],
            distance=distance,
            remark=_remark(row, run.name, distance),
        )
    )


def sentence(found: pd.DataFrame) -> str:
    """The table :data:`LDSC` of a study in one line."""
    row = found.iloc[0]
    if not np.isfinite(row["h2"]):
        return "LD score regression: not possible, LD scores do not differ"
    said = (
        f"LD score regression: h2 {with_error(row['h2'], row['h2_se'], 4)}, "
        f"intercept {with_error(row['intercept'], row['intercept_se'], 3)}, "
        f"mean chi-square {row['mean_chi2']:.2f}"
    )
    if "h2_liability" in found:
        liability = with_error(row["h2_liability"], row["h2_liability_se"], 4)
        said += f", h2 of liability {liability}"
    if "run" not in found:
        return said
    return f"{said}; {row['run']}: h2 {with_error(row['run_h2'], row['run_h2_se'], 4)}"


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _scores(study: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """LD scores of the scored variants, with all and with scored ones (2, scored), and their rows.

    In the order of the study's blocks.
    """
    scores: list[np.ndarray] = [np.zeros((2, 0))]
    rows: list[np.ndarray] = [np.zeros(0, int)]
    for batch in run_batches(study, None, usable_blocks(study), marginal=True):
        both, counted = np.asarray(ld_scores(batch), np.float64), np.asarray(batch.counted)
        for i, b in enumerate(np.asarray(batch.index).tolist()):
            if b >= 0:
                rows.append(block_slice(study, b).start + np.flatnonzero(counted[i]))
                scores.append(both[:, i, counted[i]])
    of_all, order = np.concatenate(scores, axis=1), np.concatenate(rows)
    place = np.argsort(order, kind="stable")
    return of_all[:, place], order[place]


def _remark(row: pd.Series, run: str, distance: float) -> str:
    """What may be the cause where two heritabilities are far apart; empty where they are not."""
    if not abs(distance) > APART:
        return ""
    causes = ["an LD panel of another ancestry than the GWAS"]
    if row["intercept"] - 2 * row["intercept_se"] > 1:
        causes.append(f"stratification (the intercept is {row['intercept']:.2f})")
    if row["strong"]:
        causes.append(f"few strong loci ({row['strong']:.0f} chi-squares of {STRONG:.0f} or more)")
    if row["variants"] < _FEW:
        causes.append("too few variants, whose LD scores miss LD with others")
    return (
        f"The heritability of {run} is "
        f"{abs(distance):.1f} standard errors {'above' if distance > 0 else 'below'} that of LD "
        f"score regression. Likely causes: {'; '.join(causes)}."
    )
