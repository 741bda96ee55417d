from __future__ import annotations

import bz2
import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.stats import norm

from deepwas_app.errors import InputError
from deepwas_app.genetics.sumstats import FORMATS, read_sumstats, recognise

FASTGWA = (
    "CHR\tSNP\tPOS\tA1\tA2\tN\tAF1\tBETA\tSE\tP\n"
    "chr22\trs1\t100\ta\tG\t1000\t0.1\t0.2\t0.1\t0.0455\n"
    "22\trs2\t200\tC\tT\t900\t0.4\t-0.3\t0.1\t0.0027\n"
)
SSF = (
    "chromosome\tbase_pair_location\teffect_allele\tother_allele\tbeta\tstandard_error\t"
    "effect_allele_frequency\tp_value\trsid\tn\n"
    "22\t100\tA\tG\t0.2\t0.1\t0.1\t0.0455\trs1\t1000\n"
    "22\t200\tC\tT\t-0.3\t0.1\t0.4\t0.0027\trs2\t900\n"
)
COJO = "SNP A1 A2 freq b se p N\nrs1 A G 0.1 0.2 0.1 0.0455 1000\nrs2 C T 0.4 -0.3 0.1 0.0027 900\n"
LDSC = "SNP\tA1\tA2\tFRQ\tN\tZ\nrs1\tA\tG\t0.1\t1000\t2\nrs2\tC\tT\t0.4\t900\t-3\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [("fastGWA", FASTGWA), ("GWAS-SSF", SSF), ("COJO", COJO), ("LDSC", LDSC)],
)
def test_every_format_gives_the_same_variants(tmp_path: Path, name: str, text: str):
    path = tmp_path / "gwas.tsv"
    path.write_text(text)
    sumstats = read_sumstats(path)
    assert sumstats.attrs["format"] == name
    assert sumstats["variant_id"].values.tolist() == ["rs1", "rs2"]
    assert sumstats["variant_effect_allele"].values.tolist() == ["A", "C"]
    assert sumstats["variant_other_allele"].values.tolist() == ["G", "T"]
    np.testing.assert_allclose(sumstats["variant_z"], [2, -3], rtol=1e-6)
    np.testing.assert_allclose(sumstats["variant_allele_frequency"], [0.1, 0.4], rtol=1e-6)
    np.testing.assert_array_equal(sumstats["variant_sample_size"], [1000, 900])
    placed = "position" in FORMATS[name].columns
    assert sumstats["variant_position"].values.tolist() == ([100, 200] if placed else [0, 0])
    assert sumstats["variant_chromosome"].values.tolist() == (["22"] * 2 if placed else [""] * 2)


@pytest.mark.parametrize("suffix", ["", ".gz", ".bz2", ".zst", ".parquet"])
def test_every_compression_reads_alike(tmp_path: Path, suffix: str):
    path = tmp_path / f"gwas.tsv{suffix}"
    data = FASTGWA.replace("\n", "\r\n").encode()
    if suffix == ".parquet":
        (tmp_path / "plain.tsv").write_bytes(data)
        pd.read_csv(tmp_path / "plain.tsv", sep="\t").to_parquet(path)
    elif suffix == ".zst":
        with pa.output_stream(str(path), compression="zstd") as stream:
            stream.write(data)
    else:
        compress = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress}[suffix]
        path.write_bytes(compress(data))
    sumstats = read_sumstats(path)
    np.testing.assert_allclose(sumstats["variant_z"], [2, -3], rtol=1e-6)
    assert sumstats["variant_chromosome"].values.tolist() == ["22", "22"]


