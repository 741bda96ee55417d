"""What an LD panel tells of a file's alleles."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics.gwas.meaning import understand
from deepwas_app.genetics.gwas.settle import settle_alleles
from deepwas_app.genetics.gwas.sumstats import read_rows

VARIANTS = 300


@pytest.fixture
def panel() -> xr.Dataset:
    rng = np.random.default_rng(2)
    pairs = np.array([("A", "G"), ("T", "C"), ("A", "T"), ("C", "A")])[np.arange(VARIANTS) % 4]
    arrays = {
        "id": np.array([f"rs{i}" for i in range(VARIANTS)]),
        "chromosome": np.full(VARIANTS, "1"),
        "position": 100 + 10 * np.arange(VARIANTS),
        "effect_allele": pairs[:, 0],
        "other_allele": pairs[:, 1],
        "allele_frequency": rng.uniform(0.02, 0.98, VARIANTS),
    }
    variables = {f"variant_{k}": ("variants", v) for k, v in arrays.items()}
    return xr.Dataset(variables, attrs={"genome_build": "hg19", "path": "p.ld.zarr"})


@pytest.fixture
def gwas(panel) -> pd.DataFrame:
    """Effects of the allele in `effect`, which is the panel's in every other row."""
    rng = np.random.default_rng(3)
    swap = np.arange(VARIANTS) % 2 == 1
    one, two = panel["variant_effect_allele"].values, panel["variant_other_allele"].values
    frequency = panel["variant_allele_frequency"].values + rng.normal(0, 0.03, VARIANTS)
    return pd.DataFrame(
        {
            "SNP": panel["variant_id"].values,
            "CHR": 1,
            "BP": panel["variant_position"].values,
            "effect": np.where(swap, two, one),
            "other": np.where(swap, one, two),
            "FRQ": np.clip(np.where(swap, 1 - frequency, frequency), 0, 1),
            "BETA": rng.normal(0, 0.1, VARIANTS),
            "SE": 0.1,
            "P": 0.5,
            "N": 1000,
        }
    )


def read(gwas: pd.DataFrame, folder, **names: str) -> xr.Dataset:
    path = folder / "gwas.tsv"
    gwas.rename(columns=names).to_csv(path, sep="\t", index=False)
    return read_rows(understand(path))


@pytest.mark.parametrize("effect", ["A1", "A2"])
def test_frequencies_tell_which_allele_counts(panel, gwas, tmp_path, effect):
    other = "A2" if effect == "A1" else "A1"
    sumstats = read(gwas, tmp_path, effect=effect, other=other)
    assert sumstats.attrs["doubt"]
    settled = settle_alleles(sumstats, panel)
    assert settled["variant_effect_allele"].values.tolist() == gwas["effect"].tolist()
    assert settled["variant_other_allele"].values.tolist() == gwas["other"].tolist()
    np.testing.assert_allclose(settled["variant_z"], gwas["BETA"] / gwas["SE"], rtol=1e-5)
    assert not settled.attrs["doubt"]
    rows = {row["role"]: row for row in settled.attrs["understood"]}
    assert rows["effect_allele"]["column"] == effect
    assert rows["effect_allele"]["values"] == gwas["effect"].tolist()[:3]
    assert "correlation" in rows["effect_allele"]["why"]


@pytest.mark.parametrize("case", ["minor", "noise", "few", "none"])
def test_frequencies_that_do_not_tell_are_asked(panel, gwas, tmp_path, case):
    if case == "minor":
        gwas["FRQ"] = np.minimum(gwas["FRQ"], 1 - gwas["FRQ"])
    elif case == "noise":
        gwas["FRQ"] = np.random.default_rng(1).permutation(gwas["FRQ"])
    elif case == "few":
        gwas = gwas.head(120)
    else:
        gwas = gwas.drop(columns="FRQ")
    sumstats = read(gwas, tmp_path, effect="A1", other="A2")
    with pytest.raises(InputError, match="effect_allele=A1 other_allele=A2, or") as caught:
        settle_alleles(sumstats, panel)
    assert "\n" not in str(caught.value)


def test_the_other_allele_is_the_panels(panel, gwas, tmp_path):
    gwas = gwas.assign(TEST="ADD").rename(columns={"N": "NMISS"}).drop(columns=["other", "FRQ"])
    gwas.loc[3, "effect"] = "ACGT"
    sumstats = read(gwas, tmp_path, effect="A1")
    assert "variant_other_allele" not in sumstats
    twice = panel.isel(variants=[*range(VARIANTS), 7])
    settled = settle_alleles(sumstats, twice)
    one, two = (panel[f"variant_{w}_allele"].values for w in ("effect", "other"))
    expected = np.where(gwas["effect"] == one, two, one).astype(object)
    # Of neither allele, and of a place with several variants.
    expected[[3, 7]] = np.nan
    pd.testing.assert_series_equal(
        pd.Series(settled["variant_other_allele"].values.astype(object)), pd.Series(expected)
    )
