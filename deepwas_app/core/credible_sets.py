"""Credible sets of a fine-mapped LD block."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from deepwas_app.core.finemap import SingleEffects

# Of an effect's probability, that is listed beyond the set.
WIDE = 0.99


class CredibleSet(NamedTuple):
    """Variants of which one is causal with at least the stated probability.

    Attributes
    ----------
    variants
        Their rows, most probable first.
    coverage
        Posterior probability that the effect is one of them.
    purity
        Smallest absolute correlation between two of them, from the kept components.
    effect
        Which single effect it belongs to, from 0.
    mean_correlation, mean_r2
        Mean absolute and mean squared correlation of their pairs; 1 of one variant.
    locus
        The variants again, and further ones up to 99% of the probability of the effect.
    probability, log_bayes_factors, squares
        Of each of `locus`: probability that the effect is it, log Bayes factor of that against no
        effect, and posterior expectation of the effect's square there, in units of z squared.
    evidence
        Log Bayes factor of the effect, whichever variant it is.
    """

    variants: Int[np.ndarray, " set"]
    coverage: float
    purity: float
    effect: int
    mean_correlation: float
    mean_r2: float
    locus: Int[np.ndarray, " locus"]
    probability: Float[np.ndarray, " locus"]
    log_bayes_factors: Float[np.ndarray, " locus"]
    squares: Float[np.ndarray, " locus"]
    evidence: float


def credible_sets(
    fit: SingleEffects,
    Q: Float[np.ndarray, "variants components"],
    *,
    coverage: float = 0.95,
    purity: float = 0.5,
) -> list[CredibleSet]:
    """The credible sets of the active effects, the most certain effect first.

    Parameters
    ----------
    fit
        From :func:`single_effects`.
    Q
        Loadings, whose normalised products are the correlations, (variants, components).
    coverage
        Least posterior probability of a set.
    purity
        Sets whose smallest absolute correlation is lower are left out: they say no more than
        that something is somewhere.
    """
    sets: list[CredibleSet] = []
    seen = set()
    for e in np.flatnonzero(fit.active):
        if fit.alpha[e].sum() < coverage:
            continue
        order = np.argsort(-fit.alpha[e], kind="stable")
        reached = np.cumsum(fit.alpha[e][order])
        chosen = order[: int(np.searchsorted(reached, coverage)) + 1]
        key = tuple(sorted(chosen.tolist()))
        pure = least_correlation(Q[chosen])
        if key in seen or pure < purity:
            continue
        seen.add(key)
        wide = int(np.searchsorted(reached, WIDE * reached[-1])) + 1
        locus = order[: max(len(chosen), wide)]
        pairs = _correlations(Q[chosen])[np.triu_indices(len(chosen), 1)]
        sets.append(
            CredibleSet(
                chosen,
                float(reached[len(chosen) - 1]),
                pure,
                int(e),
                float(pairs.mean()) if len(pairs) else 1.0,
                float((pairs**2).mean()) if len(pairs) else 1.0,
                locus,
                fit.alpha[e][locus],
                fit.log_bayes_factors[e][locus],
                (fit.alpha[e] * fit.second_moment[e])[locus],
                float(fit.evidence[e]),
            )
        )
    return sorted(sets, key=lambda s: (len(s.variants), -fit.variance[s.effect]))


def least_correlation(loadings: Float[np.ndarray, "variants components"]) -> float:
    """Smallest absolute correlation between two of some variants; 1 for one variant."""
    return float(min(_correlations(loadings).min(), 1.0)) if len(loadings) > 1 else 1.0


def _correlations(loadings: np.ndarray) -> np.ndarray:
    """Absolute correlations of all pairs, (variants, variants); 0 with what is not in LD."""
    length = np.linalg.norm(loadings, axis=1, keepdims=True)
    unit = loadings / np.where(length > 0, length, 1.0)
    return np.abs(unit @ unit.T)
