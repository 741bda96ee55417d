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
