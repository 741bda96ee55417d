"""The intercept of LD score regression is free in training and has no part in what is scored."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepwas_app.core.held_out import losses_by_block
from deepwas_app.core.rescale import rescaled, with_prior
from deepwas_app.workflow.runs.checkpoint import gain_over_constant
from deepwas_app.workflow.runs.run import open_run
from deepwas_app.workflow.runs.train import fit, train
from deepwas_app.workflow.runs.training import Training
from deepwas_app.workflow.settings import TrainSettings

LINEAR = {"prior": "linear", "objective": "ldsr"}
NETWORK = {
    "prior": "mlp",
    "objective": "ldsr",
    "width": 8,
    "depth": 1,
    "epochs": 3,
    "validation_chromosomes": "3,4",
    "patience": 3,
}


@pytest.fixture(scope="module")
def step(small_study):
    *_, last = fit(small_study, settings=TrainSettings(**LINEAR))
    return last


def training(step):
    return Training(step.study, step.settings, step.split)


def test_it_is_learned(small_study, step):
    trained, known = step.checkpoint.state.model, step.checkpoint.baseline
    assert trained.learn_s2
    assert abs(float(trained.log_s2 - known.log_s2)) > 0.02
    network = list(fit(small_study, settings=TrainSettings(**NETWORK)))[-1].checkpoint
    assert float(network.state.model.log_s2) != float(network.baseline.log_s2)
    # Unless it is given, as a regression may be run with an intercept of 1.
    *_, given = fit(small_study, settings=TrainSettings(**LINEAR, s2=1.0))
    assert float(given.checkpoint.state.model.s2) == float(given.model().s2) == 1.0


def test_it_does_not_enter_what_is_scored(step):
    """Another intercept, the same prior: the same noise and the same held-out losses."""
    task, trained, known = training(step), step.checkpoint.state.model, step.checkpoint.baseline
    scored = [task.scored(replace(trained, log_s2=jnp.asarray(s)), known) for s in (-0.5, 1.5)]
    assert float(scored[0].s2) == float(scored[1].s2)
    # It began from where an earlier pass had ended.
    assert float(step.model().s2) == pytest.approx(float(scored[0].s2), rel=0.01)
    assert step.summary["s2"] == float(step.model().s2) != float(trained.s2)
    losses = losses_by_block(
        step.model(), task.batches(step.split.test), step.study.sizes["blocks"]
    )
    gain = gain_over_constant(losses, step.checkpoint.constant_losses, step.split.test)
    assert step.summary["gain"] == pytest.approx(gain.value, abs=1e-3)


@pytest.mark.parametrize("change", [{"log_s2": 0.05}, {"log_s2": -0.05}, {"level": 0.1}])
def test_noise_and_level_are_the_likeliest_for_the_prior_that_is_scored(step, change):
    best, batches = step.model(), training(step).train_batches
    level = best.prior.level + change.get("level", 0.0)
    other = replace(
        best,
        prior=best.prior.at_level(level),
        log_s2=best.log_s2 + change.get("log_s2", 0.0),
    )
    count = step.study.sizes["blocks"]
    loss, moved = (np.nansum(losses_by_block(m, batches, count)) for m in (best, other))
    assert moved > loss


def test_of_the_constant_prior_nothing_is_gained_by_it(small_study):
    """Gains are those of the shape of a prior, and this has none."""
    *_, found = fit(small_study, settings=TrainSettings(prior="constant", objective="ldsr"))
    assert found.summary["gain"] == pytest.approx(0, abs=0.1)


def test_it_is_gone_on_with(small_study, tmp_path):
    settings = TrainSettings(**NETWORK)
    whole = train(small_study, settings, tmp_path / "a.run")
    job = train.steps(small_study, settings, tmp_path / "b.run")
    while next(job).checkpoint is None:
        pass
    job.close()
    resumed = train(small_study, settings, tmp_path / "b.run", resume=True)
    for a, b in zip(*(jax.tree.leaves(run.model()) for run in (whole, resumed)), strict=True):
        np.testing.assert_array_equal(a, b)
    assert resumed.summary["gain"] == whole.summary["gain"]
    # On disk is what was scored, and its noise is what the summary says.
    assert float(open_run(tmp_path / "a.run").model().s2) == whole.summary["s2"]
    task = Training(small_study, settings, whole.split(small_study))
    again = whole.model()
    batches = task.train_batches.map(lambda batch: with_prior(again, batch))
    assert float(rescaled(again, batches).s2) == pytest.approx(whole.summary["s2"], rel=0.01)
