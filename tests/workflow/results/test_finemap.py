"""Fine-mapping a region of a study, with labels."""

import io
import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from deepwas_app.cli import main
from deepwas_app.core.finemap import single_effects
from deepwas_app.core.remainder import Remainder
from deepwas_app.errors import InputError
from deepwas_app.genetics.regions import Region
from deepwas_app.genetics.store import read_block
from deepwas_app.workflow.results import causal_number
from deepwas_app.workflow.results.credible_sets import (
    CREDIBLE_SETS,
    STUDY_LOCUS,
    heritability_in_sets,
    susie_sets,
    write_study_loci,
)
from deepwas_app.workflow.results.exported.susie import prior_weights
from deepwas_app.workflow.results.finemap import FINE_MAPPING, FITS, fine_map
from deepwas_app.workflow.results.heritability import run_heritability
from deepwas_app.workflow.runs import heritability
from deepwas_app.workflow.runs import run as run_module


@pytest.fixture(scope="module")
def found(small_study, small_runs):
    position = small_study["variant_position"].values[small_study["variant_block"].values == 3]
    region = Region("4", int(position[20]), int(position[-30]))
    return region, fine_map(small_study, small_runs.linear, region)


def test_table_has_the_columns_of_the_field_and_the_uniform_prior_beside(found, small_study):
    region, mapping = found
    text = FINE_MAPPING.text(mapping.table)
    table = pd.read_csv(io.StringIO(text), sep="\t", dtype={"CHR": str})
    assert list(table) == [
        *["CHR", "SNP", "BP", "A1", "A2", "SNPVAR", "Z", "N", "P", "PIP", "BETA_MEAN", "BETA_SD"],
        *["CREDIBLE_SET", "PIP_UNIFORM", "CREDIBLE_SET_UNIFORM"],
    ]
    assert table["BP"].between(region.start, region.stop).all()
    assert (table["CHR"] == "4").all()
    assert table[["PIP", "PIP_UNIFORM"]].to_numpy().max() <= 1
    assert table[["PIP", "PIP_UNIFORM"]].to_numpy().min() >= 0
    assert np.abs(table["PIP"] - table["PIP_UNIFORM"]).max() > 1e-3


def test_credible_sets_are_summed_up_and_numbered_as_in_the_table(found):
    _, mapping = found
    assert len(mapping.fits) == 2
    assert mapping.fits["CONVERGED"].all()
    for prior, column in (("model", "CREDIBLE_SET"), ("uniform", "CREDIBLE_SET_UNIFORM")):
        sets = mapping.sets[mapping.sets["PRIOR"] == prior]
        assert set(mapping.table[column]) - {0} <= set(sets["CREDIBLE_SET"])
        for row in sets.itertuples():
            # A later set may share a variant with an earlier one.
            assert (mapping.table[column] == row.CREDIBLE_SET).sum() <= row.VARIANTS_IN_REGION
            assert row.COVERAGE >= 0.95
            assert row.PURITY >= 0.5


def test_numbers_are_those_of_the_whole_block(small_study, small_runs):
    """PIPs of the block's own fit; effects per s.d. of the genotype, b / sqrt(N)."""
    mapping = fine_map(small_study, small_runs.linear, Region("4", 0, 10**9))
    own, n = small_study["variant_block"].values, 500_000
    every = run_heritability(small_study, small_runs.linear)
    rows = own == 3
    v, z = every[rows], small_study["variant_z"].values[rows]
    block, model = read_block(small_study, 3), small_runs.linear.model()
    Q, x, inflation = (block[name].values for name in ("Q", "x", "noise"))
    s2, noise = float(model.s2), float(model.s2) * inflation + n * v.sum() * block["background"]
    assert float(model.kappa) == 0
    expected = mapping.causal.mean * v.sum() / np.mean([every[own == b].sum() for b in range(20)])
    assert mapping.fits["EXPECTED"].tolist() == pytest.approx([expected, mapping.causal.mean])
    left = Remainder(z - Q @ (x / inflation), 1 - (Q**2 / inflation).sum(axis=1), s2)
    fit = single_effects(
        Q, x, noise.values, prior_weights=v, remainder=left, effects=20, causal=expected
    )
    np.testing.assert_allclose(mapping.table["PIP"], fit.pip, atol=1e-3)
    np.testing.assert_allclose(
        mapping.table["BETA_MEAN"], fit.posterior_mean / np.sqrt(500_000), atol=1e-5
    )
    np.testing.assert_allclose(mapping.table["SNPVAR"], v)
    part = fine_map(small_study, small_runs.linear, Region("4", 0, 40_000_000)).table
    np.testing.assert_allclose(part["PIP"], mapping.table["PIP"][: len(part)])


