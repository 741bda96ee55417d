"""Jackknife formulas against leaving blocks out one by one."""

import numpy as np
import pytest

from deepwas_app.core.jackknife import jackknife_error, jackknife_sum


def leave_one_out(values, estimate):
    return np.array([estimate(np.delete(values, b, axis=0)) for b in range(len(values))])


def test_error_is_that_of_leaving_each_block_out():
    """For a mean the delete-one jackknife is the classical standard error."""
    values = np.random.default_rng(0).normal(size=(40, 3)) * [1.0, 5.0, 0.1]
    deleted = leave_one_out(values, lambda v: v.mean(axis=0))
    np.testing.assert_allclose(
        jackknife_error(deleted), values.std(axis=0, ddof=1) / np.sqrt(40), rtol=1e-12
    )


def test_sum_is_the_jackknife_of_the_scaled_mean():
    values = np.random.default_rng(1).gamma(0.5, size=25)
    deleted = leave_one_out(values, lambda v: 25 * v.mean(keepdims=True))
    estimate = jackknife_sum(values)
    assert estimate.value == pytest.approx(values.sum())
    assert estimate.error == pytest.approx(jackknife_error(deleted).item(), rel=1e-12)


def test_error_of_a_sum_covers():
    rng = np.random.default_rng(2)
    estimates = [jackknife_sum(rng.normal(3.0, 2.0, 50)) for _ in range(300)]
    scores = np.array([(e.value - 150.0) / e.error for e in estimates])
    assert 0.88 < scores.std() < 1.15


@pytest.mark.parametrize("values", [[], [3.0]])
def test_one_block_has_no_error(values):
    estimate = jackknife_sum(np.array(values))
    assert estimate.value == sum(values)
    assert np.isnan(estimate.error)
    error = jackknife_error(np.ones((len(values), 3)))
    assert error.shape == (3,)
    assert np.isnan(error).all()


def test_two_blocks_are_enough_for_an_error():
    """Each half tells what the other may be off by."""
    values = np.array([1.0, 4.0])
    assert jackknife_sum(values) == pytest.approx((5.0, 3.0))
    np.testing.assert_allclose(jackknife_error(values[:, None]), 1.5)
