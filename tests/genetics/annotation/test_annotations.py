from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics.annotation.annotations import join_annotations


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
    joined = join_annotations(variants, path)
    np.testing.assert_array_equal(joined.values, EXPECTED)
    assert joined.names == ["Exon", "Distance (kb)"]
    assert joined.kinds == ["binary", "continuous"]
    assert joined.notes == []


@pytest.mark.parametrize("keys", [["SNP"], ["CHR", "BP"]])
def test_either_names_or_places_suffice(tmp_path: Path, table, variants, keys: list[str]):
    path = tmp_path / "a.tsv"
    table[[*keys, "Exon", "Distance (kb)"]].to_csv(path, sep="\t", index=False)
    np.testing.assert_array_equal(join_annotations(variants, path).values, EXPECTED)


def test_a_variant_under_another_name_is_found_by_its_place(tmp_path: Path, table, variants):
    path = tmp_path / "a.tsv"
    table.assign(SNP=["rs1", "2:20", "rs3", "rs4"]).to_csv(path, sep="\t", index=False)
    joined = join_annotations(variants, path)
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
    joined = join_annotations(variants, [tmp_path / name for name in parts])
    assert joined.names == ["Distance (kb)", "Exon"]
    np.testing.assert_array_equal(joined.values, EXPECTED[:, ::-1])


def test_missing_values_become_the_mean_or_zero_and_are_told(tmp_path: Path, table, variants):
    path = tmp_path / "a.tsv"
    table = table.iloc[:3].astype({"Exon": float})
    table.loc[0, "Exon"] = np.nan
    table.loc[1, ["Exon", "Distance (kb)"]] = [1, np.nan]
    table.to_csv(path, sep="\t", index=False)
    joined = join_annotations(variants, path)
    np.testing.assert_array_equal(joined.values[:, 0], [0, 1, 0, 0])
    np.testing.assert_allclose(joined.values[:, 1], [0.5, 3.75, 7.0, 3.75])
    assert joined.names[2] == "Distance (kb) (missing)"
    assert joined.kinds == ["binary", "continuous", "binary"]
    np.testing.assert_array_equal(joined.values[:, 2], [0, 1, 0, 1])
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
    joined = join_annotations(variants, path)
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
        (lambda t: t.assign(Exon=["yes", "no", "no", "yes"]), "column Exon holds text"),
        (lambda t: t.assign(BP=["10", "NA", "10", "30"]), "row 2 has nothing as position"),
        (lambda t: t.iloc[:0], "no rows"),
    ],
)
def test_bad_tables_are_named(tmp_path: Path, table, variants, change, words: str):
    path = tmp_path / "a.tsv"
    change(table).to_csv(path, sep="\t", index=False)
    with pytest.raises(InputError, match=words) as caught:
        join_annotations(variants, path)
    assert str(caught.value).startswith(str(path))


def test_tables_that_do_not_fit_the_study_are_named(tmp_path: Path, table, variants):
    path = tmp_path / "a.tsv"
    table.assign(SNP="other", BP=table["BP"] + 5000).to_csv(path, sep="\t", index=False)
    with pytest.raises(InputError, match=r"a\.tsv: none of the study's variants"):
        join_annotations(variants, path)
    table.assign(BP=table["BP"] - 1).to_csv(path, sep="\t", index=False)
    with pytest.raises(InputError, match=r"a\.tsv: 4 of 4 .*1-based"):
        join_annotations(variants, path)
    table.assign(Exon=1)[["SNP", "Exon"]].to_csv(path, sep="\t", index=False)
    with pytest.raises(InputError, match="no annotation varies"):
        join_annotations(variants, path)


def test_files_that_cannot_be_joined_are_named(tmp_path: Path, table, variants):
    first, second = tmp_path / "a.tsv", tmp_path / "b.tsv"
    table[["SNP", "Exon"]].to_csv(first, sep="\t", index=False)
    table[["SNP", "Exon", "Distance (kb)"]].to_csv(second, sep="\t", index=False)
    with pytest.raises(InputError, match=r"b\.tsv: annotation Exon is in another file .*a\.tsv"):
        join_annotations(variants, [first, second])
    with pytest.raises(InputError, match="no file was given"):
        join_annotations(variants, [])