@pytest.mark.parametrize("what", [fine_map, prior_weights])
def test_a_region_asks_for_its_own_prior_alone_and_reads_the_weights_once(
    small_study, small_runs, monkeypatch, what
):
    read, asked = [], []

    def leaves(folder, name, like, of_disk=run_module._read_leaves):
        read.append(name)
        return of_disk(folder, name, like)

    def stretches(*given, of_module=heritability._stretches):
        for stretch, tracks in of_module(*given):
            asked.append((stretch.start, stretch.stop))
            yield stretch, tracks

    monkeypatch.setattr(run_module, "_read_leaves", leaves)
    monkeypatch.setattr(heritability, "_stretches", stretches)
    monkeypatch.setattr(heritability, "_STRETCH", 350)
    given = {"causal": 2.0} if what is fine_map else {}
    what(small_study, small_runs.linear, Region("4", 0, 10**9), **given)
    assert read == ["weights.eqx"]
    # The 300 variants of block 3, of 6,000.
    assert asked == [(700, 1050), (1050, 1400)]


def test_the_number_of_causal_variants_is_learned_once_for_all_regions(
    small_study, small_runs, monkeypatch
):
    """From the study, and not from what it is asked for; a given number is that of every block."""
    fits = []

    def evidence(task, of_module=causal_number.evidence_of):
        fits.append(task)
        return of_module(task)

    monkeypatch.setattr(causal_number, "_LEARNED", {})
    monkeypatch.setattr(causal_number, "evidence_of", evidence)
    found = [
        fine_map(small_study, small_runs.linear, Region(c, 0, 10**9)).causal for c in ("4", "9")
    ]
    assert found[0] == found[1]
    assert found[0].learned_from == 20
    assert len(fits) % 20 == 0
    assert len(fits) <= 20 * 4
    # In this study all variants have effects, and those that can be told are more than two.
    assert 2 < found[0].mean <= 20
    # Another begin leads to the same number.
    monkeypatch.setattr(causal_number, "_LEARNED", {})
    monkeypatch.setattr(causal_number, "_START", 15.0)
    other = fine_map(small_study, small_runs.linear, Region("4", 0, 10**9)).causal
    assert other.mean == pytest.approx(found[0].mean, rel=0.2)
    given = fine_map(small_study, small_runs.linear, Region("4", 0, 10**9), causal=0.5)
    assert given.fits["EXPECTED"].tolist() == [0.5, 0.5]
    assert given.causal.words == "causal variants expected an LD block: 0.5, as asked for"
    most = fine_map(small_study, small_runs.linear, Region("4", 0, 10**9), causal=np.inf, effects=4)
    assert most.fits["EFFECTS"].tolist() == pytest.approx([4, 4])


def test_constant_prior_differs_from_uniform_only_by_frequency(small_study, small_runs):
    """v_j of the constant prior is (p (1 - p)) ** alpha, so the two go together."""
    mapping = fine_map(small_study, small_runs.constant, Region("4", 0, 10**9))
    pip = mapping.table[["PIP", "PIP_UNIFORM"]]
    assert pip.corr().iloc[0, 1] > 0.6


def test_region_without_variants_is_one_line(small_study, small_runs):
    with pytest.raises(InputError, match="no variant"):
        fine_map(small_study, small_runs.linear, Region("4", 1, 2))
    empty = small_study.assign(block_components=("blocks", np.zeros(20, np.int32)))
    with pytest.raises(InputError, match="has a z-score"):
        fine_map(empty, small_runs.linear, Region("4", 0, 10**9))


def test_sets_and_fits_are_written_with_their_columns(found):
    _, mapping = found
    sets = pd.read_csv(io.StringIO(CREDIBLE_SETS.text(mapping.sets)), sep="\t")
    assert list(sets) == list(mapping.sets)
    np.testing.assert_allclose(sets["PURITY"], mapping.sets["PURITY"], rtol=1e-4)
    fits = pd.read_csv(io.StringIO(FITS.text(mapping.fits)), sep="\t")
    assert fits["CONVERGED"].all()
    assert (fits["EFFECTS"] > 0).all()


