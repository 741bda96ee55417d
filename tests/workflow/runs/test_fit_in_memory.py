"""The last step of a fit serves for all that a run from disk does; a prior may be one's own."""

import dataclasses
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from jaxtyping import Array, Float

from deepwas_app.core.priors import Prior, Standardisation, parameter_count
from deepwas_app.errors import InputError
from deepwas_app.workflow.results.annotation_effects import annotation_effects
from deepwas_app.workflow.results.compare import compare
from deepwas_app.workflow.results.effects import effects_table
from deepwas_app.workflow.results.evaluation import evaluate
from deepwas_app.workflow.results.exported.snpvar import snpvar_table
from deepwas_app.workflow.results.exported.weights import pgs_weights
from deepwas_app.workflow.results.heritability import run_heritability
from deepwas_app.workflow.results.interpret import shifted_annotations, variant_drivers
from deepwas_app.workflow.results.mismatch import check
from deepwas_app.workflow.results.posterior import posterior
from deepwas_app.workflow.results.response import (
    interaction_surface,
    response_curve,
    response_table,
)
from deepwas_app.workflow.results.spectrum import residual_spectrum
from deepwas_app.workflow.runs.batches import (
    block_batches,
    bytes_per_variant,
    standardisation,
)
from deepwas_app.workflow.runs.heritability import prior_heritability
from deepwas_app.workflow.runs.train import fit


class Step(Prior):
    """A sharp threshold on one score."""

    standardise: Standardisation
    level: Float[Array, ""]
    height: Float[Array, ""]
    weights: Float[Array, " annotations"]

    def __call__(self, annotations, tracks=None):
        score = self.standardise(annotations) @ self.weights
        return self.level + self.height * jnp.tanh(score)


class ScoredStep(Step):
    """The same, by Fisher scoring."""

    fitted_by: ClassVar = "scoring"


def a_step(kind, study) -> Step:
    standardise = standardisation(study, range(study.sizes["blocks"]))
    weights = jnp.full(study.sizes["annotations"], 0.01)
    return kind(standardise, jnp.asarray(0.0), jnp.asarray(0.1), weights)


def last(steps):
    *_, step = steps
    return step


@pytest.fixture(scope="module")
def linear(small_study):
    return last(fit(small_study, "linear"))


TABLES = {
    "effects": lambda study, run: effects_table(annotation_effects(study, run)),
    "response": lambda study, run: response_table(
        response_curve(study, [run], study["annotation"].values[0])
    ).drop(columns="RUNS"),
    "surface": lambda study, run: response_table(
        interaction_surface(study, [run], *study["annotation"].values[:2], points=3)
    ).drop(columns="RUNS"),
    "drivers": lambda study, run: variant_drivers(study, run, 17),
    "shifts": lambda study, run: shifted_annotations(study, run, 10),
    "posterior": lambda study, run: posterior(study, run).to_dataframe(),
    "heritability": lambda study, run: pd.Series(run_heritability(study, run)).to_frame(),
    "snpvar": lambda study, run: snpvar_table(study, run),
    "weights": lambda study, run: pgs_weights(study, run, posterior="normal"),
    "spectrum": lambda study, run: residual_spectrum(study, run).to_dataframe(),
    "mismatch": lambda study, run: check(study, run),
    "evaluate": lambda study, run: evaluate(run).drop(columns="run"),
    "blocks": lambda study, run: run.blocks(),
}


@pytest.mark.parametrize("name", TABLES)
def test_the_last_step_gives_what_the_run_on_disk_gives(name, linear, small_study, small_runs):
    table = TABLES[name]
    memory, disk = table(small_study, linear), table(small_study, small_runs.linear)
    pd.testing.assert_frame_equal(memory, disk, check_exact=True)


def test_a_step_is_compared_with_a_run(linear, small_study, small_runs):
    table = compare(small_study, linear, small_runs.constant)
    assert table["DIFFERENCE_NATS"][0] == pytest.approx(small_runs.linear.summary["gain"])


