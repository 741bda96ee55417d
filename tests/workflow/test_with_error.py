"""A number and its standard error as people read them."""

import math

import pytest

from deepwas_app.workflow.tables import with_error


@pytest.mark.parametrize(
    ("value", "error", "digits", "said"),
    [
        (0.00541, 0.00081, 4, "0.0054 ± 0.0008"),
        (0.0, 0.0, 3, "0.000 ± 0.000"),
        (0.00002, 0.000012, 4, "0.000020 ± 0.000012"),
        (3.2e-9, 1.1e-9, 4, "3.2e-09 ± 1.1e-09"),
        (3.2e-5, math.nan, 3, "0.000032"),
        (1.251, 0.141, 3, "1.251 ± 0.141"),
        (math.nan, 0.1, 3, "–"),
    ],
)
def test_what_is_not_zero_is_not_shown_as_zero(value, error, digits, said):
    assert with_error(value, error, digits) == said


def test_a_gain_has_a_sign():
    assert with_error(0.831, 2.17, 2, sign=True) == "+0.83 ± 2.17"
