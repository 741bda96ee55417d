"""Simulated truths have the properties that they are named for."""

import numpy as np
import pytest

from deepwas_app.core import whiten
from deepwas_app.core.simulate import (
    draw_annotations,
    draw_effects,
    draw_z,
    true_log_variance,
)


def unexplained(log_f, annotations):
    """Share of the variance of log f that no linear combination of annotations explains."""
    design = np.column_stack([np.ones(len(annotations)), annotations])
    residual = log_f - design @ np.linalg.lstsq(design, log_f)[0]
    return residual.var() / log_f.var()


@pytest.fixture(scope="module")
def annotations() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(2_000, 12))


def test_truths(annotations):
    def truth(kind):
        return true_log_variance(annotations, kind, np.random.default_rng(1))

    assert (truth("constant") == 0).all()
    assert unexplained(truth("linear"), annotations) < 1e-20
    coefficients = np.linalg.lstsq(annotations, truth("linear"))[0]
    assert (np.abs(coefficients) > 0.39).sum() == 4
    assert (np.abs(coefficients) < 1e-10).sum() == 8
    # Interactions must be most of the truth, or an MLP would have nothing to find.
    assert unexplained(truth("interactions"), annotations) > 0.5
    np.testing.assert_array_equal(truth("interactions"), truth("interactions"))
    with pytest.raises(ValueError, match="unknown truth 'cubic'"):
        truth("cubic")


def test_z_scores_have_the_covariance_of_the_model(make_factor):
    """z is Normal(0, R D R + s2 R): its whitened square has mean s2 + q^T D q."""
    W = make_factor(40, 80)
    d = np.full(40, 0.5)
    rng = np.random.default_rng(0)
    squares = []
    for _ in range(400):
        block = whiten(W, draw_z(W, draw_effects(d, rng), rng, s2=1.5), variance=1.0)
        squares.append(np.asarray(block.x) ** 2)
    expected = 1.5 + 0.5 * (np.asarray(block.Q) ** 2).sum(axis=0)
    observed = np.mean(squares, axis=0)
    # A mean of 400 squares has a relative standard error of 7%.
    np.testing.assert_allclose(observed, expected, rtol=0.3)
    assert observed.sum() == pytest.approx(expected.sum(), rel=0.05)


def test_annotations_look_like_real_ones():
    positions = np.sort(np.random.default_rng(0).integers(0, 3_000_000, 3_000))
    drawn = draw_annotations(positions, 8, np.random.default_rng(1))
    binary, continuous = drawn[:, :4], drawn[:, 4:]
    assert drawn.shape == (3_000, 8)
    assert np.isin(binary, [0, 1]).all()
    assert (binary.mean(axis=0) > 0.0).all()
    assert (binary.mean(axis=0) < 0.6).all()
    # Intervals: a variant mostly has the value of its neighbour.
    assert ((binary[1:] == binary[:-1]).mean(axis=0) > 0.8).all()
    np.testing.assert_allclose(continuous.std(axis=0), 1.0, atol=0.25)
    neighbours = [np.corrcoef(c[1:], c[:-1])[0, 1] for c in continuous.T]
    assert min(neighbours) > 0.4
    assert max(neighbours) < 0.9


def test_a_seed_draws_what_it_drew():
    """Figures are of the built-in simulated study, which must stay what it is."""
    positions = np.arange(0, 400_000, 400)
    drawn = draw_annotations(positions, 8, np.random.default_rng(3))
    np.testing.assert_allclose(
        drawn.mean(axis=0),
        [0.025, 0.266, 0.375, 0.259, 0.2008891, -0.1792776, -0.05129563, 0.2196635],
        rtol=1e-4,
    )
    np.testing.assert_allclose(
        drawn[[0, 500, 999]].sum(axis=0),
        [0, 0, 0, 0, 2.611368, -2.417094, 0.6770395, 0.9876615],
        rtol=1e-4,
    )
    truths = {"linear": [-0.2564, 0.2665690], "interactions": [-0.2479144, 0.3891827]}
    for truth, moments in truths.items():
        log_f = true_log_variance(drawn, truth, np.random.default_rng(4))
        np.testing.assert_allclose([log_f.mean(), log_f.std()], moments, rtol=1e-4)


@pytest.fixture(scope="module")
def long_stretch():
    """64 Mb with a variant every kb, 16 annotations of which 8 are binary."""
    positions = np.arange(1_000_000, 65_000_000, 1_000)
    return draw_annotations(positions, 16, np.random.default_rng(6))


