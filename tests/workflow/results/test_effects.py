"""Effects and enrichment of a run: as labelled data, as tables, and from the command."""

import io
import json
import shutil

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.stats import t

from deepwas_app.cli import main
from deepwas_app.genetics.store import open_study_store
from deepwas_app.workflow.results.annotation_effects import _fifths, annotation_effects
from deepwas_app.workflow.results.effects import EFFECTS, FIFTHS, effects_table, quantile_table
from deepwas_app.workflow.runs.run import write_record
from deepwas_app.workflow.runs.train import train
from deepwas_app.workflow.settings import SimulateSettings, TrainSettings
from deepwas_app.workflow.studies.simulate import simulate

SLDSC = [
    "Category",
    "Prop._SNPs",
    "Prop._h2",
    "Prop._h2_std_error",
    "Enrichment",
    "Enrichment_std_error",
    "Enrichment_p",
    "Coefficient",
    "Coefficient_std_error",
    "Coefficient_z-score",
]


@pytest.fixture(scope="module")
def linear(small_study, small_runs) -> xr.Dataset:
    return annotation_effects(small_study, small_runs.linear)


@pytest.fixture(scope="module")
def mlp(small_study, small_runs) -> xr.Dataset:
    return annotation_effects(small_study, small_runs.mlp)


def test_sldsc_columns_come_first_and_in_order(linear):
    columns = {"marginal": np.arange(9.0), "marginal_se": np.full(9, 0.5)}
    alone = xr.Dataset({name: ("annotations", values) for name, values in columns.items()})
    table = effects_table(linear, alone)
    assert list(table)[:10] == SLDSC
    assert list(table)[10:] == [
        "Coefficient_p",
        "Unit_coefficient",
        "Unit_coefficient_std_error",
        "Score_z-score",
        "Score_p",
        "Enrichment_low95",
        "Enrichment_high95",
        "Note",
        "Marginal_coefficient",
        "Marginal_coefficient_std_error",
        "Marginal_coefficient_z-score",
        "Marginal_coefficient_p",
        "Marginal_unit_coefficient",
        "Marginal_unit_coefficient_std_error",
    ]
    assert table["Marginal_coefficient_z-score"].tolist() == (2 * np.arange(9.0)).tolist()
    assert table["Marginal_coefficient_p"][1] == pytest.approx(2 * t.sf(2, 14))
    back = pd.read_csv(io.StringIO(EFFECTS.text(table)), sep="\t").assign(Note="")
    pd.testing.assert_frame_equal(back, table, rtol=1e-7, check_dtype=False)


def test_per_unit_is_per_deviation_over_the_deviation(linear, mlp):
    for effects in (linear, mlp):
        table = effects_table(effects)
        deviation = effects["annotation_deviation"].values
        for name in ("coefficient", "coefficient_std_error"):
            np.testing.assert_allclose(
                table[f"Unit_{name}"] * deviation, table[name.capitalize()], rtol=1e-12
            )


def test_partial_effects_of_a_linear_prior_are_its_coefficients(linear, mlp, small_runs):
    """Without the pull of the normal prior, which all of them together are nearer 0 by."""
    own = np.asarray(small_runs.linear.model().prior.coefficients, np.float64)
    np.testing.assert_array_equal(linear["partial_effect"], linear["coefficient"])
    apart = linear["coefficient"].values - own
    assert 0 < np.abs(apart).max() < 3 * linear["coefficient_se"].values.max()
    assert np.linalg.norm(linear["coefficient"]) > np.linalg.norm(own)
    assert np.isnan(mlp["coefficient"].values).all()
    assert np.isfinite(mlp["partial_effect"].values).all()
    assert np.abs(mlp["partial_effect"].values).max() > 0.01


def test_the_truth_is_within_its_errors(linear, small_study):
    """The simulated truth is log-linear; shares of the true heritability are known exactly."""
    v = small_study["variant_true_heritability"].values.astype(float)
    annotations = small_study["variant_annotation"].values
    binary = small_study["annotation_kind"].values == "binary"
    for a in np.flatnonzero(binary):
        inside = annotations[:, a] == 1
        truth = v[inside].sum() / v.sum() / inside.mean()
        low, high = (float(linear[f"enrichment_{end}"][a]) for end in ("low", "high"))
        width = high - low
        assert low - width / 2 < truth < high + width / 2
    log_f = np.log(v) - 0.7 * np.log(
        (p := small_study["variant_allele_frequency"].values.astype(float)) * (1 - p)
    )
    design = (annotations - annotations.mean(axis=0)) / annotations.std(axis=0)
    truth = np.linalg.lstsq(np.column_stack([np.ones(len(v)), design]), log_f, rcond=None)[0][1:]
    z = (linear["coefficient"].values - truth) / linear["coefficient_se"].values
    assert np.abs(z).max() < 4
    assert np.sqrt(np.mean(z**2)) < 2


def test_quantiles_are_fifths_with_their_ranges(linear, small_study, small_runs):
    from deepwas_app.workflow.results.heritability import run_heritability

    table = quantile_table(linear)
    continuous = small_study["annotation"].values[
        small_study["annotation_kind"].values == "continuous"
    ]
    assert table["Category"].tolist() == np.repeat(continuous, 5).tolist()
    assert table["Quantile"].tolist() == [1, 2, 3, 4, 5] * len(continuous)
    np.testing.assert_allclose(table["Prop._SNPs"], 0.2, atol=1e-3)
    np.testing.assert_allclose(table.groupby("Category")["Prop._h2"].sum(), 1.0, rtol=1e-6)
    v = run_heritability(small_study, small_runs.linear)
    column = small_study["annotation"].values.tolist().index("Continuous 2")
    values = small_study["variant_annotation"].values[:, column]
    for row in table[table["Category"] == "Continuous 2"].to_dict("records"):
        inside = (values >= row["Lower"]) & (values <= row["Upper"])
        assert inside.mean() == pytest.approx(row["Prop._SNPs"])
        assert v[inside].sum() / v.sum() == pytest.approx(row["Prop._h2"], rel=1e-5)
        assert row["Enrichment"] == pytest.approx(row["Prop._h2"] / row["Prop._SNPs"])
        assert row["Enrichment_low95"] < row["Enrichment"] < row["Enrichment_high95"]


