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
from deepwas_app.genetics.gwas.format import FORMATS, recognise
from deepwas_app.genetics.gwas.meaning import BY_NAME
from deepwas_app.genetics.gwas.sumstats import read_sumstats

FASTGWA = (
    "CHR\tSNP\tPOS\tA1\tA2\tN\tAF1\tBETA\tSE\tP\n"
    "chr22\trs1\t100\ta\tG\t1000\t0.1\t0.2\t0.1\t0.0455\n"
    "22\trs2\t200\tC\tT\t900\t0.4\t-0.3\t0.1\t0.0027\n"
)
LDSC = "SNP\tA1\tA2\tFRQ\tN\tZ\nrs1\tA\tG\t0.1\t1000\t2\nrs2\tC\tT\t0.4\t900\t-3\n"
COJO = "SNP A1 A2 freq b se p N\nrs1 A G 0.1 0.2 0.1 0.0455 1000\nrs2 C T 0.4 -0.3 0.1 0.0027 900\n"
LONG = b"".join(
    b"22\trs%d\t%d\tA\tG\t1000\t0.1\t%g\t0.1\t0.5\n" % (i, i * i, (i * 7919 % 1000) / 1e5)
    for i in range(20_000)
)
LONG = FASTGWA.split("\n")[0].encode() + b"\n" + LONG
FILES = Path(__file__).parent / "formats"
# What a format does not tell: positions, or frequencies, or sample sizes.
LACKS = {
    "COJO": {"position"},
    "LDSC": {"position"},
    "PRS-CS": {"position", "frequency", "n"},
    "BOLT-LMM": {"n"},
    "GWAS-Catalog": {"n"},
    "PolyFun": {"frequency"},
}


def roles_of(sumstats) -> dict[str, str]:
    """Column by role, as the Dataset tells them."""
    return {row["role"]: row["column"] for row in sumstats.attrs["understood"] if row["role"]}


@pytest.mark.parametrize("path", sorted(FILES.glob("*.*")), ids=lambda path: path.name)
def test_every_format_gives_the_same_variants(path: Path):
    name = path.name.split(".")[0]
    lacks = LACKS.get(name, set())
    sumstats = read_sumstats(path, n=1000 if "n" in lacks else None)
    assert sumstats.attrs["format"] == name
    assert sumstats["variant_id"].values.tolist() == ["rs1", "rs2", "rs3"]
    assert sumstats["variant_effect_allele"].values.tolist() == ["A", "C", "T"]
    assert sumstats["variant_other_allele"].values.tolist() == ["G", "T", "TAC"]
    np.testing.assert_array_equal(sumstats["variant_z"], np.float32([2.5, -3, 0.5]))
    frequency = [np.nan] * 3 if "frequency" in lacks else np.float32([0.1, 0.4, 0.75])
    np.testing.assert_array_equal(sumstats["variant_allele_frequency"], frequency)
    size = [1000, 1000, 1000] if "n" in lacks else [1000, 900, 1000]
    np.testing.assert_array_equal(sumstats["variant_sample_size"], size)
    position = [0, 0, 0] if "position" in lacks else [100, 200, 300]
    assert sumstats["variant_position"].values.tolist() == position
    if "position" not in lacks:
        assert sumstats["variant_chromosome"].values.tolist() == ["22", "22", "X"]
    assert roles_of(sumstats)["effect_allele"]


def test_parquet_may_hold_numbers_for_chromosomes(tmp_path: Path):
    path = tmp_path / "polyfun.parquet"
    table = pd.read_csv(FILES / "PolyFun.txt", sep="\t").replace({"CHR": {"X": 23}})
    table.astype({"CHR": int, "N": np.float32}).to_parquet(path)
    sumstats = read_sumstats(path)
    assert sumstats.attrs["format"] == "PolyFun"
    assert sumstats["variant_chromosome"].values.tolist() == ["22", "22", "X"]
    np.testing.assert_array_equal(sumstats["variant_z"], np.float32([2.5, -3, 0.5]))


