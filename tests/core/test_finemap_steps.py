"""Sum of single effects, part by part: against dense densities and enumeration."""

import inspect

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from deepwas_app.core import finemap
from deepwas_app.core.credible_sets import credible_sets, least_correlation
from deepwas_app.core.finemap import SingleEffects, single_effects


def test_defaults_are_those_that_are_documented():
    def defaults(function):
        found = inspect.signature(function).parameters.values()
        return {p.name: p.default for p in found if p.default is not p.empty}

    assert defaults(single_effects) == {
        "prior_weights": None,
        "background": None,
        "remainder": None,
        "effects": 20,
        "causal": 2.0,
        "variances": finemap.VARIANCES,
        "passes": 200,
        "tolerance": 1e-3,
    }
    assert defaults(credible_sets) == {"coverage": 0.95, "purity": 0.5}


@pytest.fixture(scope="module")
def data():
    """Nine correlated variants, of which two act."""
    rng = np.random.default_rng(2)
    Q = rng.standard_normal((9, 6))
    Q[1] = Q[0] + 0.4 * Q[1]
    Q /= np.linalg.norm(Q, axis=1, keepdims=True)
    noise = rng.uniform(0.5, 2.0, 6)
    weights = rng.gamma(1.0, size=9)
    x = Q.T @ np.array([3.0, 0, 0, 0, -3.5, 0, 0, 0, 0]) + np.sqrt(noise) * rng.standard_normal(6)
    return Q, x, noise, weights / weights.sum()


VARIANCES = np.array([2.0, 9.0])
SHARE = 0.6  # causal = 1.5


def likelihoods(x, Q, noise, variances):
    """Log density of x where one variant has an effect of this variance, (variances, variants)."""
    return np.array(
        [
            [multivariate_normal(cov=np.diag(noise) + v * np.outer(q, q)).logpdf(x) for q in Q]
            for v in variances
        ]
    )


def one_effect(x, Q, noise, weights, variances):
    """Exact posterior of one effect: joint of variance and variant, mean and second moment."""
    prior = np.asarray(variances) ** -0.5 / np.sum(np.asarray(variances) ** -0.5)
    terms = likelihoods(x, Q, noise, variances) + np.log(prior)[:, None] + np.log(weights)
    none = multivariate_normal(cov=np.diag(noise)).logpdf(x)
    joint = np.exp(terms - logsumexp(terms))
    mean, second = np.zeros_like(joint), np.zeros_like(joint)
    for k, v in enumerate(variances):
        for j, q in enumerate(Q):
            precision = 1 / v + np.sum(q**2 / noise)
            mean[k, j] = np.sum(q * x / noise) / precision
            second[k, j] = 1 / precision + mean[k, j] ** 2
    alpha = joint.sum(axis=0)
    return (
        joint,
        alpha,
        (joint * mean).sum(axis=0) / alpha,
        (joint * second).sum(axis=0) / alpha,
        logsumexp(terms) - none,
    )


def present_of(fit):
    """Probability of each effect given those before it."""
    at_least = fit.alpha.sum(axis=1)
    return at_least / np.append(1.0, at_least[:-1])


@pytest.mark.parametrize("effects", [2, 3])
def test_every_effect_is_the_exact_posterior_given_the_others(data, effects):
    Q, x, noise, weights = data
    fit = single_effects(
        Q, x, noise, prior_weights=7 * weights, effects=effects, causal=1.5,
        variances=VARIANCES, passes=2_000, tolerance=1e-13,
    )  # fmt: skip
    present = present_of(fit)
    assert (np.diff(present) <= 0).all()
    alpha = fit.alpha / fit.alpha.sum(axis=1, keepdims=True)
    for e in range(effects):
        left = x.copy()
        # Where it is present those before it are; of those after it, with their probability.
        chance = 1.0
        for other in range(effects):
            if other > e:
                chance *= present[other]
            if other != e:
                left = left - (chance if other > e else 1.0) * Q.T @ (alpha * fit.mean)[other]
        joint, expected, mean, second, evidence = one_effect(left, Q, noise, weights, VARIANCES)
        np.testing.assert_allclose(alpha[e], expected, atol=1e-5)
        np.testing.assert_allclose(fit.mean[e], mean, atol=1e-4)
        np.testing.assert_allclose(fit.second_moment[e], second, rtol=1e-4)
        assert fit.variance[e] == pytest.approx(joint.sum(axis=1) @ VARIANCES, rel=1e-4)
        odds = np.exp(evidence) * SHARE / (1 - SHARE)
        assert present[e] == pytest.approx(odds / (1 + odds), rel=1e-4)
    at_least = np.append(1.0, np.cumprod(present))
    np.testing.assert_allclose(fit.number, at_least - np.append(at_least[1:], 0.0), atol=1e-9)
    assert 0.02 < present[-1] < 0.98


