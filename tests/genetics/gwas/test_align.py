from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deepwas_app.errors import InputError
from deepwas_app.genetics.gwas.align import align

COMPLEMENT = {"A": "T", "C": "G", "G": "C", "T": "A"}
LETTERS = np.array(list("ACGT"))


def make_panel(rng: np.random.Generator, size: int = 24) -> xr.Dataset:
    """A panel with palindromic variants, an indel, and two variants at one position."""
    effect = rng.integers(0, 4, size)
    other = (effect + rng.integers(1, 4, size)) % 4
    position = np.arange(1, size + 1, dtype=np.int32) * 10
    effect_allele, other_allele = LETTERS[effect].astype("<U3"), LETTERS[other].astype("<U3")
    effect_allele[0], other_allele[0] = "ACT", "A"
    position[2] = position[1]
    effect_allele[1:3], other_allele[1:3] = ["A", "A"], ["G", "C"]
    return xr.Dataset(
        {
            "variant_id": ("variants", np.array([f"rs{i}" for i in range(size)])),
            "variant_chromosome": ("variants", np.full(size, "22")),
            "variant_position": ("variants", position),
            "variant_effect_allele": ("variants", effect_allele),
            "variant_other_allele": ("variants", other_allele),
            "variant_allele_frequency": (
                "variants",
                rng.uniform(0.05, 0.95, size).astype(np.float32),
            ),
        },
        attrs={"path": "panel.ld.zarr", "genome_build": "hg19"},
    )


def table_of(panel: xr.Dataset, z: np.ndarray) -> pd.DataFrame:
    """Summary statistics that say of each variant of the panel what it says."""
    names = ("id", "chromosome", "position", "effect_allele", "other_allele", "allele_frequency")
    table = pd.DataFrame({name: panel[f"variant_{name}"].values for name in names})
    return table.assign(z=z.astype(np.float32), sample_size=np.float32(1e6))


def swap(table: pd.DataFrame, rows: np.ndarray) -> pd.DataFrame:
    """The same statement about the other allele."""
    table = table.copy()
    effect, other = table["effect_allele"].copy(), table["other_allele"].copy()
    table.loc[rows, "effect_allele"] = other[rows]
    table.loc[rows, "other_allele"] = effect[rows]
    table.loc[rows, "z"] = -table.loc[rows, "z"]
    table.loc[rows, "allele_frequency"] = 1 - table.loc[rows, "allele_frequency"]
    return table


def to_other_strand(table: pd.DataFrame, rows: np.ndarray) -> pd.DataFrame:
    """The same statement read from the other strand; indels stay as they are."""
    table = table.copy()
    rows = rows & (table["effect_allele"].str.len() == 1) & (table["other_allele"].str.len() == 1)
    for name in ("effect_allele", "other_allele"):
        table.loc[rows, name] = table.loc[rows, name].map(COMPLEMENT)
    return table


def as_dataset(table: pd.DataFrame, dropped: dict | None = None) -> xr.Dataset:
    return xr.Dataset(
        {f"variant_{name}": ("variants", table[name].to_numpy()) for name in table},
        attrs={"path": "gwas.tsv", "dropped": dropped or {}},
    )


def count(report: list[dict], step: str) -> int:
    return sum(row["variants"] for row in report if row["step"] == step)


def assert_adds_up(report: list[dict], aligned: xr.Dataset) -> None:
    assert report[0]["kind"] == "in"
    kinds = [row["kind"] for row in report]
    assert kinds.count("in") == kinds.count("out") == 1
    assert all(row["variants"] < 0 for row in report if row["kind"] == "loss")
    flow = sum(row["variants"] for row in report if row["kind"] in ("in", "loss"))
    out = next(row["variants"] for row in report if row["kind"] == "out")
    assert flow == out == int(np.isfinite(aligned["variant_z"].values).sum())
    assert out == int(aligned["variant_scored"].sum())


@st.composite
def cases(draw):
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    panel = make_panel(rng)
    return panel, table_of(panel, rng.standard_normal(panel.sizes["variants"])), rng


quick = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@quick
@given(cases())
def test_swapping_any_alleles_changes_nothing_and_twice_is_the_identity(case):
    panel, table, rng = case
    aligned, report = align(as_dataset(table), panel)
    rows = rng.random(len(table)) < 0.5
    swapped, swapped_report = align(as_dataset(swap(table, rows)), panel)
    np.testing.assert_array_equal(swapped["variant_z"], aligned["variant_z"])
    assert count(swapped_report, "Matched, alleles swapped") == rows.sum()
    assert_adds_up(swapped_report, swapped)
    back = swap(swap(table, rows), rows)
    np.testing.assert_array_equal(
        align(as_dataset(back), panel)[0]["variant_z"], aligned["variant_z"]
    )
    assert_adds_up(report, aligned)


