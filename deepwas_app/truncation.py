"""How many components of an LD matrix hold a share of its variance: one rule for every source."""

import numpy as np


def leading(
    eigenvalues: np.ndarray, variance: float, total: float, smallest: float = -np.inf
) -> int:
    """Number of leading components that together hold a share of the variance.

    Parameters
    ----------
    eigenvalues
        Of the matrix, largest first, (components,).
    variance
        Share of `total` to reach. From 1 on, every component is kept.
    total
        Variance of the matrix: its trace, which for LD is the number of variants.
    smallest
        Components whose eigenvalue is not above this are not kept.

    Returns
    -------
    As many as it takes, at most all of them.
    """
    above = int((eigenvalues > smallest).sum())
    if variance >= 1:
        return above
    reached = np.cumsum(eigenvalues, dtype=np.float64)
    # The tolerance keeps rounding in the running sum from adding one more component.
    return min(int(np.searchsorted(reached, variance * total * (1 - 1e-12))) + 1, above)


def share_of_factor(W: np.ndarray, variance: float) -> float:
    """Share of the variance of a factor W that is `variance` of that of the LD behind it.

    LD has a unit diagonal, so its variance is the number of variants. A panel that was cut already
    must not be cut twice.
    """
    return min(1.0, variance * len(W) / float((W**2).sum()))
