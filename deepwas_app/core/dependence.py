"""Annotations that no data can tell apart, because they depend on each other linearly."""

import numpy as np
from jaxtyping import Bool, Float
from scipy.sparse.csgraph import connected_components

# Of its variance, what the others must leave of an annotation for it to have a coefficient of its
# own: with a thousandth the coefficient's error is 32 times what it were alone.
LEAST_OWN = 1e-3
# Rounding, in correlations of float32 values.
_ROUNDING = 1e-12


def dependent_groups(
    covariance: Float[np.ndarray, "annotations annotations"],
    varies: Bool[np.ndarray, " annotations"],
) -> list[list[int]]:
    """Annotations whose coefficients cannot be told apart, in groups.

    Parameters
    ----------
    covariance
        Of the annotations, over the variants that are fitted to.
    varies
        Those that are not constant; only they are looked at.

    Returns
    -------
    list of lists of int
        Groups of annotations, in their order. One that the others explain without standing out
        themselves, such as the mean of many, is a group of its own.

    Notes
    -----
    With C the correlation matrix, [C^-1]_jj is the variance inflation factor: 1 / (1 - R^2) of
    annotation j on the others. It is dependent where that is above 1 / `LEAST_OWN`. Two are of one
    group where the directions of (nearly) no variance, eigenvectors of C, hold both.

    References
    ----------
    Belsley, Kuh & Welsch 1980, Regression Diagnostics, doi:10.1002/0471725153.
    """
    rows = np.flatnonzero(varies)
    deviation = np.sqrt(np.diagonal(covariance)[rows])
    correlation = covariance[np.ix_(rows, rows)] / np.outer(deviation, deviation)
    values, vectors = np.linalg.eigh(correlation)
    inflation = (vectors**2 / np.maximum(values, _ROUNDING)).sum(axis=1)
    dependent = np.flatnonzero(inflation > 1 / LEAST_OWN)
    missing = vectors[dependent][:, values < LEAST_OWN]
    missing /= np.linalg.norm(missing, axis=1, keepdims=True)
    count, group = connected_components(np.abs(missing @ missing.T) > 0.01, directed=False)
    return [rows[dependent[group == g]].tolist() for g in range(count)]
