"""Fine-mapping of one whitened LD block: the sum of single effects."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy.linalg import solve_triangular
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_softmax, logsumexp, rel_entr

from deepwas_app.core.remainder import Remainder

# Prior variances that an effect may have: 2 to 128 standard errors.
VARIANCES = 4.0 ** np.arange(1, 8)
# An effect whose prior variance is below this is switched off.
_OFF = 1e-9


class SingleEffects(NamedTuple):
    """A fitted sum of single effects, in units of z: b_j = sqrt(N_j) beta_j.

    Attributes
    ----------
    alpha
        Probability that each effect is each variant, (effects, variants); what a row lacks to 1
        is the probability that there are not so many effects.
    mean, second_moment
        Posterior mean and second moment of each effect, were it that variant,
        (effects, variants).
    variance
        Prior variance of each effect, the posterior mean of it where it is not estimated;
        0 where the effect is switched off, (effects,).
    number
        Posterior probability of 0, 1, ... effects, (effects + 1,).
    elbo
        Evidence lower bound after each pass, in nats, (passes,).
    converged
        Whether the last pass raised it by less than the tolerance.
    log_bayes_factors
        Log Bayes factor of each effect, were it that variant, against its absence, the other
        effects as they are; (effects, variants), -inf where alpha is 0.
    evidence
        The same of each effect, averaged over variants by their prior weights, (effects,).
    """

    alpha: Float[np.ndarray, "effects variants"]
    mean: Float[np.ndarray, "effects variants"]
    second_moment: Float[np.ndarray, "effects variants"]
    variance: Float[np.ndarray, " effects"]
    number: Float[np.ndarray, " numbers"]
    elbo: Float[np.ndarray, " passes"]
    converged: bool
    log_bayes_factors: Float[np.ndarray, "effects variants"]
    evidence: Float[np.ndarray, " effects"]

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
        # Effects beyond the number that there are do not count: mean over that number.
        present = self.alpha.sum(axis=1, keepdims=True)
        given = self.alpha / np.where(present > 0, present, 1.0) * self.active[:, None]
        absent = np.cumprod(np.vstack([np.ones(given.shape[1]), 1 - given]), axis=0)
        return np.clip(self.number @ (1 - absent), 0.0, 1.0)

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
    background: Float[np.ndarray, " variants"] | None = None,
    remainder: Remainder | None = None,
    effects: int = 20,
    causal: float | None = 2.0,
    variances: Float[np.ndarray, " variances"] | None = VARIANCES,
    passes: int = 200,
    tolerance: float = 1e-3,
) -> SingleEffects:
    """Fit a sum of single effects to the whitened z-scores of one LD block.

    Parameters
    ----------
    Q, x
        Loadings (variants, components) and whitened z-scores (components,).
    noise
        Variance of the noise of each component, (components,), see :func:`noise_variance`.
    prior_weights
        Prior probability of each variant to be a given effect, (variants,), scaled to sum to 1.
        Uniform by default.
    background
        Variance of a normal effect that each variant has beside the single effects, (variants,),
        in units of z squared; None: none has one.
    remainder
        What the components leave out of each z-score. None: nothing.
    effects
        At most this many causal variants.
    causal
        How many causal variants are expected beforehand: after each one there is another with
        probability causal / (1 + causal), up to `effects`. None: always as many as `effects`.
    variances
        Prior variances that an effect may have, in units of z squared, with probabilities
        proportional to their -1/2 power, since small effects are more common. None: the one that
        maximises the effect's own evidence, 0 where no effect is better.
    passes, tolerance
        Stop after so many passes, or when one moves the bound by less than this many nats.

    Returns
    -------
    SingleEffects

    Raises
    ------
    ValueError
        If the prior weights are negative or sum to nothing, or there is no pass.

    Notes
    -----
    x ~ Normal(Q b, diag(noise)) with b a sum of K vectors of one non-zero entry each, and what a
    remainder holds as it says. Each is
    updated in turn given the others (iterative Bayesian stepwise selection); an effect can only be
    present where the clearer ones are, and is by its own evidence given these. ``causal=None,
    variances=None`` is the published algorithm, which raises the bound in every pass. It makes too
    much of weak signals: every effect must be somewhere, with the prior variance that suits it
    best. See benchmarks/finemapping.py for both.

    References
    ----------
    Wang et al. 2020, doi:10.1111/rssb.12388; Zou et al. 2022, doi:10.1371/journal.pgen.1010299;
    of the background Cui et al. 2024, doi:10.1038/s41588-023-01597-3.
    """
    if passes < 1:
        raise ValueError(f"passes must be at least 1, not {passes}")
    log_weights = _log_weights(prior_weights, len(Q))
    share = 1.0 if causal is None else causal / (1 + causal)
    X, y, constant = _scaled(Q, x, noise, background, remainder)
    precision = X.precision

    found = [_Effect.nothing(len(Q), len(y)) for _ in range(effects)]
    elbo: list[float] = []
    converged = False
    for _ in range(passes):
        for e in range(effects):
            # Where this effect is present, earlier ones are as well, and later ones may be.
            later = np.cumprod([effect.present for effect in found[e + 1 :]])
            others = sum((effect.fitted for effect in found[:e]), np.zeros(len(y)))
            for probability, effect in zip(later, found[e + 1 :], strict=True):
                others = others + probability * effect.fitted
            found[e] = _single_effect(X, y - others, precision, log_weights, variances, share)
        if causal is not None:
            # The clearest first: others depend on it.
            found.sort(key=lambda effect: -effect.evidence)
        number = _number([effect.present for effect in found])
        divergence = rel_entr(number, _number([share] * effects)).sum()
        elbo.append(float(constant + number @ _bounds(y, found) - divergence))
        if len(elbo) > 1 and abs(elbo[-1] - elbo[-2]) < tolerance:
            converged = True
            break
    return SingleEffects(
        np.stack([effect.alpha for effect in found])
        * np.cumprod([effect.present for effect in found])[:, None],
        np.stack([effect.mean for effect in found]),
        np.stack([effect.second_moment for effect in found]),
        np.array([effect.variance for effect in found]),
        number,
        np.array(elbo),
        converged,
        np.stack([effect.log_bayes_factors(log_weights) for effect in found]),
        np.array([effect.evidence for effect in found]),
    )


class _Loadings(NamedTuple):
    """Loadings in units in which the noise is standard normal.

    `shared` are those on components, `own` each variant's on what is left of its z-score.
    """

    shared: np.ndarray
    own: np.ndarray

    @property
    def precision(self) -> np.ndarray:
        """Squared length of each variant's."""
        return np.asarray((self.shared**2).sum(axis=1) + self.own**2)

    def project(self, y: np.ndarray) -> np.ndarray:
        """Their products with the data, (variants,)."""
        components = self.shared.shape[1]
        return np.asarray(self.shared @ y[:components] + self.own * y[components:])

    def fit(self, b: np.ndarray) -> np.ndarray:
        """What effects add to the data, (components + variants,)."""
        return np.concatenate([self.shared.T @ b, self.own * b])


