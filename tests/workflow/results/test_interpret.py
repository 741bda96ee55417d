"""Effects alone, responses, drivers and shifted annotations of a run, with labels."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

from deepwas_app.errors import InputError
from deepwas_app.workflow.results.interpret import (
    marginal_effects,
    shifted_annotations,
    variant_drivers,
)
from deepwas_app.workflow.runs.baseline import constant_model
from deepwas_app.workflow.settings import TrainSettings


def test_effects_alone_find_the_strongest_annotations(small_study, small_runs):
    found = marginal_effects(small_study, small_runs.linear)
    joint = np.asarray(small_runs.linear.model().prior.coefficients)
    coefficient, error = found["marginal"].values, found["marginal_se"].values
    assert (error > 0).all()
    # Simulated annotations hardly correlate, so alone and together agree within their errors.
    assert np.corrcoef(coefficient, joint)[0, 1] > 0.8
    assert (np.abs(coefficient - joint) < 4 * error + 0.05).all()


def test_steps_say_which_annotation_is_fitted(small_study, small_runs):
    steps = list(marginal_effects.steps(small_study, small_runs.constant))
    assert [step.message for step in steps[1:]] == small_study["annotation"].values.tolist()
    fractions = [step.fraction for step in steps]
    assert fractions == sorted(fractions)
    assert fractions[-1] < 1


def test_regression_needs_the_constant_prior_once(small_study, small_runs, monkeypatch):
    fitted = []

    def counted(batches, settings):
        fitted.append(settings.objective)
        return constant_model(batches, settings)

    monkeypatch.setattr("deepwas_app.workflow.runs.baseline.constant_model", counted)
    monkeypatch.setattr("deepwas_app.workflow.runs.baseline._KNOWN", {})
    run = replace(small_runs.linear, settings=TrainSettings(prior="linear", objective="ldsr"))
    job = marginal_effects.steps(small_study, run)
    while next(job).fraction == 0:
        pass
    # The one that gains are over.
    assert fitted == ["likelihood"]


def test_shift_table_has_a_row_an_annotation(small_study, small_runs):
    table = shifted_annotations(small_study, small_runs.linear, 100)
    assert table["Category"].tolist() == small_study["annotation"].values.tolist()
    assert table["Shift_p"].between(1 / 101, 1).all()
    binary = small_study["annotation_kind"].values == "binary"
    assert np.isfinite(table["Shift_enrichment_std_error"][binary]).all()
    assert table["Shift_enrichment_std_error"][~binary].isna().all()
    joint = np.asarray(small_runs.linear.model().prior.coefficients)
    assert np.corrcoef(table["Shift_coefficient"], joint)[0, 1] > 0.7
    again = shifted_annotations(small_study, small_runs.linear, 100)
    assert table.equals(again)
    with pytest.raises(InputError, match="too few"):
        shifted_annotations(small_study, small_runs.linear, 3)


def test_drivers_of_a_variant_add_up(small_study, small_runs):
    name = str(small_study["variant_id"].values[17])
    table = variant_drivers(small_study, small_runs.mlp, name)
    prior = small_runs.mlp.model().prior
    order = [small_study["annotation"].values.tolist().index(a) for a in table["INPUT"]]
    baseline = np.zeros(len(order), np.float32)
    baseline[order] = table["MEAN"]
    values = small_study["variant_annotation"].values[17]
    np.testing.assert_allclose(values[order], table["VALUE"])
    expected = float(prior(jnp.asarray(values))) - float(prior(jnp.asarray(baseline)))
    assert table["ATTRIBUTION"].sum() == pytest.approx(expected, abs=1e-4)
    assert (np.diff(table["ATTRIBUTION"].abs()) <= 0).all()
    assert variant_drivers(small_study, small_runs.mlp, 17).equals(table)


def test_names_that_are_not_there_are_one_line(small_study, small_runs, height):
    with pytest.raises(InputError, match=r"no variant rs0\. Check"):
        variant_drivers(small_study, small_runs.mlp, "rs0")
    with pytest.raises(InputError, match="another study"):
        shifted_annotations(height, small_runs.mlp, 50)