@pytest.mark.parametrize("passes", [1, 2, 5])
@pytest.mark.parametrize("causal", [1.5, None])
def test_the_bound_is_the_expected_log_density_less_the_divergence(data, passes, causal):
    """For one prior variance, whose posterior is normal: from dense covariances of each effect."""
    Q, x, noise, weights = data
    effects, v = 3, 4.0
    fit = single_effects(
        Q, x, noise, prior_weights=weights, effects=effects, causal=causal,
        variances=np.array([v]), passes=passes, tolerance=0.0,
    )  # fmt: skip
    assert len(fit.elbo) == passes
    assert not fit.converged
    present = present_of(fit)
    alpha = fit.alpha / fit.alpha.sum(axis=1, keepdims=True)
    spread = fit.second_moment - fit.mean**2
    divergence = [
        np.sum(a * (np.log(a / weights) + 0.5 * (s / v + m**2 / v - 1 - np.log(s / v))))
        for a, m, s in zip(alpha, fit.mean, spread, strict=True)
    ]
    mean, covariance = np.zeros(9), np.zeros((9, 9))
    each = []
    for k in range(effects + 1):
        left = x - Q.T @ mean
        fit_term = np.sum(left**2 / noise) + np.trace(Q.T @ covariance @ Q / noise)
        each.append(-0.5 * (np.log(2 * np.pi * noise).sum() + fit_term) - sum(divergence[:k]))
        if k < effects:
            own = alpha[k] * fit.mean[k]
            mean = mean + own
            covariance = covariance + np.diag(alpha[k] * fit.second_moment[k]) - np.outer(own, own)
    if causal is None:
        expected = each[-1]
        np.testing.assert_array_equal(fit.number, [0, 0, 0, 1])
    else:
        # 0, 1, 2, 3 effects: each has another after it with probability SHARE.
        prior = (1 - SHARE) * SHARE ** np.arange(effects + 1)
        prior[-1] = SHARE**effects
        expected = fit.number @ (np.array(each) - np.log(fit.number / prior))
        at_least = np.append(1.0, np.cumprod(present))
        np.testing.assert_allclose(fit.number[:-1], -np.diff(at_least), atol=1e-12)
    assert fit.elbo[-1] == pytest.approx(expected, abs=1e-8)


def test_a_fit_ends_with_the_first_pass_that_gains_little(data):
    Q, x, noise, weights = data
    for tolerance in (1e-2, 1e-5):
        fit = single_effects(Q, x, noise, prior_weights=weights, effects=3, tolerance=tolerance)
        gains = np.abs(np.diff(fit.elbo))
        assert fit.converged
        assert gains[-1] < tolerance
        assert (gains[:-1] >= tolerance).all()
        assert len(gains) > 1
    # One pass has nothing to compare with.
    fit = single_effects(Q, x, noise, effects=1, passes=1, tolerance=np.inf)
    assert (len(fit.elbo), fit.converged) == (1, False)
    assert len(single_effects(Q, x, noise, effects=1, tolerance=np.inf).elbo) == 2


def test_equal_weights_are_the_default(data):
    Q, x, noise, _ = data
    plain, flat = (
        single_effects(Q, x, noise, prior_weights=w, effects=2) for w in (None, np.full(9, 3.0))
    )
    np.testing.assert_allclose(plain.alpha, flat.alpha, rtol=1e-9)
    np.testing.assert_allclose(plain.elbo, flat.elbo, rtol=1e-9)


@pytest.mark.parametrize("bad", [[1, -0.1], [0, 0], [1, np.nan], [1, np.inf]])
def test_weights_that_are_none_are_refused(bad):
    with pytest.raises(ValueError, match="non-negative and not all zero"):
        single_effects(np.eye(2), np.ones(2), np.ones(2), prior_weights=np.array(bad, float))


