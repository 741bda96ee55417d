"""Fine-mapping of one whitened LD block: the sum of single effects."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.optimize import minimize_scalar

# An effect whose prior variance is below this is switched off.
_OFF = 1e-9


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


class SingleEffects(NamedTuple):
    """A fitted sum of single effects, in units of z: b_j = sqrt(N_j) beta_j.

    Attributes
    ----------
    alpha
        Probability that each effect is each variant, (effects, variants); what a row lacks to 1
        is the probability that it is nowhere.
    mean, second_moment
        Posterior mean and second moment of each effect, were it that variant,
        (effects, variants).
    variance
        Prior variance of each effect, 0 where it is switched off, (effects,).
    elbo
        Evidence lower bound after each pass, in nats, (passes,).
    converged
        Whether the last pass raised it by less than the tolerance.
    """

    alpha: Float[np.ndarray, "effects variants"]
    mean: Float[np.ndarray, "effects variants"]
    second_moment: Float[np.ndarray, "effects variants"]
    variance: Float[np.ndarray, " effects"]
    elbo: Float[np.ndarray, " passes"]
    converged: bool

    @property
    def active(self) -> Bool[np.ndarray, " effects"]:
        """Which effects are not switched off."""
        return self.variance > _OFF

    @property
    def expected(self) -> float:
        """Posterior expectation of the number of causal variants."""
        return float(self.alpha[self.active].sum())

    @property
    def pip(self) -> Float[np.ndarray, " variants"]:
        """Posterior inclusion probability of each variant."""
        return 1 - np.prod(1 - self.alpha[self.active], axis=0)

    @property
    def posterior_mean(self) -> Float[np.ndarray, " variants"]:
        """Posterior mean of b_j."""
        return (self.alpha * self.mean).sum(axis=0)

    @property
    def posterior_deviation(self) -> Float[np.ndarray, " variants"]:
        """Posterior s.d. of b_j."""
        each = self.alpha * self.second_moment - (self.alpha * self.mean) ** 2
        return np.sqrt(np.maximum(each, 0)[self.active].sum(axis=0))


def single_effects(
    Q: Float[np.ndarray, "variants components"],
    x: Float[np.ndarray, " components"],
    noise: Float[np.ndarray, " components"],
    *,
    prior_weights: Float[np.ndarray, " variants"] | None = None,
    effects: int = 10,
    causal: float | None = 2.0,
    passes: int = 200,
    tolerance: float = 1e-3,
) -> SingleEffects:
    """Fit a sum of single effects to the whitened z-scores of one LD block.

    Parameters
    ----------
    Q, x
        Loadings (variants, components) and whitened z-scores (components,).
    noise
        Variance of the noise of each component, s2 + kappa / lambda_i, (components,).
    prior_weights
        Prior probability of each variant to be a given effect, (variants,), scaled to sum to 1.
        Uniform by default.
    effects
        At most this many causal variants; those that are not needed are switched off.
    causal
        How many causal variants are expected beforehand. None: as many as `effects`, which is the
        published algorithm; its inclusion probabilities are too high where there are fewer, because
        every effect that noise lends some evidence must be somewhere.
    passes, tolerance
        Stop after so many passes, or when one gains less than this many nats.

    Returns
    -------
    SingleEffects

    Raises
    ------
    ValueError
        If the prior weights are negative or sum to nothing.

    Notes
    -----
    x ~ Normal(Q b, diag(noise)) with b a sum of vectors of one non-zero entry each. Each is
    updated in turn given the others (iterative Bayesian stepwise selection); its prior variance
    is the one that maximises its own evidence. With probability 1 - causal / effects an effect is
    nowhere.

    References
    ----------
    Wang et al. 2020, doi:10.1111/rssb.12388; Zou et al. 2022, doi:10.1371/journal.pgen.1010299.
    """
    variants = len(Q)
    share = 1.0 if causal is None else min(causal / effects, 1.0)
    log_weights = _log_weights(prior_weights, variants) + np.log(share)
    log_null = np.log1p(-share) if share < 1 else -np.inf
    scale = 1 / np.sqrt(np.asarray(noise, np.float64))
    X = np.asarray(Q, np.float64) * scale
    y = np.asarray(x, np.float64) * scale
    precision = (X**2).sum(axis=1)

    alpha = np.tile(np.exp(log_weights), (effects, 1))
    mean = np.zeros((effects, variants))
    second = np.zeros((effects, variants))
    variance = np.zeros(effects)
    divergence = np.zeros(effects)
    fitted = np.zeros((effects, len(y)))
    # Of the unscaled x, so that bounds compare with likelihoods.
    constant = -0.5 * len(y) * np.log(2 * np.pi) + np.log(scale).sum()
    elbo: list[float] = []
    residual = y.copy()
    converged = False
    for _ in range(passes):
        for e in range(effects):
            residual += fitted[e]
            projected = X @ residual
            variance[e] = _best_variance(projected, precision, log_weights, log_null)
            alpha[e], mean[e], second[e], evidence = _single_effect(
                projected, precision, log_weights, log_null, variance[e]
            )
            expected = alpha[e] * mean[e]
            fitted[e] = X.T @ expected
            residual -= fitted[e]
            power = precision @ (alpha[e] * second[e])
            divergence[e] = -evidence + projected @ expected - 0.5 * power
        power = np.einsum("ev,v->", alpha * second, precision)
        square = residual @ residual - (fitted**2).sum() + power
        elbo.append(constant - 0.5 * square - divergence.sum())
        if len(elbo) > 1 and elbo[-1] - elbo[-2] < tolerance:
            converged = True
            break
    return SingleEffects(alpha, mean, second, variance, np.array(elbo), converged)


def _log_weights(weights: np.ndarray | None, variants: int) -> np.ndarray:
    if weights is None:
        return np.full(variants, -np.log(variants))
    weights = np.asarray(weights, np.float64)
    if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.sum() > 0):
        raise ValueError("prior weights must be non-negative and not all zero")
    with np.errstate(divide="ignore"):
        return np.log(weights / weights.sum())


def _log_bayes_factors(projected, precision, variance):
    """Of each variant against no effect, for one effect of this prior variance."""
    shrunk = variance / (1 + variance * precision)
    return 0.5 * (projected**2 * shrunk - np.log1p(variance * precision))


def _evidence(projected, precision, log_weights, log_null, variance) -> float:
    terms = log_weights + _log_bayes_factors(projected, precision, variance)
    top = max(terms.max(), log_null)
    return float(top + np.log(np.exp(terms - top).sum() + np.exp(log_null - top)))


def _best_variance(projected, precision, log_weights, log_null) -> float:
    """The prior variance with the largest evidence, 0 if none is better than no effect."""
    best = minimize_scalar(
        lambda log_v: -_evidence(projected, precision, log_weights, log_null, np.exp(log_v)),
        bounds=(-10.0, 15.0),
        method="bounded",
        options={"xatol": 1e-4},
    )
    return float(np.exp(best.x)) if best.fun < 0 else 0.0


def _single_effect(projected, precision, log_weights, log_null, variance):
    """Posterior of one effect: alpha, mean, second moment, log evidence."""
    terms = log_weights + _log_bayes_factors(projected, precision, variance)
    top = max(terms.max(), log_null)
    probability = np.exp(terms - top)
    total = probability.sum() + np.exp(log_null - top)
    spread = variance / (1 + variance * precision)
    mean = spread * projected
    return probability / total, mean, mean**2 + spread, float(top + np.log(total))


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
