"""How many variants are causal: the evidence for a grid of polygenicities."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.interpolate import PchipInterpolator
from scipy.special import expit, logit, logsumexp

from deepwas_app.core.jackknife import jackknife_error

# Shares of causal variants that chains are run at, largest first.
SHARES = (0.97, 0.8, 0.5, 0.25, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001)
LOG_ODDS: Float[np.ndarray, " chains"] = logit(np.array(SHARES)).astype(np.float32)
_POINTS = 801


class Polygenicity(NamedTuple):
    """What the data say of the share of variants that are causal.

    Attributes
    ----------
    normal
        Posterior probability of the normal prior, under which all are; before the data 1/2.
    share
        Posterior geometric mean of the share, if not all are causal.
    error
        Block-jackknife standard error of its logarithm.
    gain
        Largest log evidence over that of the normal prior, nats.
    log_odds, weight
        Points on the log odds of the share, and their posterior probabilities if not all are
        causal; before the data the logarithm of the share is uniform, (points,).
    """

    normal: float
    share: float
    error: float
    gain: float
    log_odds: Float[np.ndarray, " points"]
    weight: Float[np.ndarray, " points"]

    def quantiles(self, count: int) -> Float[np.ndarray, " count"]:
        """Log odds that stand for the posterior, each as likely as the others."""
        at = (np.arange(count) + 0.5) / count
        return np.interp(at, np.cumsum(self.weight), self.log_odds).astype(np.float32)


def polygenicity(scores: Float[np.ndarray, "blocks chains"]) -> Polygenicity:
    """Weigh shares of causal variants by their evidence.

    Parameters
    ----------
    scores
        Derivative of each block's log evidence in the log odds, at :data:`LOG_ODDS`.

    Notes
    -----
    The evidence is the integral of its derivative, from the normal prior on: where nearly all
    variants are causal, the derivative falls with the share of those that are not.
    """
    scores = np.asarray(scores, np.float64)
    points = np.linspace(LOG_ODDS[-1], LOG_ODDS[0], _POINTS)
    # Uniform in the logarithm of the share.
    before = expit(-points)
    before /= before.sum()
    log_share = np.log(expit(points))

    def weighed(score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Log evidence of each point over the normal prior's, and posterior probability."""
        evidence = _evidence(score, points)
        weight = before * np.exp(evidence - evidence.max())
        return evidence, weight / weight.sum()

    total = scores.sum(axis=0)
    evidence, weight = weighed(total)
    deleted = np.array([weighed(total - one)[1] @ log_share for one in scores])
    return Polygenicity(
        normal=float(expit(-logsumexp(evidence, b=before))),
        share=float(np.exp(weight @ log_share)),
        error=float(jackknife_error(deleted)),
        gain=float(evidence.max()),
        log_odds=points,
        weight=weight,
    )


def _evidence(score: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Log evidence over that of the normal prior at each point."""
    integral = PchipInterpolator(LOG_ODDS[::-1], score[::-1]).antiderivative()
    # To the left from infinite odds, with score(l) = score_0 exp(-(l - l_0)) until l_0.
    return np.asarray(integral(points) - integral(LOG_ODDS[0]) - score[0])
