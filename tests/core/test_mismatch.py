"""LD mismatch of one block: share, spectrum and pairs, against plain formulas and loops."""

import numpy as np
import pytest

from deepwas_app.core import mismatch
from deepwas_app.core.mismatch import check_pairs, leading_share, spectrum_fit

STRONG, DISCORDANT, HIT = 0.95, 29.7, 6.0


def test_spectrum_is_judged_by_its_smaller_half():
    squares = np.array([9.0, 2.0, 4.0, 1.0, 8.0])
    expected = np.array([3.0, 1.0, 2.0, 4.0, 1.0])
    eigenvalues = np.array([5.0, 0.1, 3.0, 0.2, 4.0])
    fit = spectrum_fit(squares, expected, eigenvalues)
    assert fit.ratio == pytest.approx((2.0 / 1.0 + 1.0 / 4.0) / 2)
    assert fit.error == pytest.approx(1.0)
    alone = spectrum_fit(squares[:1], expected[:1], eigenvalues[:1])
    assert alone == pytest.approx((3.0, np.sqrt(2)))


class Pairs:
    """Every pair by itself."""

    def __init__(self, R, z, s2, kappa):
        m = len(z)
        self.strong, self.discordant = np.zeros(m, int), np.zeros(m, int)
        self.statistic = 0.0
        self.n_ratio, self.partner = np.full(m, np.nan), np.full(m, -1)
        largest = max(abs(value) for value in z)
        for i in range(m):
            best = 0.0
            for j in range(m):
                r = R[i, j]
                if i == j or abs(r) < STRONG:
                    continue
                variance = s2 * (1 - r**2) + kappa * (1 + r**2) + (largest * (1 - r**2)) ** 2
                T = (z[i] - r * z[j]) ** 2 / (variance + 1e-3)
                self.strong[i] += 1
                self.discordant[i] += T > DISCORDANT
                self.statistic = max(self.statistic, T)
                if abs(r * z[j]) > best:
                    best, expected, partner = abs(r * z[j]), r * z[j], j
            if best >= HIT:
                self.partner[i] = partner
                if expected * z[i] > 0:
                    self.n_ratio[i] = (z[i] / expected) ** 2


@pytest.mark.parametrize("tile", [4, 1024])
@pytest.mark.parametrize(("s2", "kappa"), [(1.0, 0.0), (1.4, 0.3)])
def test_pairs_are_those_of_plain_loops(s2, kappa, tile, monkeypatch):
    monkeypatch.setattr(mismatch, "_TILE", tile)
    rng = np.random.default_rng(0)
    # Four families of three; within the last one the correlation is just too small to count.
    likeness = np.repeat([0.99, 0.98, 0.955, 0.945], 3)
    Q = np.zeros((12, 16))
    Q[np.arange(12), np.repeat(np.arange(4), 3)] = np.sqrt(likeness)
    Q[np.arange(12), 4 + np.arange(12)] = np.sqrt(1 - likeness)
    Q[4] *= -1
    z = Q @ Q.T @ np.repeat([3.2, -2.5, 2.1, 4.0], 3) + 0.1 * rng.standard_normal(12)
    z[1] *= -1
    z[7] *= 0.4
    found, wanted = check_pairs(Q, z, s2=s2, kappa=kappa), Pairs(Q @ Q.T, z, s2, kappa)
    np.testing.assert_array_equal(found.strong, wanted.strong)
    np.testing.assert_array_equal(found.discordant, wanted.discordant)
    np.testing.assert_array_equal(found.partner, wanted.partner)
    np.testing.assert_allclose(found.n_ratio, wanted.n_ratio)
    assert found.statistic == pytest.approx(wanted.statistic)
    assert set(found.worst) <= {0, 1, 2}
    # What was to be seen is there.
    assert wanted.strong.tolist() == [2] * 9 + [0] * 3
    assert 0 < (wanted.discordant > 0).sum() < 9
    assert np.isnan(wanted.n_ratio).any()
    assert np.isfinite(wanted.n_ratio).any()


