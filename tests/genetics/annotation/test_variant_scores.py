"""Scores by place and alleles: streamed, matched either way round, held in half precision."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics import pieces
from deepwas_app.genetics.annotation.annotations import join_annotations

SIZE = 300


@pytest.fixture
def variants() -> xr.Dataset:
    """Two chromosomes; the effect allele is the alternative one at even rows only."""
    rows = np.arange(SIZE)
    even = rows % 2 == 0
    arrays = {
        "id": np.array([f"rs{i}" for i in rows]),
        "chromosome": np.where(rows < SIZE // 2, "1", "22"),
        "position": (1000 + 10 * (rows % (SIZE // 2))).astype(np.int32),
        "effect_allele": np.where(even, "G", "A"),
        "other_allele": np.where(even, "A", "G"),
    }
    return xr.Dataset({f"variant_{k}": ("variants", v) for k, v in arrays.items()})


@pytest.fixture
def scores(variants) -> pd.DataFrame:
    """Three alternative bases of every place and of places between them; A>G is the study's."""
    rng = np.random.default_rng(5)
    place = pd.DataFrame(
        {
            "#CHROM": ["chr" + c for c in variants["variant_chromosome"].values],
            "POS": variants["variant_position"].values,
        }
    )
    every = pd.concat([place, place.assign(POS=place["POS"] + 5)])
    every = every.sort_values(["#CHROM", "POS"], ignore_index=True)
    table = every.loc[every.index.repeat(3)].reset_index(drop=True)
    table["REF"], table["ALT"] = "A", np.tile(["C", "G", "T"], len(every))
    table["transcript"], table["am_class"] = "ENST1", "ambiguous"
    for name in ("brain", "liver"):
        table[name] = rng.normal(size=len(table)).round(3)
    return table


@pytest.fixture
def expected(variants, scores) -> np.ndarray:
    mine = scores[scores["ALT"] == "G"].set_index(["#CHROM", "POS"])
    return mine.loc[places(variants), ["brain", "liver"]].to_numpy(np.float32)


def places(variants: xr.Dataset) -> list[tuple[str, int]]:
    chromosome = "chr" + variants["variant_chromosome"].values.astype(object)
    return [*zip(chromosome, variants["variant_position"].values, strict=True)]


def written(folder: Path, table: pd.DataFrame, name: str) -> Path:
    path = folder / name
    if name.endswith("parquet"):
        table.to_parquet(path, row_group_size=500)
        return path
    text = table.to_csv(sep="," if "csv" in name else "\t", index=False)
    text = "# Copyright\n#\n" + text if "vcf" in name else text.replace("#CHROM", "CHROM")
    path.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    return path


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    """So that every table is of several pieces, in all directions."""
    monkeypatch.setattr(pieces, "TEXT_BYTES", 20_000)
    monkeypatch.setattr(pieces, "_ROWS", 300)
    monkeypatch.setattr(pieces, "_COLUMNS", 1)


@pytest.mark.parametrize("name", ["a.tsv", "a.vcf.tsv.gz", "a.csv", "a.parquet"])
def test_rows_of_other_alleles_are_other_variants(tmp_path, variants, scores, expected, name):
    path = written(tmp_path, scores, name)
    for table in (scores, scores.sample(frac=1, random_state=1)):
        joined = join_annotations(variants, written(tmp_path, table, name))
        assert joined.names == ["brain", "liver"]
        np.testing.assert_array_equal(joined.values, expected)
        assert joined.notes == [f"{path}: left out, text: transcript, am_class."]


def test_names_that_spell_variants_suffice(tmp_path, variants, scores, expected):
    place = scores["#CHROM"], scores["POS"].astype(str), scores["REF"], scores["ALT"]
    for form in ("{}_{}_{}_{}", "{}_{}_{}_{}_b38", "{}:{}:{}>{}", "{}-{}-{}-{}"):
        spelt = [form.format(*each) for each in zip(*place, strict=True)]
        table = scores[["brain", "liver"]].assign(variant_id=spelt)
        joined = join_annotations(variants, written(tmp_path, table, "a.tsv"))
        np.testing.assert_array_equal(joined.values, expected)