def test_sets_of_a_flank_are_the_neighbours(small_study, small_runs, given):
    """A window scores its core; what its flank leads is found by the window that scores it."""
    region = Region("4", 0, 10**9)
    whole = fine_map(small_study, small_runs.linear, region)
    (lead, *_) = whole.sets["LEAD_SNP"][whole.sets["PRIOR"] == "model"]
    own = small_study["variant_block"].values.copy()
    own[small_study["variant_id"].values.astype(str) == lead] = 4
    flanked = small_study.assign(variant_block=("variants", own))
    part = fine_map(flanked, given(small_runs.linear, flanked), region)
    assert lead not in part.sets["LEAD_SNP"][part.sets["PRIOR"] == "model"].tolist()
    assert len(part.fits) == 4


def test_a_region_across_blocks_is_fitted_block_by_block(small_study, small_runs, given):
    """Two chromosomes' blocks, made neighbours on one."""
    chromosome = small_study["variant_chromosome"].values.astype(str)
    position = small_study["variant_position"].values.copy()
    position[chromosome == "5"] += 10**8
    joined = small_study.assign(
        variant_chromosome=("variants", np.where(chromosome == "5", "4", chromosome)),
        variant_position=("variants", position),
    )
    both = fine_map(joined, given(small_runs.linear, joined), Region("4", 0, 10**9))
    alone = fine_map(small_study, small_runs.linear, Region("4", 0, 10**9))
    assert len(both.fits) == 4
    np.testing.assert_allclose(both.table["PIP"][: len(alone.table)], alone.table["PIP"])
    for prior, sets in both.sets.groupby("PRIOR"):
        assert sets["CREDIBLE_SET"].tolist() == list(range(1, len(sets) + 1)), prior


def test_small_effects_of_all_variants_are_told_by_their_evidence(small_study, small_runs):
    """In this study all variants have effects, and none is causal beside them."""

    def mapped(background):
        return fine_map(
            small_study, small_runs.linear, Region("4", 0, 10**9), causal=2.0,
            background=background,
        )  # fmt: skip

    learned = mapped(None)
    shares = (0.0, 0.03, 0.1, 0.3, 1.0)
    given = [mapped(share) for share in shares]
    evidence = [one.fits["ELBO"][0] for one in given]
    best = int(np.argmax(evidence))
    assert learned.fits["BACKGROUND"].tolist() == 2 * [shares[best]]
    assert best >= 3
    assert evidence[best] > evidence[0] + 5
    pd.testing.assert_frame_equal(learned.table, given[best].table)
    # What they explain is not taken for single effects.
    assert learned.fits["EFFECTS"][0] < 0.5 * given[0].fits["EFFECTS"][0]


@pytest.fixture(scope="module")
def whole(small_study, small_runs):
    return fine_map(small_study, small_runs.linear, None)


def test_study_loci_have_the_types_and_the_sets_of_the_table(small_study, whole, tmp_path):
    write_study_loci(small_study, whole.sets, whole.loci, tmp_path / "loci.parquet")
    table = pq.read_table(tmp_path / "loci.parquet")
    assert table.schema.remove_metadata().equals(STUDY_LOCUS)
    sets = whole.sets[whole.sets["PRIOR"] == "model"]
    assert len(table) == len(sets) > 5
    rows = table.to_pylist()
    assert len({row["studyLocusId"] for row in rows}) == len(rows)
    variants = whole.table.set_index(
        [whole.table[name].astype(str) for name in ("CHR", "BP", "A2", "A1")]
    )
    variants.index = ["_".join(key) for key in variants.index]
    for row, one in zip(rows, sets.itertuples(), strict=True):
        inside = [each for each in row["locus"] if each["is95CredibleSet"]]
        members = variants.loc[[each["variantId"] for each in inside]]
        # Coverage is 0.95: the sets are those of the table; a later one may share its variants.
        assert len(inside) == one.VARIANTS
        assert members["CREDIBLE_SET"].ge(one.CREDIBLE_SET).all()
        only = set(variants.index[variants["CREDIBLE_SET"] == one.CREDIBLE_SET])
        assert only <= set(members.index)
        assert members["SNP"].iloc[0] == one.LEAD_SNP
        assert row["variantId"] == inside[0]["variantId"]
        probability = [each["posteriorProbability"] for each in row["locus"]]
        assert probability == sorted(probability, reverse=True)
        assert sum(probability[: len(inside)]) == pytest.approx(one.COVERAGE)
        assert sum(probability) >= 0.985 * one.COVERAGE
        assert all(each["is99CredibleSet"] for each in inside)
        lead = members.iloc[0]
        assert row["zScore"] == pytest.approx(lead["Z"])
        assert row["zScore"] == pytest.approx(row["beta"] / row["standardError"])
        p = row["pValueMantissa"] * 10.0 ** row["pValueExponent"]
        assert p == pytest.approx(float(lead["P"]), rel=1e-3)
        assert 1 <= row["pValueMantissa"] < 10
        assert row["purityMinR2"] == pytest.approx(one.PURITY**2)
        assert row["purityMinR2"] <= row["purityMeanR2"] + 1e-6
        assert row["locusStart"] <= row["position"] <= row["locusEnd"]