def _scaled(
    Q: np.ndarray,
    x: np.ndarray,
    noise: np.ndarray,
    background: np.ndarray | None,
    remainder: Remainder | None,
) -> tuple[_Loadings, np.ndarray, float]:
    """Loadings and data in units in which the noise is standard normal.

    And what the log density of the data as given has beside squares, of a remainder over that of
    noise alone: bounds compare with likelihoods then.
    """
    Q, x, noise = (np.asarray(array, np.float64) for array in (Q, x, noise))
    if background is None:
        scale = 1 / np.sqrt(noise)
        X, y, log_scale = Q * scale, x * scale, np.log(scale).sum()
    else:
        covariance = (Q.T * background) @ Q
        covariance[np.diag_indices_from(covariance)] += noise
        factor = np.linalg.cholesky(covariance)
        X, y = (solve_triangular(factor, array.T, lower=True).T for array in (Q, x))
        log_scale = -np.log(np.diag(factor)).sum()
    constant = log_scale - 0.5 * len(y) * np.log(2 * np.pi)
    own, left = np.zeros((2, len(Q)))
    if remainder is not None:
        there = remainder.variance > 0
        z, own_variance = remainder.z[there], remainder.variance[there]
        null = remainder.noise * own_variance
        variance = null if background is None else null + own_variance**2 * background[there]
        own[there], left[there] = own_variance / np.sqrt(variance), z / np.sqrt(variance)
        constant += 0.5 * (z**2 / null + np.log(null / variance)).sum()
    return _Loadings(X, own), np.concatenate([y, left]), float(constant)


def _log_weights(weights: np.ndarray | None, variants: int) -> np.ndarray:
    if weights is None:
        return np.full(variants, -np.log(variants))
    weights = np.asarray(weights, np.float64)
    if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.sum() > 0):
        raise ValueError("prior weights must be non-negative and not all zero")
    with np.errstate(divide="ignore"):
        return np.log(weights / weights.sum())


