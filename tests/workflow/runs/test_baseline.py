"""The constant prior that the gains of all runs of a study are over."""

import numpy as np
import pytest

from deepwas_app.workflow.results.evaluation import best_run
from deepwas_app.workflow.results.selection import choice
from deepwas_app.workflow.runs import baseline
from deepwas_app.workflow.runs.train import fit


@pytest.fixture(scope="module")
def fits(small_study):
    """Fits whose noise, alpha or objective is not the baseline's, and how often it was fitted."""
    fitted = []

    def counted(batches, settings, start=None):
        fitted.append(baseline.frequency_and_noise(settings))
        return constant_model(batches, settings, start)

    constant_model = baseline.constant_model
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(baseline, "constant_model", counted)
        patch.setattr(baseline, "_KNOWN", {})
        found = {
            name: list(fit(small_study, **knobs))[-1]
            for name, knobs in {
                "common": {"prior": "constant"},
                "alpha": {"prior": "constant", "alpha": 0.0},
                "noise": {"prior": "linear", "s2": 1.3, "kappa": 0.05},
                "ldsr": {"prior": "linear", "objective": "ldsr"},
            }.items()
        }
    return found, fitted


def test_gains_are_over_one_constant_prior(fits):
    found, _ = fits
    constant = {name: step.blocks()["constant_loss"].to_numpy() for name, step in found.items()}
    for values in constant.values():
        np.testing.assert_allclose(values, constant["common"], rtol=1e-5)
    assert found["common"].summary["gain"] == 0


def test_a_constant_prior_of_another_alpha_has_a_gain_of_its_own(fits):
    found, _ = fits
    step = found["alpha"]
    assert float(step.checkpoint.baseline.alpha) == pytest.approx(0.7)
    assert float(step.model().alpha) == 0
    # Simulated with 0.7.
    assert step.summary["gain"] < -step.summary["gain_se"] / 2
    assert step.summary["gain"] != 0


def test_noise_that_is_given_is_kept_in_training(fits):
    model = fits[0]["noise"].model()
    assert float(model.s2) == pytest.approx(1.3)
    assert float(model.kappa) == pytest.approx(0.05)
    assert float(fits[0]["noise"].checkpoint.baseline.s2) != pytest.approx(1.3)


def test_it_is_fitted_once_for_the_same_training_blocks(fits, small_study):
    common = baseline.frequency_and_noise(baseline.baseline_settings(small_study))
    assert fits[1].count(common) == 1


def test_other_training_blocks_have_another(small_study, monkeypatch):
    monkeypatch.setattr(baseline, "_KNOWN", {})
    monkeypatch.setattr(baseline, "_MOST_KNOWN", 1)
    models = [
        next(s for s in fit(small_study, "linear", test_blocks=held) if s.checkpoint).checkpoint
        for held in ("1,2", "3")
    ]
    assert models[0].baseline.prior.level != models[1].baseline.prior.level
    assert len(baseline._KNOWN) == 1


def test_runs_are_chosen_where_they_were_validated(small_study):
    constant, linear = (
        list(fit(small_study, prior, validation_chromosomes="auto"))[-1]
        for prior in ("constant", "linear")
    )
    assert constant.summary["validation_gain"] == 0
    assert linear.summary["validation_gain"] > linear.summary["validation_gain_se"] > 0
    found = choice([constant, linear])
    assert found.chosen == best_run([linear, constant]).name == "linear"
    assert found.chosen_gain == linear.summary["gain"]