@quick
@given(cases())
def test_the_other_strand_changes_nothing(case):
    panel, table, rng = case
    aligned, _ = align(as_dataset(table), panel)
    rows = rng.random(len(table)) < 0.5
    flipped = swap(to_other_strand(table, rows), rng.random(len(table)) < 0.5)
    again, report = align(as_dataset(flipped), panel)
    np.testing.assert_array_equal(again["variant_z"], aligned["variant_z"])
    assert_adds_up(report, again)


@quick
@given(cases(), st.booleans())
def test_row_order_does_not_matter_even_with_repeated_rows(case, contradictory):
    panel, table, rng = case
    extra = table.sample(5, random_state=int(rng.integers(2**31)))
    if contradictory:
        extra = extra.assign(z=extra["z"] + 1)
    table = pd.concat([table, extra], ignore_index=True)
    aligned, report = align(as_dataset(table), panel)
    shuffled = table.sample(frac=1, random_state=int(rng.integers(2**31)))
    again, again_report = align(as_dataset(shuffled), panel)
    xr.testing.assert_identical(again, aligned)
    assert again_report == report
    assert_adds_up(report, aligned)


@pytest.fixture
def panel_and_table() -> tuple[xr.Dataset, pd.DataFrame]:
    panel = make_panel(np.random.default_rng(3))
    effect = panel["variant_effect_allele"].values
    other = panel["variant_other_allele"].values
    # Every other variant is A/G, so that only what a test does is lost.
    effect[3:], other[3:] = "A", "G"
    return panel, table_of(panel, np.arange(1.0, panel.sizes["variants"] + 1))


def test_nothing_is_lost_where_the_files_agree(panel_and_table):
    panel, table = panel_and_table
    aligned, report = align(as_dataset(table), panel)
    np.testing.assert_array_equal(aligned["variant_z"], table["z"])
    assert [row["kind"] for row in report] == ["in", "out"] + ["note"] * 6


def test_the_frequencies_of_the_gwas_are_kept_for_the_effect_allele_of_the_panel(panel_and_table):
    panel, table = panel_and_table
    rows = np.arange(len(table)) % 2 == 1
    moved = table.assign(allele_frequency=table["allele_frequency"] + np.float32(0.01))
    known = panel["variant_allele_frequency"].values.copy()
    known[5] = np.nan
    panel = panel.assign(variant_allele_frequency=("variants", known))
    aligned, _ = align(as_dataset(swap(moved, rows)), panel)
    scored = aligned["variant_scored"].values
    own = aligned["variant_gwas_frequency"].values
    assert np.isnan(own[5])
    assert np.isnan(own[~scored]).all()
    comparable = scored & np.isfinite(known)
    np.testing.assert_allclose(own[comparable] - known[comparable], 0.01, atol=1e-5)
    none, _ = align(as_dataset(table.assign(allele_frequency=np.float32(np.nan))), panel)
    assert "variant_gwas_frequency" not in none


def test_every_loss_has_its_reason(panel_and_table):
    panel, table = panel_and_table
    table.loc[4, ["effect_allele", "other_allele"]] = ["A", "T"]  # other alleles
    table.loc[5, ["id", "position"]] = ["rs999", 9999]  # unknown
    table.loc[6, "allele_frequency"] = (panel["variant_allele_frequency"].values[6] + 0.5) % 1
    panel["variant_effect_allele"].values[7:9] = "C"
    panel["variant_allele_frequency"].values[7:9] = [0.5, 0.2]
    table.loc[7:8, "effect_allele"] = "C"
    table.loc[7:8, "allele_frequency"] = [0.5, 0.8]  # ambiguous; the other strand
    repeated = table.loc[[10, 11]]
    repeated.loc[11, "z"] += 1
    table = pd.concat([table, repeated], ignore_index=True)
    aligned, report = align(as_dataset(table, {"no finite z-score": 3}), panel)
    losses = {row["step"]: row["variants"] for row in report if row["kind"] == "loss"}
    assert losses == {
        "No finite z-score": -3,
        "Not in the LD panel": -1,
        "Other alleles than the LD panel": -1,
        "Strand ambiguous (A/T or C/G)": -1,
        "Allele frequency far from the panel's": -1,
        "Repeated rows": -1,
        "Rows that contradict each other": -2,
    }
    assert report[0]["variants"] == len(table) + 3
    assert_adds_up(report, aligned)
    z = aligned["variant_z"].values
    assert np.isnan(z[[4, 5, 6, 7, 11]]).all()
    assert z[8] == -table["z"][8]
    assert z[10] == table["z"][10]
    assert count(report, "Scored from the other strand") == 1
    assert count(report, "Panel variants without a z-score") == 5


