"""Allele frequencies that the LD panel has not are taken from the GWAS."""

import numpy as np
import pytest
import xarray as xr

from deepwas_app.genetics.gwas.frequency import fill_frequency, frequency_note


def panel_with(frequency: list[float]) -> xr.Dataset:
    return xr.Dataset(
        {"variant_allele_frequency": ("variants", np.array(frequency, dtype=np.float32))}
    )


def test_the_panel_comes_first_then_the_gwas_then_the_typical_minor_one():
    panel = panel_with([0.9, np.nan, np.nan, 0.3, np.nan])
    found = fill_frequency(panel, np.array([0, 1, 2]), np.array([0.5, 0.2, np.nan]))
    assert found.dtype == np.float32
    # Of minor frequencies 0.1, 0.2 and 0.3.
    np.testing.assert_allclose(found, [0.9, 0.2, 0.2, 0.3, 0.2], rtol=1e-6)


def test_frequencies_of_the_gwas_are_brought_between_0_and_1():
    panel = panel_with([np.nan, np.nan, np.nan])
    found = fill_frequency(panel, np.array([2, 0, 1]), np.array([-0.01, 1.2, 0.4]))
    np.testing.assert_allclose(found, [1.0, 0.4, 0.0], rtol=1e-6)


def test_nobody_knows_any():
    panel = panel_with([np.nan, np.nan])
    found = fill_frequency(panel, np.array([0]), np.array([np.nan]))
    np.testing.assert_array_equal(found, 0.5)


@pytest.mark.parametrize(
    ("frequency", "has", "counts"),
    [([0.1, 0.2], [True, True], None), ([np.nan, 0.2, np.nan], [True, True, False], (2, 1))],
)
def test_where_frequencies_came_from_is_said(frequency, has, counts):
    notes = frequency_note(panel_with(frequency), np.array(has))
    if counts is None:
        assert notes == []
    else:
        (note,) = notes
        assert f"no allele frequency of {counts[0]} variants" in note
        assert f"taken for {counts[1]} of them" in note
