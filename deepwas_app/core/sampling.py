"""What a panel of n people does to LD: how large its eigenvalues are among all people."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.optimize import brentq

# Rows of the square of all eigenvalues that are in memory at once.
_TILE = 512
# From so many bandwidths on, the kernel is as good as a point.
_FAR = 30.0


class Sampling(NamedTuple):
    """What the components of a panel's LD are among all people.

    Attributes
    ----------
    shrinkage
        Variance that a component has there, over its eigenvalue in the panel, (components,).
    background
        Squared LD there that the panel's own loadings leave out, in units of whitened z-scores
        that are divided by `shrinkage`, per unit of prior variance in the block, (components,).
    """

    shrinkage: Float[np.ndarray, " components"]
    background: Float[np.ndarray, " components"]


def panel_sampling(
    eigenvalues: Float[np.ndarray, " components"], variants: int, people: float | int
) -> Sampling:
    """Estimate what the components of a panel's LD are among the people it was drawn from.

    Parameters
    ----------
    eigenvalues
        Of the panel's LD matrix, all of them above 0 or the leading ones, largest first,
        (components,). Those that are missing are taken to fall off geometrically.
    variants
        Variants of that matrix, which is its trace.
    people
        People of the panel; inf where its LD is exact.

    Returns
    -------
    Sampling
        Of the given eigenvalues; 1 and 0 where LD is exact.

    Notes
    -----
    Let u_i be a panel's eigenvector, lambda_i its eigenvalue, R the LD among all people, m the
    variants and c = m / n. With the Stieltjes transform s of the panel's spectrum, estimated
    with Ledoit & Wolf's kernel, and w_i = 1 / (1 - c (1 + lambda_i s(lambda_i))),

        delta_i = u_i' R u_i = lambda_i |w_i|^2
        rho_i = u_i' R^2 u_i = delta_i (c + lambda_i (2 Re w_i - 1))

    the second by Ledoit & Péché's theorem for the function R^2, where tr R = m. Then
    shrinkage = |w|^2, and background = (c - lambda |1 - w|^2) / (m |w|^2), which is
    lambda (rho / delta^2 - 1) / m.

    References
    ----------
    Ledoit & Wolf 2020, doi:10.1214/19-AOS1921; Ledoit & Péché 2011,
    doi:10.1007/s00440-010-0298-3.
    """
    given = np.asarray(eigenvalues, np.float64)
    if not np.isfinite(people) or not len(given):
        return Sampling(np.ones(len(given)), np.zeros(len(given)))
    values = completed(given, variants, people)
    w = _resolvent(values, len(given), variants, people)
    shrinkage = np.abs(w) ** 2
    rest = variants / people - given * np.abs(1 - w) ** 2
    return Sampling(shrinkage, np.maximum(rest, 0) / (variants * shrinkage))


def completed(
    eigenvalues: Float[np.ndarray, " components"], variants: int, people: float | int
) -> Float[np.ndarray, " all"]:
    """Eigenvalues with those behind the last one, falling off geometrically to the trace.

    Parameters
    ----------
    eigenvalues, variants, people
        As for :func:`panel_sampling`.
    """
    missing = int(min(people - 1, variants)) - len(eigenvalues)
    rest = (variants - eigenvalues.sum()) / eigenvalues[-1]
    if missing <= 0 or rest <= 1e-9:
        return eigenvalues
    powers = np.arange(1, missing + 1)
    # As large as the last one, or together less than a truncated sum would be.
    ratio = 1.0 if rest >= missing else brentq(lambda q: (q**powers).sum() - rest, 0.0, 1.0)
    tail = ratio**powers
    return np.concatenate([eigenvalues, eigenvalues[-1] * tail[tail > 1e-12]])


def _resolvent(values: np.ndarray, first: int, variants: int, people: float | int) -> np.ndarray:
    """1 / (1 - c (1 + lambda s(lambda))) at the `first` eigenvalues."""
    width = people ** (-1 / 3) * values
    root = np.sqrt(5.0)
    density, hilbert = np.empty(first), np.empty(first)
    for start in range(0, first, _TILE):
        rows = slice(start, min(start + _TILE, first))
        x = (values[rows, None] - values) / width
        density[rows] = (np.maximum(1 - x**2 / 5, 0) / width).sum(axis=1) * 0.75 / root
        near = np.where(np.abs(x) < _FAR, x, 0.0)
        # The logarithm is infinite at the edge of the kernel, where its factor is 0.
        near = np.where(np.abs(np.abs(near) - root) < 1e-9, near + 1e-9, near)
        logarithm = np.log(np.abs((root - near) / (root + near)))
        inside = -0.3 * near + 0.75 / root * (1 - near**2 / 5) * logarithm
        far = np.where(np.abs(x) < _FAR, 1.0, x)
        # By moments of the kernel: the closed form loses its digits to cancellation.
        outside = -(1 / far + 1 / far**3 + 15 / 7 / far**5)
        chosen = np.where(np.abs(x) < _FAR, inside, outside)
        hilbert[rows] = (chosen / width).sum(axis=1)
    at = values[:first]
    zeros = variants - len(values)
    transform = (hilbert + 1j * np.pi * density - zeros / at) / variants
    return 1 / (1 - variants / people * (1 + at * transform))