def test_a_step_says_which_study_it_is_of_and_when_it_has_no_model(linear, small_study, height):
    with pytest.raises(InputError, match=r"the fit of linear to .* is of another study than"):
        run_heritability(height, linear)
    with pytest.raises(InputError, match=r"has no model at this step\. Take the last one"):
        run_heritability(small_study, dataclasses.replace(linear, checkpoint=None))
    assert linear.light().checkpoint is None
    assert not linear.light().study.sizes


@pytest.mark.parametrize("kind", [Step, ScoredStep])
def test_a_prior_of_ones_own_is_fitted_like_any_other(kind, small_study, linear):
    knobs = {"epochs": 3, "learning_rate": 0.05} if kind is Step else {}
    steps = list(fit(small_study, a_step(kind, small_study), **knobs))
    found = steps[-1]
    assert found.settings.prior == kind.__name__
    assert found.train_blocks == linear.train_blocks
    assert found.summary["parameters"] == parameter_count(found.model().prior) == 2 + 9
    # The mean and the s.d. are the study's, not trained.
    given = a_step(kind, small_study).standardise
    for a, b in zip(*map(jax.tree.leaves, (given, found.model().prior.standardise)), strict=True):
        np.testing.assert_array_equal(a, b)
    # The truth is log-linear: a soft threshold finds much of it.
    assert found.held_out_gain > 0.3 * linear.held_out_gain
    table = effects_table(annotation_effects(small_study, found))
    assert np.isfinite(table["Coefficient"]).all()
    assert evaluate([found])["prior"].tolist() == [kind.__name__]


def test_the_settings_of_others_do_not_know_ones_own_prior(small_study):
    from deepwas_app.workflow.settings import TrainSettings

    next(fit(small_study, a_step(Step, small_study)))
    with pytest.raises(ValueError, match="Step"):
        TrainSettings(prior="Step")


def test_heritability_of_some_variants_is_theirs_in_that_of_all(linear, small_study):
    rows = np.array([3, 700, 701, 5_999])
    some = prior_heritability(small_study, linear.model(), "linear", rows)
    np.testing.assert_allclose(some, run_heritability(small_study, linear)[rows], rtol=1e-5)


def test_a_prior_that_is_not_finite_is_told_from_annotations_that_are_missing(linear, small_study):
    model = linear.model()
    broken = eqx.tree_at(lambda m: m.prior.coefficients, model, jnp.full(9, jnp.inf))
    name = str(small_study["variant_id"].values[0])
    with pytest.raises(InputError, match=f"my.run: log f is not finite .* {name} the first"):
        prior_heritability(small_study, broken, "my.run")
    values = small_study["variant_annotation"].values.copy()
    values[5:9] = np.nan
    lost = small_study.assign(variant_annotation=(("variants", "annotations"), values))
    with pytest.raises(InputError, match=r"small\.study\.zarr: annotations are missing"):
        prior_heritability(lost, model, "my.run")


@pytest.fixture(scope="module")
def of_half_precision(small_study):
    """Studies with the same annotations in float16 and in float32, and a fit to each."""
    half = small_study["variant_annotation"].astype(np.float16)
    studies = [
        small_study.assign(variant_annotation=values) for values in (half, half.astype(np.float32))
    ]
    return [(study, last(fit(study, "linear"))) for study in studies]


def test_half_precision_goes_to_the_device_as_it_is(of_half_precision):
    study = of_half_precision[0][0]
    batch = block_batches(study, [0, 1], batch_blocks=2)[0]
    assert batch.annotations.dtype == jnp.float16
    saved = bytes_per_variant(of_half_precision[1][0], False) - bytes_per_variant(study, False)
    assert saved == 2 * study.sizes["annotations"]


@pytest.mark.parametrize("name", ["effects", "response", "drivers", "shifts", "snpvar", "blocks"])
def test_half_precision_gives_what_the_same_values_give(name, of_half_precision):
    """They are widened where they are computed with, and nowhere held so."""
    half, wide = (TABLES[name](*each) for each in of_half_precision)
    pd.testing.assert_frame_equal(half, wide, rtol=1e-4, atol=1e-9)
