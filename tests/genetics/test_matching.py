"""Rows found by place, by name and by alleles, on tables of a few rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import xarray as xr

from deepwas_app.genetics import matching
from deepwas_app.genetics.alleles import SAME, SAME_STRAND, SWAPPED, SWAPPED_STRAND, factorize
from deepwas_app.genetics.matching import (
    Groups,
    find_variant,
    match_variants,
    names_of,
    places_of,
    repeated,
    without,
)


def variants(*rows: str) -> xr.Dataset:
    """Variants as "name chromosome position effect/other"; "-" is an empty text."""
    cells = [row.replace("-", "").split(" ") for row in rows]
    names, chromosomes, positions, alleles = zip(*cells, strict=True)
    effect, other = zip(*(pair.split("/") for pair in alleles), strict=True)
    texts = {"id": names, "chromosome": chromosomes}
    texts |= {"effect_allele": effect, "other_allele": other}
    arrays = {name: np.array(values, dtype=object) for name, values in texts.items()}
    arrays["position"] = np.array(positions, dtype=np.int32)
    return xr.Dataset({f"variant_{name}": ("variants", array) for name, array in arrays.items()})


PANEL = variants(
    "rs0 1 100 A/C",
    "rs1 1 200 G/T",
    "rs2 1 200 G/A",
    "rs3 2 100 A/T",
    "rs4 2 300 ACG/A",
    "rs5 2 400 C/G",
    "rs6 2 500 A/AC",
)


def matched(*rows: str, panel: xr.Dataset = PANEL):
    return match_variants(variants(*rows), panel)


def test_places_come_first_then_names():
    found = matched(
        "- 1 100 C/A",  # by place, swapped
        "rs0 1 200 A/C",  # by place, swapped on the other strand: rs1, whatever its name
        "rs2 9 999 C/T",  # by name, on the other strand
        "- 2 300 A/ACG",  # an insertion, swapped
        "rs5 2 0 C/G",  # no place, by name
        "rs9 2 500 A/AC",
    )
    pairs = list(zip(found.row, found.panel_row, found.orientation, strict=True))
    assert pairs == [
        (0, 0, SWAPPED),
        (1, 1, SWAPPED_STRAND),
        (3, 4, SWAPPED),
        (5, 6, SAME),
        (2, 2, SAME_STRAND),
        (4, 5, SAME),
    ]
    np.testing.assert_array_equal(found.indel, [False, False, True, True, False, False])
    np.testing.assert_array_equal(found.palindromic, [False, False, False, False, False, True])
    assert found.other_alleles == 0


def test_codes_of_orientations_go_from_the_simplest_on():
    assert (SAME, SWAPPED, SAME_STRAND, SWAPPED_STRAND) == (1, 2, 3, 4)
    every = [("A/C", SAME), ("C/A", SWAPPED), ("T/G", SAME_STRAND), ("G/T", SWAPPED_STRAND)]
    for alleles, code in every:
        found = matched(f"- 1 100 {alleles}")
        assert (found.panel_row.tolist(), found.orientation.tolist()) == ([0], [code])
    # A palindrome fits by both strands: as it is, or swapped, is simpler.
    for alleles, code in (("A/T", SAME), ("T/A", SWAPPED)):
        found = matched(f"- 2 100 {alleles}")
        assert (found.orientation.tolist(), found.palindromic.tolist()) == ([code], [True])


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
def test_of_several_at_one_place_the_simplest_fits_and_then_the_first(order):
    rows = ["a 1 5 C/T", "b 1 5 G/A", "c 1 5 A/G"]
    panel = variants(*(rows[i] for i in order))
    found = matched("- 1 5 A/G", panel=panel)
    assert found.orientation.tolist() == [SAME]
    assert panel["variant_id"].values[found.panel_row[0]] == "c"
    twice = variants("x 1 5 T/C", "y 1 5 G/A", "z 1 5 G/A")
    assert matched("- 1 5 A/G", panel=twice).panel_row.tolist() == [1]


def test_other_alleles_are_counted_where_place_or_name_is_known():
    found = matched(
        "- 1 100 A/G",  # its place
        "rs1 7 7 A/G",  # its name
        "rs3 2 400 A/T",  # its place has other alleles, its name fits
        "rs9 1 100 A/C",
        "rs8 9 9 A/C",  # neither
    )
    assert found.row.tolist() == [3, 2]
    assert found.panel_row.tolist() == [0, 3]
    assert found.other_alleles == 2


def test_a_panel_variant_that_a_place_has_found_is_no_longer_found_by_its_name():
    found = matched("- 1 100 A/C", "rs0 8 8 A/C")
    assert found.row.tolist() == [0]
    # Nor is it known by that name.
    assert found.other_alleles == 0


def test_names_elsewhere_are_counted_among_rows_with_a_place():
    found = matched(
        "rs0 1 100 A/C",  # at its place
        "rs1 1 201 G/T",  # elsewhere
        "rs3 1 100 A/T",  # elsewhere: another chromosome
        "rs4 2 0 ACG/A",  # no place
        "rs4 - 300 ACG/A",  # none either
        "rs5 Q 400 C/G",  # a chromosome that the panel has not is another place
        "rs9 1 100 A/C",  # another name
    )
    assert (found.shared_names, found.elsewhere) == (4, 3)


def test_of_many_rows_every_so_many_are_looked_at(monkeypatch):
    monkeypatch.setattr(matching, "_SAMPLE", 3)
    rows = [f"rs{i % 2} 1 {100 + 100 * (i % 2) + (i >= 6)} A/C" for i in range(9)]
    found = matched(*rows)
    # Rows 0, 3 and 6: of these the last is elsewhere.
    assert (found.shared_names, found.elsewhere) == (3, 1)
    found = matched(*rows[:5])
    assert found.shared_names == 5
    found = matched(*rows[:6])
    assert found.shared_names == 3


def test_no_row_or_no_panel_is_no_match():
    empty = PANEL.isel(variants=slice(0))
    for rows, panel in ((empty, PANEL), (PANEL, empty)):
        found = match_variants(rows, panel)
        assert len(found.row) == len(found.panel_row) == 0
        assert (found.other_alleles, found.shared_names, found.elsewhere) == (0, 0, 0)


def test_places_are_equal_where_chromosome_and_position_are():
    rows = variants(
        "a 2 100 A/C", "b 1 100 A/C", "c 3 7 A/C", "d 3 7 A/C", "e - 5 A/C", "f 1 0 A/C"
    )
    place, panel_place = (p.to_pylist() for p in places_of(rows, PANEL))
    assert place[0] == panel_place[3] != place[1] == panel_place[0]
    assert place[2] == place[3]
    assert place[2] not in panel_place
    assert place[4:] == [None, None]
    assert None not in panel_place
    assert len(set(panel_place)) == 6
    # Position 1 is one; a negative one is not.
    edges = variants("a 1 1 A/C", "b 1 2 A/C")
    edges["variant_position"].values[1] = -4
    assert [p is None for p in places_of(edges, PANEL)[0].to_pylist()] == [False, True]
    # Positions up to 2^31 do not run into the next chromosome.
    far = variants("a 1 2147483647 A/C", "b 2 1 A/C")
    assert len(set(places_of(far, far)[0].to_pylist())) == 2


def test_categories_are_factorized_as_texts_are():
    texts = np.array(["b", "a", "b", None], dtype=object)
    for data in (texts, pd.Categorical(texts)):
        codes, levels = factorize(xr.DataArray(data, dims="variants"))
        assert [levels[c] if c >= 0 else None for c in codes] == ["b", "a", "b", None]


def test_groups_are_of_equal_keys_and_nulls_have_none():
    groups = Groups(pa.array([7, None, 5, 9]), pa.array([5, 7, None, 5]))
    assert groups.group.tolist() == [1, -1, 0, -1]
    assert groups.first().tolist() == [0, 1]
    keys = pa.array(["b", "x", None, "a"]), pa.array(["a", "b", "a", None])
    row, other = Groups(*keys).pairs()
    assert [*zip(row.tolist(), other.tolist(), strict=True)] == [(0, 1), (3, 0), (3, 2)]
    row, other = Groups(keys[0], pa.array([None, None], pa.string())).pairs()
    assert len(row) == len(other) == 0


def test_names_that_are_none_are_null():
    names = xr.DataArray(np.array(["rs1", "", ".", "rs2"], dtype=object), dims="variants")
    assert names_of(names).to_pylist() == ["rs1", None, None, "rs2"]
    assert without(names_of(names), np.array([3])).to_pylist() == ["rs1", None, None, None]


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("rs3", 3),
        ("1:100:A:C", 0),
        ("chr1:100:c:a", 0),
        ("1_200_G_A", 2),
        ("1:200:G/T", 1),
        ("2:300:A/ACG", 4),
        ("2:301:A/ACG", None),
        ("2:300:A:G", None),
        ("rs77", None),
        ("1:100", None),
    ],
)
def test_a_variant_is_found_by_what_people_type(text, row):
    assert find_variant(PANEL, text) == row


def test_rows_that_came_before_are_repeated_in_either_order_of_alleles():
    table = pd.DataFrame(
        {
            "chromosome": ["1", "1", "1", "2", "1", "1"],
            "position": [5, 5, 5, 5, 6, 5],
            "effect_allele": ["A", "C", "A", "A", "A", "A"],
            "other_allele": ["C", "A", "G", "C", "C", "C"],
        }
    )
    assert repeated(table).tolist() == [False, True, False, False, False, True]


def test_a_quarter_of_a_million_rows_tell_enough():
    assert matching._SAMPLE == 250_000
