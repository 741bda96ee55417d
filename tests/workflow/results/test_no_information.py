"""Annotations of which the data say nothing, or less than it seems: NA, with the reason."""

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from deepwas_app.cli import main
from deepwas_app.genetics.store import open_study_store
from deepwas_app.genetics.study import add_annotation
from deepwas_app.workflow.results.annotation_effects import annotation_effects
from deepwas_app.workflow.results.effects import effects_table, quantile_table
from deepwas_app.workflow.results.interpret import marginal_effects
from deepwas_app.workflow.results.no_information import too_wide
from deepwas_app.workflow.runs.heritability import prior_heritability
from deepwas_app.workflow.runs.train import train
from deepwas_app.workflow.settings import SimulateSettings, TrainSettings
from deepwas_app.workflow.studies.simulate import simulate


@pytest.fixture(scope="module")
def doubtful(small_study, small_runs) -> xr.Dataset:
    """With annotations that are constant, dependent, far out, or of one LD block."""
    rng = np.random.default_rng(1)
    owner = small_study["variant_block"].values
    held = np.isin(owner, small_runs.linear.test_blocks)
    noise = rng.normal(size=len(owner))
    category = rng.integers(0, 3, len(owner))
    far, far_held = noise.copy(), noise[::-1].copy()
    far[np.flatnonzero(~held)[7]] = 1e9
    far_held[np.flatnonzero(held)[7]] = -1e9
    one_block = np.zeros(len(owner))
    one_block[np.flatnonzero(owner == small_runs.linear.train_blocks[3])[10:17]] = 1
    columns = {
        "held only": held,
        "twice": 2 * small_study["variant_annotation"].values[:, 7],
        **{f"category {k}": category == k for k in range(3)},
        "far": far,
        "far, held": far_held,
        "one block": one_block,
    }
    study = small_study
    for name, values in columns.items():
        study = add_annotation(study, name, values)
    return study


@pytest.fixture(scope="module", params=["linear", "mlp"])
def run(request, doubtful, tmp_path_factory):
    settings = TrainSettings(prior=request.param, width=8, depth=1, epochs=3)
    return train(doubtful, settings, tmp_path_factory.mktemp("doubtful") / "r.run")


def test_each_has_its_reason_and_all_other_numbers_are_finite(doubtful, run):
    table = effects_table(annotation_effects(doubtful, run)).set_index("Category")
    reasons = {
        "held only": "the same for every scored training variant",
        "twice": "not told apart from Continuous 4",
        "Continuous 4": "not told apart from twice",
        "category 1": "not told apart from category 0, category 2",
        "far": "known from one LD block only",
        "one block": "known from one LD block only",
    }
    effects = [c for c in table if "coefficient" in c.lower() or c.startswith("Score")]
    shares = ["Prop._h2", "Enrichment", "Enrichment_low95", "Enrichment_high95", "Enrichment_p"]
    for name, reason in reasons.items():
        assert reason in table["Note"][name]
        assert table.loc[name, effects].isna().all()
    assert table.loc[["held only", "one block"], shares].isna().all(axis=None)
    # Whatever shares a category's coefficient, its share of heritability is known.
    assert np.isfinite(table.loc[["category 0", "category 1"], shares].to_numpy(float)).all()
    for name in ("far", "far, held"):
        assert "a few values carry most of its variance" in table["Note"][name]
    sound = [name for name in table.index if not table["Note"][name]]
    assert {"Continuous 1", "Continuous 3"} <= set(sound)
    assert np.isfinite(table.loc[[*sound, "far, held"], effects].to_numpy(float)).all()
    assert np.isfinite([run.summary[name] for name in ("h2", "h2_se", "gain", "gain_se")]).all()


def test_training_names_them(run):
    said = "\n".join(run.summary["warnings"])
    assert "left alone: held only" in said
    assert "Continuous 4, twice. Leave one out" in said
    assert "category 0, category 1, category 2. Leave one out" in said
    assert "far: 0.1% of the variants" in said
    assert "--winsorise" in said


def test_what_is_constant_in_training_changes_nothing_elsewhere(doubtful, run):
    """Not even of a network, whose weights on it are random."""
    values = doubtful["variant_annotation"].values[:50]
    there = list(doubtful["annotation"].values).index("held only")
    other = values.copy()
    other[:, there] = 1 - other[:, there]
    prior = run.model().prior
    np.testing.assert_array_equal(prior(jnp.asarray(values)), prior(jnp.asarray(other)))


def test_no_variant_explains_more_than_the_trait(doubtful, run):
    model = run.model()
    far = doubtful.copy()
    far["variant_annotation"] = doubtful["variant_annotation"] * 1e9
    v = prior_heritability(far, model, "far")
    assert np.isfinite(v).all()
    assert v.max() <= 1


def test_fifths_of_what_one_block_knows_are_nothing(doubtful, run):
    table = quantile_table(annotation_effects(doubtful, run)).set_index("Category")
    assert table.loc["far", "Enrichment"].isna().all()
    assert table.loc["far", "Note"].str.contains("one LD block").all()
    assert np.isfinite(table.loc["Continuous 1", "Enrichment_high95"]).all()


def test_a_null_trait_has_reasons_and_no_numbers(tmp_path, capsys):
    path = tmp_path / "null.study.zarr"
    simulate(
        SimulateSettings(
            variants=1_500,
            chromosomes=5,
            people=80,
            annotations=4,
            h2=0.001,
            n=1_000,
            output=str(path),
        )
    )
    study = open_study_store(path)
    run = train(study, TrainSettings(prior="linear"), tmp_path / "null.run")
    table = effects_table(annotation_effects(study, run), marginal_effects(study, run))
    assert (table["Note"] == "heritability is not told from 0").all()
    for name in ("Enrichment", "Coefficient", "Coefficient_std_error", "Marginal_coefficient"):
        assert table[name].isna().all()
    assert table["Score_p"].between(0, 1).all()
    assert main(["effects", str(run.path)]) == 0
    printed = capsys.readouterr()
    assert "NA" in printed.out
    assert "heritability is not told from 0" in printed.out
    assert f"{len(run.train_blocks)} LD blocks: errors are rough" in printed.err


def test_prior_that_is_not_log_linear_is_said_to_be_so(small_runs, tmp_path, capsys):
    for name, said in (("linear", False), ("mlp", True), ("constant", False)):
        run = getattr(small_runs, name)
        assert main(["effects", str(run.path), "-o", str(tmp_path / "e.tsv")]) == 0
        assert ("its shape taken as given" in capsys.readouterr().err) is said


def test_intervals_of_a_thousand_times_are_the_widest():
    # With 15 blocks t is 2.1448, and log 1000 is 6.9078.
    assert too_wide(np.array([3.22, 3.23, np.nan]), 15).tolist() == [False, True, False]
