"""The one rule for confidence intervals."""

import numpy as np
import pytest

from deepwas_app.intervals import interval, p_value


def test_few_blocks_give_wider_intervals_than_many():
    # Tables of Student's t: 14 degrees of freedom, then as many as one likes.
    assert interval(1.0, 2.0, 15) == pytest.approx((1 - 2 * 2.144787, 1 + 2 * 2.144787), rel=1e-6)
    assert interval(1.0, 2.0) == pytest.approx((1 - 2 * 1.959964, 1 + 2 * 1.959964), rel=1e-6)
    assert interval(1.0, 2.0, 10**7) == pytest.approx(interval(1.0, 2.0), rel=1e-5)
    assert interval(0.0, 1.0, level=0.5)[1] == pytest.approx(0.674490, rel=1e-5)


def test_one_block_has_no_interval_and_arrays_are_taken_as_numbers_are():
    assert np.isnan(interval(1.0, 0.5, 1)).all()
    low, high = interval(np.array([0.0, 1.0]), np.array([1.0, np.nan]), 3)
    np.testing.assert_allclose([low[0], high[0]], [-4.302653, 4.302653], rtol=1e-6)
    assert np.isnan([low[1], high[1]]).all()


def test_p_is_a_twentieth_where_the_interval_ends_at_nothing():
    for blocks in (3, 15, None):
        _, end = interval(0.0, 1.0, blocks)
        assert p_value(-end, blocks) == pytest.approx(0.05)
    assert np.isnan(p_value(np.array([1.0, 2.0]), 1)).all()
