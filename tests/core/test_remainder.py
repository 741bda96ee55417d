"""What components leave out of z-scores, and what it brings to fine-mapping."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from deepwas_app.core.block import whiten
from deepwas_app.core.finemap import single_effects
from deepwas_app.core.remainder import Remainder, remainder


@pytest.fixture(scope="module")
def locus():
    """LD of 60 variants among many people: neighbours in strong LD, and two causal variants."""
    rng = np.random.default_rng(8)
    X = rng.standard_normal((4_000, 60))
    for j in range(1, 60):
        X[:, j] = 0.97 * X[:, j - 1] + np.sqrt(1 - 0.97**2) * X[:, j]
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    factor = X.T / np.sqrt(len(X))
    b = np.zeros(60)
    b[[14, 45]] = [13.0, -9.0]
    z = factor @ (factor.T @ b + rng.standard_normal(len(X)))
    return factor, z, b


def arrays(block):
    return tuple(np.asarray(a, np.float64) for a in (block.Q, block.x, block.noise))


def test_all_components_leave_nothing(locus):
    factor, z, _ = locus
    left = remainder(whiten(factor, z, variance=1.0), z)
    assert np.abs(left.z).max() < 1e-3
    assert left.variance.max() < 1e-3


def test_components_and_what_they_leave_are_the_z_scores_and_the_variance(locus):
    factor, z, _ = locus
    for people in (np.inf, 500):
        block = whiten(factor, z, variance=0.8, people=people)
        Q, x, noise = arrays(block)
        left = remainder(block, z, 1.3)
        np.testing.assert_allclose(Q / noise @ x + left.z, z, atol=1e-4)
        np.testing.assert_allclose((Q**2 / noise).sum(axis=1) + left.variance, 1.0, atol=1e-4)
        assert left.noise == 1.3
        assert 0.1 < left.variance.mean() < 0.2
    missing = np.where(np.arange(60) == 7, np.nan, z)
    left = remainder(block, missing)
    assert left.z[7] == left.variance[7] == 0


@pytest.mark.parametrize("background", [None, np.linspace(0.0, 0.2, 60)])
def test_one_effect_is_exact_given_components_and_remainder(locus, background):
    """One effect or none: by enumeration of dense densities."""
    factor, z, _ = locus
    block = whiten(factor, z, variance=0.9)
    Q, x, noise = arrays(block)
    left = remainder(block, 0.4 * z, 1.2)
    x = 0.4 * x
    fit = single_effects(
        Q, x, noise, background=background, remainder=left, effects=1, causal=0.5,
        variances=np.array([20.0]),
    )  # fmt: skip
    own = left.variance
    null = np.diag(np.concatenate([noise, 1.2 * own]))
    if background is not None:
        null[: len(x), : len(x)] += Q.T @ np.diag(background) @ Q
        null[len(x) :, len(x) :] += np.diag(own**2 * background)
    data = np.concatenate([x, left.z])
    terms = [np.log(2 / 3) + multivariate_normal(cov=null).logpdf(data)]
    for j, q in enumerate(Q):
        loading = np.concatenate([q, own * (np.arange(60) == j)])
        cov = null + 20.0 * np.outer(loading, loading)
        terms.append(np.log(1 / 3 / 60) + multivariate_normal(cov=cov).logpdf(data))
    evidence = np.logaddexp.reduce(terms)
    np.testing.assert_allclose(fit.pip, np.exp(np.array(terms[1:]) - evidence), atol=1e-8)
    # Of what is left, over the density of noise alone.
    alone = multivariate_normal(cov=np.diag(1.2 * own)).logpdf(left.z)
    assert fit.elbo[-1] == pytest.approx(evidence - alone, abs=1e-6)


def test_neighbours_are_told_apart_by_what_components_leave_out(locus):
    """With half of the components cut off, the rest makes up for what they told."""
    factor, z, b = locus
    Q, x, noise = arrays(whiten(factor, z, variance=1.0))
    exact = single_effects(Q, x, noise)
    cut = whiten(factor, z, variance=0.9)
    Q, x, noise = arrays(cut)
    without = single_effects(Q, x, noise)
    with_rest = single_effects(Q, x, noise, remainder=remainder(cut, z))
    wrong = [np.abs(fit.pip - exact.pip).sum() for fit in (without, with_rest)]
    print(f"\nPIPs that are elsewhere: {wrong[0]:.2f} without, {wrong[1]:.2f} with")
    assert wrong[1] < 0.7 * wrong[0]
    assert with_rest.pip[b != 0].sum() > without.pip[b != 0].sum()


def test_a_remainder_of_nothing_changes_nothing(locus):
    factor, z, _ = locus
    Q, x, noise = arrays(whiten(factor, z, variance=0.9))
    nothing = Remainder(np.zeros(60), np.zeros(60))
    plain, same = (single_effects(Q, x, noise, remainder=r) for r in (None, nothing))
    np.testing.assert_array_equal(plain.pip, same.pip)
    np.testing.assert_array_equal(plain.elbo, same.elbo)