@pytest.mark.parametrize("pattern", ["part.{CHR}.annot.gz", "part.*.annot.gz", "part.?.annot.gz"])
def test_one_word_may_mean_many_files(tmp_path: Path, table, variants, pattern: str):
    for name in ("1", "2", "X"):
        rows = table[table["CHR"].str.removeprefix("chr").replace("23", "X") == name]
        rows.to_csv(tmp_path / f"part.{name}.annot.gz", sep="\t", index=False)
    joined = join_annotations(variants, str(tmp_path / pattern))
    np.testing.assert_array_equal(joined.values, EXPECTED)
    assert len(joined.files) == 3
    for missing, words in (("{CHR}", "no chromosome of the study"), ("*", "matches no file")):
        with pytest.raises(InputError, match=words):
            join_annotations(variants, str(tmp_path / f"gone.{missing}.annot"))


def test_a_thin_annot_has_the_rows_of_a_bim(tmp_path: Path, table, variants):
    shuffled = table.sample(frac=1, random_state=1)
    path, bim = tmp_path / "thin.annot.gz", tmp_path / "1kg.bim"
    shuffled[["Exon", "Distance (kb)"]].to_csv(path, sep="\t", index=False)
    rows = shuffled[["CHR", "SNP", "CM", "BP"]].assign(A1="A", A2="G")
    rows.to_csv(bim, sep="\t", index=False, header=False)
    joined = join_annotations(variants, f"{path}#{bim}")
    np.testing.assert_array_equal(joined.values, EXPECTED)
    with pytest.raises(InputError, match=r"thin\.annot\.gz#FILE\.bim"):
        join_annotations(variants, path)
    bim.rename(tmp_path / "thin.bim")
    np.testing.assert_array_equal(join_annotations(variants, path).values, EXPECTED)
    rows.iloc[1:].to_csv(tmp_path / "thin.bim", sep="\t", index=False, header=False)
    with pytest.raises(InputError, match=r"has 4 rows, but its \.bim has 3"):
        join_annotations(variants, path)


def test_sbayesrc_tables_have_an_intercept_that_says_nothing(tmp_path: Path, table, variants):
    path = tmp_path / "annot.txt"
    table[["SNP"]].assign(Intercept=1, Exon=table["Exon"]).to_csv(path, sep="\t", index=False)
    joined = join_annotations(variants, path)
    assert joined.names == ["Exon"]
    assert joined.notes == ["Intercept: left out, the same for every variant."]


@pytest.fixture
def with_alleles(variants: xr.Dataset) -> xr.Dataset:
    return variants.assign(
        variant_effect_allele=("variants", np.array(["A", "C", "A", "G"])),
        variant_other_allele=("variants", np.array(["G", "T", "C", "T"])),
    )


def test_alleles_tell_variants_at_one_place_apart(tmp_path: Path, with_alleles):
    path = tmp_path / "polyfun.annot.parquet"
    pd.DataFrame(
        {
            "SNP": ["x", "rs1", "rs2", "rs3", "rs4"],
            "CHR": [1, 1, 1, 2, 23],
            "BP": [10, 10, 20, 10, 30],
            "A1": ["A", "g", "T", "A", "G"],
            "A2": ["T", "a", "C", "C", "T"],
            "score": [9.0, 0.5, 2.5, 7.0, 1.0],
        }
    ).to_parquet(path)
    joined = join_annotations(with_alleles, path)
    np.testing.assert_array_equal(joined.values[:, 0], EXPECTED[:, 1])


def test_positions_that_count_from_0_are_told(tmp_path: Path, table, variants):
    path = tmp_path / "a.tsv"
    table.assign(BP=table["BP"] - 1).to_csv(path, sep="\t", index=False)
    with pytest.raises(InputError, match=r"4 of 4 positions are off by one .* add 1.*1-based"):
        join_annotations(variants, path)


def test_missing_values_are_flagged_once(tmp_path: Path, table, variants):
    path = tmp_path / "a.tsv"
    values = [1.5, np.nan, 2.5, np.nan]
    table.assign(a=values, b=[3.5, np.nan, 0.5, np.nan]).to_csv(path, sep="\t", index=False)
    joined = join_annotations(variants, path)
    assert joined.names == ["Exon", "Distance (kb)", "a", "b", "a (missing)"]
    assert joined.kinds[-1] == "binary"
    np.testing.assert_array_equal(joined.values[:, 2], [1.5, 2, 2.5, 2])
    np.testing.assert_array_equal(joined.values[:, -1], [0, 1, 0, 1])


