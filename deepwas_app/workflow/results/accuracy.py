"""What scores predict of a phenotype, and which of several predicts it better."""

from collections.abc import Callable, Mapping
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd

from deepwas_app.core.prediction import (
    Explained,
    Measure,
    People,
    auc,
    explained,
    liability_share,
    log_odds_ratio,
    people_of,
    share_interval,
    tenths,
)
from deepwas_app.errors import InputError
from deepwas_app.intervals import interval, p_value
from deepwas_app.workflow.tables import Column, Table

R2, AUC, LIABILITY, ODDS = "R2", "AUC", "R2_liability", "OR_per_SD"
MEASURES = {
    R2: "share of the phenotype's variance that the score adds to covariates",
    AUC: "probability that a case has the higher score, among people of the same covariates",
    LIABILITY: "share of the variance of the liability that the score adds to covariates",
    ODDS: "odds ratio per s.d. of the score among controls, given the covariates",
}
_SAID = {
    R2: "R²",
    AUC: "AUC",
    LIABILITY: "R² of the liability",
    ODDS: "odds ratio per s.d.",
}
_LOW = Column("LOW95", "From", "low end of the 95% interval", "", ".6g")
_HIGH = Column("HIGH95", "To", "high end of the 95% interval", "", ".6g")
_WEIGHTS = Column("WEIGHTS", "Weights", "which weights")
_MEASURE = Column("MEASURE", "Measure", "; ".join(f"{k}: {v}" for k, v in MEASURES.items()))

ACCURACY = Table(
    "score-accuracy",
    "How well scores predict a phenotype, one row a score and measure; AUC, R2_liability and "
    "OR_per_SD are of cases and controls.",
    (
        _WEIGHTS,
        _MEASURE,
        Column("VALUE", "Value", "the measure", "", ".6g"),
        _LOW,
        _HIGH,
        Column("PEOPLE", "People", "who have a score, a phenotype and all covariates"),
        Column("CASES", "Cases", "cases among them", optional=True),
    ),
)
DIFFERENCES = Table(
    "score-differences",
    "Which of two scores predicts better on the same people, one row a pair and measure.",
    (
        Column("FIRST", "First", "weights of the first score"),
        Column("SECOND", "Second", "weights of the score that is subtracted"),
        _MEASURE,
        Column("DIFFERENCE", "Difference", "of the measure, first less second", "", ".6g", 4),
        Column("SE", "s.e.", "its standard error, of people who are the same", "", ".6g", 4),
        _LOW,
        _HIGH,
        Column("P", "P", "two-sided P of no difference", "", ".4e", digits=None),
    ),
)
DECILES = Table(
    "score-deciles",
    "The phenotype by tenths of a score, one row a score and tenth.",
    (
        _WEIGHTS,
        Column("DECILE", "Decile", "tenth of the score, from 1, the lowest"),
        Column("PEOPLE", "People", "people in it; those of the same score are together"),
        Column("SCORE", "Score", "mean score, in s.d. of all", "s.d.", ".6g"),
        Column(
            "MEAN",
            "Phenotype",
            "mean of a quantitative phenotype, at the mean of the covariates",
            "",
            ".6g",
            optional=True,
        ),
        Column("CASES", "Cases", "cases in it", optional=True),
        Column(
            "ODDS_RATIO",
            "Odds ratio",
            "odds of being a case against those of the fifth and sixth tenth (their geometric "
            "mean), given the covariates; NA without cases or without controls",
            "",
            ".6g",
            optional=True,
        ),
        _LOW,
        _HIGH,
    ),
)


class Accuracy(NamedTuple):
    """How much of a phenotype a score predicts, and its confidence interval.

    Attributes
    ----------
    r2, low, high
        Share of the phenotype's variance, 0 to 1; beyond that of the covariates.
    r
        The correlation itself, of what covariates leave of both; a negative one means that the
        score points the wrong way.
    people
        How many had both, and all covariates.
    covariates
        Share of the phenotype's variance that the covariates alone predict.
    """

    r2: float
    low: float
    high: float
    r: float
    people: int
    covariates: float = 0.0


class Judged(NamedTuple):
    """What scores predict, all on the same people.

    Attributes
    ----------
    shares
        R² of each score.
    measures, differences, deciles
        Tables :data:`ACCURACY`, :data:`DIFFERENCES` (without rows for one score) and
        :data:`DECILES`.
    status
        1 for cases and 0 for controls, NaN for others, in the order of the people; None for a
        quantitative phenotype.
    """

    shares: dict[str, Accuracy]
    measures: pd.DataFrame
    differences: pd.DataFrame
    deciles: pd.DataFrame
    status: np.ndarray | None


