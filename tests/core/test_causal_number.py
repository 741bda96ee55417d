"""How many causal variants are expected, learned from fits of LD blocks."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from deepwas_app.core.causal_number import LEAST, expected_number

EFFECTS = 12


def counts(number, size, rng):
    """So many effects in each block: another after each one with probability c m / (1 + c m)."""
    share = number * size / (1 + number * size)
    return np.minimum(rng.geometric(1 - share) - 1, EFFECTS)


def evidence_of(count):
    """Effects that are there for certain, and others that are not."""
    return np.where(np.arange(EFFECTS) < count[:, None], 40.0, -40.0)


@pytest.mark.parametrize("number", [0.3, 2.0, 8.0])
def test_what_is_counted_gives_the_most_probable_number(number):
    rng = np.random.default_rng(3)
    size = rng.gamma(4.0, 0.25, 400)
    count = counts(number, size, rng)

    def loss(log_c):
        share = np.exp(log_c) * size / (1 + np.exp(log_c) * size)
        ended = count < EFFECTS
        return -(count * np.log(share) + ended * np.log1p(-share)).sum()

    best = np.exp(minimize_scalar(loss, bounds=(-5, 5), method="bounded").x)
    found = expected_number(evidence_of(count), size)
    assert found == pytest.approx(best, rel=0.01)
    assert found == pytest.approx(number, rel=0.2)


def test_where_it_begins_does_not_matter_and_doubtful_effects_count_in_part():
    rng = np.random.default_rng(5)
    size = np.ones(200)
    evidence = np.sort(rng.normal(0.5, 3.0, (200, EFFECTS)), axis=1)[:, ::-1]
    found = [expected_number(evidence, size, start) for start in (0.1, 1.0, 9.0)]
    np.testing.assert_allclose(found, found[0], rtol=0.02)
    assert expected_number(evidence - 1.0, size) < found[0] < expected_number(evidence + 1.0, size)


def test_nothing_and_everything_have_their_ends():
    size = np.ones(30)
    assert expected_number(np.full((30, EFFECTS), -40.0), size) == LEAST
    assert expected_number(np.full((30, EFFECTS), 40.0), size) == EFFECTS
