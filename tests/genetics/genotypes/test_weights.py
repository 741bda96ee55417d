"""Weights of every layout score alike, and those that are not additive as they are meant."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pgenlib import PgenWriter

from deepwas_app.errors import InputError
from deepwas_app.genetics.genotypes.phenotype import read_people2
from deepwas_app.genetics.genotypes.score import Scores, match_weights, score
from deepwas_app.genetics.genotypes.several import open_genotypes, people_of
from deepwas_app.genetics.genotypes.weights import read_weights

POSITION = np.r_[100 + 10 * np.arange(10), 1000 + 10 * np.arange(20)]
PGS = {"SNP": "rsID", "CHR": "chr_name", "BP": "chr_position", "A1": "effect_allele"}
PGS |= {"A2": "other_allele", "BETA": "effect_weight"}


@pytest.fixture
def table(world) -> pd.DataFrame:
    """Weights of all variants that vary, every other one for the other allele."""
    keep = np.r_[0:3, 4:30]
    turned = keep % 2 == 0
    a1, a2 = world.alleles[keep].T
    return pd.DataFrame(
        {
            "SNP": [f"rs{i}" for i in keep],
            "CHR": np.where(keep < 10, 21, 22),
            "BP": POSITION[keep],
            "A1": np.where(turned, a2, a1),
            "A2": np.where(turned, a1, a2),
            "BETA": np.random.default_rng(3).standard_normal(len(keep)).round(6),
        }
    )


def total(path: Path, genotypes) -> np.ndarray:
    *_, result = score(genotypes, match_weights(read_weights(path), genotypes))
    assert isinstance(result, Scores)
    return result.total


def copies(world, table) -> np.ndarray:
    """Copies of the effect allele, (people, weights); NaN where they are missing."""
    keep = table["SNP"].str[2:].astype(int).to_numpy()
    dosages = world.dosages[:, keep].astype(float)
    return np.where(keep % 2 == 0, 2 - dosages, dosages)


def by_hand(values: np.ndarray) -> np.ndarray:
    """Sums of what each variant gives, missing ones at the mean of the others."""
    return np.where(np.isnan(values), np.nanmean(values, axis=0), values).sum(axis=1)


LAYOUTS = {
    "own": lambda t: t.to_csv(sep="\t", index=False),
    "csv": lambda t: t.to_csv(index=False),
    "PRS-CS": lambda t: t[["CHR", "SNP", "BP", "A1", "A2", "BETA"]].to_csv(
        sep="\t", index=False, header=False
    ),
    "PLINK": lambda t: t[["SNP", "A1", "BETA"]].to_csv(sep=" ", index=False, header=False),
    "PLINK 2": lambda t: (
        t.assign(REF=t[["A1", "A2"]].min(axis=1), ALT=t[["A1", "A2"]].max(axis=1))
        .rename(columns={"CHR": "#CHROM", "BP": "POS", "SNP": "ID"})
        .drop(columns="A2")
        .to_csv(sep="\t", index=False)
    ),
    "LDpred2": lambda t: t.rename(
        columns={"SNP": "rsid", "CHR": "chr", "BP": "pos", "A1": "a1", "A2": "a0", "BETA": "beta"}
    ).to_csv(index=False),
    "keys": lambda t: (
        t.assign(SNP=[f"{c}:{b}:{x}:{y}" for c, b, x, y in t[["CHR", "BP", "A1", "A2"]].to_numpy()])
        .drop(columns=["CHR", "BP"])
        .to_csv(sep="\t", index=False)
    ),
    "PGS Catalog": lambda t: (
        "#weight_type=beta\n" + t.rename(columns=PGS).to_csv(sep="\t", index=False)
    ),
    # chr_position is of another build: here that of another variant.
    "harmonised": lambda t: (
        t.assign(SNP="", hm_rsID=t.SNP, hm_chr=t.CHR, hm_pos=t.BP, BP=np.roll(t.BP, 1), A1=t.A1)
        .rename(columns=PGS)
        .to_csv(sep="\t", index=False)
    ),
    "harmonised, no names": lambda t: (
        t.assign(SNP="", hm_rsID="", hm_chr=t.CHR, hm_pos=t.BP, BP=np.roll(t.BP, 1))
        .rename(columns=PGS)
        .to_csv(sep="\t", index=False)
    ),
    # Positions of another build: most names say so, and names alone count.
    "another build": lambda t: t.assign(BP=np.roll(t.BP, 1)).to_csv(sep="\t", index=False),
    "the other strand": lambda t: t.assign(
        A1=t.A1.map(dict(zip("ACGT", "TGCA", strict=True))),
        A2=t.A2.map(dict(zip("ACGT", "TGCA", strict=True))),
    ).to_csv(sep="\t", index=False),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_scores(world, table, tmp_path, layout):
    path = tmp_path / "weights.txt"
    path.write_text(LAYOUTS[layout](table))
    expected = by_hand(copies(world, table) * table["BETA"].to_numpy())
    np.testing.assert_allclose(total(path, open_genotypes(world.prefix)), expected, atol=1e-6)


def test_weights_that_are_not_additive_are_scored_as_said(world, table, tmp_path):
    path = tmp_path / "pgs.txt"
    dominant, recessive = np.arange(29) % 3 == 1, np.arange(29) % 3 == 2
    said = table.assign(is_dominant=dominant, is_recessive=recessive).rename(columns=PGS)
    said.to_csv(path, sep="\t", index=False)
    count, weight = copies(world, table), table["BETA"].to_numpy()
    counted = np.where(dominant, np.minimum(count, 1), count)
    counted = np.where(recessive, np.where(np.isnan(count), np.nan, count == 2), counted)
    genotypes = open_genotypes(world.prefix)
    np.testing.assert_allclose(total(path, genotypes), by_hand(counted * weight), atol=1e-6)
    none, one, two = np.random.default_rng(5).standard_normal((3, 29)).round(3)
    table.rename(columns=PGS).drop(columns="effect_weight").assign(
        dosage_0_weight=none, dosage_1_weight=one, dosage_2_weight=two
    ).to_csv(path, sep="\t", index=False)
    values = np.select([count == 0, count == 1, count == 2], [none, one, two], np.nan)
    np.testing.assert_allclose(total(path, genotypes), by_hand(values), atol=1e-6)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda t: t.assign(is_interaction=[True] + [False] * 28),
            "1 of 29 weights .rs0. have is",
        ),
        (lambda t: t.assign(is_haplotype="TRUE"), r"29 of 29 weights .rs0, rs1, rs2. have is_hapl"),
        (lambda t: t.assign(is_dominant=1, is_recessive=1), "rs0 is dominant and recessive"),
    ],
)
def test_weights_that_cannot_be_scored_are_refused(table, tmp_path, change, words):
    path = tmp_path / "pgs.txt"
    change(table.rename(columns=PGS)).to_csv(path, sep="\t", index=False)
    with pytest.raises(InputError, match=words):
        read_weights(path)


def test_ratios_are_refused(table, tmp_path):
    path = tmp_path / "pgs.txt"
    path.write_text("#weight_type=OR\n" + table.rename(columns=PGS).to_csv(sep="\t", index=False))
    with pytest.raises(InputError, match="Take their logarithms"):
        read_weights(path)


def test_files_of_each_chromosome_are_one(world, table, tmp_path):
    """Weights, PLINK 1 and PLINK 2 genotypes, by {CHR} and by globs."""
    expected = by_hand(copies(world, table) * table["BETA"].to_numpy())
    people = people_of(open_genotypes(world.prefix))
    whole = open_genotypes(world.prefix)
    for name, rows in (("21", slice(0, 10)), ("22", slice(10, 30))):
        table[table["CHR"] == int(name)].to_csv(tmp_path / f"w{name}.tsv", sep="\t", index=False)
        write_pgen(tmp_path / f"p{name}", whole.isel(variants=rows), world.dosages[:, rows], people)
    for weights in ("w{CHR}.tsv", "w*.tsv"):
        for prefix in ("p{CHR}", "p2?"):
            genotypes = open_genotypes(pfile=tmp_path / prefix)
            assert genotypes.sizes["variants"] == 30
            np.testing.assert_allclose(total(tmp_path / weights, genotypes), expected, atol=1e-5)
    assert people_of(genotypes).equals(people)
    people.iloc[::-1].to_csv(tmp_path / "p22.psam", sep="\t", index=False)
    psam = (tmp_path / "p22.psam").read_text()
    (tmp_path / "p22.psam").write_text("#" + psam)
    with pytest.raises(InputError, match=r"p22: is of other people than .*p21"):
        open_genotypes(pfile=tmp_path / "p{CHR}")
    with pytest.raises(InputError, match="matches no file"):
        open_genotypes(pfile=tmp_path / "gone*")
    with pytest.raises(InputError, match="one of the two"):
        open_genotypes()


def write_pgen(prefix: Path, variants, dosages: np.ndarray, people: pd.DataFrame) -> None:
    size = variants.sizes["variants"]
    with PgenWriter(
        str(prefix.with_suffix(".pgen")).encode(), len(people), size, False, dosage_present=True
    ) as writer:
        for column in dosages.T:
            writer.append_dosages(np.nan_to_num(column, nan=-9).astype(np.float32))
    pd.DataFrame(
        {
            "#CHROM": variants["variant_chromosome"].values,
            "POS": variants["variant_position"].values,
            "ID": variants["variant_id"].values,
            "REF": variants["variant_other_allele"].values,
            "ALT": variants["variant_effect_allele"].values,
        }
    ).to_csv(f"{prefix}.pvar", sep="\t", index=False)
    people.rename(columns={"FID": "#FID", "father": "PAT", "mother": "MAT"}).to_csv(
        f"{prefix}.psam", sep="\t", index=False
    )


@pytest.mark.parametrize(
    ("text", "person"),
    [
        ("#FID\tIID\tPAT\tMAT\tSEX\nf\ti\tp\tm\tNA\n", ["f", "i", "p", "m"]),
        ("##source\n#IID\tSEX\ni\tNA\n", ["0", "i", "0", "0"]),
        ("#IID\ni\n", ["0", "i", "0", "0"]),
        ("f i p m 1 -9\n", ["f", "i", "p", "m"]),
    ],
)
def test_people_of_every_psam(tmp_path, text, person):
    for ending in ("pgen", "pvar"):
        (tmp_path / f"x.{ending}").write_text("x")
    (tmp_path / "x.psam").write_text(text)
    assert read_people2(tmp_path / "x").to_numpy().tolist() == [person]