def test_z_comes_from_the_sign_and_p_where_there_is_no_standard_error(tmp_path: Path):
    path = tmp_path / "ssf.tsv"
    path.write_text(
        "chromosome\tbase_pair_location\teffect_allele\tother_allele\todds_ratio\t"
        "neg_log_10_p_value\n"
        "1\t10\tA\tC\t0.5\t2\n1\t20\tA\tC\t2\t400\n1\t30\tA\tC\t1.5\t#NA\n"
    )
    sumstats = read_sumstats(path, n=500)
    expected = -norm.isf(0.005)
    assert sumstats["variant_z"].values[0] == pytest.approx(expected, rel=1e-6)
    # 10^-400 is below what a float holds; the tail expansion of the normal is the check.
    z = float(sumstats["variant_z"].values[1])
    log10_p = (-z * z / 2 - np.log(z) - 0.5 * np.log(2 * np.pi) + np.log(2)) / np.log(10)
    assert log10_p == pytest.approx(-400, abs=0.01)
    assert sumstats.attrs["dropped"] == {"no finite z-score": 1}
    assert (sumstats["variant_sample_size"] == 500).all()


def test_unusable_rows_are_counted_once_by_reason(tmp_path: Path):
    rows = [
        "22\trs3\t300\tA\tG\t1000\t0.1\t0.2\t0\t0.5",
        "22\trs4\t400\tA\tG\t1000\t0.1\tNA\t0.1\t0.5",
        "22\trs5\t500\tA\tG\t-9\t0.1\t0.2\t0.1\t0.5",
        "22\trs6\t600\tNA\tG\t1000\t0.1\t0.2\t0.1\t0.5",
        "NA\tNA\t700\tA\tG\t1000\t0.1\t0.2\t0.1\t0.5",
        "22\trs8\t800\tA\tG\tNA\t0.1\tinf\t-1\t0.5",
    ]
    path = tmp_path / "gwas.fastGWA"
    path.write_text(FASTGWA + "\n".join(rows) + "\n")
    sumstats = read_sumstats(path)
    assert sumstats.attrs["rows"] == 8
    assert sumstats.attrs["dropped"] == {
        "standard error not above 0": 2,
        "no finite z-score": 1,
        "no sample size": 1,
        "no alleles": 1,
        "no name and no position": 1,
    }
    assert sumstats.sizes["variants"] == 2


def test_a_sample_size_given_by_hand_goes_before_the_column(tmp_path: Path):
    path = tmp_path / "gwas.tsv"
    path.write_text(FASTGWA)
    assert (read_sumstats(path, n=5e5)["variant_sample_size"] == 5e5).all()


def test_formats_are_told_apart_by_their_required_columns():
    for name, format in FORMATS.items():
        assert recognise(list(format.columns.values())) == name
        assert recognise([format.columns[role] for role in format.required]) == name
    assert recognise(["a", "b"]) is None


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.tsv", b"", "is empty"),
        ("norows.tsv", FASTGWA.split("\n")[0].encode() + b"\n", "no rows"),
        ("other.tsv", b"a\tb\n1\t2\n", "no known format"),
        ("noise.tsv", bytes(range(256)), "cannot be read"),
        ("page.tsv.gz", b"<html>not found</html>", "cannot be read"),
        ("cut.tsv.gz", gzip.compress(FASTGWA.encode() * 50)[:-20], "cannot be read"),
        ("long.tsv", FASTGWA.replace("0.0455", "0.0455\t1").encode(), "cannot be read"),
        ("shifted.tsv", FASTGWA.replace("0.0027", "0.0027\t1").encode(), "line 3"),
        ("no_n.tsv", b"SNP\tA1\tA2\tZ\nrs1\tA\tG\t1\n", "Give the sample size"),
        ("no_z.tsv", b"SNP\tA1\tA2\tZ\tN\nrs1\tA\tG\tNA\t9\n", "no row can be used"),
    ],
)
def test_bad_files_end_in_one_line_that_names_them(
    tmp_path: Path, name: str, content: bytes, words: str
):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=words) as caught:
        read_sumstats(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_wrong_format_are_named(tmp_path: Path):
    with pytest.raises(InputError, match=r"height\.fastGWA: no such file"):
        read_sumstats(tmp_path / "height.fastGWA")
    path = tmp_path / "gwas.tsv"
    path.write_text(LDSC)
    with pytest.raises(InputError, match="CHR, POS, AF1, BETA"):
        read_sumstats(path, format="fastGWA")
    with pytest.raises(InputError, match="is a folder"):
        read_sumstats(tmp_path)
