"""Where the LD of a panel is not that of the GWAS: share, spectrum and pairs of one block."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

# Pairs above this correlation say nearly the same of their variants.
STRONG = 0.95
# chi-square with one degree of freedom at P = 5e-8.
DISCORDANT = 29.7
# From this |z| on a ratio of two z-scores tells the ratio of their sample sizes.
HIT = 6.0
_TILE = 1024


class LeadingShare(NamedTuple):
    """How much of the z-scores lies where their LD says that they vary most.

    Attributes
    ----------
    observed
        Share of the sum of squared z-scores along the half of the components with the larger
        eigenvalues, 0 to 1. The largest z-score does not count in the sum.
    expected
        The same by the LD, where noise has its variance under the null and the rest is signal.
    error
        Standard error of `observed` under the null.
    seen
        Share of the variance of z-scores under the null along all components. Less than is kept
        of the panel's own variance where it has few people, who do not show the rest.
    variants, components
        Of the block.
    """

    observed: float
    expected: float
    error: float
    seen: float
    variants: int
    components: int


def leading_share(
    x: Float[np.ndarray, " components"],
    eigenvalues: Float[np.ndarray, " components"],
    noise: Float[np.ndarray, " components"],
    background: Float[np.ndarray, " components"],
    z: Float[np.ndarray, " scored"],
) -> LeadingShare:
    """Compare where z-scores vary with where the LD of their block says that they do.

    Parameters
    ----------
    x, eigenvalues, noise, background
        Of the whitened block, (components,), largest eigenvalue first, without padding.
    z
        Its scored z-scores, (scored,).

    Notes
    -----
    Of m z-scores, u_i' z has the variance delta_i = lambda_i / noise_i under the null, of m in
    all, and g_i = delta_i^2 (1 + m background_i / lambda_i) for a unit of signal. So the leading
    half's share of noise, p, and of signal, q, are known before anything is fitted. A mean z^2 of
    c is taken as noise of variance 1 and signal: the share expected is (p + (c - 1) q) / c.
    Noise that is larger but follows LD moves the ratio of shares to p / q at most (0.8 for 378
    people). z-scores that do not follow the LD (those of other variants, signs of other alleles,
    LD of other people or of very few) spread over all directions, and the share falls: by a
    factor of 1 / (1 + kappa / c) where each z-score has noise of variance kappa of its own.

    A lone hit without LD lies anywhere: hence the largest z-score is left out of the sum. The
    error is that of a ratio of sums of scaled chi-squares; directions that no component holds are
    taken to have no more variance than the last one has.
    """
    x, eigenvalues, noise, background, z = (
        np.asarray(part, np.float64) for part in (x, eigenvalues, noise, background, z)
    )
    m, lead = len(z), slice(0, (len(x) + 1) // 2)
    variance = eigenvalues / noise
    signal = variance**2 * (1 + m * background / eigenvalues)
    p, q = variance[lead].sum() / m, signal[lead].sum() / signal.sum()
    squares = z**2
    mean = max(float(squares.mean()), 1.0)
    along = float((eigenvalues * (x / noise) ** 2)[lead].sum())
    total = max(float(squares.sum() - squares.max()), along, np.finfo(float).tiny)
    seen = float(variance.sum()) / m
    own = float((variance[lead] ** 2).sum())
    rest = float((variance**2).sum()) - own + max(1 - seen, 0) * m * float(variance.min())
    return LeadingShare(
        observed=along / total,
        expected=float(p + (mean - 1) * q) / mean,
        error=float(np.sqrt(2 * ((1 - p) ** 2 * own + p**2 * rest))) / m,
        seen=seen,
        variants=m,
        components=len(x),
    )


class SpectrumFit(NamedTuple):
    """How the components of small eigenvalues fit a model.

    Attributes
    ----------
    ratio
        Mean of x_i^2 over its expectation, over the half with the smaller eigenvalues.
    error
        Standard error of its logarithm, were the model true.
    """

    ratio: float
    error: float


def spectrum_fit(
    squares: Float[np.ndarray, " components"],
    expected: Float[np.ndarray, " components"],
    eigenvalues: Float[np.ndarray, " components"],
) -> SpectrumFit:
    """Compare the small-eigenvalue half of a block's spectrum with a model.

    Parameters
    ----------
    squares
        x_i^2, (components,).
    expected
        What the model expects of them, (components,).
    eigenvalues
        Of the LD matrix, (components,).

    Notes
    -----
    A wrong LD matrix inflates x_i = u_i' z / sqrt(lambda_i) where lambda_i is small; the signal
    of a strong locus is proportional to sqrt(lambda_i), and so is mostly in the other half.
    """
    low = np.argsort(eigenvalues)[: max(len(eigenvalues) // 2, 1)]
    ratio = float((squares[low] / expected[low]).mean())
    return SpectrumFit(ratio, float(np.sqrt(2 / len(low))))


class PairCheck(NamedTuple):
    """Pairs of variants in strong LD whose z-scores contradict each other.

    Attributes
    ----------
    strong, discordant
        Strong and discordant pairs of each variant, (variants,).
    worst
        Rows of the pair with the largest statistic; -1 where no pair is strong.
    statistic
        That statistic, a chi-square with one degree of freedom.
    n_ratio
        Sample size of each variant over that of the hit it is in strong LD with, as the
        z-scores imply it, (variants,); NaN where it is in strong LD with none.
    partner
        Row of that hit, -1 where there is none, (variants,).
    """

    strong: Int[np.ndarray, " variants"]
    discordant: Int[np.ndarray, " variants"]
    worst: tuple[int, int]
    statistic: float
    n_ratio: Float[np.ndarray, " variants"]
    partner: Int[np.ndarray, " variants"]


def check_pairs(
    Q: Float[np.ndarray, "variants components"],
    z: Float[np.ndarray, " variants"],
    *,
    s2: float = 1.0,
    kappa: float = 0.0,
) -> PairCheck:
    """Compare the z-scores of variants in strong LD.

    Parameters
    ----------
    Q
        Loadings of the scored variants, (variants, components): r_ij = q_i' q_j.
    z
        Their z-scores, (variants,).
    s2, kappa
        Noise of the model.

    Notes
    -----
    With z ~ Normal(R b, s2 R + kappa I), z_i - r z_j has variance s2 (1 - r^2) + kappa (1 + r^2);
    an effect of size max |z| at one of the two adds up to max |z| (1 - r^2), which is allowed
    for. The idea is DENTIST's (Chen et al. 2021, DOI 10.1038/s41467-021-27438-7), pair by pair.
    The correlations are those of the kept components, a little too small, so that the
    statistic errs on the side of silence.
    """
    m = len(z)
    strong = np.zeros(m, np.int64)
    discordant = np.zeros(m, np.int64)
    worst, statistic = (-1, -1), 0.0
    n_ratio, partner = np.full(m, np.nan), np.full(m, -1)
    largest = float(np.abs(z).max(initial=0.0))
    for start in range(0, m, _TILE):
        rows = np.arange(start, min(start + _TILE, m))
        r = np.clip(Q[rows] @ Q.T, -1, 1).astype(np.float64)
        r[np.arange(len(rows)), rows] = 0
        near = np.abs(r) >= STRONG
        left = 1 - r**2
        variance = s2 * left + kappa * (1 + r**2) + (largest * left) ** 2 + 1e-3
        T = np.where(near, (z[rows, None] - r * z) ** 2 / variance, 0)
        strong[rows] = near.sum(axis=1)
        discordant[rows] = (T > DISCORDANT).sum(axis=1)
        if T.size and T.max() > statistic:
            i, j = np.unravel_index(int(T.argmax()), T.shape)
            worst, statistic = (int(rows[i]), int(j)), float(T.max())
        hit = np.where(near, np.abs(r * z), 0)
        best = hit.argmax(axis=1)
        found = hit[np.arange(len(rows)), best] >= HIT
        predicted = (r * z)[np.arange(len(rows)), best]
        same = found & (np.sign(predicted) == np.sign(z[rows]))
        n_ratio[rows[same]] = (z[rows] / np.where(same, predicted, 1))[same] ** 2
        partner[rows[found]] = best[found]
    return PairCheck(strong, discordant, worst, statistic, n_ratio, partner)
