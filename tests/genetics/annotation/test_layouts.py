"""What columns of a table are no annotations, which rows are of a variant, and how many it has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics.annotation.annotations import join_annotations

SIZE = 120


@pytest.fixture
def variants() -> xr.Dataset:
    arrays = {
        "id": np.array([f"rs{i}" for i in range(SIZE)]),
        "chromosome": np.full(SIZE, "22"),
        "position": np.arange(1000, 1000 + SIZE, dtype=np.int32),
        "effect_allele": np.full(SIZE, "A"),
        "other_allele": np.full(SIZE, "G"),
    }
    return xr.Dataset(
        {f"variant_{name}": ("variants", array) for name, array in arrays.items()},
        attrs={"genome_build": "hg19"},
    )


@pytest.fixture
def table(variants) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "SNP": variants["variant_id"],
            "Chr": variants["variant_chromosome"],
            "Pos": variants["variant_position"],
            "Exon": np.arange(SIZE) % 3 == 0,
        }
    ).astype({"Exon": int})


EXON = (np.arange(SIZE) % 3 == 0).astype(np.float32)


@pytest.mark.parametrize(
    ("change", "noted"),
    [
        (lambda t: t, ""),
        (lambda t: t.reset_index(names=""), ""),
        (lambda t: t.reset_index(names="Unnamed: 0"), ""),
        (lambda t: t.reset_index(names="X"), "X: left out, the numbers of the rows"),
        (lambda t: t.assign(nr=np.arange(1, SIZE + 1)), "nr: left out, the numbers of the rows"),
        (lambda t: t.rename(columns={"Pos": "Start"}), ""),
        (lambda t: t.drop(columns="SNP").rename(columns={"Chr": "CHROM", "Pos": "position"}), ""),
        (lambda t: t.assign(A1="A", A2="G", INFO=0.9), "no annotations: INFO"),
        (lambda t: t.assign(ref="G", Alt="A", CM=0.1), ""),
        (lambda t: t.assign(A1="A"), "no annotations: A1"),
        (lambda t: t.assign(N=range(7, SIZE + 7), Beta=0.1), "no annotations: N, Beta"),
        (lambda t: t.assign(Exon=np.where(EXON, "TRUE", "FALSE")), ""),
        (lambda t: t.assign(Exon=EXON > 0), ""),
        (lambda t: t.assign(Chr="NC_000022.10"), ""),
    ],
)
@pytest.mark.parametrize("ending", ["tsv", "csv", "parquet"])
def test_keys_and_row_numbers_are_no_annotations(tmp_path, table, variants, change, noted, ending):
    path = tmp_path / f"a.{ending}"
    changed = change(table)
    if ending == "parquet":
        changed.to_parquet(path)
    else:
        changed.to_csv(path, sep="\t" if ending == "tsv" else ",", index=False)
    joined = join_annotations(variants, path)
    assert joined.names == ["Exon"]
    np.testing.assert_array_equal(joined.values[:, 0], EXON)
    assert [note for note in joined.notes if noted not in note or not noted] == []
    assert bool(joined.notes) == bool(noted)


@pytest.mark.parametrize("ending", ["tsv", "parquet"])
def test_columns_of_text_are_named(tmp_path, table, variants, ending):
    path = tmp_path / f"a.{ending}"
    table = table.assign(Gene="ABC1")
    table.to_parquet(path) if ending == "parquet" else table.to_csv(path, sep="\t", index=False)
    with pytest.raises(InputError, match=r"column Gene holds text .*, not numbers. Take the col"):
        join_annotations(variants, path)


def test_several_rows_of_a_place_are_their_mean_and_said(tmp_path, variants):
    """As tables of every alternative base have them, in any order."""
    place = np.repeat(variants["variant_position"].values, 3)
    table = pd.DataFrame({"CHR": 22, "BP": place, "Score": np.arange(3 * SIZE) % 5 + 0.0})
    expected = table["Score"].to_numpy().reshape(-1, 3).mean(axis=1)
    for some in (table, table.sample(frac=1, random_state=1)):
        some.to_csv(tmp_path / "a.tsv", sep="\t", index=False)
        joined = join_annotations(variants, tmp_path / "a.tsv")
        np.testing.assert_allclose(joined.values[:, 0], expected, rtol=1e-6)
        assert "120 variants have several rows of their place or name" in joined.notes[0]
    table.assign(Score=place % 7).to_csv(tmp_path / "a.tsv", sep="\t", index=False)
    assert join_annotations(variants, tmp_path / "a.tsv").notes == []


def test_alleles_tell_which_row_of_a_place_is_meant(tmp_path, variants):
    place = np.repeat(variants["variant_position"].values, 3)
    table = pd.DataFrame(
        {
            "CHR": 22,
            "BP": place,
            "Ref": "G",
            "Alt": np.tile(["T", "C", "A"], SIZE),
            "Score": np.arange(3 * SIZE) + 0.5,
        }
    )
    table.to_csv(tmp_path / "a.tsv", sep="\t", index=False)
    joined = join_annotations(variants, tmp_path / "a.tsv")
    # A/G, and T/C from the other strand: none of the latter is a G/T or G/C.
    np.testing.assert_allclose(joined.values[:, 0], np.arange(2, 3 * SIZE, 3) + 0.5)
    assert joined.notes == []


def test_annotations_of_few_variants_are_asked(tmp_path, table, variants):
    path = tmp_path / "a.tsv"
    few = table.iloc[:30].assign(base=1, Score=np.arange(30) + 0.5)
    few.to_csv(path, sep="\t", index=False)
    with pytest.raises(InputError, match=r"covers 30 of 120 variants .*--missing zero or mean"):
        join_annotations(variants, path)
    zero = join_annotations(variants, path, missing="zero")
    assert zero.names == ["Exon", "base", "Score"]
    np.testing.assert_array_equal(zero.values[:30, 0], EXON[:30])
    np.testing.assert_array_equal(zero.values[30:], 0)
    mean = join_annotations(variants, path, missing="mean")
    assert mean.names == ["Exon", "Score", "Exon (missing)"]
    np.testing.assert_allclose(mean.values[30:], [[1 / 3, 15, 1]] * 90, rtol=1e-6)
    assert mean.kinds == ["continuous", "continuous", "binary"]
    with pytest.raises(InputError, match="no annotation varies"):
        join_annotations(variants, path, missing="drop")
    table.assign(whole=np.arange(SIZE) % 4).to_csv(tmp_path / "b.tsv", sep="\t", index=False)
    few.rename(columns={"Exon": "Little"}).to_csv(path, sep="\t", index=False)
    both = join_annotations(variants, [path, tmp_path / "b.tsv"], missing="drop")
    assert both.names == ["Exon", "whole"]
    assert {"base", "Score", "Little"} == {note.split(":")[0] for note in both.notes}
    # Only variants with a z-score count: those that are covered are more than half of these.
    scored = variants.assign(variant_scored=("variants", np.arange(SIZE) < 50))
    assert "Score" in join_annotations(scored, path).names


def test_what_covers_little_by_nature_is_not_missing(tmp_path, variants):
    (tmp_path / "a.bed").write_text("chr22\t1000\t1010\n")
    joined = join_annotations(variants, tmp_path / "a.bed")
    assert joined.values.sum() == 10


def test_files_that_say_another_build_are_refused(tmp_path, variants):
    path = tmp_path / "a.bed"
    path.write_text("NC_000022.11\t1000\t1010\n")
    with pytest.raises(InputError, match=r"a.bed: is on hg38, the study on hg19"):
        join_annotations(variants, path)


def test_tables_that_say_another_build_are_refused(tmp_path, table, variants):
    path = tmp_path / "a.tsv"
    table.drop(columns="SNP").assign(Chr="NC_000022.11").to_csv(path, sep="\t", index=False)
    with pytest.raises(InputError, match=r"a.tsv: is on hg38, the study on hg19"):
        join_annotations(variants, path)


def test_tables_of_other_variants_show_how_the_study_spells_them(tmp_path: Path, table, variants):
    path = tmp_path / "a.tsv"
    table.assign(SNP=[f"x{i}" for i in range(SIZE)], Chr="21").to_csv(path, sep="\t", index=False)
    words = r"The study has rs0 \(22:1000\), rs1 \(22:1001\), rs2"
    with pytest.raises(InputError, match=words):
        join_annotations(variants, path)
    (tmp_path / "a.bed").write_text("chr21\t1000\t1010\n")
    with pytest.raises(InputError, match="They are on 21, the study is on 22"):
        join_annotations(variants, tmp_path / "a.bed")
