"""The calibration of a run on its held-out blocks."""

from dataclasses import replace

import numpy as np
import pytest

from deepwas_app.errors import InputError
from deepwas_app.workflow.results.calibration import PARTS, calibration, truth_error
from deepwas_app.workflow.runs.heritability import prior_heritability


@pytest.fixture(scope="module")
def table(small_runs, small_study):
    return calibration(small_study, small_runs.linear)


def test_parts_hold_as_much_predicted_heritability_each(table, small_runs, small_study):
    parts, top = table.iloc[:PARTS], table.iloc[PARTS:]
    inside = np.isin(small_study["variant_block"].values, small_runs.linear.test_blocks)
    model = small_runs.linear.model()
    v = prior_heritability(small_study, model, "linear")[inside]
    assert parts["variants"].sum() == inside.sum()
    np.testing.assert_allclose(parts["predicted"], v.sum() / PARTS, rtol=0.03)
    assert parts["variants"].is_monotonic_decreasing
    assert top["variants"].tolist() == [round(0.1 * len(v)), round(0.01 * len(v))]
    best = np.sort(v)[::-1][: round(0.1 * len(v))].sum()
    assert top["predicted"].iloc[0] == pytest.approx(best)
    share = best / v.sum() / (round(0.1 * len(v)) / len(v))
    assert top["predicted_enrichment"].iloc[0] == pytest.approx(share)


def test_a_prior_of_the_true_kind_is_calibrated_where_it_was_held_out(table):
    """The truth is log-linear: every interval but one in twenty holds 1."""
    inside = (table["ratio_low"] < 1) & (table["ratio_high"] > 1)
    assert inside.mean() >= 0.7
    np.testing.assert_allclose(table["realised"], table["ratio"] * table["predicted"])
    parts = table.iloc[:PARTS]
    assert parts["realised"].sum() == pytest.approx(parts["predicted"].sum(), rel=0.3)


def test_a_prior_of_half_the_heritability_is_seen(small_runs, small_study, monkeypatch):
    """Every ratio is about twice what it was."""
    from deepwas_app.workflow.results import calibration as module

    run = small_runs.constant
    whole = calibration(small_study, run)
    model = run.model()
    halved = model.__class__(
        model.prior.at_level(model.prior.level - np.log(2)),
        model.log_s2,
        model.log_kappa,
        model.learn_s2,
        model.learn_kappa,
    )
    monkeypatch.setattr(module, "opened", lambda study, run: (study, run))
    half = calibration(small_study, _Other(run, halved))
    np.testing.assert_allclose(half["predicted"], whole["predicted"] / 2, rtol=1e-4)
    assert 1.5 < (half["ratio"].iloc[:PARTS] / whole["ratio"].iloc[:PARTS]).median() < 2.5


class _Other:
    """A run with another model."""

    def __init__(self, run, model):
        self._run, self._model = run, model

    def model(self):
        return self._model

    def __getattr__(self, name):
        return getattr(self._run, name)


def test_distance_to_the_truth(small_runs, small_study):
    linear, constant = (
        truth_error(small_study, getattr(small_runs, name)) for name in ("linear", "constant")
    )
    assert 0 < linear["mean_absolute"] < constant["mean_absolute"]
    assert linear["mean_absolute"] <= linear["root_mean_square"]
    assert truth_error(small_study, small_runs.linear) is not None


def test_nothing_held_out_is_one_line(small_runs, small_study):
    with pytest.raises(InputError, match="held nothing out"):
        calibration(small_study, replace(small_runs.linear, test_blocks=[]))
