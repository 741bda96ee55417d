"""The one rule for confidence intervals, and for the P values that go with them."""

from typing import Any

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

LEVEL = 0.95


def interval(
    value: Any, error: Any, blocks: int | None = None, level: float = LEVEL
) -> tuple[Any, Any]:
    """Ends of the confidence interval of an estimate.

    Parameters
    ----------
    value, error
        The estimate and its standard error, numbers or arrays.
    blocks
        Number of LD blocks that a block-jackknife error rests on. None: the error rests on so
        many people, components or shifts that it is as good as known.
    level
        Share of such intervals that hold the truth.

    Notes
    -----
    By Student's t with one degree of freedom less than there are blocks; by the normal
    distribution where the error is as good as known. NaN where a single block says nothing of the
    error.
    """
    if blocks is None:
        half = norm.ppf(0.5 + level / 2) * error
    elif blocks < 2:
        half = np.nan * error
    else:
        half = student.ppf(0.5 + level / 2, blocks - 1) * error
    return value - half, value + half


def p_value(z: Any, blocks: int | None = None) -> Any:
    """Two-sided P of an estimate over its standard error: 0.05 where the 95% interval ends at 0.

    Parameters
    ----------
    z
        The estimate over its error, a number or an array.
    blocks
        See :func:`interval`.
    """
    if blocks is None:
        return 2 * norm.sf(np.abs(z))
    return 2 * student.sf(np.abs(z), blocks - 1) if blocks > 1 else np.nan * z
