"""How well scores predict a phenotype, with what each person moves the number by.

That influence gives standard errors that ask for no distribution, and, where two scores are judged
on the same people, the error of their difference. Numbers of cases and controls are taken as given.

References
----------
Efron 1982, doi:10.1137/1.9781611970319 (the infinitesimal jackknife).
"""

from typing import NamedTuple

import numpy as np
from scipy.special import expit
from scipy.stats import norm, rankdata

from deepwas_app.core.liability import liability_factor
from deepwas_app.intervals import LEVEL, interval

TENTHS = 10
_STEPS, _CONVERGED = 50, 1e-9


class People(NamedTuple):
    """The people on whom scores are judged.

    Attributes
    ----------
    phenotype
        (people,); 1 for cases and 0 for controls where `binary`.
    known
        Orthonormal columns, (people, rank): the constant, and what spans the covariates.
    binary
        Whether they are cases and controls.
    """

    phenotype: np.ndarray
    known: np.ndarray
    binary: bool


class Measure(NamedTuple):
    """A number and its uncertainty.

    Attributes
    ----------
    value
        The number.
    influence
        Derivative of the number by the weight of each person times the number of people,
        (people,).
    """

    value: float
    influence: np.ndarray

    @property
    def error(self) -> float:
        """Standard error."""
        return float(np.sqrt(self.influence @ self.influence)) / len(self.influence)

    def less(self, other: "Measure") -> "Measure":
        """The difference to a number of the same people."""
        return Measure(self.value - other.value, self.influence - other.influence)


class Explained(NamedTuple):
    """Share of the phenotype's variance that linear regression explains.

    Attributes
    ----------
    added
        By the score beyond the covariates.
    full, alone
        By both, and by the covariates.
    r
        Correlation of what covariates leave of score and phenotype.
    """

    added: Measure
    full: Measure
    alone: Measure
    r: float


def people_of(phenotype: np.ndarray, covariates: np.ndarray | None = None) -> People:
    """People by their phenotype and covariates, all of them known, (people,), (people, n).

    Cases and controls are a phenotype of 1 and 0, or of 2 and 1.
    """
    values = np.unique(phenotype).tolist()
    binary = values in ([0, 1], [1, 2])
    constant = np.full((len(phenotype), 1), max(len(phenotype), 1) ** -0.5)
    columns = constant[:, :0]
    if covariates is not None and len(phenotype):
        centred = covariates - covariates.mean(axis=0)
        scale = np.sqrt((centred**2).sum(axis=0))
        # What is constant but for rounding says nothing.
        there = scale > 1e-10 * np.sqrt((covariates**2).sum(axis=0))
        columns, size, _ = np.linalg.svd(centred[:, there] / scale[there], full_matrices=False)
        columns = columns[:, size > 1e-10 * size.max(initial=0)]
    cases = (phenotype == values[-1]).astype(np.float64) if binary else phenotype
    return People(cases, np.hstack([constant, columns]), binary)


def explained(people: People, score: np.ndarray) -> Explained:
    """Shares of variance of a score, (people,), and of the covariates."""
    y, known, _ = people
    total, left, rest = y - y.mean(), _left(y, known), _left(score, known)
    r = float(rest @ left / np.sqrt((rest @ rest) * (left @ left)))
    least = left - rest * (rest @ left / (rest @ rest))
    variance = float(total @ total) / len(y)
    # As many are free as in the error of Fisher's z.
    free = len(y) / (len(y) - 2 - known.shape[1])

    def share(residual: np.ndarray) -> Measure:
        unexplained = float(residual @ residual) / len(y) / variance
        influence = (unexplained * total**2 - residual**2) / variance
        return Measure(1 - unexplained, _given_status(people, influence) * np.sqrt(free))

    full, alone = share(least), share(left)
    return Explained(full.less(alone), full, alone, r)