def test_no_pass_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        single_effects(np.eye(2), np.ones(2), np.ones(2), passes=0)


@pytest.mark.parametrize("log_best", [-9.5, -4.0, 0.0, 14.5])
def test_the_best_variance_of_one_variant_has_a_closed_form(log_best):
    """The maximum of the density of p ~ Normal(0, t + t^2 V) is at V = (p^2 / t - 1) / t."""
    # So that the signal is clear, and its square not beyond what floats can tell apart.
    best, precision = np.exp(log_best), 1.0 if log_best > 5 else 1e5
    projected = np.sqrt(precision * (1 + precision * best))
    found = finemap._best_variance(np.array([projected]), np.array([precision]), np.zeros(1))
    assert found == pytest.approx(best, rel=1e-3)


def test_the_best_variance_has_its_ends_and_may_be_none():
    def found(best, precision):
        projected = np.sqrt(precision * (1 + precision * best))
        return finemap._best_variance(np.array([projected]), np.array([precision]), np.zeros(1))

    assert found(np.exp(16.5), 1.0) == pytest.approx(np.exp(15), rel=1e-3)
    assert found(np.exp(-11.5), 1e6) == pytest.approx(np.exp(-10), rel=1e-3)
    # Less than noise alone would give.
    assert finemap._best_variance(np.array([0.5]), np.ones(1), np.zeros(1)) == 0.0


def fitted(alpha, variance, number=None, mean=None, second=None):
    alpha = np.asarray(alpha, float)
    mean = np.ones_like(alpha) if mean is None else np.asarray(mean, float)
    second = mean**2 + 1 if second is None else np.asarray(second, float)
    number = np.append(np.zeros(len(alpha)), 1.0) if number is None else np.asarray(number, float)
    return SingleEffects(
        alpha,
        mean,
        second,
        np.asarray(variance, float),
        number,
        np.zeros(1),
        True,
        np.log(np.maximum(alpha, 1e-300)),
        np.arange(len(alpha)) + 2.0,
    )


def test_what_a_fit_says_by_hand():
    """Two effects: the first there with probability 0.8, the second with 0.2; none with 0.2."""
    fit = fitted(
        [[0.6, 0.2, 0.0], [0.0, 0.1, 0.1]],
        [4.0, 9.0],
        number=[0.2, 0.6, 0.2],
        mean=[[1.0, 2.0, 5.0], [0.0, 3.0, -1.0]],
        second=[[2.0, 5.0, 26.0], [1.0, 10.0, 2.0]],
    )
    assert fit.expected == pytest.approx(1.0)
    # Given one effect 0.75, 0.25, 0; given two, with the second's 0, 0.5, 0.5.
    np.testing.assert_allclose(
        fit.pip,
        [0.6 * 0.75 + 0.2 * 0.75, 0.6 * 0.25 + 0.2 * (1 - 0.75 * 0.5), 0.2 * 0.5],
    )
    np.testing.assert_allclose(fit.posterior_mean, [0.6, 0.4 + 0.3, -0.1])
    variances = [1.2 - 0.36, 1.0 - 0.16 + 1.0 - 0.09, 0.2 - 0.01]
    np.testing.assert_allclose(fit.posterior_deviation, np.sqrt(variances))


def test_effects_that_are_off_say_nothing():
    fit = fitted([[0.5, 0.5], [0.9, 0.1], [0.0, 0.0]], [1e-9, 2e-9, 0.5])
    np.testing.assert_array_equal(fit.active, [False, True, True])
    assert fit.expected == pytest.approx(1.0)
    # An effect that is nowhere divides by nothing.
    np.testing.assert_allclose(fit.pip, [0.9, 0.1])
    np.testing.assert_allclose(fit.posterior_deviation, np.sqrt([0.9 * 2 - 0.81, 0.1 * 2 - 0.01]))
    # Rounding leaves no negative variance.
    assert fitted([[1.0]], [1.0], second=[[0.999]]).posterior_deviation == 0
    assert fitted([[1.0]], [1.0], number=[-1e-9, 1 + 1e-9]).pip[0] == 1
    assert fitted([[1.0, 0.0]], [1.0], number=[0.0, 1 + 1e-9]).pip[1] == 0


QUARTERS = np.array([0.5, 0.25, 0.25, 0.0])