def _number(present: list[float]) -> np.ndarray:
    """Probability of 0, 1, ... effects, from that of each given those before it."""
    at_least = np.append(1.0, np.cumprod(present))
    return at_least - np.append(at_least[1:], 0.0)


class _Effect(NamedTuple):
    """One effect, given that it is present, and the probability of that given earlier ones."""

    alpha: np.ndarray
    mean: np.ndarray
    second_moment: np.ndarray
    variance: float
    evidence: float
    present: float
    fitted: np.ndarray
    # Expected square of what it adds to y, and divergence from its prior, in nats.
    power: float
    divergence: float

    @classmethod
    def nothing(cls, variants: int, data: int) -> "_Effect":
        zero = np.zeros(variants)
        return cls(zero, zero, zero, 0.0, 0.0, 0.0, np.zeros(data), 0.0, 0.0)

    def log_bayes_factors(self, log_weights: np.ndarray) -> np.ndarray:
        """Of each variant against no effect: alpha is proportional to weight times this."""
        log_bf = np.full(len(self.alpha), -np.inf)
        there = self.alpha > 0
        log_bf[there] = np.log(self.alpha[there]) + self.evidence - log_weights[there]
        return log_bf


def _bounds(y: np.ndarray, found: list[_Effect]) -> np.ndarray:
    """Evidence lower bound with the first 0, 1, ... effects, up to a constant."""
    fitted = np.stack([effect.fitted for effect in found])
    left = y - np.vstack([np.zeros(len(y)), np.cumsum(fitted, axis=0)])
    spread = np.array([effect.power for effect in found]) - (fitted**2).sum(axis=1)
    each = 0.5 * spread + [effect.divergence for effect in found]
    return -0.5 * (left**2).sum(axis=1) - np.append(0.0, np.cumsum(each))


def _log_bayes_factors(
    projected: np.ndarray, precision: np.ndarray, variance: np.ndarray | float
) -> np.ndarray:
    """Of each variant against no effect, for one effect of this prior variance."""
    shrunk = variance / (1 + variance * precision)
    return 0.5 * (projected**2 * shrunk - np.log1p(variance * precision))


def _best_variance(projected: np.ndarray, precision: np.ndarray, log_weights: np.ndarray) -> float:
    """The prior variance with the largest evidence, 0 if none is better than no effect."""

    def loss(log_v: float) -> float:
        return -logsumexp(log_weights + _log_bayes_factors(projected, precision, np.exp(log_v)))

    best = minimize_scalar(loss, bounds=(-10.0, 15.0), method="bounded", options={"xatol": 1e-4})
    return float(np.exp(best.x)) if best.fun < 0 else 0.0


def _single_effect(
    X: _Loadings,
    residual: np.ndarray,
    precision: np.ndarray,
    log_weights: np.ndarray,
    variances: Any,
    share: float | int,
) -> _Effect:
    """Posterior of one effect given what the others leave."""
    projected = X.project(residual)
    if variances is None:
        variances = np.array([_best_variance(projected, precision, log_weights)])
    grid = np.asarray(variances, np.float64)[:, None]
    probability = log_softmax(-0.5 * np.log(grid)) if len(grid) > 1 else np.zeros((1, 1))
    terms = probability + log_weights + _log_bayes_factors(projected, precision, grid)
    # Exponentiated once: most of the time is spent here.
    top = terms.max()
    joint = np.exp(terms - top)
    total = joint.sum()
    joint /= total
    evidence = float(top + np.log(total))
    present = 1.0 if share == 1 else float(expit(evidence + np.log(share / (1 - share))))
    alpha = joint.sum(axis=0)
    spread = grid / (1 + grid * precision)
    shrunk = spread * projected
    # Means over the prior variances, given the variant.
    given = np.divide(joint, alpha, out=np.zeros_like(joint), where=alpha > 0)
    mean = (given * shrunk).sum(axis=0)
    second = (given * (shrunk**2 + spread)).sum(axis=0)
    fitted = X.fit(alpha * mean)
    power = float(precision @ (alpha * second))
    return _Effect(
        alpha,
        mean,
        second,
        float((joint.sum(axis=1) * grid[:, 0]).sum()),
        evidence,
        present,
        fitted,
        power,
        divergence=-evidence + float(projected @ (alpha * mean)) - 0.5 * power,
    )
