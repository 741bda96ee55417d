"""What is implausible is found, and nothing where files are right."""

import numpy as np
import pytest
from scipy.stats import norm

from deepwas_app.errors import InputError
from deepwas_app.genetics.gwas.checks import CHECKS, judge
from deepwas_app.genetics.gwas.plausible import (
    few_matches,
    frequencies,
    ld_signs,
    matches,
    minor_frequencies,
    one_sign,
    p_and_se,
    p_range,
    sign_agreement,
)

ROWS = 3_000


def gwas(seed=0, binary=False):
    """Effects, standard errors and log P of a right file."""
    rng = np.random.default_rng(seed)
    frequency = rng.uniform(0.01, 0.99, ROWS)
    se = 0.02 / np.sqrt(2 * frequency * (1 - frequency)) * (2 if binary else 1)
    z = rng.standard_normal(ROWS) * np.where(rng.random(ROWS) < 0.05, 4, 1)
    return z * se, se, norm.logsf(np.abs(z)) + np.log(2)


@pytest.mark.parametrize("seed", range(20))
def test_right_files_are_not_doubted(seed):
    rng = np.random.default_rng(seed)
    effect, se, log_p = gwas(seed, binary=seed % 2 == 1)
    # Two digits, as some have, and genomic control.
    rounded = [float(f"{p:.1e}") for p in np.exp(log_p)]
    assert p_and_se(effect, se, np.log(rounded)) == ""
    controlled = norm.logsf(np.abs(effect / se) / 1.2) + np.log(2)
    assert p_and_se(effect, se, controlled) == ""
    assert p_range(np.array(rounded)) == ""
    at = rng.integers(0, 200_000_000, ROWS)
    assert one_sign(effect / se, np.full(ROWS, "1"), at) == ""
    panel = rng.beta(1, 1, ROWS)
    seen = np.clip(panel + 0.05 * rng.standard_normal(ROWS), 0, 1)
    assert frequencies(seen, panel, 0.2) == ""
    assert not minor_frequencies(seen, panel)


@pytest.mark.parametrize("seed", range(3))
def test_the_scale_of_a_binary_trait(seed):
    effect, se, log_p = gwas(seed, binary=True)
    assert p_and_se(effect, se, log_p) == ""
    assert "the odds ratio" in p_and_se(effect, se * np.exp(effect), log_p)
    assert "odds ratio" in p_and_se(np.exp(effect), se, log_p)
    assert "another test" in p_and_se(effect, se, np.roll(log_p, 1))
    assert "-log10 P taken for P" in p_and_se(effect, se / 3, log_p)


def test_p_that_is_none():
    rng = np.random.default_rng(0)
    p = rng.random(1_000)
    assert "neg_log10_p" in p_range(-np.log10(p))
    assert "ln P" in p_range(np.log(p))
    p[:10] = 1.5
    assert p_range(p) == ""
    p[:11] = 1.5
    assert "11 of 1000" in p_range(p)
    assert p_range(np.full(5, np.nan)) == ""


def test_unsigned_z_scores_and_odds_ratios():
    z = np.random.default_rng(0).standard_normal(ROWS)
    one, at = np.full(ROWS, "1"), np.arange(ROWS) * 10_000
    assert "100% of the z-scores are above 0" in one_sign(np.abs(z), one, at)
    assert "below" in one_sign(-np.abs(z) - 1, one, at)
    # Of names only; and of one locus, which may well have one sign.
    assert one_sign(np.abs(z), one, 0 * at)
    assert one_sign(np.abs(z) + 3, one, at // 100) == ""
    assert one_sign(np.abs(z[:99]), one[:99], at[:99] * 30) == ""


@pytest.mark.parametrize("seed", range(3))
def test_frequencies_of_the_other_allele_or_of_other_people(seed):
    rng = np.random.default_rng(seed)
    panel = rng.beta(1, 1, 500)
    assert "mirror" in frequencies(1 - panel, panel, 0.2)
    other = np.clip(panel + 0.25 * rng.standard_normal(500), 0, 1)
    assert "another ancestry" in frequencies(other, panel, 0.2)
    minor = np.minimum(panel, 1 - panel)
    assert minor_frequencies(minor, panel)
    # The minor allele is the effect allele, and not quite the panel's.
    assert not minor_frequencies(minor, minor)
    theirs = np.clip(panel + 0.03 * rng.standard_normal(500), 0, 1)
    assert not minor_frequencies(
        np.minimum(theirs, 1 - theirs), np.where(theirs > 0.5, 1 - panel, panel)
    )
    # One in twenty counts the major allele.
    assert minor_frequencies(minor, np.where(np.arange(500) % 20, minor, 1 - minor))
    assert not minor_frequencies(panel, panel)


def test_next_to_nothing_in_the_panel():
    assert matches(9, 0, 1_678, 80_000).startswith("9 of 1678")
    assert matches(17, 0, 1_678, 80_000) == ""
    assert "21 of 30" in matches(9, 21, 1_678, 80_000)
    assert matches(30, 19, 1_678, 80_000) == ""
    assert matches(0, 30, 50, 80_000) == ""
    assert few_matches(300, 0, 1_678, 80_000)
    assert few_matches(400, 0, 1_678, 80_000) == []
    # A chromosome's panel, all of which is in the file.
    assert few_matches(80_000, 0, 10_000_000, 82_000) == []


def blocks_of(flipped, seed, blocks=8, size=60):
    """z-scores of a few causal variants a block, a share of them with the other sign."""
    rng = np.random.default_rng(seed)
    told = []
    for _ in range(blocks):
        X = rng.standard_normal((400, 1)) * 0.9 + rng.standard_normal((400, size)) * 0.5
        X *= rng.choice([-1, 1], size)
        X = (X - X.mean(axis=0)) / X.std(axis=0)
        W = X.T / np.sqrt(len(X))
        b = np.zeros(size)
        b[rng.choice(size, 2, replace=False)] = rng.normal(0, 6, 2)
        z = W @ (W.T @ b + rng.standard_normal(len(X)))
        z *= np.where(rng.random(size) < flipped, -1, 1)
        told.append(sign_agreement(W, z))
    return told


@pytest.mark.parametrize("seed", range(5))
def test_signs_that_contradict_ld(seed):
    assert ld_signs(blocks_of(0, seed)) == ""
    assert ld_signs(blocks_of(0.02, seed)) == ""
    assert "contradict LD in" in ld_signs(blocks_of(0.3, seed))
    assert ld_signs(blocks_of(0.5, seed))


def test_signs_need_strong_neighbours_in_three_blocks():
    assert ld_signs([(0, 20), (0, 20)]) == ""
    assert ld_signs([(0, 20), (0, 20), (0, 9)]) == ""
    assert ld_signs([(0, 20)] * 2 + [(20, 20)] * 2) == ""
    assert ld_signs([(0, 20)] * 3 + [(20, 20)] * 2)
    W = np.eye(3)[:, :2]
    assert sign_agreement(W, np.array([9.0, np.nan, 9.0])) == (0, 0)


def test_a_doubt_stops_unless_it_is_accepted():
    doubts = {"one-sign": "all are above 0", "matches": ""}
    with pytest.raises(InputError, match=r"my\.tsv: all are above 0\. .* --accept one-sign\."):
        judge("my.tsv", doubts, ["matches"])
    assert judge("my.tsv", doubts, ["one-sign"]) == ["all are above 0 (accepted)"]
    assert set(doubts) <= set(CHECKS)