def test_unscored_variants_get_the_median_sample_size(panel_and_table):
    panel, table = panel_and_table
    table["sample_size"] = np.linspace(1e6, 3e6, len(table)).astype(np.float32)
    aligned, _ = align(as_dataset(table.iloc[1:]), panel)
    n = aligned["variant_sample_size"].values
    assert n[0] == np.float32(table["sample_size"][1:].median())
    np.testing.assert_array_equal(n[1:], table["sample_size"][1:])


def test_names_serve_where_there_are_no_positions(panel_and_table):
    panel, table = panel_and_table
    table = table.assign(chromosome="", position=np.int32(0))
    aligned, report = align(as_dataset(table), panel)
    np.testing.assert_array_equal(aligned["variant_z"], table["z"])
    assert_adds_up(report, aligned)


def test_variants_at_one_position_are_told_apart_by_their_alleles(panel_and_table):
    panel, table = panel_and_table
    aligned, _ = align(as_dataset(table.assign(id="")), panel)
    np.testing.assert_array_equal(aligned["variant_z"], table["z"])


def test_the_same_strand_is_preferred_where_both_would_do(panel_and_table):
    panel, table = panel_and_table
    panel["variant_effect_allele"].values[2] = table.loc[2, "effect_allele"] = "T"
    panel["variant_other_allele"].values[2] = table.loc[2, "other_allele"] = "C"
    panel["variant_allele_frequency"].values[1:3] = 0.3
    aligned, report = align(as_dataset(table.assign(id="", allele_frequency=np.nan)), panel)
    np.testing.assert_array_equal(aligned["variant_z"], table["z"])
    assert count(report, "Scored from the other strand") == 0


def test_another_genome_build_stops_with_the_remedy(panel_and_table):
    panel, table = panel_and_table
    moved = table.assign(position=table["position"] + np.int32(7))
    with pytest.raises(InputError, match=r"gwas\.tsv: 24 of 24 .* \(hg19\).*liftover"):
        align(as_dataset(moved), panel)


def test_another_build_shows_in_the_alleles_where_there_are_no_names():
    rng = np.random.default_rng(5)
    panel = make_panel(rng, 400)
    panel["variant_id"].values[:] = "."
    table = table_of(panel, np.ones(400)).iloc[1:].assign(id=".")
    table["position"] = np.roll(table["position"], 7)
    with pytest.raises(InputError, match="variants at places") as problem:
        align(as_dataset(table), panel)
    other, all_of_them = map(int, re.findall(r"\d+", str(problem.value))[:2])
    # Every row stands at some position of the panel, mostly one of another variant.
    assert all_of_them == 399
    assert 250 < other < 399
    assert "have other alleles there" in str(problem.value)


def test_regions_are_left_out_and_counted(panel_and_table):
    panel, table = panel_and_table
    regions = pd.DataFrame({"chromosome": ["22", "22"], "start": [99, 120], "stop": [120, 130]})
    aligned, report = align(as_dataset(table), panel, exclude=regions)
    assert count(report, "In an excluded region") == -4
    inside = panel["variant_position"].values.astype(int)
    inside = (inside >= 100) & (inside <= 130)
    np.testing.assert_array_equal(np.isnan(aligned["variant_z"]), inside)
    assert_adds_up(report, aligned)


def test_a_name_serves_where_the_place_fails(panel_and_table):
    panel, table = panel_and_table
    table.loc[5, "position"] = 9999  # found by its name
    table.loc[6, "id"] = "rs7"  # found by its place, and leaves the name to the other row
    table.loc[7, "position"] = 9998
    aligned, report = align(as_dataset(table), panel)
    np.testing.assert_array_equal(aligned["variant_z"], table["z"])
    assert_adds_up(report, aligned)


def test_what_becomes_of_palindromes_and_indels_is_told(panel_and_table):
    panel, table = panel_and_table
    panel["variant_effect_allele"].values[4:7] = "C"
    table.loc[4:6, "effect_allele"] = "C"
    panel["variant_allele_frequency"].values[4:7] = [0.2, 0.2, 0.45]
    table.loc[4:6, "allele_frequency"] = [0.25, 0.75, 0.45]
    aligned, report = align(as_dataset(table), panel)
    z = aligned["variant_z"].values
    assert z[4] == table["z"][4]
    assert z[5] == -table["z"][5]
    assert np.isnan(z[6])
    assert count(report, "Strand ambiguous (A/T or C/G)") == -1
    assert count(report, "Scored, A/T or C/G told by frequency") == 2
    assert count(report, "Scored insertions and deletions") == 1
    assert_adds_up(report, aligned)


