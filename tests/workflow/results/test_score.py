"""People are scored with weights in files and in memory, one set or several."""

import numpy as np
import pandas as pd
import pytest

from deepwas_app.errors import InputError
from deepwas_app.genetics.builtin import data_dir
from deepwas_app.workflow.results.accuracy import accuracy_lines, difference_lines
from deepwas_app.workflow.results.score import report_lines, score_people


@pytest.fixture
def files(height, tmp_path):
    """Genotypes, a table of 400 weights at their variants, and a phenotype of its score."""
    rows = slice(0, 400)
    table = pd.DataFrame(
        {
            "SNP": height["variant_id"].values[rows],
            "A1": height["variant_effect_allele"].values[rows],
            "BETA": np.linspace(-1, 1, 400),
        }
    )
    genotypes = data_dir() / "height_chr22" / "genotypes"
    scored = score_people(table, genotypes).table
    rng = np.random.default_rng(1)
    value = scored["SCORE_SUM"] + scored["SCORE_SUM"].std() * rng.standard_normal(len(scored))
    pheno = scored[["FID", "IID"]].assign(Y=value, D=1 + (value > value.median()))
    pheno.to_csv(tmp_path / "y.tsv", sep="\t", index=False)
    return table, genotypes, tmp_path / "y.tsv"


def test_weights_may_be_a_table_in_memory(files, tmp_path):
    table, genotypes, _ = files
    before = table.copy()
    path = tmp_path / "weights.tsv"
    table.to_csv(path, sep="\t", index=False)
    found, read = score_people(table, genotypes), score_people(path, genotypes)
    assert found.report == read.report
    pd.testing.assert_frame_equal(found.table, read.table)
    pd.testing.assert_frame_equal(table, before)


def test_several_weights_are_judged_on_the_same_people(files, tmp_path):
    table, genotypes, pheno = files
    noisy = table.assign(BETA=np.random.default_rng(2).permutation(table["BETA"]))
    for name, one in (("a.tsv", table), ("b.tsv", noisy)):
        one.to_csv(tmp_path / name, sep="\t", index=False)
    paths = [tmp_path / "a.tsv", tmp_path / "b.tsv"]
    both = score_people(paths, genotypes, pheno, pheno_name="D", prevalence=0.1)
    assert [one.name for one in both.weights] == ["a.tsv", "b.tsv"]
    for path in paths:
        alone = score_people(path, genotypes, pheno, pheno_name="D", prevalence=0.1)
        mine = both.table[both.table["WEIGHTS"] == path.name].drop(columns="WEIGHTS")
        pd.testing.assert_frame_equal(mine.reset_index(drop=True), alone.table)
        rows = both.judged.measures["WEIGHTS"] == path.name
        pd.testing.assert_frame_equal(
            both.judged.measures[rows].reset_index(drop=True), alone.judged.measures
        )
        assert len(alone.judged.differences) == 0
    assert both.accuracy == both.judged.shares["a.tsv"]
    assert both.judged.differences["MEASURE"].tolist() == ["R2", "AUC", "R2_liability"]
    assert (both.judged.differences["LOW95"] > 0).all()
    lines = accuracy_lines(both.judged)
    assert [line.split(":")[0] for line in lines] == ["a.tsv", "b.tsv"]
    assert difference_lines(both.judged)[0].startswith("a.tsv less b.tsv: R² +0.")


def test_a_pattern_is_one_score_and_a_list_is_several(files, tmp_path):
    table, genotypes, _ = files
    table[:150].to_csv(tmp_path / "w21.tsv", sep="\t", index=False)
    table[150:].to_csv(tmp_path / "w22.tsv", sep="\t", index=False)
    whole = score_people(table, genotypes).table
    for pattern in ("w2*.tsv", "w{CHR}.tsv"):
        found = score_people(str(tmp_path / pattern), genotypes).table
        pd.testing.assert_frame_equal(found, whole)
    parts = score_people([str(tmp_path / "w21.tsv"), str(tmp_path / "w22.tsv")], genotypes).table
    summed = parts.groupby("IID", sort=False)["SCORE_SUM"].sum()
    np.testing.assert_allclose(summed, whole["SCORE_SUM"])
    # The same name twice is two scores all the same.
    twice = score_people([table, table], genotypes)
    assert [one.name for one in twice.weights] == ["weights", "weights #2"]


def test_what_is_not_scored_is_counted_with_its_share_of_the_weight(files):
    table, genotypes, _ = files
    table = table.assign(SNP=np.where(np.arange(400) < 40, "none" + table["SNP"], table["SNP"]))
    (became,) = score_people(table, genotypes).weights
    size = np.abs(table["BETA"])
    assert became.report["not in the genotypes"] == 40
    assert became.lost == pytest.approx({"not in the genotypes": size[:40].sum() / size.sum()})
    assert became.share_of == "|weight|"
    # With frequencies, by what a variant does to the spread of scores.
    p = np.where(np.arange(400) < 40, 0.01, 0.5)
    scored = score_people(table.assign(A1_FREQ=p), genotypes)
    size = size * np.sqrt(2 * p * (1 - p))
    lost = size[:40].sum() / size.sum()
    assert scored.weights[0].lost == pytest.approx({"not in the genotypes": lost})
    assert f"40 not in the genotypes ({lost:.2%} of weight)" in report_lines(scored)[0]
    # One unknown frequency, and none of them is used.
    p[3] = np.nan
    (became,) = score_people(table.assign(A1_FREQ=p), genotypes).weights
    assert became.share_of == "|weight|"


def test_what_judges_needs_a_phenotype_that_suits_it(files):
    table, genotypes, pheno = files
    with pytest.raises(InputError, match="prevalence: is of use to a phenotype"):
        score_people(table, genotypes, prevalence=0.1)
    with pytest.raises(InputError, match=r"y\.tsv: its values are not those of cases"):
        score_people(table, genotypes, pheno, pheno_name="Y", prevalence=0.1)
