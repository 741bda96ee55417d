"""Regions: what people type, and the variants that are there."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics.matching import find_variant
from deepwas_app.genetics.regions import FLANK, Region, parse_region
from deepwas_app.genetics.study import strongest_loci


@pytest.fixture
def study() -> xr.Dataset:
    return xr.Dataset(
        {
            "variant_id": ("variants", np.array(["rs1", "rs2", "rs3", "rs4"])),
            "variant_chromosome": ("variants", np.array(["1", "1", "22", "22"])),
            "variant_position": ("variants", np.array([1_000, 300_000, 1_000, 2_000])),
            "variant_z": ("variants", np.array([1.0, -9.0, 8.0, 7.0])),
        },
        attrs={"path": "tiny.study.zarr", "genome_build": "hg19"},
    )


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("22:1-2", Region("22", 1, 2)),
        ("22:30500000-31500000", Region("22", 30_500_000, 31_500_000)),
        (" chr22:30,500,000 - 31,500,000", Region("22", 30_500_000, 31_500_000)),
        ("chr22:30.5-31.5Mb", Region("22", 30_500_000, 31_500_000)),
        ("22:30.5Mb–31.5mb", Region("22", 30_500_000, 31_500_000)),
        ("22:500kb-1.2Mb", Region("22", 500_000, 1_200_000)),
        ("01:1_000–2,000", Region("1", 1_000, 2_000)),
        ("x:5-5", Region("X", 5, 5)),
        ("23:1-2", Region("X", 1, 2)),
        ("22:30,500,000", Region("22", 30_500_000 - FLANK, 30_500_000 + FLANK)),
        ("chr22:0.1Mb", Region("22", 1, 100_000 + FLANK)),
    ],
)
def test_places_are_read(text: str, region: Region) -> None:
    assert parse_region(text) == region
    assert parse_region(str(region)) == parse_region(f"{region:,}") == region


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x:5-1", "x:5-1: ends before it starts"),
        ("22:1Mb-500kb", "ends before it starts"),
        ("22:30.5-31.5", "30.5 is not a whole base pair"),
        *((text, "not a region") for text in ("22", "BRCA2", "22:a-b", "22:1-2-3", "", "22:-5")),
    ],
)
def test_other_words_are_no_places(text: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        parse_region(text)


def test_variants_and_genes_are_looked_up(study: xr.Dataset) -> None:
    assert parse_region("rs2", study) == Region("1", 50_000, 550_000)
    assert parse_region("rs1", study) == Region("1", 1, 251_000)
    genes = pd.DataFrame({"chromosome": ["22"], "start": [400_000], "stop": [500_000]})
    genes["name"] = "SOX10"
    assert parse_region("sox10", study, genes) == Region("22", 150_000, 750_000)
    # Without a table, the genes of the study's build.
    assert parse_region("BRCA2", study).chromosome == "13"
    with pytest.raises(InputError, match=r"NOTAGENE: not a region .* a gene, nor a var"):
        parse_region("NOTAGENE", study, genes)


def test_rows_are_those_inside_whatever_their_order(study: xr.Dataset) -> None:
    assert Region("1", 1_000, 300_000).rows(study).tolist() == [0, 1]
    assert Region("22", 1_001, 2_000).rows(study).tolist() == [3]
    assert Region("22", 1, 2_000).rows(study.isel(variants=[3, 1, 2, 0])).tolist() == [0, 2]


def test_region_without_variants_says_where_there_are_some(study: xr.Dataset) -> None:
    with pytest.raises(InputError, match=r"1:1-2: no variant of tiny.* from 1000 to 300000 \(hg19"):
        Region("1", 1, 2).rows(study)
    with pytest.raises(InputError, match=r"no variant of .* has the chromosomes 1, 22"):
        Region("X", 1, 2).rows(study)


def test_strongest_loci_are_apart(study: xr.Dataset) -> None:
    assert strongest_loci(study) == [1, 2]
    assert strongest_loci(study, apart=100) == [1, 2, 3, 0]
    assert strongest_loci(study, count=1) == [1]


def test_a_variant_is_found_by_its_place_and_alleles(study: xr.Dataset) -> None:
    alleles = ["A", "C", "A", "A"], ["G", "T", "AT", "G"]
    with_alleles = study.assign(
        variant_effect_allele=("variants", alleles[0]),
        variant_other_allele=("variants", alleles[1]),
    )
    place = study["variant_position"].values[2]
    chromosome = study["variant_chromosome"].values[2]
    for text in (f"{chromosome}:{place}:A:AT", f"chr{chromosome}_{place}_at_a"):
        assert find_variant(with_alleles, text) == 2
    assert find_variant(with_alleles, f"{chromosome}:{place}:A:G") is None
    assert find_variant(with_alleles, "rs4") == 3
    assert find_variant(with_alleles, "rs5") is None
