"""What a fit says of itself: the error of heritability, and what to doubt."""

from dataclasses import replace

import numpy as np
import pytest

from deepwas_app.core.jackknife import jackknife_error
from deepwas_app.workflow.results.evaluation import evaluate
from deepwas_app.workflow.runs.split import Split
from deepwas_app.workflow.runs.summary import EVALUATION, warnings
from deepwas_app.workflow.runs.train import fit

GOOD = {"h2": 0.3, "h2_se": 0.02, "s2": 1.0, "kappa": 0.0, "blocks": 100}
BOTH = {"s2": True, "kappa": True}


@pytest.mark.parametrize(
    ("prior", "alpha"), [("constant", 0.7), ("constant", None), ("linear", 0.7)]
)
def test_error_of_heritability_is_that_of_leaving_blocks_out(small_study, prior, alpha):
    """One step of the prior's own parameters against refits without each training block."""
    train, none = np.arange(9), np.zeros(0, int)

    def fitted(blocks):
        *_, step = fit(small_study, prior, alpha=alpha, split=Split(blocks, none, none))
        return step

    without, alphas = [], []
    for b in train:
        step = fitted(train[train != b])
        v = np.exp(np.asarray(step.model().prior(small_study["variant_annotation"].values)))
        p = small_study["variant_allele_frequency"].values
        alphas.append(float(step.model().alpha))
        # log f is of variants with a frequency of 10% where alpha is learned.
        relative = p * (1 - p) / (0.09 if alpha is None else 1.0)
        without.append((v * relative ** alphas[-1]).sum())
    found = fitted(train).summary
    assert found["h2_se"] == pytest.approx(jackknife_error(np.array(without)), rel=0.15)
    assert 0.005 < found["h2_se"] < 0.2
    if alpha is None:
        assert found["alpha_se"] == pytest.approx(jackknife_error(np.array(alphas)), rel=0.25)


def test_a_prior_that_is_not_log_linear_has_an_error_like_the_others(small_runs):
    errors = [getattr(small_runs, name).summary["h2_se"] for name in ("constant", "linear", "mlp")]
    assert max(errors) < 2 * min(errors)


def test_a_run_without_an_error_of_heritability_has_none_in_the_table(small_runs):
    """As of version 0.1.0."""
    run = small_runs.constant
    table = evaluate([run])
    assert table["h2_se"].item() == run.summary["h2_se"]
    old = {k: v for k, v in run.summary.items() if k != "h2_se"}
    table = EVALUATION.check(evaluate([replace(run, summary=old)]))
    assert np.isnan(table["h2_se"].item())


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({}, None),
        ({"h2": 1.01}, "above 1"),
        ({"s2": 1.21}, "inflated"),
        ({"s2": 1.19}, None),
        ({"s2": 0.79}, "deflated"),
        ({"s2": 0.5}, "s2 was learned up to the end of its range, 0.5"),
        ({"s2": 10.0}, "s2 was learned up to the end of its range, 10"),
        ({"kappa": 0.11}, "the LD is not that of the GWAS"),
        ({"kappa": 10.0}, "kappa was learned up to the end of its range, 10"),
        ({"kappa": 1e-6}, None),
        ({"h2_se": 0.149}, None),
        ({"h2_se": 0.151}, "not told from 0"),
        ({"h2_se": float("nan")}, "not told from 0"),
        ({"h2_se": 0.1, "h2_strong": 0.09}, None),
        ({"h2_se": 0.1, "h2_strong": 0.11}, "not told from 0"),
        ({"blocks": 29}, "29 LD blocks: errors are rough"),
        ({"blocks": 30}, None),
    ],
)
def test_what_to_doubt_is_said(found, words):
    said = warnings(GOOD | found, BOTH)
    if words is None:
        assert said == []
    else:
        assert words in said[0]


def test_noise_that_was_given_is_not_at_the_end_of_what_is_learned():
    said = warnings(GOOD | {"s2": 0.5}, {"s2": False, "kappa": False})
    assert len(said) == 1
    assert "deflated" in said[0]
