"""Sum of single effects: against another implementation, exact enumeration, and simulation."""

import json
from pathlib import Path

import numpy as np
import pytest

from deepwas_app.core.credible_sets import credible_sets, least_correlation
from deepwas_app.core.finemap import VARIANCES, single_effects


def neighbours(variants, components, rng, correlation=0.9):
    W = np.empty((variants, components))
    W[0] = rng.standard_normal(components)
    for j in range(1, variants):
        fresh = rng.standard_normal(components)
        W[j] = correlation * W[j - 1] + np.sqrt(1 - correlation**2) * fresh
    return W / np.linalg.norm(W, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def locus():
    """120 variants, two causal ones, noise that differs between components."""
    rng = np.random.default_rng(11)
    Q = neighbours(120, 50, rng)
    noise = rng.uniform(0.8, 2.5, 50)
    weights = rng.gamma(0.5, size=120)
    b = np.zeros(120)
    b[[20, 75]] = [9.0, -11.0]
    x = Q.T @ b + np.sqrt(noise) * rng.standard_normal(50)
    return Q, x, noise, weights


@pytest.mark.parametrize("prior", ["uniform", "weighted"])
def test_agrees_with_pysusie(locus, prior):
    Q, x, noise, weights = locus
    expected = json.loads((Path(__file__).parent / "golden" / "susie.json").read_text())[prior]
    fit = single_effects(
        Q,
        x,
        noise,
        prior_weights=weights if prior == "weighted" else None,
        effects=5,
        causal=None,
        variances=None,
        tolerance=1e-8,
        passes=1000,
    )
    assert fit.converged
    np.testing.assert_allclose(fit.pip, expected["pip"], atol=1e-3)
    np.testing.assert_allclose(fit.posterior_mean, expected["mean"], atol=1e-2)
    np.testing.assert_allclose(fit.posterior_deviation, expected["sd"], atol=1e-2)
    np.testing.assert_allclose(fit.variance, expected["variance"], rtol=0.01, atol=0.01)
    # Theirs is of the rescaled data, whose density differs by the scale.
    elbo = fit.elbo[-1] + 0.5 * np.log(noise).sum()
    assert elbo == pytest.approx(expected["elbo"], abs=1e-2)
    found = sorted(sorted(s.variants.tolist()) for s in credible_sets(fit, Q, purity=0.0)[:2])
    assert found == sorted(expected["sets"])[: len(found)]


def test_one_effect_is_the_exact_posterior(locus):
    """With one effect the posterior is a softmax over dense multivariate normal densities."""
    from scipy.stats import multivariate_normal

    Q, _, noise, weights = locus
    rng = np.random.default_rng(3)
    x = 8.0 * Q[40] + np.sqrt(noise) * rng.standard_normal(50)
    fit = single_effects(Q, x, noise, prior_weights=weights, effects=1, causal=None, variances=None)
    V = fit.variance[0]

    def log_density(loading, variance):
        return multivariate_normal(
            cov=np.diag(noise) + variance * np.outer(loading, loading)
        ).logpdf(x)

    terms = np.log(weights / weights.sum()) + [log_density(q, V) for q in Q]
    evidence = np.logaddexp.reduce(terms)
    np.testing.assert_allclose(fit.pip, np.exp(terms - evidence), atol=1e-10)
    # With one effect the bound is tight, and its maximum over V is the marginal likelihood's.
    assert fit.elbo[-1] == pytest.approx(evidence, abs=1e-8)
    for other in (0.9 * V, 1.1 * V):
        moved = np.log(weights / weights.sum()) + [log_density(q, other) for q in Q]
        assert np.logaddexp.reduce(moved) < evidence


@pytest.mark.parametrize("background", [None, np.linspace(0.0, 0.2, 120)])
def test_prior_variances_and_the_number_of_effects_are_averaged_over(locus, background):
    """One effect or none, of two prior variances, with normal effects of all variants or without:
    exact by enumeration of dense densities.
    """
    from scipy.stats import multivariate_normal

    Q, _, noise, weights = locus
    rng = np.random.default_rng(4)
    x = 3.5 * Q[40] + np.sqrt(noise) * rng.standard_normal(50)
    variances = np.array([4.0, 30.0])
    fit = single_effects(
        Q,
        x,
        noise,
        prior_weights=weights,
        background=background,
        effects=1,
        causal=0.5,
        variances=variances,
    )
    null = np.diag(noise) + (0 if background is None else Q.T @ np.diag(background) @ Q)

    def log_density(cov):
        return multivariate_normal(cov=cov).logpdf(x)

    # 0 or 1 effect with probabilities 2/3 and 1/3; variances as 1/sqrt(4) to 1/sqrt(30).
    none = np.log(2 / 3) + log_density(null)
    each = np.array([[log_density(null + v * np.outer(q, q)) for q in Q] for v in variances])
    likely = variances**-0.5 / (variances**-0.5).sum()
    each += np.log(likely)[:, None] - np.log(3) + np.log(weights / weights.sum())
    evidence = np.logaddexp.reduce(np.append(each.ravel(), none))
    assert 0.1 < fit.number[0] < 0.9
    np.testing.assert_allclose(fit.pip, np.exp(each - evidence).sum(axis=0), atol=1e-10)
    np.testing.assert_allclose(fit.number[0], np.exp(none - evidence), atol=1e-10)
    assert fit.elbo[-1] == pytest.approx(evidence, abs=1e-8)


def test_effects_may_be_of_2_to_128_standard_errors():
    np.testing.assert_allclose(np.sqrt(VARIANCES), 2.0 ** np.arange(1, 8))


def test_no_signal_gives_no_credible_set_and_flat_weights_change_nothing(locus):
    Q, _, noise, _ = locus
    x = np.sqrt(noise) * np.random.default_rng(5).standard_normal(50) * 0.5
    fit = single_effects(Q, x, noise)
    assert fit.pip.max() < 0.2
    assert credible_sets(fit, Q) == []
    flat = single_effects(Q, x, noise, prior_weights=np.full(120, 7.0))
    np.testing.assert_allclose(fit.pip, flat.pip, atol=1e-12)


def test_bound_never_falls_and_an_unfinished_fit_says_so(locus):
    Q, x, noise, _ = locus
    assert single_effects(Q, x, noise).converged
    fit = single_effects(Q, x, noise, causal=None, variances=None)
    assert fit.converged
    assert (np.diff(fit.elbo) > -1e-6).all()
    assert not single_effects(Q, x, noise, passes=2, tolerance=1e-12).converged


def test_variants_without_weight_or_loading_are_never_chosen(locus):
    Q, x, noise, _ = locus
    weights = np.ones(120)
    weights[20] = 0.0
    padded = np.vstack([Q, np.zeros((3, 50))])
    fit = single_effects(padded, x, noise, prior_weights=np.append(weights, np.ones(3)))
    assert fit.pip[20] == 0.0
    assert np.isfinite(fit.pip).all()
    assert fit.pip[120:].max() < 0.1
    with pytest.raises(ValueError, match="prior weights"):
        single_effects(Q, x, noise, prior_weights=-weights)


def test_effects_that_are_not_expected_need_more_evidence(locus):
    Q, x, noise, _ = locus
    expected = [single_effects(Q, x, noise, causal=c).expected for c in (0.1, 2.0, 10.0, None)]
    assert expected == sorted(expected)
    assert expected[0] > 1.9
    # Always as many as `effects`, however little there is.
    assert expected[3] == pytest.approx(20)


def test_purity_is_the_smallest_correlation_of_a_set():
    Q = np.array([[1.0, 0.0], [0.6, 0.8], [-1.0, 0.1]])
    assert least_correlation(Q) == pytest.approx(abs(Q[1] @ Q[2]) / np.linalg.norm(Q[2]))
    assert least_correlation(Q[:1]) == 1.0


@pytest.fixture(scope="module")
def simulated():
    """PIPs and credible sets of 200 loci whose causal variants are drawn by known weights."""
    rng = np.random.default_rng(7)
    pip, uniform, causal, covered, squares = [], [], [], [], []
    for _ in range(200):
        Q = neighbours(150, 60, rng, correlation=rng.uniform(0.7, 0.97))
        weights = np.exp(1.5 * rng.standard_normal(150))
        weights /= weights.sum()
        chosen = rng.choice(150, rng.integers(1, 4), replace=False, p=weights)
        b = np.zeros(150)
        b[chosen] = rng.normal(0, 6.0, len(chosen))
        x = Q.T @ b + rng.standard_normal(60)
        noise = np.ones(60)
        fit = single_effects(Q, x, noise, prior_weights=weights)
        pip.append(fit.pip)
        uniform.append(single_effects(Q, x, noise).pip)
        causal.append(b != 0)
        sets = credible_sets(fit, Q)
        covered += [np.isin(s.variants, chosen).any() for s in sets]
        held = np.unique(np.concatenate([np.zeros(0, int), *(s.variants for s in sets)]))
        expected = sum(s.squares[: len(s.variants)].sum() for s in sets)
        squares.append((expected, (b[held] ** 2).sum()))
    parts = [np.concatenate(part) for part in (pip, uniform, causal)]
    return parts, np.array(covered), np.array(squares)


def test_squared_effects_in_sets_are_as_expected(simulated):
    """Over loci; their share of heritability is this over N and over all of it."""
    expected, truth = simulated[2].T
    error = (expected - truth).std(ddof=1) * np.sqrt(len(truth))
    print(f"\nexpected over true squares in sets: {expected.sum() / truth.sum():.3f}")
    assert abs(expected.sum() - truth.sum()) < 3 * error + 0.02 * truth.sum()
    assert error < 0.05 * truth.sum()


def test_pips_are_calibrated(simulated):
    """Among variants with PIP about p a share p is causal; sets hold a causal one 95% of times."""
    (pip, uniform, causal), covered, _ = simulated
    print(f"\n{len(covered)} credible sets, {covered.mean():.1%} hold a causal variant")
    assert covered.mean() > 0.95 - 3 * np.sqrt(0.05 * 0.95 / len(covered))
    assert pip.sum() == pytest.approx(causal.sum(), rel=0.15)
    for low, high in ((0.02, 0.1), (0.1, 0.4), (0.4, 0.9), (0.9, 1.01)):
        inside = (pip >= low) & (pip < high)
        share, expected = causal[inside].mean(), pip[inside].mean()
        error = np.sqrt(expected * (1 - expected) / inside.sum())
        print(
            f"PIP {low} to {high}: {inside.sum()} variants, mean {expected:.3f}, {share:.3f} true"
        )
        assert inside.sum() > 50
        assert abs(share - expected) < 3 * error + 0.02
    # Weights that are true tell more than uniform ones.
    entropy = [
        -(causal * np.log(p) + (1 - causal) * np.log1p(-p)).sum()
        for p in (np.clip(q, 1e-6, 1 - 1e-6) for q in (pip, uniform))
    ]
    assert entropy[0] < entropy[1]
