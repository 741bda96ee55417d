"""Where the LD of a panel is not that of the GWAS: spectrum and pairs of one block."""

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