def liability_share(found: Explained, prevalence: float, case_fraction: float) -> Measure:
    """Share of variance of the liability that a score adds to covariates.

    Parameters
    ----------
    found
        Shares of the variance of being a case, 0 or 1.
    prevalence, case_fraction
        Share of cases in the population, K, and in the sample, P.

    Notes
    -----
    R²_l = C R² / (1 + C θ R²) of the score with the covariates less that of the covariates, with
    C = K² (1 - K)² / (φ² P (1 - P)), θ = m a (m a - t), a = (P - K) / (1 - K), m = φ / K, t the
    threshold of liability and φ the normal density there.

    References
    ----------
    Lee, Goddard, Wray & Visscher 2012, doi:10.1002/gepi.21614.
    """
    factor = liability_factor(prevalence, case_fraction)
    threshold = norm.isf(prevalence)
    shift = norm.pdf(threshold) / prevalence * (case_fraction - prevalence) / (1 - prevalence)
    theta = shift * (shift - threshold)

    def turned(share: Measure) -> Measure:
        below = 1 + factor * theta * share.value
        return Measure(factor * share.value / below, share.influence * factor / below**2)

    return turned(found.full).less(turned(found.alone))


def auc(people: People, score: np.ndarray) -> Measure:
    """Probability that the score of a case is above that of a control, ties as one half.

    Notes
    -----
    Of what the covariates leave of the score where there are any, by their regression among
    controls: cases are compared with controls of the same covariates.

    References
    ----------
    DeLong, DeLong & Clarke-Pearson 1988, doi:10.2307/2531595; Sun & Xu 2014,
    doi:10.1109/LSP.2014.2337313; Janes & Pepe 2009, doi:10.1093/biomet/asp002 (covariates).
    """
    case, known = people.phenotype > 0, people.known
    if known.shape[1] == 1:
        return _above(case, score)
    size, controls = len(score), (~case).sum()
    columns = known * np.sqrt(size)
    inverse = np.linalg.pinv(columns[~case].T @ columns[~case])
    rest = score - columns @ (inverse @ (columns[~case].T @ score[~case]))
    found = _above(case, rest)
    # What the regression's own error adds: its influence times the slope along each covariate.
    move = rest[~case].std() * size ** (-1 / 3)
    slopes = [
        (_above(case, rest - move * column).value - _above(case, rest + move * column).value)
        / (2 * move)
        for column in columns[:, 1:].T
    ]
    added = np.zeros(size)
    part = (columns[~case] * rest[~case, None]) @ inverse[:, 1:] @ np.array(slopes)
    added[~case] = part * size * np.sqrt(controls / max(controls - known.shape[1], 1))
    return Measure(found.value, found.influence + added)


def _above(case: np.ndarray, score: np.ndarray) -> Measure:
    """AUC of a score as it is."""
    # Ranks are not of rounding.
    among_all = rankdata(np.round(score / max(np.abs(score).max(), 1e-300), 12))
    value, influence = 0.0, np.empty(len(score))
    for group, sign in ((case, 1), (~case, -1)):
        size, others = group.sum(), (~group).sum()
        below = (among_all[group] - rankdata(among_all[group])) / others
        placed = below if sign > 0 else 1 - below
        value = float(placed.mean())
        unbiased = np.sqrt(size / max(size - 1, 1))
        influence[group] = (placed - value) * len(score) / size * unbiased
    return Measure(value, influence)


def log_odds_ratio(people: People, score: np.ndarray) -> Measure:
    """What an s.d. of the score among controls adds to the log odds, given the covariates."""
    sd = score[people.phenotype == 0].std()
    design = np.column_stack([people.known, (score - score.mean()) / sd])
    value, influence = _regressed(design, people.phenotype, binary=True)
    return Measure(float(value[-1]), influence[:, -1])


class Tenth(NamedTuple):
    """People of a tenth of the scores.

    Attributes
    ----------
    decile
        From 1, the lowest scores.
    members
        Which people, (people,) bool.
    level
        Mean of the phenotype; of cases and controls log odds less those of the two middle tenths.
        Both as if covariates were the same in all tenths. NaN where all are cases or controls.
    """

    decile: int
    members: np.ndarray
    level: Measure


