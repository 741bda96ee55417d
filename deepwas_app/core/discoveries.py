"""How many causal variants a GWAS of so many people is expected to find."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import expit, log_expit, ndtr

# |z| at P = 5e-8.
GENOME_WIDE = 5.4513


class Discoveries(NamedTuple):
    """Expectations over the prior of effects.

    Attributes
    ----------
    causal
        Causal variants.
    found
        Of these, with P < 5e-8 by their own effect.
    share
        Share of heritability that the found ones have.
    """

    causal: float
    found: float
    share: float


def expected_discoveries(
    log_d: Float[np.ndarray, " variants"], typical: float, log_odds: float, times: float
) -> Discoveries:
    """Expected discoveries under :func:`deepwas_app.core.sparse.spike_and_slab`.

    Parameters
    ----------
    log_d, typical, log_odds
        Log prior variance of b_j = sqrt(N_j) beta_j now, (variants,), -inf for none; that of a
        typical variant, and the log odds that this is causal.
    times
        People of the future GWAS for each of this one's.

    Notes
    -----
    A causal variant's own z is b_j sqrt(times) + e with b_j ~ N(0, w_j), so N(0, V) with
    V = 1 + times w_j, and |z| > c has the probability 2 Phi(-c / sqrt V). E[z^2; |z| > c] is
    V (2 Phi(-a) + 2 a phi(a)) with a = c / sqrt V, and given z the effect has the mean
    z (V - 1) / V and the variance (V - 1) / V. What neighbours in LD add to z is left out: a
    locus with several causal variants counts as several.
    """
    log_d = log_d[np.isfinite(log_d)]
    odds = log_d - typical + log_odds
    share = expit(odds)
    signal = times * np.exp(log_d - log_expit(odds))
    V = 1 + signal
    a = GENOME_WIDE / np.sqrt(V)
    tail = 2 * ndtr(-a)
    density = np.exp(-0.5 * a**2) / np.sqrt(2 * np.pi)
    kept = signal / V
    square = kept**2 * V * (tail + 2 * a * density) + kept * tail
    return Discoveries(
        causal=float(share.sum()),
        found=float((share * tail).sum()),
        share=float((share * square).sum() / (share * signal).sum()),
    )
