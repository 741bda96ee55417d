"""Statistics of a GWAS and of its LD that pages and pictures show."""

import numpy as np
import xarray as xr
from scipy.special import log_ndtr
from scipy.stats import chi2

GENOME_WIDE = 7.301
"""-log10 of the genome-wide significance threshold, P = 5e-8."""


def minus_log10_p(z: np.ndarray) -> np.ndarray:
    """Two-sided -log10 P of z-scores, exact far beyond the smallest floating-point P.

    Parameters
    ----------
    z
        z-scores, any shape; NaN stays NaN.

    Returns
    -------
    numpy.ndarray
        -log10 P, float64, same shape.
    """
    return -(np.log(2.0) + log_ndtr(-np.abs(np.asarray(z, dtype=np.float64)))) / np.log(10.0)


def p_text(minus_log10: np.ndarray) -> list[str]:
    """P values as people read them, also those that no float can hold: 0.032, 3.2e-412; NA for NaN.

    Parameters
    ----------
    minus_log10
        Their -log10, (variants,).
    """
    words = []
    for x in np.asarray(minus_log10, np.float64):
        if not np.isfinite(x):
            words.append("NA")
        elif x < 3:
            words.append(f"{10**-x:.3g}")
        else:
            # 9.97e-8 is 1.0e-7.
            power = int(np.floor(-x - np.log10(0.995)))
            words.append(f"{10 ** (-x - power):.1f}e{power}")
    return words


def marginal_correlation_z(z: np.ndarray, n: np.ndarray) -> np.ndarray:
    """z-scores as sqrt(N) times the correlation of variant and trait, which the model is of.

    Parameters
    ----------
    z
        z-scores of a regression on one variant at a time, estimate over standard error,
        (variants,); NaN stays NaN.
    n
        Sample sizes, (variants,).

    Returns
    -------
    numpy.ndarray
        z / sqrt(1 + z^2 / N), float64: below sqrt(N), since no variant explains more than all
        of the trait. The standard error of a large effect is small because that effect is taken
        out of the residual, so z itself is not proportional to the effect. z-scores below
        sqrt(N / 50), as nearly all are, change by less than 1%.

    References
    ----------
    Zou, Carbonetto, Wang & Stephens 2022, doi:10.1371/journal.pgen.1010299 (PVE-adjusted z).
    """
    z = np.asarray(z, np.float64)
    return z / np.sqrt(1 + z**2 / n)


def genomic_inflation(z: np.ndarray) -> float:
    """Genomic inflation factor, lambda GC: the median chi-square over its median under the null.

    Parameters
    ----------
    z
        z-scores; those that are not finite are left out.

    Returns
    -------
    float
        NaN without z-scores.

    References
    ----------
    Devlin & Roeder 1999, doi:10.1111/j.0006-341X.1999.00997.x
    """
    known = np.asarray(z, dtype=np.float64)[np.isfinite(z)]
    return float(np.median(known**2) / chi2.median(1)) if len(known) else float("nan")


def ld_to_reference(block: xr.Dataset, index: int) -> np.ndarray:
    """Squared correlation of every variant of an LD block with one of them.

    Parameters
    ----------
    block
        An LD block with ``Q`` (variants, components); R is close to Q Qᵀ.
    index
        The reference variant, counted from the block's first variant.

    Returns
    -------
    numpy.ndarray
        r², between 0 and 1, float32; NaN where a variant does not vary in the panel.
    """
    q = np.asarray(block["Q"].values, dtype=np.float32)
    # Not by norm, which makes a copy as large as the block.
    length = np.sqrt(np.einsum("ij,ij->i", q, q))
    length[length == 0] = np.nan
    return np.clip((q @ q[index]) / (length * length[index]), -1.0, 1.0) ** 2


def standardised(z: np.ndarray, n: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Standard errors of effects per allele on a phenotype of variance 1; effects are z times it.

    Parameters
    ----------
    z, n, p : (variants,) arrays
        z-scores, sample sizes, frequencies of the effect allele.

    Notes
    -----
    se = 1 / sqrt(2 p (1 - p) (N + z^2)) (Zhu et al. 2016, doi:10.1038/ng.3538).
    """
    return 1 / np.sqrt(2 * p * (1 - p) * (n + z**2))
