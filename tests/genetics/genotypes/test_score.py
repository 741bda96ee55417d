"""Polygenic scores: against arithmetic, against plink2, and on files that do not go together."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from pgenlib import PgenWriter

from deepwas_app.errors import InputError
from deepwas_app.genetics.genotypes.score import Scores, match_weights, score
from deepwas_app.genetics.genotypes.several import open_genotypes
from deepwas_app.genetics.genotypes.weights import read_weights

# Sums of the first six people by plink2 2.00a3.5 --score, see `test_agrees_with_plink2`.
PLINK2 = [-1.504675, -3.6494283684, -6.398929, 4.141901, -1.066978, -3.508291]
NEEDS_PLINK2 = pytest.mark.skipif(shutil.which("plink2") is None, reason="plink2 is not installed")


@pytest.fixture
def weights(world, tmp_path):
    """Weights of 28 variants, every third one for the other allele."""
    rng = np.random.default_rng(4)
    keep = np.r_[0:3, 4:30]
    a1, a2 = world.alleles[keep].T
    turned = keep % 3 == 0
    table = pd.DataFrame(
        {
            "SNP": [f"rs{i}" for i in keep],
            "CHR": np.where(keep < 10, 21, 22),
            "BP": np.r_[100 + 10 * np.arange(10), 1000 + 10 * np.arange(20)][keep],
            "A1": np.where(turned, a2, a1),
            "A2": np.where(turned, a1, a2),
            "BETA": rng.standard_normal(len(keep)).round(6),
        }
    )
    path = tmp_path / "w.tsv"
    table.to_csv(path, sep="\t", index=False)
    return path, table, keep, turned


def total(prefix, path):
    matched = match_weights(read_weights(path), open_genotypes(prefix))
    *steps, result = score(open_genotypes(prefix), matched)
    assert isinstance(result, Scores)
    assert steps[-1] == 1.0
    return result, matched


def by_hand(world, table, keep, turned):
    dosages = world.dosages[:, keep].astype(float)
    dosages = np.where(np.isnan(dosages), np.nanmean(dosages, axis=0), dosages)
    return np.where(turned, 2 - dosages, dosages) @ table["BETA"].to_numpy()


def test_scores_are_sums_of_weighted_effect_alleles(world, weights, monkeypatch):
    path, table, keep, turned = weights
    result, matched = total(world.prefix, path)
    np.testing.assert_allclose(result.total, by_hand(world, table, keep, turned), atol=1e-12)
    assert result.variants == len(keep)
    called = (~np.isnan(world.dosages[:, keep])).sum(axis=1)
    np.testing.assert_array_equal(result.alleles, 2 * called)
    assert matched.report == {
        "weights": 29,
        "not in the genotypes": 0,
        "other alleles": 0,
        "scored": 29,
    }
    # A few variants at a time gives the same.
    people = len(result.total)
    for chunk, step in ((3 * people + 2, 3), (people - 1, 1)):
        monkeypatch.setattr("deepwas_app.genetics.genotypes.score._CHUNK", chunk)
        *steps, again = score(open_genotypes(world.prefix), matched)
        np.testing.assert_allclose(again.total, result.total, atol=1e-12)
        np.testing.assert_array_equal(again.alleles, result.alleles)
        assert again.variants == result.variants
        assert steps == [min(i / 29, 1.0) for i in range(step, 29 + step, step)]


def test_row_order_and_names_do_not_matter(world, weights, tmp_path):
    path, table, *_ = weights
    expected, _ = total(world.prefix, path)
    other = tmp_path / "shuffled.tsv"
    table.sample(frac=1, random_state=1).to_csv(other, sep="\t", index=False)
    np.testing.assert_allclose(total(world.prefix, other)[0].total, expected.total, atol=1e-12)
    # Names of another build: found by chromosome and position.
    table.assign(SNP=[f"{c}_{b}" for c, b in zip(table.CHR, table.BP, strict=True)]).to_csv(
        other, sep="\t", index=False
    )
    np.testing.assert_allclose(total(world.prefix, other)[0].total, expected.total, atol=1e-12)


def plink2(*words: object) -> None:
    subprocess.run(["plink2", *map(str, words)], check=True, capture_output=True)


def sums_of_plink2(table, leading, folder, *genotypes):
    """Its sums to 1e-9, although it prints six digits, and the alleles that it saw.

    Variant rs3 does not vary: a weight of it takes the leading digits off a person's sum, and
    plink2 prints six digits of what is left. One column of weights a person.
    """
    columns = [f"W{i}" for i in range(len(leading))]
    many = pd.DataFrame(dict.fromkeys(columns, table["BETA"])).assign(SNP=table["SNP"], A1=table.A1)
    # Everybody has two copies of the allele of rs3.
    many.loc[len(many)] = {"SNP": "rs3", "A1": "C"} | dict(zip(columns, -leading / 2, strict=True))
    many[["SNP", "A1", *columns]].to_csv(folder / "many.tsv", sep="\t", index=False)
    scoring = ["--score", folder / "many.tsv", "1", "2", "header-read", "cols=+scoresums"]
    plink2(*genotypes, *scoring, "--score-col-nums", "3-62", "--out", folder / "out")
    theirs = pd.read_csv(folder / "out.sscore", sep="\t")
    rest = [theirs[f"{name}_SUM"][i] for i, name in enumerate(columns)]
    # The variant that was added has two called alleles.
    return leading + rest, theirs["ALLELE_CT"].to_numpy() - 2


@NEEDS_PLINK2
def test_agrees_with_plink2(world, weights, tmp_path):
    path, table, *_ = weights
    ours, _ = total(world.prefix, path)
    theirs, alleles = sums_of_plink2(table, ours.total.round(4), tmp_path, "--bfile", world.prefix)
    np.testing.assert_allclose(ours.total, theirs, rtol=0, atol=1e-9)
    np.testing.assert_allclose(theirs[:6], PLINK2, rtol=0, atol=1e-9)
    assert (alleles == ours.alleles).all()


@pytest.fixture
def gaps(world, tmp_path):
    """PLINK 2 genotypes of the world with an eighth of calls missing, and some children."""
    rng = np.random.default_rng(6)
    dosages = world.dosages.copy()
    hidden = rng.random(dosages.shape) < 0.125
    hidden[:, 3] = False
    dosages[hidden] = np.nan
    cells = [line.split() for line in (world.folder / "tiny.bim").read_text().splitlines()]
    pvar = "#CHROM\tPOS\tID\tREF\tALT\n"
    pvar += "".join("\t".join([c[0], c[3], c[1], c[5], c[4]]) + "\n" for c in cells)
    psam = "#FID\tIID\tPAT\tMAT\n" + "".join(
        f"f{i}\ti{i}\t{'i0' if i > 51 else 0}\t{'i1' if i > 51 else 0}\n"
        for i in range(len(dosages))
    )

    def write(name: str, dosages: np.ndarray) -> Path:
        people, variants = dosages.shape
        prefix = tmp_path / name
        options = {"dosage_present": True}
        with PgenWriter(f"{prefix}.pgen".encode(), people, variants, False, **options) as writer:
            for column in np.nan_to_num(dosages, nan=-9).T:
                writer.append_dosages(np.ascontiguousarray(column, np.float32))
        Path(f"{prefix}.pvar").write_text(pvar)
        Path(f"{prefix}.psam").write_text(psam)
        return prefix

    # In the steps that a .pgen has.
    steps = np.round(dosages * 0.9 * 16384) / 16384
    steps[:, 3] = dosages[:, 3]
    return write("calls", dosages), write("dosages", steps)


@NEEDS_PLINK2
@pytest.mark.parametrize("kind", ["PLINK 1", "PLINK 2", "dosages", "chromosomes"])
def test_agrees_with_plink2_where_calls_are_missing(weights, gaps, tmp_path, kind):
    """Whatever the format: means of the founders stand in for missing calls."""
    path, table, *_ = weights
    calls, dosages = gaps
    prefix = dosages if kind == "dosages" else calls
    ours = {"pfile": prefix}
    if kind == "PLINK 1":
        plink2("--pfile", prefix, "--make-bed", "--out", tmp_path / "calls1")
        ours = {"bfile": tmp_path / "calls1"}
    if kind == "chromosomes":
        for one in (21, 22):
            part = tmp_path / f"part{one}"
            plink2("--pfile", prefix, "--chr", one, "--make-pgen", "--out", part)
        ours = {"pfile": tmp_path / "part{CHR}"}
    genotypes = open_genotypes(**ours)
    *_, found = score(genotypes, match_weights(read_weights(path), genotypes))
    assert 200 < 2 * 29 * 60 - found.alleles.sum() < 700
    theirs, alleles = sums_of_plink2(table, found.total.round(4), tmp_path, "--pfile", prefix)
    np.testing.assert_allclose(found.total, theirs, rtol=0, atol=1e-9)
    assert (alleles == found.alleles).all()


def test_agrees_with_stored_output_of_plink2(world, weights):
    """The output of the command above, for where plink2 is not installed."""
    ours, _ = total(world.prefix, weights[0])
    np.testing.assert_allclose(ours.total[:6], PLINK2, rtol=1e-6)


def test_scoring_file_of_the_pgs_catalog_serves(world, weights, tmp_path):
    path, table, *_ = weights
    names = {
        "SNP": "rsID",
        "CHR": "chr_name",
        "BP": "chr_position",
        "A1": "effect_allele",
        "A2": "other_allele",
        "BETA": "effect_weight",
    }
    catalog = tmp_path / "pgs.txt"
    head = "###PGS CATALOG SCORING FILE\n#format_version=2.0\n#trait_reported=A trait\n"
    catalog.write_text(head + table.rename(columns=names).to_csv(sep="\t", index=False))
    expected, _ = total(world.prefix, path)
    np.testing.assert_allclose(total(world.prefix, catalog)[0].total, expected.total)
    # Without names, by place alone; cells may be empty or hold spaces.
    nameless = table.rename(columns=names).assign(locus="HLA region", variant_type="")
    text = nameless.drop(columns="rsID").to_csv(sep="\t", index=False)
    catalog.write_text(head + text)
    np.testing.assert_allclose(total(world.prefix, catalog)[0].total, expected.total)
    nameless.assign(rsID="").to_csv(catalog, sep="\t", index=False)
    np.testing.assert_allclose(total(world.prefix, catalog)[0].total, expected.total)


def test_variants_without_a_name_are_found_by_place_alone(world, weights):
    """In the genotypes every name is a dot: no variant may be taken for another."""
    path, table, *_ = weights
    expected, _ = total(world.prefix, path)
    bim = world.folder / "tiny.bim"
    cells = [line.split() for line in bim.read_text().splitlines()]
    bim.write_text("".join("\t".join([row[0], ".", *row[2:]]) + "\n" for row in cells))
    table.assign(SNP=".").to_csv(path, sep="\t", index=False)
    np.testing.assert_allclose(total(world.prefix, path)[0].total, expected.total, atol=1e-12)
    table.assign(SNP=".").drop(columns=["CHR", "BP"]).to_csv(path, sep="\t", index=False)
    with pytest.raises(InputError, match="none of its 29 variants"):
        total(world.prefix, path)


def test_of_several_variants_of_one_place_the_alleles_choose(world, weights):
    path, table, keep, turned = weights
    expected = by_hand(world, table, keep, turned)
    bim = world.folder / "tiny.bim"
    cells = [line.split() for line in bim.read_text().splitlines()]
    # Variants 3 and 4 become one place and one name, A/C and A/G; only 4 has a weight.
    cells[3] = [*cells[4][:4], "A", "C"]
    bim.write_text("".join("\t".join(row) + "\n" for row in cells))
    np.testing.assert_allclose(total(world.prefix, path)[0].total, expected, atol=1e-12)


def test_nonfounders_are_scored_but_do_not_set_frequencies(world, weights):
    path, table, keep, turned = weights
    fam = world.folder / "tiny.fam"
    lines = fam.read_text().splitlines()
    cells = [line.split() for line in lines]
    for row in cells[30:]:
        row[2], row[3] = cells[0][1], cells[1][1]
    fam.write_text("\n".join(" ".join(row) for row in cells) + "\n")
    dosages = world.dosages[:, keep].astype(float)
    dosages = np.where(np.isnan(dosages), np.nanmean(dosages[:30], axis=0), dosages)
    expected = np.where(turned, 2 - dosages, dosages) @ table["BETA"].to_numpy()
    np.testing.assert_allclose(total(world.prefix, path)[0].total, expected, atol=1e-12)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.drop(columns="BETA"), "has no column BETA"),
        (lambda t: t[["CHR", "BP"]], "has no column A1"),
        (lambda t: t.assign(SNP=t.SNP + "x", BP=t.BP + 1), "none of its 29 variants"),
        (lambda t: t.assign(A1="TTT"), "alleles of 29 of 29 variants .*rs0 is TTT/"),
        (lambda t: t.assign(BETA=t.BETA.where(t.SNP != "rs7")), "weight of rs7 is no number"),
        (lambda t: pd.concat([t, t.iloc[:1]]), "rs0 is there twice"),
        (lambda t: t.iloc[:0], "a header and no rows"),
    ],
)
def test_weights_that_do_not_fit_are_one_line(world, weights, tmp_path, change, words):
    path = tmp_path / "bad.tsv"
    change(weights[1]).to_csv(path, sep="\t", index=False)
    with pytest.raises(InputError, match=words) as caught:
        total(world.prefix, path)
    assert "bad.tsv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_few_other_alleles_are_counted_and_left_out(world, weights, tmp_path):
    table = weights[1]
    table.loc[3, "A1"] = "T" if table.loc[3, "A1"] != "T" else "A"
    table.loc[3, "A2"] = "TT"
    other = tmp_path / "few.tsv"
    table.to_csv(other, sep="\t", index=False)
    result, matched = total(world.prefix, other)
    assert matched.report["other alleles"] == 1
    assert result.variants == 28


# Two variants of one name, one without a name, and one more.
GENOTYPED = xr.Dataset(
    {
        "variant_id": ("variants", ["rs1", "rs1", ".", "rs3"]),
        "variant_chromosome": ("variants", ["1", "1", "1", "2"]),
        "variant_position": ("variants", [100, 100, 200, 300]),
        "variant_effect_allele": ("variants", ["A", "A", "T", "G"]),
        "variant_other_allele": ("variants", ["G", "C", "C", "A"]),
    },
    attrs={"path": "people"},
)


def weighted(*rows: tuple) -> pd.DataFrame:
    return read_weights(pd.DataFrame(rows, columns=["SNP", "CHR", "BP", "A1", "A2", "BETA"]))


def test_weights_are_found_by_name_then_by_place_and_turned_by_their_alleles():
    weights = weighted(
        ("elsewhere", "9", 9, "A", "G", 5.0),
        ("other name", "chr2", 300, "G", "A", 4.0),
        (".", 1, 200, "C", "T", 3.0),
        ("rs1", 1, 100, "c", "a", 2.0),
        (".", 1, 200.5, "C", "T", 1.0),
    )
    matched = match_weights(weights, GENOTYPED)
    assert matched.rows.tolist() == [1, 2, 3]
    assert matched.weights.tolist() == [2.0, 3.0, 4.0]
    assert matched.counts_a1.tolist() == [False, False, True]
    assert matched.report == {
        "weights": 5, "not in the genotypes": 2, "other alleles": 0, "scored": 3,
    }  # fmt: skip
    # Without the other allele the effect allele decides: of rs1 the first that has it.
    alone = match_weights(weights.drop(columns="A2").set_axis(range(5, 0, -1)), GENOTYPED)
    assert alone.rows.tolist() == [1, 2, 3]
    one = weighted(("rs1", 1, 100, "A", "", 1.0)).drop(columns="A2")
    one.attrs["path"] = "w"
    assert match_weights(one, GENOTYPED).rows.tolist() == [0]


def test_alleles_of_the_other_strand_fit_and_ambiguous_ones_then_do_not():
    genotypes = xr.Dataset(
        {
            "variant_id": ("variants", [f"rs{i}" for i in range(10)]),
            "variant_chromosome": ("variants", ["1"] * 10),
            "variant_position": ("variants", np.arange(10) + 1),
            "variant_effect_allele": ("variants", ["A", "C"] * 5),
            "variant_other_allele": ("variants", ["G", "G"] * 5),
        },
        attrs={"path": "people"},
    )
    rows = [(f"rs{i}", 1, i + 1, "CC"[i % 2], "TG"[i % 2], 1.0) for i in range(10)]
    matched = match_weights(weighted(*rows), genotypes)
    # rs0 is C/T for G/A; C/G may be on either strand where all others are on the other one.
    assert matched.rows.tolist() == [0, 2, 4, 6, 8]
    assert not matched.counts_a1.any()
    assert matched.report["scored from the other strand"] == 5
    assert matched.report["strand ambiguous (A/T or C/G)"] == 5
    rows = [(f"rs{i}", 1, i + 1, "AC"[i % 2], "GG"[i % 2], 1.0) for i in range(10)]
    matched = match_weights(weighted(*rows), genotypes)
    assert matched.rows.tolist() == [*range(10)]
    assert "strand ambiguous (A/T or C/G)" not in matched.report
    with pytest.raises(InputError, match=r"1 of 1 variants .*1:200 is A here, T/C there"):
        match_weights(weighted((".", 1, 200, "A", "G", 1.0)).drop(columns="A2"), GENOTYPED)


def test_weights_that_are_not_scored_are_named():
    rows = [(f"x{i}", 5, i + 1, "A", "G", 1.0) for i in range(4)]
    matched = match_weights(weighted(*rows, ("rs3", 2, 300, "A", "G", 2.0)), GENOTYPED)
    assert matched.notes == [
        "Not in the genotypes: x0 (5:1), x1 (5:2), x2 (5:3), ...; these have rs1 (1:100), "
        "rs1 (1:100), 1:200, ...."
    ]
    assert match_weights(weighted(("rs3", 2, 300, "A", "G", 2.0)), GENOTYPED).notes == []


def test_some_may_lack_the_other_allele():
    matched = match_weights(
        weighted(("rs1", 1, 100, "C", None, 1.0), ("rs3", 2, 300, "A", "G", 2.0)), GENOTYPED
    )
    assert matched.rows.tolist() == [1, 3]
    assert matched.counts_a1.tolist() == [False, False]


def test_a_tenth_of_other_alleles_is_borne_and_a_word_is_no_weight():
    genotypes = GENOTYPED.isel(variants=[3] * 10).assign(
        variant_id=("variants", [f"rs{i}" for i in range(10)]),
        variant_position=("variants", 300 + np.arange(10)),
    )
    rows = [(f"rs{i}", 2, 300 + i, "G", "A" if i else "C", 1.0) for i in range(10)]
    assert match_weights(weighted(*rows), genotypes).report["other alleles"] == 1
    with pytest.raises(InputError, match="weight of rs1 is no number"):
        weighted(("rs1", 1, 100, "A", "G", "much"))
