"""Phenotypes and covariates of people, laid on those who are genotyped."""

import numpy as np
import pandas as pd
import pytest

from deepwas_app.errors import InputError
from deepwas_app.genetics.genotypes.phenotype import read_covariates, read_people, read_phenotype


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
    with pytest.raises(InputError, match="1 of 60 people have no genotypes: stranger"):
        read_phenotype(path, people)
    found, _ = read_phenotype(path, people, skip_unknown=True)
    assert np.isnan(found).sum() == 1
    table.assign(IID="nobody" + table["IID"]).to_csv(path, sep="\t", index=False)
    with pytest.raises(InputError, match="60 of 60 people"):
        read_phenotype(path, people, skip_unknown=True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.assign(HEIGHT="tall"), "HEIGHT holds tall, which is no number"),
        (lambda t: pd.concat([t, t.iloc[3:4]]), "has the person .* twice"),
        (lambda t: t[["FID", "IID"]], "no phenotype of people"),
        (lambda t: t.iloc[:0], "a header and no people"),
    ],
)
def test_phenotypes_that_cannot_be_used_are_one_line(world, tmp_path, change, words):
    people = read_people(world.prefix)
    path = tmp_path / "bad.tsv"
    change(people[["FID", "IID"]].assign(HEIGHT=1.5)).to_csv(path, sep="\t", index=False)
    with pytest.raises(InputError, match=words) as caught:
        read_phenotype(path, people)
    assert "bad.tsv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_people_who_share_a_name_need_their_families(world, tmp_path):
    people = read_people(world.prefix)
    people.loc[1, "IID"] = people["IID"][0]
    people["FID"] = [f"family{i}" for i in range(60)]
    path = tmp_path / "pheno.tsv"
    table = people[["FID", "IID"]].assign(HEIGHT=np.arange(60.0))
    table.to_csv(path, sep="\t", index=False)
    np.testing.assert_array_equal(read_phenotype(path, people)[0], np.arange(60.0))
    table.drop(columns="FID").to_csv(path, sep="\t", index=False)
    with pytest.raises(InputError, match="has no column FID"):
        read_phenotype(path, people)


@pytest.mark.parametrize("mark", [",", "\t", " ", ";"])
@pytest.mark.parametrize("columns", [["FID", "IID"], ["IID"]])
def test_phenotypes_of_every_layout(world, tmp_path, mark, columns):
    people = read_people(world.prefix)
    values = np.arange(len(people)) % 5 + 0.5
    path = tmp_path / "pheno.txt"
    table = people[columns].assign(HEIGHT=values)
    table.to_csv(path, sep=mark, index=False)
    found, name = read_phenotype(path, people)
    assert name == "HEIGHT"
    np.testing.assert_array_equal(found, values)
    table.rename(columns={columns[0]: f"#{columns[0]}"}).to_csv(path, sep=mark, index=False)
    np.testing.assert_array_equal(read_phenotype(path, people)[0], values)
    table.to_csv(path, sep=mark, index=False, header=False)
    np.testing.assert_array_equal(read_phenotype(path, people)[0], values)


def test_0_beside_1_and_2_is_asked(world, tmp_path):
    people = read_people(world.prefix)
    values = np.arange(len(people)) % 3.0
    path = tmp_path / "pheno.txt"
    people[["FID", "IID"]].assign(CASE=values.astype(int)).to_csv(path, sep=" ", index=False)
    with pytest.raises(InputError, match=r"CASE holds 0, 1 and 2.* --zero missing or --zero value"):
        read_phenotype(path, people)
    np.testing.assert_array_equal(read_phenotype(path, people, zero="value")[0], values)
    found, _ = read_phenotype(path, people, zero="missing")
    np.testing.assert_array_equal(found, np.where(values == 0, np.nan, values))
    # What is only 0 and 1, or goes on to 3, is no coding of PLINK's.
    for coded in (values.clip(0, 1), np.arange(len(people)) % 4.0):
        people[["FID", "IID"]].assign(CASE=coded).to_csv(path, sep=" ", index=False)
        np.testing.assert_array_equal(read_phenotype(path, people)[0], coded)


def test_a_header_of_other_names_is_no_person(world, tmp_path):
    path = tmp_path / "pheno.csv"
    path.write_text(
        "eid,height\n" + "".join(f"{iid},1.5\n" for iid in read_people(world.prefix)["IID"])
    )
    with pytest.raises(InputError, match=r"has height for a phenotype.* begins with FID or IID"):
        read_phenotype(path, read_people(world.prefix))


def test_covariates_are_laid_on_people(world, tmp_path):
    people = read_people(world.prefix)
    path = tmp_path / "covariates.csv"
    table = people[["IID"]].assign(PC1=np.arange(len(people)) + 0.0, PC2=-1.5).iloc[::-1]
    table.iloc[0, 1] = np.nan
    table.to_csv(path, index=False)
    found = read_covariates(path, people)
    assert np.isnan(found[-1, 0])
    np.testing.assert_array_equal(found[:-1, 0], np.arange(len(people) - 1))
    assert (found[:, 1] == -1.5).all()
    table.assign(SEX="male").to_csv(path, index=False)
    with pytest.raises(InputError, match="covariate SEX holds male, which is no number"):
        read_covariates(path, people)
