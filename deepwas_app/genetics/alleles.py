"""How the two alleles of one table relate to those of another: on integers, whatever they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

SAME, SWAPPED, SAME_STRAND, SWAPPED_STRAND = 1, 2, 3, 4
COMPLEMENT = {"A": "T", "C": "G", "G": "C", "T": "A"}


class Alleles:
    """Alleles as integers: A, C, G and T are 0 to 3, whatever else comes after.

    Parameters
    ----------
    rows, panel : xarray.Dataset
        With variant_effect_allele and variant_other_allele; rows without the latter fit by their
        effect allele alone.
    strands : bool
        Whether alleles of the other strand fit as well.
    """

    def __init__(self, rows: xr.Dataset, panel: xr.Dataset, *, strands: bool = True):
        self._codes = {base: code for code, base in enumerate(COMPLEMENT)}
        self._strands = strands
        self.effect = self._encode(rows["variant_effect_allele"])
        self.other = (
            self._encode(rows["variant_other_allele"]) if "variant_other_allele" in rows else None
        )
        self.panel_effect = self._encode(panel["variant_effect_allele"])
        self.panel_other = self._encode(panel["variant_other_allele"])
        # Only single bases have a complement; the others get -1, which no allele has.
        self.complement = np.full(len(self._codes) + 1, -1, dtype=np.int32)
        self.complement[: len(COMPLEMENT)] = [self._codes[c] for c in COMPLEMENT.values()]

    def _encode(self, array: xr.DataArray) -> np.ndarray:
        codes, levels = factorize(array)
        lookup = [self._codes.setdefault(level, len(self._codes)) for level in levels]
        return np.append(lookup, -1).astype(np.int32)[codes]

    def orientation(self, row: np.ndarray, panel_row: np.ndarray) -> np.ndarray:
        """How the alleles of a row relate to those of the panel; 0 where they do not."""
        effect, panel_effect = self.effect[row], self.panel_effect[panel_row]
        panel_other = self.panel_other[panel_row]
        if self.other is None:
            conditions = [effect == panel_effect, effect == panel_other]
        else:
            other = self.other[row]
            conditions = [
                (effect == panel_effect) & (other == panel_other),
                (effect == panel_other) & (other == panel_effect),
            ]
            if self._strands:
                effect, other = self.complement[effect], self.complement[other]
                conditions += [
                    (effect == panel_effect) & (other == panel_other),
                    (effect == panel_other) & (other == panel_effect),
                ]
        codes = [SAME, SWAPPED, SAME_STRAND, SWAPPED_STRAND][: len(conditions)]
        return np.select(conditions, codes, default=0).astype(np.int8)


def swapped(orientation: np.ndarray) -> np.ndarray:
    """Whether the effect allele of a row is the panel's other allele, on either strand."""
    return np.isin(orientation, (SWAPPED, SWAPPED_STRAND))


def turned(frequency: np.ndarray, orientation: np.ndarray) -> np.ndarray:
    """Frequencies of the rows' effect alleles from those of the panel's, or the other way round."""
    return np.where(swapped(orientation), 1 - frequency, frequency)


def factorize(array: xr.DataArray) -> tuple[np.ndarray, Any]:
    """The values as codes, and the level of each code."""
    data = array.data
    if isinstance(data, pd.Categorical):
        return data.codes, data.categories
    return pd.factorize(np.asarray(array.values, dtype=object))
