"""What the kept components of an LD block leave out of each z-score."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from deepwas_app.core.block import WhitenedBlock

# Where components hold a variant whole, rounding is not taken for more than this.
_LEAST = 1e-4


class Remainder(NamedTuple):
    """What the kept components of an LD block leave out, of each variant by itself.

    Attributes
    ----------
    z
        What is left of the z-score, (variants,).
    variance
        What is left of the variant's variance, (variants,); 0 where there is no z-score.
    noise
        Variance of the noise of `z`, over `variance`.

    Notes
    -----
    z_j ~ Normal(variance_j b_j, noise variance_j), independent of others: LD of what is left is
    not known. With the components, all of z_j tells of b_j, as in SuSiE from summary statistics:
    neighbours in strong LD differ in what the components leave out most of all.
    """

    z: Float[np.ndarray, " variants"]
    variance: Float[np.ndarray, " variants"]
    noise: float = 1.0


def remainder(
    block: WhitenedBlock,
    z: Float[np.ndarray, " variants"],
    noise: float = 1.0,
) -> Remainder:
    """What is left of z-scores by the components of their block.

    Parameters
    ----------
    block
        Whitened from `z`.
    z
        z-scores, (variants,); NaN where a variant was not scored.
    noise
        As of :class:`Remainder`: the model's s2.
    """
    Q, x, inflation = (np.asarray(a, np.float64) for a in (block.Q, block.x, block.noise))
    # With W_o = U S V^T, Q = U S of scored variants; x / inflation = S^-1 U^T z.
    left = z - Q @ (x / inflation)
    variance = np.maximum(1 - (Q**2 / inflation).sum(axis=1), _LEAST)
    scored = np.isfinite(z)
    return Remainder(np.where(scored, left, 0.0), np.where(scored, variance, 0.0), noise)
