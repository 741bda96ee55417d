"""Effects alone, responses, drivers and shifted annotations of a run, with labels."""

import jax.numpy as jnp
import numpy as np
import pytest

from deepwas_app.cli import main
from deepwas_app.errors import InputError
from deepwas_app.workflow.interpret import (
    interaction_surface,
    marginal_effects,
    response_curve,
    shifted_annotations,
    variant_drivers,
)
from deepwas_app.workflow.progress import finish


def test_effects_alone_find_the_strongest_annotations(small_study, small_runs):
    found = finish(marginal_effects(small_study, small_runs.linear))
    joint = np.asarray(small_runs.linear.model().prior.coefficients)
    assert (found.error > 0).all()
    # Simulated annotations hardly correlate, so alone and together agree within their errors.
    assert np.corrcoef(found.coefficient, joint)[0, 1] > 0.8
    assert (np.abs(found.coefficient - joint) < 4 * found.error + 0.05).all()


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


def test_response_curve_of_an_ensemble(small_study, small_runs):
    one = response_curve(small_study, [small_runs.linear], "Continuous 2", points=9)
    slope = np.polyfit(one["value"], one["effect"], 1)[0]
    prior = small_runs.linear.model().prior
    column = small_study["annotation"].values.tolist().index("Continuous 2")
    expected = prior.coefficients[column] / prior.standardise.deviation[column]
    assert slope == pytest.approx(float(expected), rel=1e-2)
    np.testing.assert_array_equal(one["low"], one["high"])
    both = response_curve(small_study, [small_runs.linear, small_runs.mlp], "Binary 1")
    assert both["value"].values.tolist() == [0.0, 1.0]
    assert (both["low"] < both["high"]).all()
    assert both["effect"].values == pytest.approx((both["low"] + both["high"]).values / 2)


def test_interaction_of_a_linear_prior_is_nothing(small_study, small_runs):
    names = ("Binary 1", "Continuous 1")
    linear = interaction_surface(small_study, [small_runs.linear], *names, points=5)
    assert linear["effect"].shape == (2, 5)
    np.testing.assert_allclose(linear["interaction"], 0, atol=1e-4)
    mlp = interaction_surface(small_study, [small_runs.mlp], *names, points=5)
    assert np.abs(mlp["interaction"]).max() > np.abs(linear["interaction"]).max()


def test_drivers_of_a_variant_add_up(small_study, small_runs):
    name = str(small_study["variant_id"].values[17])
    table = variant_drivers(small_study, small_runs.mlp, name)
    prior = small_runs.mlp.model().prior
    order = [small_study["annotation"].values.tolist().index(a) for a in table["ANNOTATION"]]
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
    with pytest.raises(InputError, match=r"no annotation Age\. It has Binary 1"):
        response_curve(small_study, [small_runs.mlp], "Age")
    with pytest.raises(InputError, match="at least one"):
        response_curve(small_study, [], "Binary 1")
    with pytest.raises(InputError, match="another study"):
        shifted_annotations(height, small_runs.mlp, 50)


def test_effects_command_adds_columns(small_runs, tmp_path):
    import pandas as pd

    out = tmp_path / "e.tsv"
    words = ["--shifts", "50", "--one-at-a-time", "-o", str(out)]
    assert main(["effects", str(small_runs.linear.path), *words]) == 0
    table = pd.read_csv(out, sep="\t")
    assert len(table) == 9
    assert {"Enrichment", "Marginal_coefficient", "Shift_p"} <= set(table)