def test_bayes_factors_are_those_of_the_data(small_study, small_runs, whole):
    """Prior weight times Bayes factor adds up to the evidence, and goes with the posterior."""
    sets = whole.sets[whole.sets["PRIOR"] == "model"].set_index("CREDIBLE_SET")
    loci = whole.loci[whole.loci["PRIOR"] == "model"]
    block_of = small_study["variant_block"].values
    seen = 0
    for number, members in loci.groupby("CREDIBLE_SET"):
        evidence = sets.loc[number, "LOG10_BF"] * np.log(10)
        b = int(block_of[members.index[0]])
        v = run_heritability(small_study, small_runs.linear)
        weight = v[members.index] / v[block_of == b].sum()
        given = weight * np.exp(members["LOG_BF"].to_numpy() - evidence)
        assert 0.985 < given.sum() <= 1.0001
        ratio = members["PROBABILITY"].to_numpy() / given
        np.testing.assert_allclose(ratio, ratio[0], rtol=1e-6)
        assert ratio[0] <= 1.0001
        seen += 1
    assert seen > 5


def test_susie_sets_are_the_sets_in_other_names(whole):
    table = susie_sets(whole.sets, whole.loci)
    sets = whole.sets[whole.sets["PRIOR"] == "model"]
    assert table.groupby("cs").size().tolist() == sets["VARIANTS"].tolist()
    first = table.drop_duplicates("cs")
    assert first["variable"].tolist() == sets["LEAD_SNP"].tolist()
    np.testing.assert_allclose(first["cs_min_r2"], sets["PURITY"].astype(float) ** 2)
    np.testing.assert_allclose(table.groupby("cs")["cs_specific_prob"].sum(), sets["COVERAGE"])
    assert (table["variable_prob"] >= table["cs_specific_prob"] - 1e-6).all()


def test_heritability_in_sets_is_the_sum_of_theirs(small_study, small_runs, whole):
    shares = heritability_in_sets(small_study, small_runs.linear, whole.sets)
    total = run_heritability(small_study, small_runs.linear).sum()
    np.testing.assert_allclose(shares["H2"], total)
    np.testing.assert_allclose(
        shares["SHARE"], whole.sets.groupby("PRIOR", sort=False)["H2"].sum() / total
    )
    assert (
        shares["SETS"].tolist() == whole.sets["PRIOR"].value_counts()[["model", "uniform"]].tolist()
    )


def test_the_command_writes_the_sets_as_others_read_them(small_runs, tmp_path, capsys):
    files = {name: tmp_path / name for name in ("f.tsv", "susie.tsv", "loci.parquet", "sets.tsv")}
    words = ["finemap", str(small_runs.linear.path), "-o", str(files["f.tsv"]), "--json"]
    words += ["--susie", str(files["susie.tsv"]), "--study-locus", str(files["loci.parquet"])]
    assert main([*words, "--sets", str(files["sets.tsv"]), "--region", "4:1-900000000"]) == 0
    told = capsys.readouterr()
    assert "positions are on hg19, not on hg38" in told.err
    assert "learned from 20 LD blocks" in told.err
    assert "h2_in_sets" not in json.loads(told.out.splitlines()[-1])
    sets = pd.read_csv(files["sets.tsv"], sep="\t")
    number = int((sets["PRIOR"] == "model").sum())
    assert pq.read_table(files["loci.parquet"]).num_rows == number > 0
    susie = pd.read_csv(files["susie.tsv"], sep="\t")
    assert list(susie)[5:] == [
        *["variable_prob", "cs", "cs_specific_prob"],
        *["cs_log10bf", "cs_avg_r2", "cs_min_r2", "cs_size"],
    ]
    assert susie["cs"].nunique() == number
    assert main([*words, "--all", "--causal", "3"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out.splitlines()[-1])["causal"] == {"expected": 3.0, "learned_from": 0}
    model, uniform = json.loads(told.out.splitlines()[-1])["h2_in_sets"]
    assert (model["PRIOR"], uniform["PRIOR"]) == ("model", "uniform")
    assert model["SHARE"] == pytest.approx(model["H2_SETS"] / model["H2"])
    assert f"{model['SHARE']:.1%} of heritability is in the sets" in told.err
