"""What the software is for: where the truth is known, larger models predict better."""

import numpy as np
import pytest

from deepwas_app.core.jackknife import jackknife_sum
from deepwas_app.workflow.results.heritability import run_heritability
from deepwas_app.workflow.runs.train import train
from deepwas_app.workflow.settings import TrainSettings
from deepwas_app.workflow.studies.builtin import open_study


@pytest.fixture(scope="module")
def simulated(cache):
    return open_study("simulated")


@pytest.fixture(scope="module")
def runs(simulated, tmp_path_factory):
    folder = tmp_path_factory.mktemp("findings")
    settings = {
        "linear": {"prior": "linear"},
        "small": {"prior": "mlp", "size": "XS", "epochs": 8},
        "mlp": {"prior": "mlp"},
        "ldsr": {"prior": "mlp", "objective": "ldsr", "epochs": 8},
    }
    return {
        name: train(simulated, TrainSettings(**knobs), folder / f"{name}.run")
        for name, knobs in settings.items()
    }


def test_mlp_beats_linear_beats_constant_where_held_out(runs):
    """By more than two standard errors of the paired difference over held-out LD blocks."""
    linear, mlp = (runs[prior].blocks() for prior in ("linear", "mlp"))
    assert linear["block"].tolist() == mlp["block"].tolist()
    assert linear["chromosome"].nunique() >= 4
    over_constant = jackknife_sum((linear["constant_loss"] - linear["loss"]).to_numpy())
    over_linear = jackknife_sum((linear["loss"] - mlp["loss"]).to_numpy())
    variants = linear["variants"].sum()
    for name, gain in (("linear over constant", over_constant), ("MLP over linear", over_linear)):
        milli = 1e3 / variants
        print(f"{name}: {milli * gain.value:.2f} +- {milli * gain.error:.2f} mnat per variant")
        assert gain.value > 2 * gain.error


def test_larger_networks_pay_off_most_under_the_full_likelihood(runs):
    """``benchmarks/scaling.tsv`` in small: each size beats the smaller by the likelihood.

    The largest of them gains less than half as much when LD score regression trains it.
    """
    losses = {name: run.blocks()["loss"].to_numpy() for name, run in runs.items()}
    for larger, smaller in (("small", "linear"), ("mlp", "small")):
        step = jackknife_sum(losses[smaller] - losses[larger])
        assert step.value > 2 * step.error
    gain = {name: run.summary["gain"] for name, run in runs.items()}
    assert gain["ldsr"] < gain["mlp"] / 2


def test_fitted_prior_correlates_with_the_truth(simulated, runs):
    """Log f over the variants of held-out chromosomes; and heritability is recovered."""
    held_out = np.isin(simulated["variant_block"].values, runs["mlp"].test_blocks)
    p = simulated["variant_allele_frequency"].values.astype(float)
    scale = (p * (1 - p)) ** 0.7

    def log_f(heritability):
        return np.log(heritability / scale)[held_out]

    truth = log_f(simulated["variant_true_heritability"].values)
    found = {k: np.corrcoef(log_f(run_heritability(simulated, run)), truth)[0, 1]
             for k, run in runs.items() if k != "ldsr"}  # fmt: skip
    print("correlation of log f with the truth:", {k: round(r, 3) for k, r in found.items()})
    assert found["mlp"] > found["linear"] > 0.3
    assert found["mlp"] > 0.7
    for name in found:
        assert runs[name].summary["h2"] == pytest.approx(0.5, abs=0.04)
