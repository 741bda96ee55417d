"""z-scores of large effects, against the correlation of variant and trait itself."""

import numpy as np
import pytest
from scipy.stats import linregress

from deepwas_app.genetics.statistics import marginal_correlation_z


@pytest.mark.parametrize("share", [0.001, 0.1, 0.9])
def test_it_is_the_correlation_of_people_times_sqrt_n(share):
    rng = np.random.default_rng(3)
    n = 5_000
    x = rng.binomial(2, 0.3, n).astype(float)
    y = np.sqrt(share) * (x - 0.6) / np.sqrt(0.42) + np.sqrt(1 - share) * rng.standard_normal(n)
    found = linregress(x, y)
    z = np.array([found.slope / found.stderr])
    expected = np.sqrt(n) * found.rvalue
    np.testing.assert_allclose(marginal_correlation_z(z, np.array([n])), expected, rtol=5e-4)


def test_no_variant_explains_more_than_all_and_what_is_missing_stays_missing():
    n = np.full(3, 100.0)
    found = marginal_correlation_z(np.array([1e6, -1e6, np.nan]), n)
    np.testing.assert_allclose(found[:2], [10, -10], rtol=1e-6)
    assert np.isnan(found[2])