def test_intervals_have_the_coverage_and_length_that_they_are_drawn_with(long_stretch):
    """Starts are a Poisson process: uncovered at both of two places with exp(-rate (w + gap))."""
    assert long_stretch.dtype == np.float32
    for a in range(8):
        column = long_stretch[:, a]
        assert set(np.unique(column)) == {0, 1}
        width, coverage = (2_000, 10_000, 50_000)[a % 3], 0.03 + 0.025 * ((7 * a) % 11)
        empty = 1 - column
        # About 64 Mb / width intervals; longer ones are fewer, and their share less certain.
        close = 4 * np.sqrt(width / 64e6)
        assert empty.mean() == pytest.approx(np.exp(-coverage), abs=close)
        for gap in (1, 5):
            both = (empty[gap:] * empty[:-gap]).mean()
            apart = min(1_000 * gap, width)
            expected = np.exp(-coverage * (1 + apart / width))
            assert both == pytest.approx(expected if apart < width else both, abs=close)
            if apart == width:
                assert both == pytest.approx(np.exp(-2 * coverage), abs=close)


def test_continuous_annotations_are_smooth_over_5_to_100_kb(long_stretch):
    """Four fifths of the variance decays along the chromosome, one fifth is noise."""
    for a in range(8, 16):
        column = long_stretch[:, a].astype(np.float64)
        scale = 5_000 * 20 ** ((a % 4) / 3)
        # 64 Mb hold that many independent stretches.
        close = 4 * np.sqrt(2 * scale / 64e6)
        assert column.mean() == pytest.approx(0, abs=close)
        assert column.var() == pytest.approx(1, abs=2 * close)
        for gap in (1, 2, 10):
            found = np.mean(column[gap:] * column[:-gap])
            assert found == pytest.approx(0.8 * np.exp(-1_000 * gap / scale), abs=2 * close)


def test_a_stretch_begins_and_ends_as_it_goes_on():
    """Over many short stretches: as much covered, and as varied, at either end."""
    rng = np.random.default_rng(8)
    positions = np.arange(0, 40_000, 4_000)
    drawn = np.array([draw_annotations(positions, 4, rng) for _ in range(3_000)])
    # One interval is always there: Poisson and one more, over stretch and width.
    for a, (width, coverage) in enumerate([(2_000, 0.03), (10_000, 0.205)]):
        length = 36_001
        rate = coverage / width
        # No start falls into the window of a place: none of the Poisson ones, nor the sure one.
        chance = width / (length + width)
        empty = np.exp(-rate * length * chance) * (1 - chance)
        share = drawn[:, :, a].mean(axis=0)
        np.testing.assert_allclose(share, 1 - empty, atol=4 * np.sqrt(0.25 / 3_000))
    for a in (2, 3):
        np.testing.assert_allclose(drawn[:, :, a].var(axis=0), 1, atol=0.11)


@pytest.mark.parametrize(("count", "active"), [(2, 2), (3, 2), (8, 2), (9, 3), (12, 4)])
def test_a_third_of_the_annotations_act_and_two_at_least(count, active):
    a = np.random.default_rng(9).standard_normal((300, count))
    found = np.linalg.lstsq(a, true_log_variance(a, "linear", np.random.default_rng(0)))[0]
    size = np.sort(np.abs(found))[::-1]
    np.testing.assert_allclose(size[:active], 0.4, rtol=1e-9)
    np.testing.assert_allclose(size[active:], 0, atol=1e-9)


def test_interactions_are_products_of_bounded_annotations():
    """Of two active ones there is nothing but their product: twice of two, once of "three"."""
    a = np.random.default_rng(10).standard_normal((500, 2))
    log_f = true_log_variance(a, "interactions", np.random.default_rng(3))
    design = np.column_stack([a, np.tanh(1.5 * a).prod(axis=1)])
    found, residual, *_ = np.linalg.lstsq(design, log_f)
    assert residual < 1e-18
    np.testing.assert_allclose(np.abs(found[:2]), 0.25, rtol=1e-9)
    # Three terms of sign +-1.
    assert np.abs(found[2]) == pytest.approx(1) or np.abs(found[2]) == pytest.approx(3)


class Asked(np.random.Generator):
    """A generator that remembers where it was asked to put intervals, and how many."""

    def __init__(self):
        super().__init__(np.random.PCG64(0))
        self.rates, self.places = [], []

    def poisson(self, rate):
        self.rates.append(rate)
        return 4

    def uniform(self, low, high, number):
        self.places.append((low, high, number))
        return super().uniform(low, high, number)


def test_intervals_may_begin_a_width_before_the_stretch_and_reach_its_last_place():
    asked = Asked()
    draw_annotations(np.array([1_000, 2_500, 9_000]), 9, asked)
    widths, coverages = [2_000, 10_000, 50_000, 2_000], [0.03, 0.205, 0.105, 0.28]
    # Both ends are in the stretch; one interval more than is drawn.
    assert asked.places == [(1_000 - width, 9_001, 5) for width in widths]
    rates = [8_001 * c / width for c, width in zip(coverages, widths, strict=True)]
    np.testing.assert_allclose(asked.rates, rates, rtol=1e-12)
