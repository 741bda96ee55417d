"""The sparse posterior, against the sum over all sets of causal variants of a small block."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit, logit, logsumexp
from scipy.stats import multivariate_normal

from deepwas_app.core import posterior, whiten
from deepwas_app.core.polygenicity import LOG_ODDS, polygenicity
from deepwas_app.core.sparse import sample_effects

VARIANTS, TYPICAL = 7, 0.5


def exact(block, log_d, noise, odds):
    """Log evidence, PIP, mean and mean square by enumeration."""
    Q, x = np.asarray(block.Q, np.float64), np.asarray(block.x, np.float64)
    log_odds = np.log(np.exp(log_d) / np.exp(TYPICAL)) + odds
    pi = expit(log_odds)
    slab = np.exp(log_d) / pi
    terms, inside, means, squares = [], [], [], []
    for chosen in itertools.product([0, 1], repeat=VARIANTS):
        c = np.array(chosen, float)
        D = slab * c
        K = np.diag(noise) + Q.T @ (D[:, None] * Q)
        solved = np.linalg.solve(K, x)
        mean = D * (Q @ solved)
        variance = D - D**2 * np.einsum("jr,rj->j", Q, np.linalg.solve(K, Q.T))
        log_prior = (c * np.log(pi) + (1 - c) * np.log1p(-pi)).sum()
        terms.append(log_prior + multivariate_normal(np.zeros(len(x)), K).logpdf(x))
        inside.append(c)
        means.append(mean)
        squares.append(mean**2 + variance)
    evidence = logsumexp(terms)
    weight = np.exp(np.array(terms) - evidence)
    return evidence, *(weight @ np.array(part) for part in (inside, means, squares))


@pytest.fixture(scope="module")
def case():
    rng = np.random.default_rng(3)
    W = rng.standard_normal((VARIANTS, 9)) + 0.7 * rng.standard_normal((1, 9))
    W /= np.linalg.norm(W, axis=1, keepdims=True)
    block = whiten(W, W @ rng.standard_normal(9) * 3, variance=1.0)
    log_d = rng.normal(0.5, 0.7, VARIANTS)
    noise = 1 + 0.3 * rng.random(block.x.shape[0])
    return block, log_d, noise


@jax.jit
def draw(block, log_d, noise, odds, start, key):
    return sample_effects(
        block, log_d, noise, typical=TYPICAL, log_odds=odds, start=start, key=key,
        burn=200, sweeps=3_000,
    )  # fmt: skip


def test_moments_and_score_agree_with_the_sum_over_all_sets(case):
    block, log_d, noise = case
    odds = logit(np.array([0.5, 0.25, 0.12]))
    # Sixteen chains each.
    inputs = (jnp.asarray(v, block.x.dtype) for v in (log_d, noise, np.repeat(odds, 16)))
    start = jnp.zeros((48, VARIANTS), block.x.dtype)
    found = draw(block, *inputs, start, jax.random.key(1))
    found = jax.tree.map(lambda v: np.asarray(v).reshape(3, 16, *v.shape[1:]).mean(axis=1), found)
    for i, one in enumerate(odds):
        _, pip, mean, square = exact(block, log_d, noise, one)
        np.testing.assert_allclose(found.inclusion[i], pip, atol=0.02)
        np.testing.assert_allclose(found.mean[i], mean, atol=0.05)
        np.testing.assert_allclose(found.second[i], square, rtol=0.05, atol=0.05)
        lower, upper = (exact(block, log_d, noise, one + step)[0] for step in (-0.01, 0.01))
        np.testing.assert_allclose(found.score[i], (upper - lower) / 0.02, atol=0.03)


def test_with_all_variants_causal_it_is_the_normal_posterior(case):
    block, log_d, _ = case
    log_d, start = jnp.asarray(log_d, block.x.dtype), jnp.zeros((8, VARIANTS), block.x.dtype)
    odds = jnp.full(8, 25.0, block.x.dtype)
    found = draw(block, log_d, jnp.ones_like(block.x), odds, start, jax.random.key(2))
    mean, second = (np.asarray(v).mean(axis=0) for v in (found.mean, found.second))
    normal = posterior(block, log_d)
    np.testing.assert_allclose(mean, normal.mean, atol=0.05)
    np.testing.assert_allclose(second - mean**2, normal.variance, rtol=0.05)


def test_huge_effects_and_padding_stay_finite():
    """z of 200 at variants in near-complete LD, and variants without any variance."""
    rng = np.random.default_rng(0)
    base = rng.standard_normal((1, 30))
    W = np.repeat(base, 100, axis=0) + 1e-3 * rng.standard_normal((100, 30))
    W /= np.linalg.norm(W, axis=1, keepdims=True)
    block = whiten(W, np.full(100, 200.0) * (W @ W[0]))
    log_d = jnp.where(jnp.arange(100) < 90, 0.0, -jnp.inf)
    start, odds = jnp.zeros((len(LOG_ODDS), 100)), jnp.asarray(LOG_ODDS)
    found = draw(block, log_d, jnp.ones_like(block.x), odds, start, jax.random.key(0))
    assert all(bool(jnp.isfinite(part).all()) for part in jax.tree.leaves(found))
    assert not np.asarray(found.mean)[:, 90:].any()
    fitted = np.asarray(block.Q).T @ np.asarray(found.mean).T
    np.testing.assert_allclose(fitted[0], float(block.x[0]), rtol=0.05)


def test_evidence_from_scores_finds_the_share_of_a_known_curve():
    """Scores of a log evidence that is known: -(l - l0)^2 / 2 s^2 of 12 nats at its top."""
    top, width = logit(0.01), 1.0
    height = 12.0
    scores = -height * (LOG_ODDS - top) / width**2 * np.exp(-0.5 * ((LOG_ODDS - top) / width) ** 2)
    blocks = np.tile(scores / 40, (40, 1))
    found = polygenicity(blocks)
    assert found.gain == pytest.approx(height, rel=0.1)
    assert found.share == pytest.approx(0.01, rel=0.25)
    assert found.error == pytest.approx(0.0, abs=1e-6)
    assert found.normal < 1e-3
    middle = found.quantiles(11)[5]
    assert middle == pytest.approx(top, abs=0.25)
    nothing = polygenicity(np.zeros((40, len(LOG_ODDS))))
    assert nothing.normal == pytest.approx(0.5)
