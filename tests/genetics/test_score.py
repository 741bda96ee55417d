"""Polygenic scores: against arithmetic, against plink2, and on files that do not go together."""

from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from deepwas_app.errors import InputError
from deepwas_app.genetics.plink import read_genotypes
from deepwas_app.genetics.score import (
    Scores,
    match_weights,
    read_people,
    read_phenotype,
    read_weights,
    score,
)

# SCORE1_SUM of the first six people of `world` by plink2 2.00a3.5 --score, see `weights`.
PLINK2 = [-1.50468, -3.64943, -6.39893, 4.14190, -1.06698, -3.50829]


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
    matched = match_weights(read_weights(path), read_genotypes(prefix))
    *steps, result = score(prefix, matched)
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
    monkeypatch.setattr("deepwas_app.genetics.score._CHUNK", 200)
    np.testing.assert_allclose(total(world.prefix, path)[0].total, result.total, atol=1e-12)


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


@pytest.mark.skipif(shutil.which("plink2") is None, reason="plink2 is not installed")
def test_agrees_with_plink2(world, weights, tmp_path):
    path, *_ = weights
    scoring = ["--score", path, "1", "4", "6", "header", "cols=+scoresums"]
    subprocess.run(
        ["plink2", "--bfile", world.prefix, *scoring, "--out", tmp_path / "out"],
        check=True,
        capture_output=True,
    )
    theirs = pd.read_csv(tmp_path / "out.sscore", sep="\t")
    ours, _ = total(world.prefix, path)
    # plink2 prints six digits.
    np.testing.assert_allclose(ours.total, theirs["SCORE1_SUM"], rtol=1e-5, atol=1e-6)
    assert (theirs["ALLELE_CT"] == ours.alleles).all()
    average = ours.total / (2 * ours.variants)
    np.testing.assert_allclose(average, theirs["SCORE1_AVG"], rtol=1e-5, atol=1e-6)


def test_agrees_with_stored_output_of_plink2(world, weights):
    """The output of the command above, for where plink2 is not installed."""
    ours, _ = total(world.prefix, weights[0])
    np.testing.assert_allclose(ours.total[:6], PLINK2, rtol=1e-5, atol=1e-6)


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
        (lambda t: t.assign(SNP=t.SNP + "x", BP=t.BP + 1), "none of its 29 variants"),
        (lambda t: t.assign(A1="TTT"), "alleles of 29 of 29 variants .*rs0 is TTT/"),
        (lambda t: t.assign(BETA=t.BETA.where(t.SNP != "rs7")), "weight of rs7 is no number"),
        (lambda t: pd.concat([t, t.iloc[:1]]), "rs0 is there twice"),
        (lambda t: t.iloc[:0], "no weights"),
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


def test_phenotypes_are_laid_on_people(world, tmp_path):
    people = read_people(world.prefix)
    path = tmp_path / "pheno.tsv"
    values = np.arange(60.0) + 0.5
    table = people[["FID", "IID"]].assign(HEIGHT=values, OTHER=-values)
    table.iloc[::-1].rename(columns={"FID": "#FID"}).to_csv(path, sep="\t", index=False)
    found, name = read_phenotype(path, people)
    assert name == "HEIGHT"
    np.testing.assert_array_equal(found, values)
    np.testing.assert_array_equal(read_phenotype(path, people, "OTHER")[0], -values)
    table.assign(HEIGHT=[-9, np.nan, *values[2:]]).drop(columns="OTHER").to_csv(
        path, sep=" ", index=False, header=False, na_rep="NA"
    )
    found, _ = read_phenotype(path, people)
    np.testing.assert_array_equal(found, [np.nan, np.nan, *values[2:]])
    with pytest.raises(InputError, match="no phenotype BMI"):
        read_phenotype(path, people, "BMI")


def test_unknown_people_are_one_line(world, tmp_path):
    people = read_people(world.prefix)
    path = tmp_path / "pheno.tsv"
    table = people[["FID", "IID"]].assign(HEIGHT=1.0)
    table.loc[4, "IID"] = "stranger"
    table.to_csv(path, sep="\t", index=False)
    with pytest.raises(InputError, match="1 of 60 people have no genotypes, stranger for one"):
        read_phenotype(path, people)
    found, _ = read_phenotype(path, people, skip_unknown=True)
    assert np.isnan(found).sum() == 1
    table.assign(IID="nobody" + table["IID"]).to_csv(path, sep="\t", index=False)
    with pytest.raises(InputError, match="60 of 60 people"):
        read_phenotype(path, people, skip_unknown=True)