def test_signs_are_of_the_pair_of_the_effect_allele_or_left_out(
    tmp_path, variants, scores, expected
):
    path = written(tmp_path, scores, "a.parquet")
    turned = np.where(np.arange(SIZE) % 2 == 0, 1, -1)[:, None]
    signed = join_annotations(variants, f"{path}#signed").values
    np.testing.assert_array_equal(signed, expected * turned)
    np.testing.assert_array_equal(join_annotations(variants, f"{path}#abs").values, abs(expected))
    for word, words in (("signed,abs", "not both"), ("sum", "'sum' is none of mean, max, abs")):
        with pytest.raises(InputError, match=words):
            join_annotations(variants, f"{path}#{word}")
    scores.drop(columns="ALT").to_parquet(path)
    with pytest.raises(InputError, match="#max: is for tables with chromosome, position and both"):
        join_annotations(variants, f"{path}#max")


@pytest.mark.parametrize("name", ["a.tsv.gz", "a.parquet"])
@pytest.mark.parametrize("order", ["beside each other", "apart"])
def test_several_rows_of_a_variant_are_their_mean_or_the_largest(
    tmp_path, variants, scores, name, order
):
    more = [scores.assign(brain=scores["brain"] + k) for k in (0.0, 1.0, 5.0)]
    more[1]["brain"] = more[1]["brain"].where(np.arange(len(scores)) % 4 > 0)
    table = pd.concat(more)
    table = table.sort_index(kind="stable") if order == "beside each other" else table
    path = written(tmp_path, table, name)
    mine = table[table["ALT"] == "G"].groupby(["#CHROM", "POS"])["brain"]
    place = places(variants)
    mean = join_annotations(variants, path)
    np.testing.assert_allclose(mean.values[:, 0], mine.mean().loc[place], rtol=2e-6, atol=1e-6)
    assert mean.names == ["brain", "liver"]
    assert "300 variants have several rows" in mean.notes[1]
    assert "their mean was taken" in mean.notes[1]
    largest = join_annotations(variants, f"{path}#max")
    np.testing.assert_allclose(largest.values[:, 0], mine.max().loc[place], rtol=1e-6)
    assert "their largest value was taken" in largest.notes[1]
    half = join_annotations(variants, path, half=True)
    np.testing.assert_allclose(half.values[:, 0], mean.values[:, 0], rtol=2e-3, atol=2e-3)


def test_a_table_of_each_chromosome_and_the_rule_for_what_is_missing(
    tmp_path, variants, scores, expected
):
    for name, some in scores.groupby(scores["#CHROM"].str[3:]):
        written(tmp_path, some, f"s.{name}.parquet")
    pattern = f"{tmp_path}/s.{{CHR}}.parquet"
    np.testing.assert_array_equal(join_annotations(variants, pattern).values, expected)
    again = written(tmp_path, scores[scores["#CHROM"] == "chr1"], "again.tsv")
    with pytest.raises(InputError, match="brain is in another file too"):
        join_annotations(variants, [f"{tmp_path}/s.1.parquet", again])
    few = written(tmp_path, scores[scores["POS"] < 1300], "few.tsv")
    with pytest.raises(InputError, match=r"brain covers 60 of 300 variants.*--missing"):
        join_annotations(variants, few)
    known = variants["variant_position"].values < 1300
    zero = join_annotations(variants, few, missing="zero", half=True)
    assert zero.values.dtype == np.float16
    np.testing.assert_array_equal(zero.values, np.where(known[:, None], expected, 0).astype("f2"))
    mean = join_annotations(variants, few, missing="mean")
    assert mean.names == ["brain", "liver", "brain (missing)"]
    np.testing.assert_array_equal(mean.values[:, 2], ~known)
    np.testing.assert_allclose(mean.values[~known, 0], expected[known, 0].mean(), rtol=1e-5)


