"""Checks of summary statistics that an LD panel makes possible, where they are aligned to it."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics.gwas.align import align

VARIANTS = 600


@pytest.fixture
def large() -> tuple[xr.Dataset, pd.DataFrame]:
    """A panel, a third of it A/T, and summary statistics that say of each variant what it says."""
    rng = np.random.default_rng(3)
    table = pd.DataFrame(
        {
            "id": [f"rs{i}" for i in range(VARIANTS)],
            "chromosome": "22",
            "position": np.arange(1, VARIANTS + 1) * 10,
            "effect_allele": np.resize(["A", "C", "T"], VARIANTS),
            "other_allele": np.resize(["G", "T", "A"], VARIANTS),
            "allele_frequency": rng.uniform(0.05, 0.95, VARIANTS).astype(np.float32),
        }
    )
    columns = {f"variant_{name}": ("variants", table[name].to_numpy()) for name in table}
    panel = xr.Dataset(columns, attrs={"path": "panel.ld.zarr", "genome_build": "hg19"})
    z = rng.standard_normal(VARIANTS).astype(np.float32)
    return panel, table.assign(z=z, sample_size=np.float32(1e6))


def test_frequencies_of_the_other_allele_stop_unless_accepted(large, sumstats_of):
    panel, table = large
    assert align(sumstats_of(table), panel)[0].attrs["doubts"] == []
    table["allele_frequency"] = 1 - table["allele_frequency"]
    with pytest.raises(InputError, match=r"mirror the panel's.*--accept frequencies"):
        align(sumstats_of(table), panel)
    aligned, _ = align(sumstats_of(table), panel, accept=["frequencies"])
    assert "mirror" in aligned.attrs["doubts"][0]


def test_frequencies_of_minor_alleles_tell_nothing(large, sumstats_of):
    panel, table = large
    table["allele_frequency"] = np.minimum(table["allele_frequency"], 1 - table["allele_frequency"])
    aligned, report = align(sumstats_of(table), panel)
    assert "minor allele" in aligned.attrs["doubts"][0]
    lost = {row["step"]: -row["variants"] for row in report if row["kind"] == "loss"}
    assert "Allele frequency far from the panel's" not in lost
    scored = aligned["variant_scored"].values
    np.testing.assert_array_equal(aligned["variant_z"].values[scored], table["z"][scored])
    # A/T and C/G cannot be told.
    assert lost["Strand ambiguous (A/T or C/G)"] == (~scored).sum() > 0


def test_files_of_another_place_stop_or_are_said(large, sumstats_of):
    panel, table = large
    foreign = table.assign(position=table["position"] + 10_000_000, id=".")
    few = pd.concat([table[:5], foreign[5:]], ignore_index=True)
    with pytest.raises(InputError, match=r"5 of 600 variants are in the panel.*--accept matches"):
        align(sumstats_of(few), panel)
    some = pd.concat([table[:60], foreign[60:]], ignore_index=True)
    assert "only 60 of 600" in align(sumstats_of(some), panel)[0].attrs["doubts"][0]


def test_what_the_reader_doubted_stops_here(large, sumstats_of):
    panel, table = large
    doubted = sumstats_of(table, doubts={"p-and-se": "z is not z"})
    with pytest.raises(InputError, match=r"gwas\.tsv: z is not z\..*--accept p-and-se"):
        align(doubted, panel)
    assert align(doubted, panel, accept=["p-and-se"])[0].attrs["doubts"] == [
        "z is not z (accepted)"
    ]
