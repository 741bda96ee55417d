"""Exports: layouts that other tools read, and the numbers in them."""

import io

import numpy as np
import pandas as pd
import pytest

from deepwas_app.errors import InputError
from deepwas_app.genetics.genotypes.weights import read_weights
from deepwas_app.genetics.regions import Region
from deepwas_app.workflow.results.exported.pgs_catalog import pgs_catalog_text
from deepwas_app.workflow.results.exported.snpvar import SNPVAR, floored, snpvar_table
from deepwas_app.workflow.results.exported.susie import PRIOR_WEIGHTS, prior_weights
from deepwas_app.workflow.results.exported.weights import (
    PLINK,
    per_allele,
    pgs_weights,
    run_weights,
)
from deepwas_app.workflow.results.heritability import run_heritability
from deepwas_app.workflow.results.locus import opened
from deepwas_app.workflow.results.posterior import posterior
from deepwas_app.workflow.runs.run import open_run, write_record
from deepwas_app.workflow.tables import p_values, tab_separated, write_text


def read(text: str) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(text), sep="\t")


def test_snpvar_is_the_prior_in_polyfuns_layout(small_study, small_runs):
    text = SNPVAR.text(snpvar_table(small_study, small_runs.linear))
    assert text.splitlines()[0] == "CHR\tSNP\tBP\tA1\tA2\tSNPVAR\tZ\tN"
    table = read(text)
    assert len(table) == small_study["variant_scored"].values.sum()
    v = run_heritability(small_study, small_runs.linear)
    np.testing.assert_allclose(table["SNPVAR"], v, rtol=1e-4)
    np.testing.assert_allclose(table["Z"], small_study["variant_z"], rtol=1e-4)
    assert (table["N"] == 500_000).all()
    assert all("e" in cell for cell in text.splitlines()[1].split("\t")[5:7])


def test_unscored_variants_are_not_exported(small_study, small_runs, given):
    scored = small_study["variant_scored"].values.copy()
    scored[:7] = False
    part = small_study.assign(variant_scored=("variants", scored))
    assert len(snpvar_table(part, given(small_runs.linear, part))) == len(scored) - 7


def test_the_prior_of_some_variants_is_that_of_all(small_study, small_runs, monkeypatch):
    """And the rest of the genome is not read for it."""
    from deepwas_app.workflow.runs import heritability as module

    monkeypatch.setattr(module, "_STRETCH", 1_000)
    mlp = small_runs.mlp.model().log_variance
    computed = []
    monkeypatch.setattr(
        module.eqx,
        "filter_jit",
        lambda f: lambda a, *b: computed.append(len(a)) or mlp(a, *b),
    )
    whole = run_heritability(small_study, small_runs.mlp)
    assert sum(computed) == len(whole)
    computed.clear()
    rows = np.array([3217, 10, 3218])
    np.testing.assert_array_equal(run_heritability(small_study, small_runs.mlp, rows), whole[rows])
    assert computed == [1_000, 1_000]


def test_floor_keeps_the_ratio_and_the_total(small_study, small_runs):
    v = np.array([1e-9, 2e-7, 1e-5, 3e-8])
    raised = floored(v)
    assert raised.max() / raised.min() == pytest.approx(100)
    assert raised.sum() == pytest.approx(v.sum())
    assert (np.argsort(raised, kind="stable") == [0, 3, 1, 2]).all()
    np.testing.assert_allclose(floored(raised), raised)
    table = snpvar_table(small_study, small_runs.linear, floor=True)
    free = snpvar_table(small_study, small_runs.linear)
    assert table["SNPVAR"].max() / table["SNPVAR"].min() == pytest.approx(100, rel=1e-3)
    written = read(SNPVAR.text(table))["SNPVAR"]
    assert written.max() / written.min() <= 100
    assert table["SNPVAR"].sum() == pytest.approx(free["SNPVAR"].sum())


def test_prior_weights_of_a_region_sum_to_one(small_study, small_runs):
    position = small_study["variant_position"].values[:40]
    region = Region("1", int(position[5]), int(position[30]))
    table = prior_weights(small_study, small_runs.linear, region)
    assert len(table) == 26
    assert read(PRIOR_WEIGHTS.text(table))["PRIOR_WEIGHT"].sum() == pytest.approx(1, abs=1e-8)
    v = run_heritability(small_study, small_runs.linear)[5:31]
    np.testing.assert_allclose(table["PRIOR_WEIGHT"], v / v.sum())
    uniform = prior_weights(small_study, small_runs.constant, region)["PRIOR_WEIGHT"]
    assert table["PRIOR_WEIGHT"].std() > uniform.std()


