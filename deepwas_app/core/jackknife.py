"""Block-jackknife standard errors: LD blocks are the independent units."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class Estimate(NamedTuple):
    """A number and its standard error."""

    value: float
    error: float


def jackknife_sum(values: Float[np.ndarray, " blocks"]) -> Estimate:
    """Sum over blocks with its block-jackknife standard error.

    Notes
    -----
    For a sum the delete-one jackknife has the closed form sqrt(n / (n - 1) sum (v - mean v)^2).
    """
    values = np.asarray(values, np.float64)
    n = len(values)
    if n < 2:
        return Estimate(float(values.sum()), float("nan"))
    spread = ((values - values.mean()) ** 2).sum()
    return Estimate(float(values.sum()), float(np.sqrt(n / (n - 1) * spread)))


def jackknife_error(deleted: Float[np.ndarray, "blocks ..."]) -> Float[np.ndarray, "..."]:
    """Standard error from the estimates with one block left out each.

    Parameters
    ----------
    deleted
        (blocks, ...), one estimate per deleted block.

    Returns
    -------
    NaN where there is but one block: it says nothing of how much blocks differ.
    """
    n = len(deleted)
    if n < 2:
        return np.full(deleted.shape[1:], np.nan)
    return np.asarray(np.sqrt((n - 1) / n * ((deleted - deleted.mean(axis=0)) ** 2).sum(axis=0)))
