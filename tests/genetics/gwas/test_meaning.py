"""What is understood of files that leave something open, and of rows that tools withdrew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deepwas_app.errors import InputError
from deepwas_app.genetics.gwas.meaning import understand
from deepwas_app.genetics.gwas.sumstats import read_sumstats

NAMED = "rsid\tea\tnea\tbeta\tse\tn"
ROW = "rs{}\tA\tG\t0.2\t0.1\t1000"


def table(folder: Path, header: str, *rows: str, name: str = "gwas.tsv") -> Path:
    path = folder / name
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_rows_that_regenie_withdrew_are_left_out(tmp_path):
    header = "CHROM GENPOS ID ALLELE0 ALLELE1 A1FREQ N TEST BETA SE CHISQ LOG10P EXTRA"
    path = table(
        tmp_path,
        header,
        "22 100 rs1 G A 0.1 1000 ADD 0.2 0.1 4 1.3 NA",
        "22 200 rs2 G A 0.1 1000 ADD 8.0 0.2 NA NA TEST_FAIL",
        "22 300 rs3 G A 0.1 1000 ADD 8.0 0.2 NA NA NA",
        "22 400 rs4 G A 0.1 1000 ADD 0.2 0.1 4 1.3 FIRTH",
    )
    sumstats = read_sumstats(path)
    assert sumstats["variant_id"].values.tolist() == ["rs1", "rs4"]
    assert sumstats.attrs["dropped"] == {
        "withdrawn by the tool (EXTRA)": 1,
        "P missing beside effect and standard error": 1,
    }


@pytest.mark.parametrize(
    ("column", "sound", "bad"),
    [
        ("ERRCODE", ".", "UNFINISHED"),
        ("Is.SPA.converge", "1", "0"),
        ("low_confidence_variant", "false", "true"),
        ("low_confidence_EUR", "FALSE", "TRUE"),
        ("fail", "0.0", "1.0"),
        ("EXTRA", "NA", "TEST_FAIL"),
    ],
)
def test_marks_of_withdrawn_rows(tmp_path, column, sound, bad):
    rows = [f"{ROW.format(i)}\t{mark}" for i, mark in enumerate([sound, bad, sound])]
    header = NAMED.replace("beta\tse", "beta_EUR\tse_EUR") if "EUR" in column else NAMED
    sumstats = read_sumstats(table(tmp_path, f"{header}\t{column}", *rows))
    assert sumstats["variant_id"].values.tolist() == ["rs0", "rs2"]
    (reason,) = sumstats.attrs["dropped"]
    assert reason == f"withdrawn by the tool ({column})"


@pytest.mark.parametrize("name", ["p", "neg_log_10_p_value", "LOG10P", "P_BOLT_LMM"])
def test_rows_without_p_are_left_out_unless_none_has_one(tmp_path, name):
    rows = [f"{ROW.format(i)}\t{p}" for i, p in enumerate(["0.04", "NA", "0.04"])]
    sumstats = read_sumstats(table(tmp_path, f"{NAMED}\t{name}", *rows))
    assert sumstats.attrs["dropped"] == {"P missing beside effect and standard error": 1}
    empty = [f"{ROW.format(i)}\tNA" for i in range(3)]
    assert read_sumstats(table(tmp_path, f"{NAMED}\t{name}", *empty)).sizes["variants"] == 3


def test_a_vcf_may_drop_missing_fields_at_the_end(tmp_path):
    header = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tstudy"
    values = ["0.2:0.1:1.3:0.4:1000", "0.2:0.1:1.3:0.4", ".", "0.2", "-0.3:0.1:2.6:.:900"]
    rows = [
        f"22\t{100 * i}\trs{i}\tG\tA\t.\tPASS\t.\tES:SE:LP:AF:SS\t{value}"
        for i, value in enumerate(values, start=1)
    ]
    sumstats = read_sumstats(table(tmp_path, f"##fileformat=VCFv4.2\n{header}", *rows))
    assert sumstats["variant_id"].values.tolist() == ["rs1", "rs5"]
    np.testing.assert_allclose(sumstats["variant_z"], [2, -3], rtol=1e-6)
    assert np.isnan(sumstats["variant_allele_frequency"].values[1])
    assert sumstats.attrs["dropped"] == {"no finite z-score": 2, "no sample size": 1}
    table(tmp_path, f"##fileformat=VCFv4.2\n{header}", f"{rows[0]}:7")
    with pytest.raises(InputError, match=r"gwas\.tsv: cannot be read"):
        read_sumstats(tmp_path / "gwas.tsv")


def test_a_name_that_is_there_twice_is_said(tmp_path):
    path = table(tmp_path, f"{NAMED}\tP\tP", f"{ROW.format(1)}\t0.1\t0.1")
    with pytest.raises(InputError, match="it has 2 columns 'P'"):
        read_sumstats(path)


@pytest.mark.parametrize("cases", [["0", "0", "0"], ["200", "NA", "0"]])
def test_rows_without_cases_have_the_plain_sample_size(tmp_path, cases):
    rows = [f"{ROW.format(i)}\t{count}" for i, count in enumerate(cases)]
    sumstats = read_sumstats(table(tmp_path, f"{NAMED}\tnum_cases", *rows))
    first = 4 / (1 / 200 + 1 / 800) if cases[0] == "200" else 1000
    np.testing.assert_allclose(sumstats["variant_sample_size"], [first, 1000, 1000])
    assert sumstats.attrs["dropped"] == {}
    assert ("case_fraction" in sumstats.attrs) == (cases[0] == "200")


def test_people_and_build_are_said_beside_the_file(tmp_path):
    header = "chromosome\tbase_pair_location\teffect_allele\tother_allele\tbeta\tstandard_error"
    path = table(tmp_path, header, "22\t100\tA\tG\t0.2\t0.1", name="trait.tsv")
    text = "genome_assembly: GRCh38\nsamples:\n  - sample_size: 600\n  - sample_size: 400\n"
    (tmp_path / "trait.tsv-meta.yaml").write_text(text)
    sumstats = read_sumstats(path)
    assert sumstats.attrs["genome_build"] == "hg38"
    assert sumstats["variant_sample_size"].item() == 1000
    text += "    case_count: 200\n    control_count: 800\n"
    (tmp_path / "trait.tsv-meta.yaml").write_text(text)
    assert read_sumstats(path)["variant_sample_size"].item() == 640
    said = {row["role"]: row["why"] for row in read_sumstats(path).attrs["understood"]}
    assert said["cases"] == "in trait.tsv-meta.yaml"


def test_an_allele_that_the_header_leaves_open_is_asked_with_both_answers(tmp_path):
    path = table(
        tmp_path, "SNP\tCHR\tBP\tA1\tA2\tFRQ\tBETA\tSE\tP\tN", "rs1\t1\t9\tA\tG\t.3\t1\t2\t.6\t9"
    )
    with pytest.raises(InputError) as caught:
        read_sumstats(path)
    assert "--column effect_allele=A1 other_allele=A2, or" in str(caught.value)
    assert "--column effect_allele=A2 other_allele=A1." in str(caught.value)
    for effect, other in ("A1", "A2"), ("A2", "A1"):
        # One of the two is enough.
        for said in {"effect_allele": effect}, {"other_allele": other}:
            roles = understand(path, columns=said).roles
            assert (roles["effect_allele"], roles["other_allele"]) == (effect, other)


@pytest.mark.parametrize(
    ("frequency", "effect"), [("Freq1", "A1"), ("freq_a2", "A2"), ("AF_Allele2", "A2")]
)
def test_a_frequency_that_is_named_for_an_allele_tells_it(tmp_path, frequency, effect):
    header = f"SNP\tCHR\tBP\tA1\tA2\t{frequency}\tBETA\tSE\tP\tN"
    path = table(tmp_path, header, "rs1\t1\t9\tA\tG\t.3\t1\t2\t.6\t9")
    meaning = understand(path)
    assert meaning.roles["effect_allele"] == effect
    assert not meaning.doubt


def test_populations_are_asked_with_their_list(tmp_path):
    header = "chr\tpos\tref\talt\tbeta_AFR\tse_AFR\tbeta_EUR\tse_EUR\taf_EUR"
    path = table(tmp_path, header, "1\t100\tG\tA\t0.5\t0.1\t0.2\t0.1\t0.3")
    with pytest.raises(InputError, match=r"\(AFR, EUR\). Choose one, as --population EUR\."):
        read_sumstats(path, n=100)
    sumstats = read_sumstats(path, n=100, population="AFR")
    assert sumstats["variant_z"].item() == 5
    assert np.isnan(sumstats["variant_allele_frequency"].item())
    with pytest.raises(InputError, match=r"population EAS\. It has AFR, EUR"):
        read_sumstats(path, n=100, population="EAS")
    alone = table(tmp_path, header.replace("_AFR", "_x"), "1\t100\tG\tA\t5\t1\t0.2\t0.1\t0.3")
    assert read_sumstats(alone, n=100)["variant_z"].item() == 2


def test_rows_of_several_populations_are_asked_too(tmp_path):
    rows = [f"{ROW.format(i)}\t{population}" for i, population in enumerate(["EUR", "AFR"])]
    path = table(tmp_path, f"{NAMED}\tancestry", *rows)
    with pytest.raises(InputError, match=r"column ancestry \(EUR, AFR\)"):
        read_sumstats(path)
    sumstats = read_sumstats(path, population="AFR")
    assert sumstats["variant_id"].values.tolist() == ["rs1"]
    assert sumstats.attrs["dropped"] == {"of another population": 1}


def test_of_positions_on_several_builds_the_wanted_one_is_read(tmp_path):
    header = "rsid\tchr\tpos_hg38\tpos_hg19\tea\tnea\tbeta\tse\tn"
    path = table(tmp_path, header, "rs1\t1\t38\t19\tA\tG\t0.2\t0.1\t1000")
    for build, position in ("hg38", 38), ("hg19", 19):
        sumstats = read_sumstats(path, build=build)
        assert sumstats["variant_position"].item() == position
        assert sumstats.attrs["genome_build"] == build


def test_p_below_zero_that_is_no_logarithm_of_the_effects_is_asked(tmp_path):
    rows = [f"{ROW.format(i)}\t{-i - 1}" for i in range(4)]
    path = table(tmp_path, f"{NAMED}\tpval", *rows)
    with pytest.raises(InputError, match=r"pval holds values below 0.*--column ln_p=pval"):
        read_sumstats(path)
    assert understand(path, columns={"ln_p": "pval"}).asks == []


def test_of_two_columns_of_one_meaning_one_is_taken_and_the_other_is_said(tmp_path):
    path = table(tmp_path, f"{NAMED}\tP_GC\tP\tOR", f"{ROW.format(1)}\t0.9\t0.05\t7")
    meaning = understand(path)
    assert meaning.roles["p"] == "P"
    assert meaning.rows[-1]["column"] == "P_GC"
    assert meaning.rows[-1]["why"] == "not used: P goes before it"
    why = {one.role: one.why for one in meaning.understood}
    assert why["odds_ratio"].endswith("used where beta is missing")
    assert read_sumstats(path)["variant_z"].item() == 2


def test_what_is_missing_is_named_with_what_there_is(tmp_path):
    path = table(tmp_path, "marker\tref\talt\tZed", "rs1\tG\tA\t1")
    with pytest.raises(
        InputError, match=r"has no column for z, beta.*it has marker, ref, alt, Zed\. "
    ):
        read_sumstats(path, n=10)
    assert read_sumstats(path, n=10, columns={"z": "Zed"})["variant_z"].item() == 1
