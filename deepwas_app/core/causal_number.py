"""How many causal variants a sum of single effects should expect, from its fits of LD blocks."""

import numpy as np
from jaxtyping import Float
from scipy.special import expit

# Of one LD block of mean size.
LEAST = 0.01
_STEPS, _CLOSE = 500, 1e-4


def expected_number(
    evidence: Float[np.ndarray, "blocks effects"],
    size: Float[np.ndarray, " blocks"],
    start: float = 1.0,
) -> float:
    """The number of causal variants to be expected in an LD block of size 1, by EM.

    Parameters
    ----------
    evidence
        Log Bayes factor of each effect of a block given those before it, see
        :class:`SingleEffects`, (blocks, effects).
    size
        Of which the expected number is a multiple: prior variance of the block over the mean,
        (blocks,).
    start
        Where to begin.

    Returns
    -------
    float
        At least :data:`LEAST`, and at most as many as there are effects.

    Notes
    -----
    In a block of size m the prior probability of another effect after each one is c m / (1 + c m),
    up to the last. With E K the posterior expectation of the number of effects and P(K < L) the
    probability that it is not the largest, the expected log prior has its maximum where
    sum E K = c sum (E K + P(K < L)) m / (1 + c m). The evidence itself moves little with c; whoever
    fits again at the new one comes closer.
    """
    effects = evidence.shape[1]
    c = start
    for _ in range(_STEPS):
        share = (c * size / (1 + c * size))[:, None]
        present = expit(evidence + np.log(share) - np.log1p(-share))
        at_least = np.cumprod(present, axis=1)
        expected, ended = at_least.sum(axis=1), 1 - at_least[:, -1]
        new = expected.sum() / ((expected + ended) * size / (1 + c * size)).sum()
        new = float(np.clip(new, LEAST, effects))
        done = abs(np.log(new / c)) < _CLOSE
        c = new
        if done:
            break
    return c
