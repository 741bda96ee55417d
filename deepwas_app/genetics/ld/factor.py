"""LD of one block from genotypes: standardise, factorise, LD scores. Arrays only."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg import eigh, svd

from deepwas_app.truncation import leading


def standardise(dosages: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Standardise genotypes, missing calls put at the variant's mean.

    Parameters
    ----------
    dosages : (people, variants) float array
        Copies of the counted allele, NaN where missing.

    Returns
    -------
    standardised : (people, variants) float32 array
        Mean 0 and variance 1 for every variant that varies, all 0 for the others.
    frequency : (variants,) float64 array
        Frequency of the counted allele; NaN where every call is missing.
    """
    missing = np.isnan(dosages)
    some = missing.any()
    called = len(dosages) - missing.sum(axis=0)
    x = np.where(missing, 0, dosages).astype(np.float32) if some else np.array(dosages, np.float32)
    total = x.sum(axis=0, dtype=np.float64)
    mean = np.divide(total, called, out=np.full(len(called), np.nan), where=called > 0)
    # In place from here on: a block of genotypes is the largest thing in memory.
    x -= np.nan_to_num(mean).astype(np.float32)
    if some:
        x[missing] = 0
    scale = np.sqrt(np.einsum("ij,ij->j", x, x, dtype=np.float64) / max(len(x), 1))
    x /= np.where(scale > 1e-6, scale, np.inf).astype(np.float32)
    return x, mean / 2


class LowRank(NamedTuple):
    """LD of one block of genotypes.

    Attributes
    ----------
    factor : (variants, components) float32 array
        W, with R = W Wᵀ.
    scores : (variants,) float64 array
        LD scores from every component, corrected for the sampling noise of the panel.
    """

    factor: np.ndarray
    scores: np.ndarray


def decompose(standardised: np.ndarray, variance: float) -> LowRank:
    """Factor W of the LD matrix of standardised genotypes, and their LD scores.

    Parameters
    ----------
    standardised : (people, variants) array
        Every variant varies.
    variance : float
        Share of the variance to keep, above 0; 1 keeps the genotypes as they are.

    Notes
    -----
    R = XᵀX / n is never formed. With the thin SVD X / sqrt(n) = U S Vᵀ, in float64, W = V S, and
    the row sums of R o R are those of (W o W) S². Below 1 the leading components are kept.
    """
    people, variants = standardised.shape
    scaled = standardised.astype(np.float64)
    scaled *= 1 / np.sqrt(people)
    # R has a unit diagonal, so the eigenvalues sum to the number of variants.
    W, values = _rotated(scaled)
    scores = correct_scores(W**2 @ values, variants, people)
    if variance >= 1:
        return LowRank(np.ascontiguousarray(scaled.T, dtype=np.float32), scores)
    kept = leading(values, variance, variants)
    return LowRank(np.ascontiguousarray(W[:, :kept], dtype=np.float32), scores)


def _rotated(scaled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """V S of a matrix (people, variants) and the squares of S, largest first."""
    people, variants = scaled.shape
    if variants > people:
        # The Gram matrix of the people is the smaller one, and eigh the fastest way.
        values, vectors = eigh(scaled @ scaled.T, overwrite_a=True, check_finite=False)
        return scaled.T @ vectors[:, ::-1], np.maximum(values[::-1], 0)
    triangle = np.linalg.qr(scaled, mode="r")
    _, singular, rotation = svd(triangle, overwrite_a=True, check_finite=False)
    return rotation.T * singular, singular**2


def ld_scores(factor: np.ndarray, sample_size: int) -> np.ndarray:
    """LD scores of a block, corrected for the sampling noise of the panel.

    Parameters
    ----------
    factor : (variants, components) array
        W, with R = W Wᵀ.
    sample_size : int
        People in the panel; 0 where that is unknown: then nothing is corrected.

    Returns
    -------
    (variants,) float64 array

    Notes
    -----
    The row sums of R o R are those of (W (Wᵀ W)) o W, so that R is not formed where it would
    be the larger matrix.
    """
    variants, components = factor.shape
    if components < variants:
        squared = ((factor @ (factor.T @ factor)) * factor).sum(axis=1, dtype=np.float64)
    else:
        squared = np.square(factor @ factor.T).sum(axis=1, dtype=np.float64)
    return correct_scores(squared, variants, sample_size)


def correct_scores(squared: np.ndarray, variants: int, sample_size: int) -> np.ndarray:
    """Take the sampling noise of the panel off sums of squared correlations.

    Parameters
    ----------
    squared : (variants,) array
        Sum of r_jk² over the variants of the block.
    variants : int
        How many there are in the sum.
    sample_size : int
        People in the panel; 0 where that is unknown: then nothing is corrected.

    Notes
    -----
    l_j = sum_k [ r_jk² - (1 - r_jk²) / (n - 2) ].
    """
    return squared - (variants - squared) / (sample_size - 2) if sample_size > 2 else squared