def sets_of(fit, Q=None, **options):
    Q = np.ones((fit.alpha.shape[1], 2)) if Q is None else np.asarray(Q, float)
    return [(s.variants.tolist(), s.coverage, s.effect) for s in credible_sets(fit, Q, **options)]


@pytest.mark.parametrize(
    ("coverage", "expected"),
    [(0.4, [0]), (0.5, [0]), (0.51, [0, 1]), (0.75, [0, 1]), (0.76, [0, 1, 2]), (1.0, [0, 1, 2])],
)
def test_a_set_is_as_small_as_its_coverage_allows(coverage, expected):
    (found,) = sets_of(fitted([QUARTERS], [1.0]), coverage=coverage)
    assert found == (expected, QUARTERS[expected].sum(), 0)


def test_an_effect_that_may_not_be_there_has_a_set_while_it_is_certain_enough():
    fit = fitted([QUARTERS / 2], [1.0])
    assert sets_of(fit, coverage=0.5) == [([0, 1, 2], 0.5, 0)]
    assert sets_of(fit, coverage=0.51) == []
    assert sets_of(fitted([QUARTERS], [0.0]), coverage=0.5) == []


def test_sets_are_told_once_the_smallest_first_then_the_largest_effect():
    alpha = [[0.5, 0.5, 0, 0], [0, 1, 0, 0], [0, 0, 1.0, 0], [0.4, 0.6, 0, 0]]
    found = sets_of(fitted(alpha, [1.0, 2.0, 3.0, 9.0]))
    assert found == [([2], 1.0, 2), ([1], 1.0, 1), ([0, 1], 1.0, 0)]


def test_a_set_goes_on_to_99_percent_of_its_effect():
    alpha = np.array([0.5, 0.3, 0.1, 0.05, 0.03, 0.015, 0.005])
    for present, wide in ((1.0, 6), (0.97, 6), (0.9, 6)):
        (found,) = credible_sets(fitted([alpha * present], [1.0]), np.ones((7, 2)), coverage=0.79)
        assert len(found.variants) == (2 if present == 1 else 3)
        assert found.locus.tolist() == list(range(wide))
        np.testing.assert_allclose(found.probability, alpha[:wide] * present)
        np.testing.assert_allclose(found.log_bayes_factors, np.log(alpha[:wide] * present))
        np.testing.assert_allclose(found.squares, 2 * alpha[:wide] * present)
    # A set that needs more than that of a doubtful effect is all in it.
    doubtful = fitted([np.append(alpha * 0.955, 0.0)], [1.0])
    (found,) = credible_sets(doubtful, np.ones((8, 2)), coverage=0.953)
    assert found.locus.tolist() == found.variants.tolist() == list(range(7))


def test_correlations_of_a_set_are_of_its_pairs():
    Q = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
    (found,) = credible_sets(fitted([[0.4, 0.3, 0.3]], [1.0]), Q, purity=0.0)
    assert found.mean_correlation == pytest.approx((0.6 + 0.8 + 0.0) / 3)
    assert found.mean_r2 == pytest.approx((0.36 + 0.64) / 3)
    (alone,) = credible_sets(fitted([[1.0, 0.0, 0.0]], [1.0]), Q)
    assert alone.mean_correlation == alone.mean_r2 == 1.0


def test_a_set_is_as_pure_as_its_least_correlation():
    Q = [[1.0, 0.0], [0.6, 0.8], [-1.0, 0.0]]
    fit = fitted([[0.5, 0.5, 0.0]], [1.0])
    assert len(sets_of(fit, Q, purity=0.6)) == 1
    assert sets_of(fit, Q, purity=0.61) == []
    (pure,) = credible_sets(fit, np.array(Q))
    assert pure.purity == pure.mean_correlation == pytest.approx(0.6)
    assert pure.mean_r2 == pytest.approx(0.36)
    assert pure.evidence == 2.0
    assert least_correlation(np.array([[2.0, 0.0], [3.0, 0.0]])) == 1.0
    # Rounding makes nothing purer than one; a variant that is not in LD is no number's divisor.
    third = np.full((3, 3), 1 / 3) * np.array([[1.0], [3.1], [0.7]])
    assert least_correlation(third) <= 1.0
    assert least_correlation(np.array([[1.0, 0.0], [0.0, 0.0]])) == 0.0
    assert least_correlation(np.zeros((1, 2))) == 1.0
