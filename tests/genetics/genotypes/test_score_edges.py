"""Polygenic scores at the edges: founders, missing calls, who has which alleles."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics.genotypes import score as module
from deepwas_app.genetics.genotypes.score import match_weights
from deepwas_app.genetics.genotypes.weights import checked_weights


def test_missing_calls_are_twice_the_frequency_of_founders():
    """A person's sum is of weight times copies of the effect allele, by hand."""
    nan = np.nan
    dosages = np.array([[0, 2, nan, 1.0], [2, nan, nan, 1], [nan, 1, 2, 0], [1, 1, nan, nan]])
    founders = np.array([True, True, False, True])
    weights, counts_a1 = np.array([0.5, -1.0, 4.0, 3.0]), np.array([True, False, True, False])
    total, called, used = module._chunk(dosages, weights, counts_a1, founders)
    # Means over founders that are called: 1, 1.5, nobody, 1.
    filled = np.array([[0, 2, 0, 1], [2, 1.5, 0, 1], [1, 1, 2, 0], [1, 1, 0, 1]])
    copies = np.where(counts_a1, filled, 2 - filled)
    # Without a founder that is called there is no frequency: not scored.
    np.testing.assert_allclose(total, copies[:, [0, 1, 3]] @ weights[[0, 1, 3]])
    np.testing.assert_array_equal(called, [3, 2, 3, 2])
    np.testing.assert_array_equal(used, [True, True, False, True])


def genotypes(size: int) -> xr.Dataset:
    return xr.Dataset(
        {
            "variant_id": ("variants", np.array([f"rs{i}" for i in range(size)])),
            "variant_chromosome": ("variants", np.full(size, "1")),
            "variant_position": ("variants", np.arange(1, size + 1)),
            "variant_effect_allele": ("variants", np.full(size, "A")),
            "variant_other_allele": ("variants", np.full(size, "C")),
        },
        attrs={"path": "people"},
    )


def weights_of(size: int, **columns) -> pd.DataFrame:
    table = {
        "SNP": [f"rs{i}" for i in range(size)],
        "CHR": "1",
        "BP": np.arange(1, size + 1).astype(str),
        "A1": "A",
        "A2": "C",
        "BETA": (0.5 + np.arange(size)).astype(str),
    }
    return checked_weights(pd.DataFrame(table).assign(**columns), "w.tsv")


@pytest.mark.parametrize(("wrong", "stops"), [(2, False), (3, True)])
def test_a_tenth_of_the_weights_may_have_other_alleles(wrong, stops):
    """Of those that the genotypes have: 20, while 10 more are not there."""
    weights = weights_of(30, A2=["G"] * wrong + ["C"] * (30 - wrong))
    if stops:
        with pytest.raises(InputError, match=r"of 3 of 20 .* \(rs0 is A/G here, A/C there\)"):
            match_weights(weights, genotypes(20))
        return
    found = match_weights(weights, genotypes(20))
    assert found.report == {
        "weights": 30,
        "not in the genotypes": 10,
        "other alleles": 2,
        "scored": 18,
    }
    np.testing.assert_array_equal(found.rows, np.arange(2, 20))
    np.testing.assert_array_equal(found.weights, 0.5 + np.arange(2, 20))


def test_other_alleles_are_told_for_what_only_its_place_finds():
    weights = weights_of(5, SNP=["rs0", "x1", "rs2", "rs3", "rs4"], A2=["C", "G", "C", "C", "C"])
    with pytest.raises(InputError, match=r"alleles of 1 of 5 .* \(x1 is A/G here, A/C there\)"):
        match_weights(weights, genotypes(5))


def test_weights_without_other_allele_or_place_fit_by_name():
    weights = weights_of(3, A1=["C", "A", "A"]).drop(columns=["A2", "CHR", "BP"])
    weights.attrs["path"] = "w.tsv"
    found = match_weights(weights.iloc[::-1], genotypes(3))
    np.testing.assert_array_equal(found.rows, [0, 1, 2])
    np.testing.assert_array_equal(found.counts_a1, [False, True, True])
    np.testing.assert_array_equal(found.weights, [0.5, 1.5, 2.5])


def test_places_that_are_no_whole_number_are_none():
    weights = weights_of(4, SNP=".", BP=["1", "2.5", "", "3"])
    found = match_weights(weights, genotypes(4))
    np.testing.assert_array_equal(found.rows, [0, 2])
    np.testing.assert_array_equal(found.weights, [0.5, 3.5])
    assert found.report["not in the genotypes"] == 2


@pytest.mark.parametrize("second", ["rs1", "."])
def test_two_weights_of_a_variant_are_refused_by_name_or_place(second):
    twice = weights_of(3, SNP=["rs1", second, "rs2"], BP=["2", "2", "3"])
    name = "rs1" if second == "rs1" else "1:2"
    with pytest.raises(InputError, match=f"w.tsv: {name} is there twice"):
        match_weights(twice, genotypes(3))


@pytest.mark.parametrize("bad", ["", "x", "inf", "-inf"])
def test_a_weight_that_is_no_number_is_named(bad):
    for names, called in ((["rs0", "rs1"], "rs1"), (["rs0", "."], "1:2"), (["rs0", None], "1:2")):
        with pytest.raises(InputError, match=f"the weight of {called} is no number"):
            weights_of(2, SNP=names, BETA=["0.1", bad])


def test_what_a_weights_file_must_have():
    table = pd.DataFrame({"SNP": ["rs1"], "A1": ["a"], "BETA": ["2"]})
    assert checked_weights(table, "w")["A1"].tolist() == ["A"]
    for lacking in table:
        with pytest.raises(InputError, match=f"w: has no column {lacking}"):
            checked_weights(table.drop(columns=lacking), "w")
    with pytest.raises(InputError, match="has a header and no weights"):
        checked_weights(table.iloc[:0], "w")
    placed = table.drop(columns="SNP").assign(CHR="chr1", BP="7")
    assert checked_weights(placed, "w")["SNP"].tolist() == ["."]
    with pytest.raises(InputError, match="no column SNP"):
        checked_weights(placed.drop(columns="BP"), "w")