@pytest.mark.parametrize(
    ("frequency", "panel_frequency", "told"),
    [
        (0.3, 0.3, True),
        (0.3, 0.45, False),  # the panel's frequency does not tell
        (0.45, 0.3, False),  # the GWAS's does not
        (0.55, 0.7, False),
        (0.45, 0.45, False),
        (np.nan, 0.3, False),
        (0.375, 0.625, True),  # just far enough, and so on the other strand
        (0.376, 0.625, False),
        (0.375, 0.624, False),
    ],
)
@pytest.mark.parametrize("swapped", [False, True])
def test_palindromes_need_both_frequencies_away_from_one_half(
    panel_and_table, frequency, panel_frequency, told, swapped
):
    panel, table = panel_and_table
    panel["variant_effect_allele"].values[4], panel["variant_other_allele"].values[4] = "A", "T"
    panel["variant_allele_frequency"].values[4] = panel_frequency
    table.loc[4, ["effect_allele", "other_allele"]] = ["A", "T"]
    table.loc[4, "allele_frequency"] = frequency
    if swapped:
        table = swap(table, np.arange(len(table)) == 4)
    aligned, report = align(
        as_dataset(table), panel, informative_frequency=0.125, max_frequency_difference=0.5
    )
    assert count(report, "Strand ambiguous (A/T or C/G)") == (0 if told else -1)
    opposite = (frequency < 0.5) != (panel_frequency < 0.5)
    wanted = (-5.0 if opposite else 5.0) if told else np.nan
    np.testing.assert_array_equal(aligned["variant_z"].values[4], np.float32(wanted))


def test_a_looser_frequency_keeps_more(panel_and_table):
    panel, table = panel_and_table
    table["allele_frequency"] = (panel["variant_allele_frequency"].values + 0.3) % 1
    strict, _ = align(as_dataset(table.assign(allele_frequency=np.nan)), panel)
    loose, _ = align(as_dataset(table), panel, max_frequency_difference=1.0)
    np.testing.assert_array_equal(loose["variant_z"], strict["variant_z"])
    with pytest.raises(InputError, match=r"none of its 24 .*frequency far"):
        align(as_dataset(table), panel)


def test_a_frequency_just_as_far_as_allowed_is_kept(panel_and_table):
    panel, table = panel_and_table
    panel["variant_allele_frequency"].values[5:7] = 0.25
    table["allele_frequency"] = panel["variant_allele_frequency"].values.astype(np.float64)
    table.loc[5:6, "allele_frequency"] = [0.5, 0.5001]
    aligned, report = align(as_dataset(table), panel, max_frequency_difference=0.25)
    np.testing.assert_array_equal(np.isnan(aligned["variant_z"])[4:8], [False, False, True, False])
    assert count(report, "Allele frequency far from the panel's") == -1


def test_no_overlap_names_both_files_and_the_remedy(panel_and_table):
    panel, table = panel_and_table
    elsewhere = table.assign(chromosome="1", id="")
    with pytest.raises(InputError, match=r"gwas\.tsv: none of its 24 .*panel\.ld\.zarr.*Check"):
        align(as_dataset(elsewhere), panel)


def test_a_real_panel_keeps_its_blocks(panel: xr.Dataset, sumstats_of: Callable[..., xr.Dataset]):
    table = table_of(panel, np.ones(panel.sizes["variants"]))
    aligned, _ = align(sumstats_of(table), panel)
    for name in panel.variables:
        xr.testing.assert_equal(aligned[name], panel[name])


@pytest.mark.parametrize("chromosome", ["X", "Y", "MT"])
def test_what_the_model_is_not_of_is_left_out_and_said(panel_and_table, chromosome):
    panel, table = panel_and_table
    names = panel["variant_chromosome"].values.astype("<U2")
    names[:5] = chromosome
    panel = panel.assign(variant_chromosome=("variants", names))
    aligned, report = align(as_dataset(table.assign(chromosome=names)), panel)
    losses = {row["step"]: row["variants"] for row in report if row["kind"] == "loss"}
    assert losses["On X, Y or MT, which the model leaves out"] == -5
    assert not aligned["variant_scored"].values[:5].any()
    assert_adds_up(report, aligned)
