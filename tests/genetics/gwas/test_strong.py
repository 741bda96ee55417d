"""Lead variants of strong loci: found, told apart, and of the size that they have."""

import numpy as np
import pytest

from deepwas_app.genetics.gwas.strong import lead_variance, strong_limit

N = 10_000.0


@pytest.fixture(scope="module")
def block():
    """LD of 150 variants that falls off along them, and its factor."""
    at = np.arange(150)
    R = 0.95 ** np.abs(at[:, None] - at)
    return R, np.linalg.cholesky(R)


def scores(block, effects, seed=1):
    """z-scores with these joint effects (phenotypic s.d. per s.d.), by variant."""
    R, W = block
    beta = np.zeros(len(R))
    for j, size in effects.items():
        beta[j] = size
    noise = W @ np.random.default_rng(seed).standard_normal(len(R))
    return np.sqrt(N) * R @ beta + noise


def found(block, z, people=0, scored=None, n=N):
    n = np.full(len(z), n)
    limit = np.maximum(80, 1e-3 * n)
    if scored is not None:
        limit = np.where(scored, limit, np.inf)
    return lead_variance(block[1], z, n, limit, people)


def test_nothing_below_the_limit(block):
    z = scores(block, {40: 0.08})
    assert 20 < (z**2).max() < 80
    assert not found(block, z).any()


def test_one_lead_has_the_variance_that_it_explains(block):
    sizes = []
    for seed in range(20):
        own = found(block, scores(block, {40: 0.3}, seed))
        (lead,) = np.flatnonzero(own)
        assert abs(lead - 40) <= 1
        sizes.append(own[lead])
    assert np.mean(sizes) == pytest.approx(0.09, rel=0.05)


def test_two_leads_are_told_apart_though_they_are_correlated(block):
    """r = 0.95^14 = 0.49: each alone looks larger than it is."""
    own = found(block, scores(block, {40: 0.3, 54: 0.25}))
    leads = np.flatnonzero(own)
    assert len(leads) == 2
    assert np.abs(leads - [40, 54]).max() <= 1
    np.testing.assert_allclose(own[leads], [0.09, 0.0625], rtol=0.2)


def test_what_ld_of_few_people_leaves_of_a_strong_effect_is_no_lead(block):
    """The other variants' z are off by z / sqrt(people), as they are where LD is of others."""
    people = 400
    z = scores(block, {40: 0.9})
    off = np.random.default_rng(3).standard_normal(len(z)) * 90 / np.sqrt(people)
    off[40] = 0
    assert (found(block, z + off, people) > 0).sum() == 1
    assert (found(block, z + off, 0) > 0).sum() > 1


def test_only_scored_variants_lead_and_the_limit_grows_with_n(block):
    z = scores(block, {40: 0.3})
    scored = np.ones(len(z), bool)
    scored[35:46] = False
    own = found(block, z, scored=scored)
    assert own[scored].any()
    assert not own[~scored].any()
    # chi2 of about 900, and a limit of 1,000.
    assert not found(block, z, n=1e6).any()


@pytest.mark.parametrize(
    ("z", "n", "limit"), [(1.0, 1e4, 80.0), (1.0, 1e6, 1e3), (4.0, 1e4, 480.0), (4.0, 1e6, 1e3)]
)
def test_the_limit_is_the_largest_of_a_number_a_share_of_n_and_a_multiple_of_the_mean(z, n, limit):
    np.testing.assert_allclose(strong_limit(np.full(9, z), np.full(9, n)), limit)


def test_a_very_strong_locus_hides_no_other():
    z = np.ones(10_000)
    z[:100], z[5_000] = 200, 15  # 30 times the mean of all is 12,000
    limit = strong_limit(z, np.full(len(z), 50_000.0))
    assert limit.max() == 80 < 15**2


def test_one_that_does_not_vary_in_the_panel_leads_nothing(block):
    _, W = block
    z = scores(block, {40: 0.3})
    flat = W.copy()
    flat[40] = 0
    n = np.full(len(z), N)
    own = lead_variance(flat, z, n, np.full(len(z), 80.0), 0)
    assert own[40] == 0
    assert own.any()
