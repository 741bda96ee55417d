"""Statistics that pages and pictures show, against their definitions."""

import numpy as np
import pytest
import xarray as xr
from scipy.stats import chi2, norm

from deepwas_app.genetics import statistics
from deepwas_app.genetics.study import summarise


def test_minus_log10_p_agrees_with_scipy_and_survives_huge_z():
    z = np.array([0.0, 1.0, -5.0])
    expected = -np.log10(2 * norm.sf(np.abs(z)))
    np.testing.assert_allclose(statistics.minus_log10_p(z), expected, rtol=1e-12)
    tail = 60.0**2 / 2 / np.log(10) + np.log10(60.0 * np.sqrt(2 * np.pi) / 2)
    assert statistics.minus_log10_p(np.array([60.0]))[0] == pytest.approx(tail, rel=1e-4)
    assert np.isnan(statistics.minus_log10_p(np.array([np.nan]))[0])


def test_inflation_is_one_under_the_null_and_doubles_with_chi_square():
    z = norm.ppf((np.arange(10_001) + 0.5) / 10_001)
    assert statistics.genomic_inflation(z) == pytest.approx(1.0, rel=1e-3)
    doubled = np.concatenate([np.sqrt(2.0) * z, [np.nan, np.inf]])
    assert statistics.genomic_inflation(doubled) == pytest.approx(2.0, rel=1e-3)
    assert statistics.genomic_inflation(np.sqrt([chi2.median(1)])) == pytest.approx(1.0)
    assert np.isnan(statistics.genomic_inflation(np.array([np.nan])))


def test_ld_agrees_with_the_correlation_of_genotypes():
    rng = np.random.default_rng(3)
    genotypes = rng.normal(size=(50, 6))
    genotypes[:, 1] = genotypes[:, 0] * 2 + rng.normal(size=50) * 0.1
    standardised = (genotypes - genotypes.mean(0)) / genotypes.std(0)
    block = xr.Dataset({"Q": (("variants", "components"), standardised.T / np.sqrt(50))})
    expected = np.corrcoef(genotypes.T)[0] ** 2
    found = statistics.ld_to_reference(block, 0)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    assert found.dtype == np.float32


def test_ld_of_a_variant_that_does_not_vary_is_unknown():
    block = xr.Dataset({"Q": (("variants", "components"), np.array([[1.0, 0.0], [0.0, 0.0]]))})
    assert np.isnan(statistics.ld_to_reference(block, 0)[1])


def test_a_study_is_summed_up():
    study = xr.Dataset(
        {
            "variant_z": ("variants", [0.0, 6.0, -1.0, np.nan]),
            "variant_sample_size": ("variants", [10.0, 20.0, 40.0, np.nan]),
        }
    )
    known = summarise(study)
    assert known[:2] == (3, 20.0)
    assert known.inflation == pytest.approx(1 / chi2.median(1))
    assert known.mean_chi_square == pytest.approx(37 / 3)
    assert known.hits == 1
    empty = summarise(study.isel(variants=[3]))
    assert (empty.scored, empty.hits) == (0, 0)
    assert np.isnan(empty[1:4]).all()


def test_p_values_are_read_also_where_no_float_can_hold_them():
    p_text, minus_log10_p = statistics.p_text, statistics.minus_log10_p
    z = np.array([0.0, 0.5, 2.0, 5.45, np.nan, 43.6])
    assert p_text(minus_log10_p(z))[:3] == [f"{2 * norm.sf(x):.3g}" for x in z[:3]]
    assert p_text(minus_log10_p(z))[3:5] == [f"{2 * norm.sf(5.45):.1e}".replace("e-0", "e-"), "NA"]
    # 43.6: log10 P = -415.0, by the asymptotic series of the normal tail.
    log10 = (-(43.6**2) / 2 + np.log(2 / 43.6 / np.sqrt(2 * np.pi)) - 1 / 43.6**2) / np.log(10)
    mantissa, power = p_text(minus_log10_p(z))[5].split("e")
    assert np.log10(float(mantissa)) + int(power) == pytest.approx(log10, abs=0.02)
    assert 1 <= float(mantissa) < 10
    # 9.97e-8 has two digits as 1.0e-7.
    assert p_text(-np.log10([9.97e-8, 9.94e-8])) == ["1.0e-7", "9.9e-8"]
