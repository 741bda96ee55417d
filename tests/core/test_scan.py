"""Tests of many annotations by kept derivatives, against those that look at the LD again."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import kstest

from deepwas_app.core.effects import free_parameters, tilt_fisher
from deepwas_app.core.priors import Standardisation
from deepwas_app.core.scan import derivatives, moved, scan
from deepwas_app.core.scoring import fit_scoring, start_scoring
from deepwas_app.core.shifts import variant_scores
from deepwas_app.intervals import p_value

KNOWN = 3


def part_of(standardise, count):
    return Standardisation(standardise.mean[:count], standardise.deviation[:count])


def fitted(world, batches, coefficients=KNOWN):
    """A linear prior that knows the first annotations only."""
    model = world.model([0.0] * 4)
    prior = dataclasses.replace(
        model.prior,
        standardise=part_of(world.standardise, coefficients),
        coefficients=jnp.zeros(coefficients),
    )
    model = dataclasses.replace(model, prior=prior)
    few = [dataclasses.replace(b, annotations=b.annotations[..., :coefficients]) for b in batches]
    for step in fit_scoring(start_scoring(model), few, tolerance=1e-4):
        model = step.state.model
    return model, few


def kept(world, model, batches, count=KNOWN):
    parts = list(derivatives(model, part_of(world.standardise, count), batches))
    score = np.concatenate([p.score.ravel() for p in parts])
    cross = np.concatenate([p.cross.reshape(-1, p.cross.shape[-1]) for p in parts])
    blocks, variants = world.annotations.shape[:2]
    known = part_of(world.standardise, count)
    free = free_parameters(model, known)
    own = np.concatenate([p.parameter_score for p in parts])
    fisher = tilt_fisher(model, known, batches)[np.ix_(free, free)]
    block = np.repeat(np.arange(blocks), variants)
    given = {"score": score, "cross": cross, "block": block, "moves": moved(own, fisher)}
    return own, fisher, given


@pytest.fixture(scope="module")
def drawn(world):
    return world.draw(world.model([0.5, -0.4, 0.0, 0.6], level=0.3), seed=3, per_batch=4)


def test_what_is_kept_is_score_and_information_of_an_annotation_that_the_model_has(world, drawn):
    """The last known annotation's own parameter, from variants alone."""
    model, few = fitted(world, drawn)
    own, fisher, found = kept(world, model, few)
    column = np.asarray(world.standardise(jnp.asarray(world.annotations)))[..., 2].ravel()
    by_block = np.bincount(found["block"], column * found["score"])
    np.testing.assert_allclose(by_block, own[:, 3], atol=1e-4 * np.abs(own).max())
    np.testing.assert_allclose(column @ found["cross"], fisher[3], rtol=1e-3)
    alone = np.concatenate([np.asarray(variant_scores(model, b)).ravel() for b in few])
    np.testing.assert_allclose(found["score"], alone, rtol=1e-3, atol=1e-3)


def test_one_step_comes_near_the_fitted_effect(world, drawn):
    model, few = fitted(world, drawn)
    with_all, _ = fitted(world, drawn, 4)
    last = world.annotations[..., 3].reshape(-1, 1)
    found = scan(last, **kept(world, model, few)[2])
    assert found.z[0] > 4
    effect = float(with_all.prior.coefficients[3])
    assert found.effect[0] == pytest.approx(effect, rel=0.35)
    assert found.blocks == len(world.annotations)
    # Neither its unit nor where it begins counts.
    other = scan(np.float32(7) - 2 * last, **kept(world, model, few)[2])
    np.testing.assert_allclose(other.z, -found.z, rtol=1e-3)
    np.testing.assert_allclose(other.effect, -found.effect, rtol=1e-3)


def test_what_the_model_knows_or_nobody_could_know_says_nothing(world, drawn):
    model, few = fitted(world, drawn)
    known = world.annotations[..., :KNOWN].reshape(-1, KNOWN)
    columns = np.column_stack([known, np.zeros(len(known)), np.ones(len(known))])
    found = scan(columns.astype(np.float32), **kept(world, model, few)[2])
    assert np.isnan(found.z).all()
    assert np.isnan(found.effect).all()
    assert np.isnan(found.error).all()


def test_p_is_uniform_where_there_is_nothing(many_blocks):
    world = many_blocks
    batches = world.draw(world.model([0.5, -0.4, 0.0, 0.0], level=0.3), seed=8, per_batch=8)
    model, few = fitted(world, batches)
    rng = np.random.default_rng(0)
    shape = (world.annotations.shape[0] * world.annotations.shape[1], 400)
    null = np.concatenate(
        [rng.standard_normal((shape[0], 200)), rng.random((shape[0], 200)) < 0.05], axis=1
    )
    found = scan(null.astype(np.float32), **kept(world, model, few)[2])
    for half in (slice(200), slice(200, 400)):
        assert kstest(p_value(found.z[half], found.blocks), "uniform").pvalue > 0.001
    assert found.z.std() == pytest.approx(1, abs=0.12)
