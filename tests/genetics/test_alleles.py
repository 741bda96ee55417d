"""How the alleles of one table relate to those of another."""

import numpy as np
import xarray as xr

from deepwas_app.genetics.alleles import SAME, SAME_STRAND, SWAPPED, SWAPPED_STRAND, Alleles


def pairs(*alleles: str) -> xr.Dataset:
    effect, other = zip(*(pair.split("/") for pair in alleles), strict=True)
    both = {"variant_effect_allele": effect, "variant_other_allele": other}
    return xr.Dataset({name: ("variants", list(values)) for name, values in both.items()})


def test_alleles_fit_as_they_are_swapped_or_on_the_other_strand():
    rows = pairs("C/T", "T/C", "G/A", "A/G", "AT/A", "A/AT", "T/AT", "C/A")
    expected = [SAME, SWAPPED, SAME_STRAND, SWAPPED_STRAND, 0, 0, 0, 0]
    first = np.zeros(len(expected), int)
    each = np.arange(len(expected))
    panel = pairs("C/T", "AT/A")
    assert Alleles(rows, panel).orientation(each, first).tolist() == expected
    indel = [0, 0, 0, 0, SAME, SWAPPED, 0, 0]
    assert Alleles(rows, panel).orientation(each, first + 1).tolist() == indel
    one_strand = [SAME, SWAPPED, 0, 0, 0, 0, 0, 0]
    assert Alleles(rows, panel, strands=False).orientation(each, first).tolist() == one_strand
