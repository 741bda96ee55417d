"""Intervals in the rows of a table."""

import re

import numpy as np
import pytest

from deepwas_app.plots.bars import WIDTH, axis_of, interval_bar


def drawn(svg: str) -> tuple[float, float, float, float, int]:
    """Reference, left end, right end, estimate in pixels, and number of arrow heads."""
    reference = float(re.search(r"M([\d.]+) 0V", svg)[1])
    left, right = map(float, re.search(r"M([\d.]+) 9\.0H([\d.]+)", svg).groups())
    return reference, left, right, float(re.search(r'cx="([\d.]+)"', svg)[1]), svg.count('z"')


def test_bars_share_an_axis_and_say_where_they_go_on():
    value = np.array([0.1, 0.2, -0.1, 0.15, 0.0, 0.1, 0.12, 0.05, 0.1, 0.3, 0.2])
    half = np.full(11, 0.1)
    half[3] = 5.0
    axis = axis_of(value, value - half, value + half, 0.0)
    assert -0.4 < axis.left < -0.2
    assert 0.3 < axis.right < 0.5
    for v, h in zip(value, half, strict=True):
        zero, left, right, at, heads = drawn(interval_bar(v, v - h, v + h, axis))
        assert heads == (2 if h > 1 else 0)
        scale = WIDTH / (axis.right - axis.left)
        assert zero == pytest.approx(-axis.left * scale, abs=0.06)
        assert at - zero == pytest.approx(v * scale, abs=0.12)
        if h < 1:
            assert right - left == pytest.approx(2 * h * scale, abs=0.12)
        else:
            assert (left, right) == (0, WIDTH)


def test_enrichment_is_as_far_up_as_down():
    axis = axis_of([0.5, 2.0], [0.25, 1.0], [1.0, 4.0], 1.0, log=True)
    one, two = (drawn(interval_bar(v, v / 2, v * 2, axis)) for v in (0.5, 2.0))
    assert one[0] - one[3] == pytest.approx(two[3] - two[0], abs=0.11)
    # The lower end of an enrichment may be below 0, of which there is no logarithm.
    below = drawn(interval_bar(0.5, -0.3, 1.0, axis))
    assert below[1] == 0
    assert below[4] == 1


def test_without_an_interval_there_is_no_bar():
    axis = axis_of([np.nan], [np.nan], [np.nan], 0.0)
    assert interval_bar(np.nan, np.nan, np.nan, axis) == ""
    assert interval_bar(0.1, np.nan, np.nan, axis) == ""
    label = interval_bar(0.1234, -0.2, 0.4, axis)
    assert 'aria-label="0.123, 95% from -0.2 to 0.4"' in label
