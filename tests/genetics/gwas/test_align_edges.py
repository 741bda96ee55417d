"""Alignment at the edges of its limits, and of its counts."""

from __future__ import annotations

import inspect

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics.gwas import align as module
from deepwas_app.genetics.gwas.align import align
from deepwas_app.genetics.matching import Match


def test_limits_of_frequencies_are_those_of_the_documentation():
    found = inspect.signature(align).parameters
    assert found["max_frequency_difference"].default == 0.2
    assert found["informative_frequency"].default == 0.08
    assert found["exclude"].default is None


def check(shared=0, elsewhere=0, other=0, matched=0):
    none = np.zeros(matched, int)
    match = Match(none, none, none, none, none, other, shared, elsewhere)
    panel = xr.Dataset(attrs={"genome_build": "hg38"})
    module._check_build(match, "my.tsv", panel)


@pytest.mark.parametrize(
    ("shared", "elsewhere", "stops"),
    [(20, 11, True), (20, 10, False), (19, 19, False), (21, 11, True), (21, 10, False)],
)
def test_another_build_by_names_needs_20_of_them_and_more_than_half(shared, elsewhere, stops):
    if not stops:
        return check(shared, elsewhere)
    with pytest.raises(InputError, match=rf"my\.tsv: {elsewhere} of {shared} .*\(hg38\).*--chain"):
        check(shared, elsewhere)


def panel_of(frequencies) -> xr.Dataset:
    size = len(frequencies)
    return xr.Dataset(
        {
            "variant_id": ("variants", np.array([f"rs{i}" for i in range(size)])),
            "variant_chromosome": ("variants", np.full(size, "3")),
            "variant_position": ("variants", np.arange(1, size + 1, dtype=np.int32)),
            "variant_effect_allele": ("variants", np.full(size, "A")),
            "variant_other_allele": ("variants", np.full(size, "G")),
            "variant_allele_frequency": ("variants", np.array(frequencies, np.float32)),
        },
        attrs={"path": "p.ld.zarr"},
    )


def sumstats_of(panel, rows, z, n=100.0, swapped=(), dropped=None) -> xr.Dataset:
    """Rows of a panel as a GWAS would tell them, some for the other allele."""
    rows = np.asarray(rows)
    turned = np.isin(np.arange(len(rows)), list(swapped))
    part = panel.isel(variants=rows)
    effect, other = (part[f"variant_{k}_allele"].values for k in ("effect", "other"))
    frequency = part["variant_allele_frequency"].values
    columns = {
        "id": part["variant_id"].values,
        "chromosome": part["variant_chromosome"].values,
        "position": part["variant_position"].values,
        "effect_allele": np.where(turned, other, effect),
        "other_allele": np.where(turned, effect, other),
        "allele_frequency": np.where(turned, 1 - frequency, frequency),
        "z": np.where(turned, -1, 1) * np.asarray(z, np.float64),
        "sample_size": np.broadcast_to(np.asarray(n, np.float64), len(rows)),
    }
    found = xr.Dataset({f"variant_{k}": ("variants", v) for k, v in columns.items()})
    return found.assign_attrs(path="g.tsv", dropped=dropped or {})


def test_rows_that_say_the_same_count_once_and_others_not_at_all():
    panel = panel_of([0.2, 0.3, 0.4, 0.1, 0.6])
    gwas = sumstats_of(
        panel,
        [0, 0, 0, 1, 1, 2, 2, 3],
        [1, 1, 1, 2, 2.5, 3, 3, 4],
        n=[10, 10, 10, 20, 20, 30, 31, 40],
        swapped=[1, 4],
        dropped={"no z": 2},
    )
    aligned, report = align(gwas, panel)
    # Twice more of the first; the second differs in z, the third in n.
    losses = {row["step"]: row["variants"] for row in report if row["kind"] == "loss"}
    assert losses == {"No z": -2, "Repeated rows": -2, "Rows that contradict each other": -4}
    assert [report[0][k] for k in ("step", "variants")] == ["In the summary statistics", 10]
    np.testing.assert_array_equal(aligned["variant_z"], np.float32([1, np.nan, np.nan, 4, np.nan]))
    np.testing.assert_array_equal(aligned["variant_scored"], [True, False, False, True, False])
    # The median of those that are scored stands in for the others.
    np.testing.assert_array_equal(aligned["variant_sample_size"], [10, 25, 25, 40, 25])
    assert aligned["variant_z"].dtype == aligned["variant_sample_size"].dtype == np.float32
    notes = {row["step"]: row["variants"] for row in report if row["kind"] == "note"}
    assert notes == {
        "Matched, same allele order": 6,
        "Matched, alleles swapped": 2,
        "Scored from the other strand": 0,
        "Scored, A/T or C/G told by frequency": 0,
        "Scored insertions and deletions": 0,
        "Panel variants without a z-score": 3,
    }


def test_frequencies_that_the_panel_lacks_are_those_of_its_own_allele():
    panel = panel_of([0.2, 0.3, 0.7])
    gwas = sumstats_of(panel, [0, 1], [1.0, 2.0], swapped=[1])
    lacking = panel.assign(
        variant_allele_frequency=("variants", np.full(3, np.nan, dtype=np.float32))
    )
    aligned, _ = align(gwas, lacking)
    # Of the others the typical minor one: the median of 0.2 and 0.3.
    np.testing.assert_allclose(aligned["variant_allele_frequency"], [0.2, 0.3, 0.25], rtol=1e-6)


def test_nothing_that_is_left_says_what_took_most():
    panel = panel_of([0.2, 0.3, 0.4])
    gwas = sumstats_of(panel, [0, 1, 1], [1.0, 2.0, 3.0], dropped={"no z": 1})
    gwas["variant_allele_frequency"].values[0] = 0.9
    with pytest.raises(InputError, match=r"none of its 4 .*p\.ld\.zarr \(rows that .*: 2\)"):
        align(gwas, panel)


def test_excluded_regions_are_counted_before_alleles_are_resolved():
    panel = panel_of([0.2, 0.5, 0.4])
    panel["variant_other_allele"].values[1] = "T"
    regions = pd.DataFrame({"chromosome": ["3"], "start": [1], "stop": [2]})
    _, report = align(sumstats_of(panel, [0, 1, 2], [1.0, 2.0, 3.0]), panel, exclude=regions)
    losses = {row["step"]: row["variants"] for row in report if row["kind"] == "loss"}
    assert losses == {"In an excluded region": -1}