def test_intervals_are_membership_or_value(tmp_path: Path, variants):
    (tmp_path / "peaks.bed").write_text("chr1\t9\t10\ta\t5\nchrX\t0\t30\tb\t2\n")
    (tmp_path / "off.bed").write_text("chr1\t10\t19\n2\t9\t11\n")
    (tmp_path / "signal.bedGraph").write_text("track type=bedGraph\n1\t0\t15\t0.25\n2\t0\t99\t4\n")
    names = ["peaks.bed", "off.bed", "signal.bedGraph"]
    joined = join_annotations(variants, [tmp_path / name for name in names])
    assert joined.names == ["peaks", "off", "signal"]
    assert joined.kinds == ["binary", "binary", "continuous"]
    expected = [[1, 0, 0.25], [0, 0, 0], [0, 1, 4], [1, 0, 0]]
    np.testing.assert_array_equal(joined.values, np.float32(expected))
    valued = join_annotations(variants, f"{tmp_path}/peaks.bed#5")
    np.testing.assert_array_equal(valued.values[:, 0], [5, 0, 0, 2])
    for word, words in (
        ("peaks.bed#6", "give #5 for the value"),
        ("off.bed#5", "not every interval has a value"),
        ("far.bed", "no variant of the study lies in its intervals"),
    ):
        (tmp_path / "far.bed").write_text("chr9\t1\t2\n")
        with pytest.raises(InputError, match=words):
            join_annotations(variants, str(tmp_path / word))


@pytest.fixture
def bigwig(tmp_path: Path) -> Path:
    import pybigtools

    path = tmp_path / "atac.bw"
    spans = [("chr1", 0, 10, 1.5), ("chr1", 12, 20, 3.0), ("chr2", 9, 10, 7.0)]
    writer = pybigtools.open(str(path), "w")
    writer.write({"chr1": 1000, "chr2": 12}, iter(spans))
    return path


def test_signals_are_values_or_means_in_a_window(bigwig: Path, variants):
    joined = join_annotations(variants, bigwig)
    # X is not in the file: the mean, and a flag.
    assert joined.names == ["atac", "atac (missing)"]
    np.testing.assert_allclose(joined.values[:, 0], [1.5, 3, 7, 11.5 / 3], rtol=1e-6)
    np.testing.assert_array_equal(joined.values[:, 1], [0, 0, 0, 1])
    window = join_annotations(variants, f"{bigwig}#7")
    assert window.names[0] == "atac (7 bp)"
    # Bases 7 to 13 are 4 x 1.5, two of which nothing is known, and 1 x 3.
    np.testing.assert_allclose(window.values[:3, 0], [(4 * 1.5 + 3) / 5, 3, 7], rtol=1e-6)
    bad = bigwig.with_name("bad.bw")
    bad.write_bytes(b"<html></html>")
    for word, words in ((bad, "is no bigWig"), (f"{bigwig}#wide", "give the window in bases")):
        with pytest.raises(InputError, match=words):
            join_annotations(variants, word)


def test_genes_give_the_distance_to_their_starts(tmp_path: Path, variants):
    path = tmp_path / "genes.tsv"
    path.write_text(
        "chromosome\tstart\tstop\tstrand\tname\n"
        "chr1\t5\t9\t-\tA\nchr1\t20\t28\t+\tB\n2\t10\t10\t+\tC\nX\t1\t29\t-\tD\n"
    )
    joined = join_annotations(variants, path)
    assert joined.names == ["Distance to gene start (log10(1 + bp))", "Within a gene"]
    np.testing.assert_allclose(10 ** joined.values[:, 0] - 1, [1, 0, 0, 1], atol=1e-6)
    np.testing.assert_array_equal(joined.values[:, 1], [0, 1, 1, 0])
    path.write_text(path.read_text() + "3\tx\t10\t+\tE\n")
    with pytest.raises(InputError, match="row 5 has 'x' as start"):
        join_annotations(variants, path)


def test_the_builtin_genes_are_known_by_a_word():
    # APOL1 on both builds: 22:36,649,056 and 22:36,253,010.
    for build, start in (("hg19", 36_649_056), ("hg38", 36_253_010)):
        places = xr.Dataset(
            {
                "variant_id": ("variants", np.array(["a", "b"])),
                "variant_chromosome": ("variants", np.array(["22", "22"])),
                "variant_position": ("variants", np.array([start, 17_000_000], dtype=np.int32)),
            }
        )
        joined = join_annotations(places, "genes", build)
        assert joined.values[0].tolist() == [0, 1]