def test_a_pair_is_worse_for_what_the_loops_say():
    """One pair's statistic by hand, and its place."""
    Q = np.array([[1.0, 0.0], [0.0, 1.0], [0.96, 0.28]])
    found = check_pairs(Q, np.array([5.0, 0.0, -1.0]), s2=1.2, kappa=0.1)
    left = 1 - 0.96**2
    variance = 1.2 * left + 0.1 * (1 + 0.96**2) + (5 * left) ** 2 + 1e-3
    assert found.statistic == pytest.approx((5.0 + 0.96 * 1.0) ** 2 / variance)
    assert found.worst == (0, 2)
    assert found.partner.tolist() == [-1, -1, -1]


def test_a_block_without_strong_pairs_has_no_worst_pair():
    found = check_pairs(np.eye(3), np.array([9.0, -9.0, 1.0]))
    assert found.worst == (-1, -1)
    assert found.statistic == 0.0
    assert not found.strong.any()
    assert (found.partner == -1).all()
    assert check_pairs(np.zeros((0, 2)), np.zeros(0)).worst == (-1, -1)


def spectrum(rng, components=40, kept=20) -> tuple:
    """Eigenvectors, and what a panel says of some of them: variance, its noise and background."""
    vectors = np.linalg.qr(rng.standard_normal((components, components)))[0]
    eigenvalues = 0.9 ** np.arange(components)
    eigenvalues *= components / eigenvalues.sum()
    noise, background = rng.uniform(1, 1.5, kept), rng.uniform(0, 0.01, kept)
    return vectors, eigenvalues, noise, background


def test_the_share_is_that_of_projections():
    rng = np.random.default_rng(0)
    vectors, eigenvalues, noise, background = spectrum(rng)
    kept, z = eigenvalues[:20], 2 * rng.standard_normal(40)
    x = z @ vectors[:, :20] / np.sqrt(kept) * noise
    found = leading_share(x, kept, noise, background, z)
    along = sum((z @ vectors[:, i]) ** 2 for i in range(10))
    assert found.observed == pytest.approx(along / (sum(z**2) - max(z**2)))
    # Variance of x by noise and by signal, taken back to that of z along each component.
    back = kept / noise**2
    by_noise, by_signal = back * noise, back * (kept + 40 * background)
    c = np.mean(z**2)
    p, q = by_noise[:10].sum() / 40, by_signal[:10].sum() / by_signal.sum()
    assert found.expected == pytest.approx((p + (c - 1) * q) / c)
    assert found.seen == pytest.approx(by_noise.sum() / 40)
    assert (found.variants, found.components) == (40, 20)
    # Less than noise alone is noise.
    assert leading_share(x, kept, noise, background, z / 9).expected == pytest.approx(p)


def test_the_error_is_that_of_draws():
    rng = np.random.default_rng(1)
    vectors, eigenvalues, _, background = spectrum(rng)
    one = np.ones(20)
    draws = rng.standard_normal((2_000, 40)) * np.sqrt(eigenvalues)
    found = [
        leading_share(x[:20] / np.sqrt(eigenvalues[:20]), eigenvalues[:20], one, background, z)
        for x, z in zip(draws, draws @ vectors.T, strict=True)
    ]
    share = draws[:, :10] ** 2 @ np.ones(10) / (draws**2).sum(axis=1)
    assert share.std() == pytest.approx(found[0].error, rel=0.15)


def test_a_lone_hit_may_lie_anywhere():
    rng = np.random.default_rng(2)
    vectors, eigenvalues, *_ = spectrum(rng)
    z = vectors @ (rng.standard_normal(40) * np.sqrt(eigenvalues))
    z[3] = 40
    projected = z @ vectors[:, :20]
    # By itself it would bring the share down to that of its own loadings.
    assert (projected[:10] ** 2).sum() / (z**2).sum() < 0.5
    x = projected / np.sqrt(eigenvalues[:20])
    share = leading_share(x, eigenvalues[:20], np.ones(20), np.zeros(20), z)
    assert share.observed == 1.0


def test_the_share_of_an_odd_number_of_components_has_the_middle_one():
    values = np.array([4.0, 2.0, 1.0])
    share = leading_share(np.ones(3), values, np.ones(3), np.zeros(3), np.full(7, 1.0))
    assert share.observed == 1.0
    assert share.expected == pytest.approx(6 / 7)
    one = np.ones(1)
    assert leading_share(one, one, one, 0 * one, one).observed == 1.0
    # z-scores that are all 0 are no division by it.
    assert leading_share(0 * one, one, one, 0 * one, 0 * one).observed == 0.0
