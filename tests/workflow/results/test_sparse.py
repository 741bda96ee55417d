"""The sparse posterior of studies whose causal variants are known."""

import numpy as np
import pandas as pd
import pytest

import deepwas_app as dw
from deepwas_app.cli import main
from deepwas_app.errors import RunWarning
from deepwas_app.genetics.store import read_block
from deepwas_app.workflow.results import sparse
from deepwas_app.workflow.results.exported.weights import pgs_weights
from deepwas_app.workflow.runs.batches import block_slice
from deepwas_app.workflow.settings import SimulateSettings
from deepwas_app.workflow.studies.simulate import simulate


def squared_correlation(study, run, posterior):
    """Of a score with the genetic value, by the LD that the study was drawn with."""
    mean = dw.posterior(study, run, posterior=posterior)["variant_posterior_mean"].values
    truth = study["variant_true_effect"].values
    both = own = true = 0.0
    for b in range(study.sizes["blocks"]):
        Q, rows = read_block(study, b)["Q"].values, block_slice(study, b)
        score, genetic = Q.T @ mean[rows], Q.T @ truth[rows]
        both, own, true = both + score @ genetic, own + score @ score, true + genetic @ genetic
    return both**2 / (own * true)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Studies where all variants are causal and where 1% are, with the fit of a constant prior."""

    def draw(causal):
        folder = tmp_path_factory.mktemp("sparse")
        settings = SimulateSettings(
            variants=3_000, chromosomes=10, people=300, annotations=2, truth="constant", h2=0.2,
            panel_people=0, n=4_000, seed=4, causal=causal, output=str(folder / "s.study.zarr"),
        )  # fmt: skip
        study = dw.open_study(simulate(settings))
        *_, run = dw.fit(study, "constant", test_chromosomes="none")
        return study, run

    return {causal: draw(causal) for causal in (1.0, 0.01)}


@pytest.fixture
def precise(monkeypatch):
    """As many draws as people get."""
    monkeypatch.setattr(sparse, "PRECISE", 0.01)


def test_simulated_causal_variants_are_as_many_as_asked_for(drawn):
    shares = {
        causal: (study["variant_true_effect"].values != 0).mean()
        for causal, (study, _) in drawn.items()
    }
    assert shares[1.0] == 1
    assert shares[0.01] == pytest.approx(0.01, abs=0.006)


def test_where_few_variants_are_causal_prediction_gains(drawn, precise):
    study, run = drawn[0.01]
    normal, auto = (squared_correlation(study, run, kind) for kind in ("normal", "auto"))
    assert auto > 1.25 * normal
    found = dw.posterior(study, run, posterior="auto")
    assert found.attrs["normal"] < 1e-3
    # Within three standard errors of the truth.
    truth = np.log((study["variant_true_effect"].values != 0).mean())
    away = (np.log(found.attrs["polygenicity"]) - truth) / found.attrs["polygenicity_se"]
    assert abs(away) < 3
    assert found.attrs["sampling_error"] < 0.01


def test_inclusion_probabilities_are_shares(drawn, precise):
    study, run = drawn[0.01]
    pip = dw.posterior(study, run, posterior="sparse")["variant_pip"].values
    causal = study["variant_true_effect"].values != 0
    sure = pip > 0.5
    error = np.sqrt((pip * (1 - pip))[sure].sum())
    assert sure.sum() >= 10
    assert abs(pip[sure].sum() - causal[sure].sum()) < 3 * error
    assert pip[causal].mean() > 20 * pip[~causal].mean()


def test_where_all_are_causal_nothing_is_lost(drawn, precise):
    study, run = drawn[1.0]
    normal, auto = (squared_correlation(study, run, kind) for kind in ("normal", "auto"))
    assert auto > 0.98 * normal
    assert dw.posterior(study, run).attrs["polygenicity"] > 0.05


def test_the_same_twice(drawn):
    study, run = drawn[0.01]
    first, second = (dw.posterior(study, run, posterior="sparse") for _ in "12")
    np.testing.assert_array_equal(first["variant_pip"], second["variant_pip"])


def test_sampling_that_ends_above_its_aim_is_said(small_runs, monkeypatch, tmp_path, capsys):
    run = str(small_runs.linear.path)
    words = ["export", run, "--weights", str(tmp_path / "w.tsv"), "--posterior", "sparse"]
    monkeypatch.setattr(sparse, "MOST_ROUNDS", 1)
    monkeypatch.setattr(sparse, "PRECISE", 1.0)
    assert main(words) == 0
    assert "Monte-Carlo" not in capsys.readouterr().err
    monkeypatch.setattr(sparse, "PRECISE", 1e-9)
    assert main(words) == 0
    (line,) = [each for each in capsys.readouterr().err.splitlines() if "Monte-Carlo" in each]
    assert line.startswith("warning: linear: sparse effects are sampled: ")
    with pytest.warns(RunWarning, match="Monte-Carlo error, more than the 0% aimed at"):
        table = pgs_weights(None, small_runs.linear, posterior="sparse")
    assert len(table.attrs["doubts"]) == 1


def test_a_file_of_effects_and_probabilities(small_study, small_runs, tmp_path):
    run, file = str(small_runs.linear.path), tmp_path / "e.tsv"
    knobs = ["export", run, "--posterior-effects", str(file), "--posterior"]
    assert main([*knobs, "sparse"]) == 0
    table = pd.read_csv(file, sep="\t")
    assert len(table) == small_study.sizes["variants"]
    assert table["PIP"].between(0, 1).all()
    assert (table["BETA_SD"] > 0).all()
    assert main([*knobs, "normal"]) == 0
    assert pd.read_csv(file, sep="\t")["PIP"].isna().all()
