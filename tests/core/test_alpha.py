"""How heritability depends on frequency, learned from the data."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from deepwas_app.core.effects import Jackknife, tilt_fisher, tilt_jackknife
from deepwas_app.core.fit import fit_adam, start_adam
from deepwas_app.core.jackknife import jackknife_error
from deepwas_app.core.priors import ALPHA, ALPHA_RANGE, bounded, limits
from deepwas_app.core.scoring import fit_scoring, start_scoring
from deepwas_app.core.shifts import one_step_information

TRUTH = 0.3
COEFFICIENTS = {"constant": (), "linear": (0.5, -0.3, 0.0, 0.2)}


def model_of(world, prior, alpha, learned=True):
    model = world.model(COEFFICIENTS[prior], level=-0.7 if learned else 1.0)
    return dataclasses.replace(model, alpha=alpha, learn_alpha=learned)


def fitted(model, batches, **options):
    for step in fit_scoring(start_scoring(model), batches, **options):
        model = step.state.model
    return model


@pytest.mark.parametrize("prior", list(COEFFICIENTS))
def test_alpha_is_recovered_within_its_errors(many_blocks, prior):
    """Started where it is fixed by default; frequencies go down to 1%."""
    z = []
    for seed in range(6):
        batches = many_blocks.draw(model_of(many_blocks, prior, TRUTH), seed, per_batch=80)
        found = fitted(model_of(many_blocks, prior, ALPHA), batches)
        moves = tilt_jackknife(found, many_blocks.standardise, batches)
        error = float(jackknife_error(moves.alpha))
        assert 0.03 < error < 0.2
        z.append((float(found.alpha) - TRUTH) / error)
    assert abs(np.mean(z)) < 3 / np.sqrt(len(z))
    assert np.abs(z).max() < 4


def test_adam_learns_alpha_too(many_blocks):
    """From where the constant prior leaves it, as runs begin."""
    batches = many_blocks.draw(model_of(many_blocks, "linear", TRUTH), 2, per_batch=20)
    best = fitted(model_of(many_blocks, "linear", ALPHA), batches)
    constant = fitted(model_of(many_blocks, "constant", ALPHA), batches)
    prior = many_blocks.model([0.0] * 4).prior.at_level(constant.prior.level)
    start = dataclasses.replace(constant, prior=prior)
    variants = sum(int(batch.counted.sum()) for batch in batches)
    steps = fit_adam(
        start_adam(start, 0.02, 60 * len(batches)),
        lambda _: batches,
        batches_per_epoch=len(batches),
        variants=variants,
        epochs=60,
        learning_rate=0.02,
    )
    *_, last = steps
    assert abs(float(start.alpha) - float(best.alpha)) > 0.03
    assert float(last.state.model.alpha) == pytest.approx(float(best.alpha), abs=0.015)


def test_what_is_fixed_stays_and_does_not_move(world):
    model = model_of(world, "linear", 0.2, learned=False)
    batches = world.draw(model, 1, per_batch=40)
    found = fitted(model, batches, steps=3)
    assert float(found.alpha) == pytest.approx(0.2)
    moves = tilt_jackknife(found, world.standardise, batches)
    np.testing.assert_array_equal(moves.alpha, np.zeros(40))
    assert len(tilt_fisher(found, world.standardise, batches)) == 7


def test_alpha_is_one_more_number_of_the_tilt(world):
    """Information on one annotation is less where alpha is free beside it."""
    model = model_of(world, "constant", 0.5)
    batches = world.draw(model, 1, per_batch=40)
    fisher = tilt_fisher(model, world.standardise, batches)
    assert fisher.shape == (8, 8)
    free = one_step_information(fisher, 4, model)
    fixed = one_step_information(fisher, 4, dataclasses.replace(model, learn_alpha=False))
    assert (free < fixed).all()
    assert Jackknife(np.zeros(2), np.zeros((2, 1))).alpha.sum() == 0


def test_alpha_has_ends_and_no_prior(world):
    model = model_of(world, "constant", 9.0)
    assert float(bounded(model).alpha) == ALPHA_RANGE[1]
    found = limits(model)
    assert (found.low[-1], found.high[-1], found.precision[-1]) == (*ALPHA_RANGE, 0.0)
    kept = bounded(dataclasses.replace(model, learn_alpha=False))
    assert float(kept.alpha) == 9.0


def test_signed_variance_is_the_variance(world):
    model = model_of(world, "linear", 0.4)
    a, h = jnp.asarray(world.annotations[0]), jnp.asarray(world.log_heterozygosity[0])
    expected = np.exp(np.asarray(model.log_variance(a, h)))
    np.testing.assert_allclose(model.signed_variance(a, h), expected, rtol=1e-5)
    by_hand = np.asarray(model.prior(a)) + 0.4 * (world.log_heterozygosity[0] - np.log(0.09))
    np.testing.assert_allclose(model.log_variance(a, h), by_hand, rtol=1e-5)
    fixed = dataclasses.replace(model, learn_alpha=False)
    by_hand = np.asarray(model.prior(a)) + 0.4 * world.log_heterozygosity[0]
    np.testing.assert_allclose(fixed.log_variance(a, h), by_hand, rtol=1e-5)