def judge(
    scores: Mapping[str, np.ndarray],
    phenotype: np.ndarray,
    covariates: np.ndarray | None = None,
    *,
    prevalence: float | None = None,
    where: str = "phenotype",
) -> Judged:
    """Judge scores by a phenotype.

    Parameters
    ----------
    scores
        By name, (people,) each.
    phenotype
        (people,); people with a missing value are left out. One of 0 and 1, or of 1 and 2, is of
        controls and cases.
    covariates
        (people, covariates); all measures are then of what the score adds to them.
    prevalence
        Share of cases in the population, for R² of the liability.
    where
        Named in errors.

    Raises
    ------
    InputError
        If fewer than four people have all of them, one does not vary, covariates tell a score or
        the phenotype, or a prevalence is given of a quantitative phenotype.
    """
    both = np.isfinite(phenotype) & np.isfinite(np.stack(list(scores.values()))).all(axis=0)
    if covariates is not None:
        both &= np.isfinite(covariates).all(axis=1)
        covariates = covariates[both]
    people = people_of(phenotype[both], covariates)
    if prevalence is not None and not people.binary:
        raise InputError(
            f"{where}: its values are not those of cases and controls (0 and 1, or 1 and 2), so "
            "that a prevalence is of no use."
        )
    estimates: dict[str, dict[str, Measure]] = {}
    shares, rows, parts = {}, [], []
    counts = {"PEOPLE": len(people.phenotype)}
    if people.binary:
        counts["CASES"] = int(people.phenotype.sum())
    for name, every in scores.items():
        score = every[both]
        found = _explained(people, score, where)
        estimates[name] = _estimates(people, score, found, prevalence)
        for measure, one in estimates[name].items():
            value, low, high = _shown(measure, one, found.r)
            ends = {"VALUE": value, "LOW95": low, "HIGH95": high}
            rows.append({"WEIGHTS": name, "MEASURE": measure} | ends | counts)
            if measure == R2:
                alone = max(found.alone.value, 0.0)
                shares[name] = Accuracy(value, low, high, found.r, len(score), alone)
        parts += _deciles(name, people, score)
    status = None
    if people.binary:
        status = np.full(len(phenotype), np.nan)
        status[both] = people.phenotype
    measures, deciles = ACCURACY.frame(rows), DECILES.frame(parts)
    return Judged(shares, measures, _differences(estimates), deciles, status)


def _explained(people: People, score: np.ndarray, where: str) -> Explained:
    y, known, _ = people
    if len(y) < 3 + known.shape[1] or np.ptp(y) == 0 or np.ptp(score) == 0:
        raise InputError(
            f"{where}: {len(y)} people have a score and a phenotype that vary, too few for R^2. "
            "Give the phenotype of more people."
        )
    for values in (score, y - y.mean()):
        left = values - known @ (known.T @ values)
        if left @ left < 1e-12 * (values @ values):
            raise InputError(f"{where}: covariates tell all of the score or of it. Leave some out.")
    return explained(people, score)


def _estimates(
    people: People, score: np.ndarray, found: Explained, prevalence: float | None
) -> dict[str, Measure]:
    """Every measure that the phenotype has; of the odds ratio its logarithm."""
    out = {R2: found.added}
    if people.binary:
        out[AUC] = auc(people, score)
        if prevalence is not None:
            out[LIABILITY] = liability_share(found, prevalence, float(people.phenotype.mean()))
        out[ODDS] = log_odds_ratio(people, score)
    return out


def _shown(measure: str, one: Measure, r: float) -> tuple[float, float, float]:
    """A measure and the ends of its interval."""
    if measure in (R2, LIABILITY):
        return one.value, *share_interval(one, float(np.sign(r)))
    low, high = interval(one.value, one.error)
    if measure == AUC:
        return one.value, max(float(low), 0.0), min(float(high), 1.0)
    return float(np.exp(one.value)), float(np.exp(low)), float(np.exp(high))


def _differences(estimates: dict[str, dict[str, Measure]]) -> pd.DataFrame:
    rows = []
    for first, second in combinations(estimates, 2):
        for measure in estimates[first]:
            if measure == ODDS:
                continue
            found = estimates[first][measure].less(estimates[second][measure])
            low, high = interval(found.value, found.error)
            p = p_value(found.value / found.error) if found.error > 0 else np.nan
            row = [first, second, measure, found.value, found.error, low, high, p]
            rows.append(dict(zip(DIFFERENCES.names, row, strict=True)))
    return DIFFERENCES.frame(rows)


def _deciles(name: str, people: People, score: np.ndarray) -> list[dict[str, object]]:
    standard = (score - score.mean()) / score.std()
    turned: Callable[[float], float] = np.exp if people.binary else float
    rows = []
    for one in tenths(people, score):
        low, high = interval(one.level.value, one.level.error)
        row = {"WEIGHTS": name, "DECILE": one.decile, "PEOPLE": int(one.members.sum())}
        row["SCORE"] = float(standard[one.members].mean())
        if people.binary:
            row["CASES"] = int(people.phenotype[one.members].sum())
        row["ODDS_RATIO" if people.binary else "MEAN"] = float(turned(one.level.value))
        rows.append(row | {"LOW95": float(turned(low)), "HIGH95": float(turned(high))})
    return rows


def accuracy_lines(found: Judged) -> list[str]:
    """Every measure with its interval, a line a score; says where one points the wrong way."""
    lines = []
    for name, share in found.shares.items():
        line = f"R² {share.r2:.4f} (95% {share.low:.4f} to {share.high:.4f})"
        mine = found.measures[found.measures["WEIGHTS"] == name].set_index("MEASURE")
        for measure, digits in (
            (LIABILITY, 4),
            (AUC, 3),
            (ODDS, 2),
        ):
            words = _SAID[measure]
            if measure in mine.index:
                value, low, high = mine.loc[measure, ["VALUE", "LOW95", "HIGH95"]]
                line += f", {words} {value:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"
        line += f", {share.people:,} people"
        if found.status is not None:
            line += f" of whom {int(np.nansum(found.status)):,} are cases"
        if share.covariates > 1e-9:
            line += f", beyond {share.covariates:.4f} of the covariates"
        line += ", NEGATIVE correlation" if share.r < 0 else ""
        lines.append(f"{name}: {line}" if len(found.shares) > 1 else line)
    return lines


def difference_lines(found: Judged) -> list[str]:
    """Which score predicts better, a line a pair and measure."""
    return [
        f"{row.FIRST} less {row.SECOND}: {_SAID[str(row.MEASURE)]} {row.DIFFERENCE:+.4f} ± "
        f"{row.SE:.4f} (95% {row.LOW95:+.4f} to {row.HIGH95:+.4f})"
        for row in found.differences.itertuples()
    ]