def tenths(people: People, score: np.ndarray) -> list[Tenth]:
    """People by tenths of a score; those of the same score are in the same tenth.

    Empty where there are fewer than two people for each number that is estimated.
    """
    y, known, binary = people
    if len(y) < 2 * (TENTHS + known.shape[1]):
        return []
    number = np.floor(TENTHS * (rankdata(score) - 0.5) / len(y)).astype(int)
    there = np.unique(number)
    members = number[:, None] == there
    nobody = Measure(np.nan, np.full(len(y), np.nan))
    fit = np.ones(len(there), dtype=bool)
    if binary:
        fit = (y @ members > 0) & ((1 - y) @ members > 0)
    levels = [nobody] * len(there)
    middle = np.isin(there[fit], (TENTHS // 2 - 1, TENTHS // 2))
    if not binary or middle.any():
        rows = members[:, fit].any(axis=1)
        design = np.hstack([members[rows][:, fit], known[rows, 1:]])
        value, part = _regressed(design, y[rows], binary=binary)
        influence = np.zeros((len(y), len(value)))
        influence[rows] = part * len(y) / rows.sum()
        contrast = np.eye(fit.sum(), len(value))
        if binary:
            contrast[:, : fit.sum()] -= middle / middle.sum()
        value, influence = contrast @ value, influence @ contrast.T
        for i, column in enumerate(np.flatnonzero(fit)):
            levels[column] = Measure(float(value[i]), influence[:, i])
    return [Tenth(int(one) + 1, members[:, i], levels[i]) for i, one in enumerate(there.tolist())]


def share_interval(share: Measure, sign: float = 1.0) -> tuple[float, float]:
    """Interval of a share of variance, from 0 where it holds that no variance is explained.

    Notes
    -----
    By Fisher's z of its root, with the sign of the correlation.
    """
    root = sign * np.sqrt(np.clip(share.value, 0, 1 - 1e-12))
    if root == 0:
        return 0.0, 0.0
    z = Measure(float(np.arctanh(root)), share.influence / (2 * root * (1 - root**2)))
    ends = np.tanh(interval(z.value, z.error, level=LEVEL))
    low, high = sorted((ends**2).tolist())
    return (0.0 if ends[0] <= 0 <= ends[1] else low), high


def _left(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """What regression on orthonormal columns leaves."""
    rest = values - known[:, 0] * (known[:, 0] @ values)
    return rest - known @ (known.T @ rest)


def _given_status(people: People, influence: np.ndarray) -> np.ndarray:
    """Influence where the numbers of cases and controls are given: its mean in either is none."""
    if people.binary:
        influence = influence.copy()
        for group in (people.phenotype > 0, people.phenotype == 0):
            influence[group] -= influence[group].mean()
    return influence


def _regressed(X: np.ndarray, y: np.ndarray, *, binary: bool) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients of a linear or logistic regression, (k,), and their influence, (people, k).

    NaN where logistic regression has no finite estimate: columns tell cases from controls.
    """
    coefficients = np.zeros(X.shape[1])
    for _ in range(_STEPS if binary else 2):
        mean = expit(X @ coefficients) if binary else X @ coefficients
        weight = mean * (1 - mean) if binary else np.ones(len(y))
        inverse = np.linalg.pinv(X.T @ (weight[:, None] * X))
        step = inverse @ (X.T @ (y - mean))
        if binary and np.abs(step).max() < _CONVERGED * max(np.abs(coefficients).max(), 1):
            break
        coefficients = coefficients + step
    else:
        if binary:
            return np.full(X.shape[1], np.nan), np.full(X.shape, np.nan)
    free = np.sqrt(len(y) / max(len(y) - X.shape[1], 1))
    return coefficients, (X * (y - mean)[:, None]) @ inverse * (len(y) * free)
