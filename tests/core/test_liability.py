"""Heritability of liability: against people whose liability is known."""

import numpy as np
import pytest
from scipy.stats import norm

from deepwas_app.core.liability import liability_factor
from deepwas_app.errors import InputError


@pytest.mark.parametrize(("prevalence", "cases"), [(0.1, 0.5), (0.02, 0.3), (0.4, 0.4)])
def test_share_of_liability_comes_back_from_cases_and_controls(prevalence, cases):
    """A genetic score that explains 1% of liability, in people drawn by whether they have it."""
    rng = np.random.default_rng(7)
    explained, most = 0.01, 300_000
    x = rng.standard_normal(4_000_000)
    liability = np.sqrt(explained) * x + np.sqrt(1 - explained) * rng.standard_normal(len(x))
    ill = liability > norm.isf(prevalence)
    sick, well = x[ill], x[~ill]
    size = min(len(sick), int(most * cases))
    others = round(size * (1 - cases) / cases)
    people = np.concatenate([sick[:size], well[:others]])
    trait = np.repeat([1.0, 0.0], [size, others])
    observed = np.corrcoef(people, trait)[0, 1] ** 2
    # Its relative standard error is about 2 / sqrt(N r^2): 3 to 5%.
    assert observed * liability_factor(prevalence, cases) == pytest.approx(explained, rel=0.12)


def test_half_of_a_common_trait():
    """K = P = 1/2: (1/4)^2 / (1/4 / (2 pi)) = pi / 2."""
    assert liability_factor(0.5, 0.5) == pytest.approx(np.pi / 2)


@pytest.mark.parametrize("shares", [(0.0, 0.5), (1.0, 0.5), (0.1, 0.0), (0.1, 1.5)])
def test_shares_are_shares(shares):
    with pytest.raises(InputError, match="above 0 and below 1"):
        liability_factor(*shares)