def test_p_values_below_the_range_of_a_float_count_where_there_is_nothing_else(tmp_path: Path):
    path = tmp_path / "prs.txt"
    rows = ["rs1 A G 0.1 1e-350", "rs2 A G -0.1 0.05", "rs3 A G 0.1 0", "rs4 A G 0.1 2.0E-310"]
    path.write_text("SNP A1 A2 BETA P\n" + "\n".join(rows) + "\n")
    sumstats = read_sumstats(path, n=500)
    expected = [40.0497, norm.ppf(0.025), 37.66306]
    np.testing.assert_allclose(sumstats["variant_z"], expected, rtol=1e-5)
    assert sumstats.attrs["dropped"] == {"P of exactly 0 and no standard error": 1}
    path.write_text("SNP A1 A2 BETA P\nrs1 A G 0.1 small\n")
    with pytest.raises(InputError, match="row 1 has 'small' for P"):
        read_sumstats(path, n=500)


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
        assert recognise([needed.split("|")[0] for needed in format.required]) == name
    assert recognise(["a", "b"]) is None


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.tsv", b"", "is empty"),
        ("norows.tsv", FASTGWA.split("\n")[0].encode() + b"\n", "no rows"),
        ("norows.glm.linear", b"#CHROM\tPOS\tID\tREF\tALT\tA1\tTEST\tBETA\tSE\tN\n", "no rows"),
        (
            "other.tsv",
            b"a\tb\n1\t2\n",
            "has no column for id, or chromosome and position by any name",
        ),
        ("noise.tsv", bytes(range(256)), "cannot be read .it holds binary data"),
        ("noise.tsv.gz", bytes(range(256)), "is no gzip file"),
        ("page.tsv.gz", b"<!DOCTYPE html><html>not found</html>", "is a web page"),
        ("page.tsv", b"\n <html>not found</html>", "is a web page"),
        ("cut.tsv.gz", gzip.compress(LONG)[:-200], r"cannot be read beyond line \d+"),
        ("middle.tsv", LONG + b"22\trs3\t\xff\xfe\x00\n", "line 20002 has 3 fields"),
        ("latin.tsv", FASTGWA.encode().replace(b"rs2", b"rs\xe9"), "line 3 holds bytes"),
        ("long.tsv", FASTGWA.replace("0.0455", "0.0455\t1").encode(), "line 2 has 11 fields"),
        ("shifted.tsv", FASTGWA.replace("\t-0.3", "").encode(), "line 3 has 9 fields"),
        (
            "column.tsv",
            FASTGWA.replace("900\t0.4", "T\t900").encode(),
            "line 3 has 'T' in column N",
        ),
        ("twice.tsv", (FASTGWA * 2).encode(), "line 4 has 'POS' in column POS"),
        ("no_n.tsv", b"SNP\tA1\tA2\tZ\nrs1\tA\tG\t1\n", "Give the sample size"),
        ("no_z.tsv", b"SNP\tA1\tA2\tZ\tN\nrs1\tA\tG\tNA\t9\n", "no row can be used"),
        ("spaces.ma", COJO.replace("0.4 ", "0.4 x ").encode(), "line 3 has 9 fields"),
        (
            "two.vcf",
            b"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\tb\n" + b"1\t" * 10 + b"1\n",
            "2 studies",
        ),
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


@pytest.mark.parametrize(
    "text",
    [
        FASTGWA.replace("CHR\t", "#CHR\t"),
        "## made by hand\n# twice, 2 comments\n" + FASTGWA,
        "# made by hand\n#" + FASTGWA.replace("\n", "\r\n"),
        "\ufeff" + FASTGWA.replace("\t", ","),
        FASTGWA.replace("\t", "   ").replace("\n22 ", "\n  22  "),
        FASTGWA + "\n\n",
        FASTGWA.replace("chr22", "022").replace("100", "1e2").replace("rs1", '"rs1"'),
    ],
)
def test_a_table_may_be_laid_out_in_many_ways(tmp_path: Path, text: str):
    path = tmp_path / "gwas.txt"
    path.write_text(text, encoding="utf-8", newline="")
    sumstats = read_sumstats(path)
    assert sumstats.attrs["format"] == "fastGWA"
    assert sumstats["variant_id"].values.tolist() == ["rs1", "rs2"]
    assert sumstats["variant_chromosome"].values.tolist() == ["22", "22"]
    assert sumstats["variant_position"].values.tolist() == [100, 200]
    np.testing.assert_allclose(sumstats["variant_z"], [2, -3], rtol=1e-6)


