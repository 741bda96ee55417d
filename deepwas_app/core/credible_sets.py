"""Credible sets of a fine-mapped LD block."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from deepwas_app.core.finemap import SingleEffects


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
    """

    variants: Int[np.ndarray, " set"]
    coverage: float
    purity: float
    effect: int


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
        sets.append(CredibleSet(chosen, float(reached[len(chosen) - 1]), pure, int(e)))
    return sorted(sets, key=lambda s: (len(s.variants), -fit.variance[s.effect]))


def least_correlation(loadings: Float[np.ndarray, "variants components"]) -> float:
    """Smallest absolute correlation between two of some variants; 1 for one variant."""
    length = np.linalg.norm(loadings, axis=1, keepdims=True)
    unit = loadings / np.where(length > 0, length, 1.0)
    return float(min(np.abs(unit @ unit.T).min(), 1.0)) if len(unit) > 1 else 1.0
