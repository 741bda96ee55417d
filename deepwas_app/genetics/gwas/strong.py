"""Strong loci: lead variants whose effects are too large to tell anything of all others."""

import numpy as np
from jaxtyping import Float

from deepwas_app.genetics.gwas.extreme import EXTREME, PER_PERSON

# A chi-square is no strong locus below so many times the mean of all: where a GWAS is so powerful
# that many are large, they are what annotations are learned from.
TYPICAL = 30.0
# Of one LD block; further lead variants are less correlated than this (r^2) with those before.
MOST_LEADS, APART = 20, 0.5


def strong_limit(
    z: Float[np.ndarray, " variants"], n: Float[np.ndarray, " variants"]
) -> Float[np.ndarray, " variants"]:
    """Chi-squares above which a variant is a strong locus: 80, N / 1,000, and 30 times the mean.

    Parameters
    ----------
    z, n
        z-scores and sample sizes of all scored variants of a study.

    Notes
    -----
    The mean is that of the variants below the limit: one very strong locus hides no other.
    """
    chi2, below = z**2, np.ones(len(z), bool)
    while True:
        limit = np.maximum(max(EXTREME, TYPICAL * float(np.mean(chi2[below]))), PER_PERSON * n)
        if (chi2 <= limit)[below].all():
            return limit
        below &= chi2 <= limit


def lead_variance(
    W: Float[np.ndarray, "variants k"],
    z: Float[np.ndarray, " variants"],
    n: Float[np.ndarray, " variants"],
    limit: Float[np.ndarray, " variants"],
    people: int,
) -> Float[np.ndarray, " variants"]:
    """Squared joint effects of the lead variants of one LD block's strong loci.

    Parameters
    ----------
    W
        Factor of the LD of its variants.
    z, n
        z-scores and sample sizes.
    limit
        From :func:`strong_limit`; inf of variants that do not count.
    people
        Other people than the GWAS's that the LD comes from; 0 where it is taken as exact.

    Returns
    -------
    Variance of the phenotype that each explains on top of its prior, 0 but for lead variants: the
    squared joint effect less its sampling variance.

    Notes
    -----
    The variant with the largest chi-square is a lead if that is above the limit. Then come
    variants whose chi-square given the leads is, as long as it is above the same limit times
    1 + sum_l b_l^2 / people: what LD of so few people leaves of the leads' effects b.
    """
    # One that does not vary among the panel's people is in LD with nothing that is known.
    length = np.linalg.norm(W, axis=1)
    where = np.flatnonzero(np.isfinite(limit) & (length > 0))
    out = np.zeros(len(z))
    if not (z[where] ** 2 > limit[where]).any():
        return out
    W = W[where] / length[where, None]
    z, n, limit = z[where], n[where], limit[where]
    leads: list[int] = []
    chi2 = z**2
    while len(leads) < MOST_LEADS:
        best = int(np.argmax(chi2))
        if chi2[best] <= limit[best]:
            break
        leads.append(best)
        R, among = W @ W[leads].T, W[leads] @ W[leads].T
        joint = np.linalg.solve(among, z[leads])
        left = 1 - np.einsum("jl,lj->j", R, np.linalg.solve(among, R.T))
        unsure = 1 + (joint**2).sum() / people if people else 1.0
        chi2 = (z - R @ joint) ** 2 / np.maximum(left, 1e-3) / unsure
        chi2[(R**2).max(axis=1) >= APART] = 0
    if leads:
        sampling = np.diagonal(np.linalg.inv(among))
        out[where[leads]] = np.maximum(joint**2 - sampling, 0) / n[leads]
    return out