def test_a_packed_file_needs_no_suffix_and_may_have_several_parts(tmp_path: Path):
    path = tmp_path / "gwas.txt"
    lines = FASTGWA.encode().splitlines(keepends=True)
    path.write_bytes(b"".join(gzip.compress(line) for line in lines))
    assert read_sumstats(path).sizes["variants"] == 2
    unpacked = tmp_path / "gwas.txt.gz"
    unpacked.write_bytes(FASTGWA.encode())
    assert read_sumstats(unpacked).sizes["variants"] == 2


@pytest.mark.parametrize("word", ["NA", "#NA", "", ".", "NaN", "nan", "null", "N/A"])
def test_missing_values_are_spelled_in_many_ways(tmp_path: Path, word: str):
    path = tmp_path / "gwas.tsv"
    path.write_text(FASTGWA + f"22\t{word}\t300\tA\tG\t1000\t{word}\t{word}\t0.1\t{word}\n")
    assert read_sumstats(path).attrs["dropped"] == {"no finite z-score": 1}


def test_columns_may_be_named_by_hand(tmp_path: Path):
    path = tmp_path / "own.tsv"
    path.write_text("marker\tref\talt\tZSCORE\tsize\nrs1\tG\tA\t2\t1000\n")
    columns = {"id": "marker", "effect_allele": "alt", "other_allele": "ref", "z": "ZSCORE"}
    sumstats = read_sumstats(path, columns=columns | {"n": "size"})
    assert sumstats.attrs["format"] == BY_NAME
    assert roles_of(sumstats) == columns | {"n": "size"}
    assert sumstats["variant_effect_allele"].values.tolist() == ["A"]
    for change, words in (
        ({"zeta": "ZSCORE"}, "column zeta: no such role. Roles are id, "),
        ({"z": "Z"}, "has no column Z. It has marker"),
        ({"z": "size"}, "has no column of sample sizes"),
    ):
        with pytest.raises(InputError, match=words):
            read_sumstats(path, columns=change)


def test_a_column_named_by_hand_goes_before_that_of_the_format(tmp_path: Path):
    path = tmp_path / "own.tsv"
    path.write_text("SNP\tA1\tA2\tZ\tN\tBETA\tSE\nrs1\tA\tG\t9\t1000\t1\t0.5\n")
    assert read_sumstats(path)["variant_z"].item() == 9
    columns = {"beta": "BETA", "se": "SE", "effect_allele": "A2", "other_allele": "A1"}
    sumstats = read_sumstats(path, columns=columns)
    assert sumstats["variant_z"].item() == 2
    assert sumstats["variant_effect_allele"].values.tolist() == ["G"]


def test_cases_and_controls_give_the_effective_sample_size(tmp_path: Path):
    path = tmp_path / "gwas.tsv"
    path.write_text(FASTGWA)
    sumstats = read_sumstats(path, cases=1000, controls=4000)
    assert (sumstats["variant_sample_size"] == 3200).all()
    assert sumstats.attrs["sample_size"] == "effective, 3200, of given cases and controls"
    assert sumstats.attrs["case_fraction"] == 0.5
    with pytest.raises(InputError, match="cases and controls go together"):
        read_sumstats(path, cases=1000)
    with pytest.raises(InputError, match="not both"):
        read_sumstats(path, n=10, cases=1000, controls=4000)
    saige = (FILES / "SAIGE.txt").read_text().splitlines()
    rows = [saige[0] + "\tN_case\tN_ctrl", *(line + "\t100\t900" for line in saige[1:])]
    path.write_text("\n".join(rows))
    sumstats = read_sumstats(path)
    assert (sumstats["variant_sample_size"] == 360).all()
    assert sumstats.attrs["sample_size"] == "effective, from the columns of cases and controls"
    assert sumstats.attrs["case_fraction"] == 0.5
    assert "case_fraction" not in read_sumstats(path, n=10).attrs


