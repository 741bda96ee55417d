from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics.annotations import join_annotations, read_annotations


@pytest.fixture
def variants() -> xr.Dataset:
    return xr.Dataset(
        {
            "variant_id": ("variants", np.array(["rs1", "rs2", "rs3", "rs4"])),
            "variant_chromosome": ("variants", np.array(["1", "1", "2", "X"])),
            "variant_position": ("variants", np.array([10, 20, 10, 30], dtype=np.int32)),
        }
    )


@pytest.fixture
def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "CHR": ["chr1", "1", "2", "23"],
            "BP": [10, 20, 10, 30],
            "SNP": ["rs1", "rs2", "rs3", "rs4"],
            "CM": 0.0,
            "Exon": [1, 0, 0, 1],
            "Distance (kb)": [0.5, 2.5, 7.0, 1.0],
        }
    )


EXPECTED = np.array([[1, 0.5], [0, 2.5], [0, 7.0], [1, 1.0]], dtype=np.float32)


@pytest.mark.parametrize("name", ["a.tsv", "a.csv", "a.annot.gz", "a.parquet"])
def test_every_format_gives_the_same_annotations(tmp_path: Path, table, variants, name: str):
    path = tmp_path / name
    shuffled = table.sample(frac=1, random_state=1)
    if name.endswith(".parquet"):
        shuffled.to_parquet(path)
    else:
        text = shuffled.to_csv(sep="," if name.endswith("csv") else "\t", index=False)
        path.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    annotations = read_annotations(path)
    assert annotations["annotation"].values.tolist() == ["Exon", "Distance (kb)"]
    joined = join_annotations(variants, annotations)
    np.testing.assert_array_equal(joined.values, EXPECTED)
    assert joined.names == ["Exon", "Distance (kb)"]
    assert joined.kinds == ["binary", "continuous"]
    assert joined.notes == []


@pytest.mark.parametrize("keys", [["SNP"], ["CHR", "BP"]])
def test_either_names_or_places_suffice(tmp_path: Path, table, variants, keys: list[str]):
    path = tmp_path / "a.tsv"
    table[[*keys, "Exon", "Distance (kb)"]].to_csv(path, sep="\t", index=False)
    np.testing.assert_array_equal(
        join_annotations(variants, read_annotations(path)).values, EXPECTED
    )


def test_a_variant_under_another_name_is_found_by_its_place(tmp_path: Path, table, variants):
    path = tmp_path / "a.tsv"
    table.assign(SNP=["rs1", "2:20", "rs3", "rs4"]).to_csv(path, sep="\t", index=False)
    joined = join_annotations(variants, read_annotations(path))
    np.testing.assert_array_equal(joined.values, EXPECTED)
    assert joined.notes == []


def test_files_per_chromosome_and_files_of_other_annotations_are_joined(
    tmp_path: Path, table, variants
):
    parts = {
        "one.tsv": table[table["CHR"] != "2"].drop(columns="Exon"),
        "two.tsv": table[table["CHR"] == "2"].drop(columns="Exon"),
        "exon.tsv": table[["SNP", "Exon"]],
    }
    for name, part in parts.items():
        part.to_csv(tmp_path / name, sep="\t", index=False)
    joined = join_annotations(variants, read_annotations([tmp_path / name for name in parts]))
    assert joined.names == ["Distance (kb)", "Exon"]
    np.testing.assert_array_equal(joined.values, EXPECTED[:, ::-1])


def test_missing_values_become_the_mean_or_zero_and_are_told(tmp_path: Path, table, variants):
    path = tmp_path / "a.tsv"
    table = table.iloc[:3].astype({"Exon": float})
    table.loc[0, "Exon"] = np.nan
    table.loc[1, ["Exon", "Distance (kb)"]] = [1, np.nan]
    table.to_csv(path, sep="\t", index=False)
    joined = join_annotations(variants, read_annotations(path))
    np.testing.assert_array_equal(joined.values[:, 0], [0, 1, 0, 0])
    np.testing.assert_allclose(joined.values[:, 1], [0.5, 3.75, 7.0, 3.75])
    assert joined.kinds == ["binary", "continuous"]
    assert joined.notes == [
        "1 of 4 variants are not in the annotation table.",
        "Exon: 1 missing values became 0.",
        "Distance (kb): 1 missing values became the mean, 3.75.",
    ]


def test_constant_and_repeated_annotations_are_left_out_with_a_word(
    tmp_path: Path, table, variants
):
    path = tmp_path / "a.tsv"
    table.assign(base=1, Again=table["Exon"]).to_csv(path, sep="\t", index=False)
    joined = join_annotations(variants, read_annotations(path))
    assert joined.names == ["Exon", "Distance (kb)"]
    assert joined.notes == [
        "base: left out, the same for every variant.",
        "Again: left out, the same as Exon.",
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.drop(columns=["SNP", "BP"]), "does not say which variants"),
        (lambda t: t[["SNP", "CHR", "BP"]], "no annotation column"),
        (lambda t: t.assign(Exon=["yes", "no", "no", "yes"]), "column Exon holds values"),
        (lambda t: t.assign(BP=["10", "x", "10", "30"]), "row 2 has no position"),
        (lambda t: t.iloc[:0], "no rows"),
    ],
)
def test_bad_tables_are_named(tmp_path: Path, table, change, words: str):
    path = tmp_path / "a.tsv"
    change(table).to_csv(path, sep="\t", index=False)
    with pytest.raises(InputError, match=words) as caught:
        read_annotations(path)
    assert str(caught.value).startswith(str(path))


def test_tables_that_do_not_fit_the_study_are_named(tmp_path: Path, table, variants):
    path = tmp_path / "a.tsv"
    table.assign(SNP="other", BP=table["BP"] + 5000).to_csv(path, sep="\t", index=False)
    with pytest.raises(InputError, match=r"a\.tsv: none of the study's variants"):
        join_annotations(variants, read_annotations(path))
    table.assign(BP=table["BP"] - 1).to_csv(path, sep="\t", index=False)
    with pytest.raises(InputError, match=r"a\.tsv: 4 of 4 .*1-based"):
        join_annotations(variants, read_annotations(path))
    table.assign(Exon=1)[["SNP", "Exon"]].to_csv(path, sep="\t", index=False)
    with pytest.raises(InputError, match="no annotation varies"):
        join_annotations(variants, read_annotations(path))


def test_files_that_cannot_be_joined_are_named(tmp_path: Path, table):
    first, second = tmp_path / "a.tsv", tmp_path / "b.tsv"
    table[["SNP", "Exon"]].to_csv(first, sep="\t", index=False)
    table[["CHR", "BP", "Distance (kb)"]].to_csv(second, sep="\t", index=False)
    with pytest.raises(InputError, match=r"b\.tsv: names its variants in another way"):
        read_annotations([first, second])
    table[["SNP", "Exon", "Distance (kb)"]].to_csv(second, sep="\t", index=False)
    with pytest.raises(InputError, match=r"b\.tsv: annotation Exon is in another file"):
        read_annotations([first, second])
    with pytest.raises(InputError, match="no file was given"):
        read_annotations([])