def test_binary_annotations_have_no_fifths_and_continuous_ones_no_share(linear, small_study):
    binary = small_study["annotation_kind"].values == "binary"
    assert np.isnan(linear["quantile_enrichment"].values).all(axis=1).tolist() == binary.tolist()
    assert np.isnan(linear["enrichment"].values).tolist() == (~binary).tolist()


def test_fifths_of_equal_values_are_unequal_and_never_overlap():
    values = np.concatenate([np.zeros(70), np.arange(1.0, 31.0)])[:, None]
    members, lower, upper = _fifths(values)
    assert members.sum(axis=(1, 2)).tolist() == [1] * 100
    assert members.sum(axis=(0, 2)).tolist() == [0, 0, 0, 80, 20]
    assert np.isnan(lower[0, :3]).all()
    assert lower[0, 3:].tolist() == [0.0, 11.0]
    assert upper[0, 3:].tolist() == [10.0, 30.0]


def test_errors_of_a_regression_are_those_of_the_regression(small_study, small_runs, tmp_path):
    settings = TrainSettings(prior="linear", objective="ldsr")
    run = train(small_study, settings, tmp_path / "ldsr.run")
    regression = annotation_effects(small_study, run)["coefficient_se"].values
    likelihood = annotation_effects(small_study, small_runs.linear)["coefficient_se"].values
    # Regression is the weaker of the two, here by far.
    assert np.nanmedian(regression / likelihood) > 1.2


def test_fixed_noise_is_not_an_error(small_study, small_runs, tmp_path):
    settings = TrainSettings(prior="linear", s2=1.0, kappa=1e-6)
    run = train(small_study, settings, tmp_path / "fixed.run")
    found = annotation_effects(small_study, run)
    assert (found["coefficient_se"].values > 0).all()
    assert run.model().learn_s2 is False


def test_command_and_functions_give_the_same_bytes(small_study, small_runs, linear, tmp_path):
    out, fifths = tmp_path / "e.tsv", tmp_path / "q.tsv"
    words = ["--quantiles", str(fifths), "-o", str(out)]
    assert main(["effects", str(small_runs.linear.path), *words]) == 0
    assert out.read_text() == EFFECTS.text(effects_table(linear))
    assert fifths.read_text() == FIFTHS.text(quantile_table(linear))


def test_effects_command_adds_columns(small_runs, tmp_path):
    out = tmp_path / "e.tsv"
    words = ["--shifts", "50", "--one-at-a-time", "-o", str(out)]
    assert main(["effects", str(small_runs.mlp.path), *words]) == 0
    table = pd.read_csv(out, sep="\t")
    assert list(table)[:10] == SLDSC
    assert len(table) == 9
    assert {"Coefficient_p", "Marginal_coefficient", "Shift_p"} <= set(table)
    assert table["Shift_p"].between(0.0196, 1).all()


@pytest.mark.parametrize("annotations", [2, 96])
def test_any_number_of_annotations(annotations, tmp_path):
    """More annotations than LD blocks: what the data cannot tell apart has a finite error."""
    path = tmp_path / "wide.study.zarr"
    simulate(
        SimulateSettings(
            variants=1_500,
            chromosomes=5,
            people=80,
            annotations=annotations,
            truth="linear",
            output=str(path),
        )
    )
    study = open_study_store(path)
    run = train(study, TrainSettings(prior="linear"), tmp_path / "l.run")
    table = effects_table(annotation_effects(study, run))
    assert len(table) == annotations
    assert (np.isfinite(table["Coefficient_std_error"]) | (table["Note"] != "")).all(), table[
        "Note"
    ]
    known = ~table["Note"].str.contains("one LD block")
    assert known.sum() >= annotations - 1
    assert table["Score_p"][known].between(0, 1).all()


def test_the_score_test_is_that_of_the_constant_prior_whatever_was_fitted(
    small_study, linear, mlp, small_runs
):
    for name in ("score_z", "score_p"):
        np.testing.assert_allclose(linear[name], mlp[name], rtol=0.02)
    # Three strong effects of the truth.
    assert (linear["score_p"].values < 0.05).sum() >= 2


def test_bad_input_is_one_line(small_runs, tmp_path, capsys):
    run = str(small_runs.linear.path)
    moved = tmp_path / "moved.run"
    shutil.copytree(run, moved)
    record = json.loads((moved / "run.json").read_text())
    record["study"]["path"] = "/nowhere/gone.study.zarr"
    write_record(moved, record)
    changed = tmp_path / "changed.run"
    shutil.copytree(run, changed)
    record = json.loads((changed / "run.json").read_text())
    record["study"]["content_hash"] = "0" * 64
    write_record(changed, record)
    for words, message in (
        ([str(moved)], "say where it is now with --study"),
        ([str(changed)], "trained on another study"),
        ([run, "--quantiles", "-"], "two tables for one screen"),
        ([run, "--shifts", "3"], "3 shifts are too few"),
        ([run, "-o", str(tmp_path / "no" / "e.tsv")], "no such folder"),
    ):
        assert main(["effects", *words]) == 1
        printed = capsys.readouterr()
        (line,) = printed.err.strip().splitlines()
        assert line.startswith("deepwas: ")
        assert message.lower() in line.lower()
        assert printed.out == ""
