"""Allele frequencies where the LD source has none (UK Biobank windows, correlation matrices)."""

from __future__ import annotations

import numpy as np
import xarray as xr


def fill_frequency(panel: xr.Dataset, rows: np.ndarray, frequency: np.ndarray) -> np.ndarray:
    """Take missing allele frequencies from the GWAS.

    Parameters
    ----------
    panel : xarray.Dataset
        With variant_allele_frequency, NaN where it is unknown.
    rows : int array
        Rows of the panel that the GWAS has.
    frequency : float array
        The GWAS's frequency of the panel's effect allele in these rows, NaN where unknown.

    Returns
    -------
    (variants,) float32 array
        Without NaN: where neither knows it, the median minor allele frequency of the others
        (one half where nobody knows any).
    """
    given = panel["variant_allele_frequency"].values
    known = np.full(len(given), np.nan, dtype=np.float32)
    known[rows] = np.clip(frequency, 0, 1)
    filled = np.where(np.isnan(given), known, given).astype(np.float32)
    minor = np.minimum(filled, 1 - filled)
    typical = np.float32(np.nanmedian(minor)) if np.isfinite(minor).any() else np.float32(0.5)
    return np.where(np.isnan(filled), typical, filled)


def frequency_note(panel: xr.Dataset, has: np.ndarray) -> list[str]:
    """Say for people where frequencies came from; nothing where the panel has them all.

    Parameters
    ----------
    panel : xarray.Dataset
        With variant_allele_frequency, NaN where it is unknown.
    has : (variants,) bool array
        Variants that have a z-score, and so a row of the GWAS.
    """
    missing = np.isnan(panel["variant_allele_frequency"].values)
    if not missing.any():
        return []
    return [
        f"The LD panel has no allele frequency of {int(missing.sum())} variants: that of the GWAS "
        f"was taken for {int((missing & has).sum())} of them where it has one, and a typical one "
        "for the others."
    ]
