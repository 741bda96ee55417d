"""Runs that learn how heritability depends on frequency, and runs from before any did."""

import json

import equinox as eqx
import numpy as np
import pytest

from deepwas_app.cli import main
from deepwas_app.workflow.results.annotation_effects import annotation_effects
from deepwas_app.workflow.results.evaluation import evaluate
from deepwas_app.workflow.results.heritability import heritability
from deepwas_app.workflow.runs.run import open_run, write_record
from deepwas_app.workflow.runs.train import train
from deepwas_app.workflow.settings import TrainSettings

KNOBS = {"width": 8, "depth": 1, "epochs": 2, "alpha": None}


@pytest.fixture(scope="module")
def learned(small_study, tmp_path_factory):
    folder = tmp_path_factory.mktemp("alpha")
    return {
        prior: train(small_study, TrainSettings(prior=prior, **KNOBS), folder / f"{prior}.run")
        for prior in ("constant", "linear", "mlp")
    }


@pytest.mark.parametrize("prior", ["constant", "linear", "mlp"])
def test_alpha_is_learned_with_its_error(learned, prior):
    """The study was simulated with 0.7."""
    found = learned[prior].summary
    assert 0.05 < found["alpha_se"] < 0.6
    assert abs(found["alpha"] - 0.7) < 2.5 * found["alpha_se"]
    row = evaluate([open_run(learned[prior].path)]).iloc[0]
    assert (row["alpha"], row["alpha_se"]) == (found["alpha"], found["alpha_se"])


def test_heritability_is_that_of_the_learned_alpha(learned, small_study, small_runs):
    for prior, run in learned.items():
        model, p = open_run(run.path).model(), small_study["variant_allele_frequency"].values
        v = heritability(small_study, run)
        if prior == "constant":
            slope = np.polyfit(np.log(p * (1 - p)), np.log(v), 1)[0]
            assert slope == pytest.approx(float(model.alpha), abs=1e-3)
        fixed = getattr(small_runs, prior).summary
        assert v.sum() == pytest.approx(fixed["h2"], abs=fixed["h2_se"])
        # What is learned beside the level makes it less certain, if anything.
        assert 0.9 < run.summary["h2_se"] / fixed["h2_se"] < 2


def test_shares_move_with_alpha(learned, small_study, small_runs):
    free = annotation_effects(small_study, learned["linear"])
    fixed = annotation_effects(small_study, small_runs.linear)
    assert free["jackknife"].shape == fixed["jackknife"].shape
    ratio = (free["enrichment_se"] / fixed["enrichment_se"]).dropna("annotations").values
    assert ((ratio > 0.8) & (ratio < 1.5)).all()
    assert (ratio != 1).all()


def test_a_run_that_learns_alpha_resumes_where_it_was(learned, small_study, tmp_path):
    settings = TrainSettings(prior="mlp", **KNOBS)
    steps = train.steps(small_study, settings, tmp_path / "a.run")
    for step in steps:
        if step.epoch == 1 and step.checkpoint is not None:
            break
    steps.close()
    assert not open_run(tmp_path / "a.run").finished
    run = train(small_study, None, tmp_path / "a.run", resume=True)
    assert run.summary["alpha"] == pytest.approx(learned["mlp"].summary["alpha"], abs=1e-6)


def test_weights_of_a_fixed_alpha_are_as_they_were_before_it_was_in_the_model(small_runs):
    """Version 0.1.0 wrote prior, log s2 and log kappa."""
    run = small_runs.linear
    model = run.model()
    before = (model.prior, model.log_s2, model.log_kappa)
    found = eqx.tree_deserialise_leaves(run.path / "weights.eqx", before)
    assert eqx.tree_equal(found, before)
    with (run.path / "weights.eqx").open("rb") as file:
        eqx.tree_deserialise_leaves(file, before)
        assert not file.read()


def test_a_run_without_alpha_in_its_summary_has_that_of_its_settings(small_runs, tmp_path):
    record = json.loads((small_runs.linear.path / "run.json").read_text())
    for name in ("alpha", "alpha_se"):
        del record["summary"][name]
    record["settings"]["alpha"] = 0.4
    old = tmp_path / "old.run"
    old.mkdir()
    for file in ("weights.eqx", "blocks.parquet"):
        (old / file).write_bytes((small_runs.linear.path / file).read_bytes())
    write_record(old, record)
    run = open_run(old)
    assert float(run.model().alpha) == pytest.approx(0.4)
    row = evaluate([run]).iloc[0]
    assert row["alpha"] == 0.4
    assert np.isnan(row["alpha_se"])


def test_learned_is_a_word_of_the_command_line(small_study, tmp_path, capsys):
    path = small_study.attrs["path"]
    flags = ["--prior", "constant", "--json", "-o", str(tmp_path / "a.run")]
    assert main(["train", path, "--alpha", "learned", *flags]) == 0
    found = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert found["alpha_se"] > 0
    assert open_run(tmp_path / "a.run").settings.alpha is None
    assert main(["train", path, "--alpha", "free", *flags]) == 1
    assert "give a number, 0 to 1.5, or learned" in capsys.readouterr().err