def test_rows_by_name_give_way_to_rows_by_place(tmp_path, variants, scores, expected):
    mine = scores[(scores["ALT"] == "G") & (scores["POS"] % 10 == 0)]
    mine = mine.assign(SNP=variants["variant_id"].values)
    named = pd.DataFrame(
        {
            "#CHROM": "9",
            "POS": np.arange(20) + 7,
            "REF": "A",
            "ALT": "G",
            "SNP": [f"rs{i}" for i in range(20)],
            "brain": 77.0,
            "liver": np.arange(20) + 100.0,
        }
    )
    lacking = mine[~((mine["#CHROM"] == "chr1") & (mine["POS"] < 1050))]
    wanted = expected.copy()
    wanted[:5] = named[["brain", "liver"]].to_numpy()[:5]
    for table in ([named, lacking], [lacking, named]):
        path = written(tmp_path, pd.concat(table), "a.tsv")
        np.testing.assert_array_equal(join_annotations(variants, path).values, wanted)


def test_positions_of_another_build_are_told_by_names(tmp_path, variants, scores):
    table = scores.iloc[:0]
    rows = variants["variant_position"].values
    table = pd.DataFrame(
        {
            "SNP": variants["variant_id"].values,
            "CHR": variants["variant_chromosome"].values,
            "BP": rows + 1,
            "A1": "G",
            "A2": "A",
            "brain": rows % 7,
        }
    )
    with pytest.raises(InputError, match="300 of 300 positions are off by one"):
        join_annotations(variants, written(tmp_path, table, "a.tsv"))
    with pytest.raises(InputError, match="300 of 300 variants have another position"):
        join_annotations(variants, written(tmp_path, table.assign(BP=rows + 99), "a.tsv"))


@pytest.mark.parametrize("name", ["a.tsv", "a.parquet"])
def test_bad_rows_are_named(tmp_path, variants, scores, name):
    bad = scores.astype({"brain": object})
    bad.loc[200, "brain"] = "much"
    if name == "a.tsv":
        with pytest.raises(InputError, match=r"line 202 has 'much' in column brain"):
            join_annotations(variants, written(tmp_path, bad, name))
    shifted = scores.astype({"POS": object})
    shifted.loc[250, "POS"] = "1.5"
    shifted = shifted.astype({"POS": str})
    with pytest.raises(InputError, match=r"row 251 has '1\.5' as position"):
        join_annotations(variants, written(tmp_path, shifted, name))
    with pytest.raises(InputError, match="no annotation column"):
        join_annotations(variants, written(tmp_path, scores.iloc[:, :6], name))
    with pytest.raises(InputError, match="no rows"):
        join_annotations(variants, written(tmp_path, scores.iloc[:0], name))


def test_half_precision_refuses_what_it_cannot_hold(tmp_path, variants, scores, expected):
    path = written(tmp_path, scores, "a.parquet")
    half = join_annotations(variants, path, half=True).values
    assert half.dtype == np.float16
    np.testing.assert_array_equal(half, expected.astype(np.float16))
    for change, words in (
        (lambda x: x * 1e5, "brain has values up to .*beyond the 65,504"),
        (lambda x: x + 1000, "brain loses too much in float16"),
        (lambda x: x * 1e-7, "brain loses too much in float16"),
    ):
        bad = written(tmp_path, scores.assign(brain=change(scores["brain"])), "bad.parquet")
        with pytest.raises(InputError, match=words):
            join_annotations(variants, bad, half=True)
        assert np.isfinite(join_annotations(variants, bad).values).all()
    infinite = scores["brain"].where(np.arange(len(scores)) % 9 > 0, np.inf)
    path = written(tmp_path, scores.assign(brain=infinite), "inf.tsv")
    assert np.isfinite(join_annotations(variants, path, half=True).values).all()


def test_parquet_of_half_precision_and_of_whole_numbers_is_read(tmp_path, variants, scores):
    table = scores.assign(brain=scores["brain"].astype("f2"), liver=np.arange(len(scores)) % 7)
    path = written(tmp_path, table.astype({"#CHROM": "category"}), "a.parquet")
    assert str(pq.read_schema(path).field("brain").type) == "halffloat"
    joined = join_annotations(variants, path)
    mine = table[(table["ALT"] == "G") & (table["POS"] % 10 == 0)]
    np.testing.assert_array_equal(joined.values, mine[["brain", "liver"]].to_numpy(np.float32))