def test_weights_are_posterior_means_per_allele(small_study, small_runs):
    table = pgs_weights(small_study, small_runs.linear, posterior="normal")
    known = posterior(small_study, small_runs.linear, posterior="normal")
    mean = known["variant_posterior_mean"].values
    p = small_study["variant_allele_frequency"].values.astype(float)
    n = small_study["variant_sample_size"].values
    np.testing.assert_allclose(
        table["BETA"], mean / np.sqrt(n) / np.sqrt(2 * p * (1 - p)), rtol=1e-5
    )
    truth = small_study["variant_true_effect"].values
    assert np.corrcoef(table["BETA"], per_allele(small_study, truth))[0, 1] > 0.1
    text = PLINK.written(table, small_study, small_runs.linear)
    assert text.splitlines()[0] == "SNP\tCHR\tBP\tA1\tA2\tBETA\tA1_FREQ"


def test_posterior_is_by_the_solver_of_the_run_and_never_silently_unconverged(
    small_study, small_runs
):
    run = open_run(small_runs.linear.path)
    exact = posterior(small_study, run, posterior="normal")["variant_posterior_mean"]
    run.settings.solver = "iterative"
    found = posterior(small_study, run, posterior="normal")["variant_posterior_mean"]
    apart = np.abs(found - exact).max() / np.abs(exact).max()
    assert 0 < apart < 1e-2
    run.settings.max_iterations = 1
    with pytest.raises(InputError, match=r"linear\.run: conjugate gradients did not converge"):
        posterior(small_study, run, posterior="normal")


def test_weights_serve_without_the_detour_by_a_file(small_study, small_runs, tmp_path):
    path = tmp_path / "w.tsv"
    weights = pgs_weights(small_study, small_runs.mlp, posterior="normal")
    path.write_text(PLINK.written(weights, small_study, small_runs.mlp))
    own = run_weights(small_study, small_runs.mlp, posterior="normal")
    pd.testing.assert_frame_equal(own, read_weights(path))
    assert own.attrs["path"] == "weights of mlp"


def test_scoring_file_of_the_pgs_catalog(small_study, small_runs):
    table = pgs_weights(small_study, small_runs.linear, posterior="normal")
    lines = pgs_catalog_text(table, small_study, small_runs.linear).splitlines()
    assert lines[0] == "###PGS CATALOG SCORING FILE"
    lines = [line for line in lines if not line.startswith("##")]
    head = dict(line[1:].split("=", 1) for line in lines if line.startswith("#"))
    assert head["format_version"] == "2.0"
    assert head["genome_build"] == "GRCh37"
    assert head["weight_type"] == "beta"
    assert int(head["variants_number"]) == len(lines) - len(head) - 1
    assert lines[len(head)].split("\t") == [
        "rsID",
        "chr_name",
        "chr_position",
        "effect_allele",
        "other_allele",
        "effect_weight",
        "allelefrequency_effect",
    ]


def test_run_whose_study_moved_or_changed(small_study, small_runs, tmp_path, height):
    import json
    import shutil

    moved = tmp_path / "moved.run"
    shutil.copytree(small_runs.linear.path, moved)
    record = json.loads((moved / "run.json").read_text())
    record["study"]["path"] = str(tmp_path / "gone.study.zarr")
    write_record(moved, record)
    with pytest.raises(InputError, match=r"moved\.run: its study .* --study") as caught:
        opened(None, moved)
    assert "\n" not in str(caught.value)
    study, run = opened(small_study.attrs["path"], moved)
    assert study.attrs["content_hash"] == run.study_hash
    with pytest.raises(InputError, match="trained on another study"):
        opened(height.attrs["path"], moved)


def test_p_values_that_no_float_holds():
    exact = p_values(np.array([0.0, 1.959964, -5.45131, 45.0, np.nan]))
    assert exact[0] == "1.0000e+00"
    assert float(exact[1]) == pytest.approx(0.05, rel=1e-4)
    assert float(exact[2]) == pytest.approx(5e-8, rel=1e-3)
    # From Laplace's continued fraction of Mills' ratio in 50 digits.
    assert exact[3] == "3.3524e-442"
    assert exact[4] == "NA"


def test_tables_are_written_whole_or_not_at_all(tmp_path):
    table = pd.DataFrame({"a": [0.123456, np.nan], "b": ["x", "y"]})
    assert tab_separated(table, {"a": ".2e"}) == "a\tb\n1.23e-01\tx\nNA\ty\n"
    write_text("old", tmp_path / "t.tsv")
    write_text("new", tmp_path / "t.tsv")
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"t.tsv", "t.tsv.provenance.json"}
    assert (tmp_path / "t.tsv").read_text() == "new"
    with pytest.raises(InputError, match="no such folder"):
        write_text("x", tmp_path / "no" / "t.tsv")