def test_a_vcf_may_tell_its_sample_size_in_the_header(tmp_path: Path):
    path = tmp_path / "gwas.vcf.gz"
    text = (FILES / "GWAS-VCF.vcf").read_text().replace(":SS", ":XX")
    sample = "##SAMPLE=<ID=tiny,TotalCases=1000,TotalControls=4000,StudyType=CaseControl>"
    path.write_bytes(gzip.compress(text.replace("##SAMPLE=<ID=tiny>", "").encode()))
    with pytest.raises(InputError, match="Give the sample size"):
        read_sumstats(path)
    path.write_bytes(gzip.compress(text.replace("##SAMPLE", sample + "\n##X").encode()))
    assert (read_sumstats(path)["variant_sample_size"] == 3200).all()


def test_odds_ratios_and_extreme_p_values(tmp_path: Path):
    path = tmp_path / "ssf.tsv"
    path.write_text(
        "chromosome\tbase_pair_location\teffect_allele\tother_allele\tbeta\todds_ratio\t"
        "standard_error\tp_value\tneg_log_10_p_value\n"
        "1\t10\tA\tC\t#NA\t1\t0.1\t1\t#NA\n"
        "1\t20\tA\tC\t#NA\t2\t0.1\t0\t#NA\n"
        "1\t30\tA\tC\t0.2\t9\t#NA\t0\t350\n"
        "1\t40\tA\tC\t0.2\t9\t#NA\t0\t#NA\n"
        "1\t50\tA\tC\t0.2\t9\t#NA\t1.5\t#NA\n"
        "1\t55\tA\tC\t0.2\t9\t#NA\t-9\t#NA\n"
        "1\t60\tA\tC\t-0.2\t9\t#NA\t1e-20\t#NA\n"
        "1\t70\tA\tC\t-0.2\t9\tinf\t1e-20\t#NA\n"
    )
    sumstats = read_sumstats(path, n=500)
    expected = [0, np.log(2) / 0.1, 40.0497, norm.ppf(0.5e-20)]
    np.testing.assert_allclose(sumstats["variant_z"], expected, rtol=1e-5)
    assert sumstats.attrs["dropped"] == {
        "infinite standard error": 1,
        "P of exactly 0 and no standard error": 1,
        "P outside 0 to 1": 2,
    }


@pytest.mark.parametrize("word", ["-9", "-inf", "1.5", "inf", "-1e-400"])
def test_p_that_is_no_probability_is_counted_where_its_text_is_read(tmp_path: Path, word: str):
    path = tmp_path / "gwas.tsv"
    head = "SNP\tA1\tA2\tN\tBETA\tP\n"
    path.write_text(f"{head}rs1\tA\tG\t1000\t0.2\t1e-400\nrs2\tA\tG\t1000\t0.2\t{word}\n")
    sumstats = read_sumstats(path)
    assert sumstats["variant_id"].values.tolist() == ["rs1"]
    assert sumstats.attrs["dropped"] == {"P outside 0 to 1": 1}


def test_a_missing_file_and_a_wrong_format_are_named(tmp_path: Path):
    with pytest.raises(InputError, match=r"height\.fastGWA: no such file"):
        read_sumstats(tmp_path / "height.fastGWA")
    path = tmp_path / "gwas.tsv"
    path.write_text(LDSC)
    with pytest.raises(InputError, match="CHR, POS, AF1, BETA"):
        read_sumstats(path, format="fastGWA")
    with pytest.raises(InputError, match="is a folder"):
        read_sumstats(tmp_path)
