"""LD score regression of heritability as it is commonly run, from chi-squares and LD scores."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from deepwas_app.core.jackknife import Estimate, jackknife_error

JACKKNIFE_BLOCKS = 200
STRONG = 30.0
"""Chi-squares from here on have no part in the intercept."""

_UPDATES = 2


class LDScoreFit(NamedTuple):
    """What LD score regression says of a GWAS, with block-jackknife standard errors.

    Attributes
    ----------
    h2
        Heritability of the variants that LD scores are sums over, on the observed scale.
    intercept
        Mean chi-square of a variant in LD with none.
    """

    h2: Estimate
    intercept: Estimate


def ld_score_fit(
    chi2: Float[np.ndarray, " scored"],
    scores: Float[np.ndarray, " scored"],
    among_scored: Float[np.ndarray, " scored"],
    sample: Float[np.ndarray, " scored"],
    variants: int,
    *,
    blocks: int = JACKKNIFE_BLOCKS,
) -> LDScoreFit:
    """Heritability and intercept by LD score regression in two steps.

    Parameters
    ----------
    chi2
        Squared z-scores in the order of the genome, (scored,).
    scores
        Sums of r^2 with all variants, (scored,).
    among_scored
        Sums of r^2 with the scored ones, (scored,).
    sample
        Sample sizes, (scored,).
    variants
        Number of variants that `scores` are sums over.
    blocks
        Stretches of equally many variants for the jackknife; no more than variants.

    Returns
    -------
    LDScoreFit
        NaN where chi-squares cannot be regressed, for want of variants or of LD that differs.

    Notes
    -----
    E[chi2_j] = intercept + N_j h2 l_j / M. The intercept is that of the variants with a chi-square
    below 30, the slope that of all variants given the intercept. Both by weighted least squares
    with weights 1 / (max(l_j among scored, 1) 2 E[chi2_j]^2), from a moment estimate of h2 and
    an intercept of 1 on, updated twice; the jackknife keeps the last ones. In the slope without a
    block, what the first step without it changes in the intercept enters to first order.

    References
    ----------
    Bulik-Sullivan et al. 2015, doi:10.1038/ng.3211.
    """
    mild = np.flatnonzero(chi2 < STRONG)
    unknown = Estimate(np.nan, np.nan)
    if len(mild) < 3 or np.ptp(scores[mild]) < 1e-3:
        return LDScoreFit(unknown, unknown)
    size = sample.mean()
    x = scores * sample / size
    start = variants * (chi2.mean() - 1) / (scores * sample).mean()

    def weights(rows: np.ndarray, scores: np.ndarray, h2: float, intercept: float) -> np.ndarray:
        slope = np.clip(h2, 0, 1) * sample[rows] / variants
        expected = intercept + slope * np.maximum(scores, 1)
        return 0.5 / (np.maximum(among_scored[rows], 1) * expected**2)

    design, y = np.column_stack([x[mild], np.ones(len(mild))]), chi2[mild]
    w = weights(mild, scores[mild], start, 1.0)
    bounds = np.linspace(0, len(mild), min(blocks, len(mild)) + 1).astype(int)[:-1]
    for _ in range(_UPDATES):
        slope, intercept = _least_squares(design, y, w, bounds)[0]
        # The reference implementation takes the scaled scores here.
        w = weights(mild, x[mild], slope * variants / size, intercept)
    (_, intercept), without = _least_squares(design, y, w, bounds)
    intercepts = without[:, 1]

    every = np.arange(len(chi2))
    first = w = weights(every, scores, start, 1.0)
    bounds = np.append(0, mild[bounds[1:]])
    design, y = x[:, None], chi2 - intercept
    for _ in range(_UPDATES):
        (slope,), _ = _least_squares(design, y, w, bounds)
        w = weights(every, scores, slope * variants / size, intercept)
    (slope,), without = _least_squares(design, y, w, bounds)
    per_intercept = (first @ x) / (first @ x**2)
    slopes = without[:, 0] - per_intercept * (intercepts - intercept)
    errors = jackknife_error(np.column_stack([slopes * variants / size, intercepts]))
    return LDScoreFit(
        Estimate(float(slope * variants / size), float(errors[0])),
        Estimate(float(intercept), float(errors[1])),
    )


def _least_squares(
    design: np.ndarray, y: np.ndarray, weights: np.ndarray, bounds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients of all rows, (columns,), and without each stretch of rows, (blocks, columns).

    `bounds` are the first rows of the stretches.
    """
    weighted = weights[:, None] * design
    gram = np.add.reduceat(weighted[:, :, None] * design[:, None, :], bounds)
    moment = np.add.reduceat(weighted * y[:, None], bounds)
    # The last is of all rows.
    grams = np.concatenate([gram.sum(axis=0) - gram, gram.sum(axis=0)[None]])
    moments = np.concatenate([moment.sum(axis=0) - moment, moment.sum(axis=0)[None]])
    found = np.einsum("bij,bj->bi", np.linalg.pinv(grams, 1e-12, hermitian=True), moments)
    return found[-1], found[:-1]
