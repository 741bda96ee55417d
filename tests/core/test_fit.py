"""Fitting: what it finds, that it resumes exactly, and how it fails."""

from itertools import pairwise

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.flatten_util import ravel_pytree

from deepwas_app.core.batch import shuffled_order
from deepwas_app.core.fit import NonFiniteLossError, fit_adam, optimiser, start_adam
from deepwas_app.core.objectives import block_losses, flatten
from deepwas_app.core.priors import Model, limits, make_prior, ridge_precision
from deepwas_app.core.scoring import fit_scoring, start_scoring, total_information


def last_state(steps):
    for step in steps:
        state = step.state
    return state


def fitted(model, batches, **options):
    return last_state(fit_scoring(start_scoring(model), batches, **options)).model


def spoil(batch, block: int):
    """The batch with one z-score of one block lost."""
    return eqx.tree_at(lambda b: b.block.x, batch, batch.block.x.at[block, 0].set(jnp.nan))


def test_scoring_recovers_the_truth(world):
    """z-scores of (estimate - truth) / s.e. from the information, over 12 draws.

    Of every coefficient, the level, s2 and kappa, and of heritability by the delta method.
    """
    truth = world.model([0.5, -0.4, 0.0, 0.3], level=0.3, s2=1.2, kappa=0.1)
    start = world.model([0.0] * 4, level=-1.0, s2=0.8, kappa=0.3)
    expected, unravel = flatten(truth)

    @jax.jit
    @jax.value_and_grad
    def log_h2(flat):
        log_f = unravel(flat).prior(jnp.asarray(world.annotations))
        return jax.nn.logsumexp(log_f + world.log_scale)

    true_h2, _ = log_h2(expected)
    scores = []
    for seed in range(12):
        batches = world.draw(truth, seed, per_batch=40)
        model = fitted(start, batches)
        _, gradient, fisher = total_information(model, batches)[:3]
        # At the maximum the gradient, with that of the prior on log s2, is small beside its error.
        gradient = gradient + limits(model).precision * np.asarray(flatten(model)[0])
        assert gradient @ np.linalg.solve(fisher, gradient) < 0.05
        covariance = np.linalg.inv(fisher)
        found, _ = flatten(model)
        h2, slope = log_h2(found)
        off = np.append(np.asarray(found) - np.asarray(expected), h2 - true_h2)
        slope = np.asarray(slope, np.float64)
        errors = np.sqrt(np.append(np.diag(covariance), slope @ covariance @ slope))
        scores.append(off / errors)
    scores = np.array(scores)
    assert 0.75 < scores.std() < 1.25
    assert (np.abs(scores.mean(axis=0)) < 4 / np.sqrt(12)).all()
    # Level and noise trade places; heritability, which people read, is within its own error.
    assert (np.abs(scores[:, -1]) < 3.5).all()


def test_scoring_goes_down_and_stops_by_itself(world):
    truth = world.model([0.5, -0.4, 0.0, 0.3])
    batches = world.draw(truth, seed=3, per_batch=40)
    start = world.model([0.0] * 4, level=-2.0)
    steps = list(fit_scoring(start_scoring(start), batches, steps=50))
    assert 2 <= len(steps) < 20
    assert [step.step for step in steps] == list(range(1, len(steps) + 1))
    losses = [step.loss for step in steps]
    assert all(after <= before for before, after in pairwise(losses))
    before, _, _ = total_information(start, batches)[:3]
    assert losses[0] == pytest.approx(before / (40 * 60))
    after, _, _ = total_information(steps[-1].state.model, batches)[:3]
    assert after < before - 50


def test_scoring_resumes_where_it_was(world):
    truth = world.model([0.5, -0.4, 0.0, 0.3])
    batches = world.draw(truth, seed=4, per_batch=40)
    start = start_scoring(world.model([0.0] * 4, level=-2.0))
    whole = [step.state for step in fit_scoring(start, batches)]
    rest = [step.state for step in fit_scoring(whole[1], batches)]
    assert len(rest) == len(whole) - 2
    # Killed after its last step, it takes no other.
    assert list(fit_scoring(whole[-1], batches)) == []
    for a, b in zip(jax.tree.leaves(whole[-1]), jax.tree.leaves(rest[-1]), strict=True):
        np.testing.assert_array_equal(a, b)


def test_normal_prior_pulls_coefficients_to_zero(world):
    batches = world.draw(world.model([0.5, -0.4, 0.0, 0.3]), seed=5, per_batch=40)
    start = world.model([0.0] * 4)
    free = fitted(start, batches)
    model = fitted(start, batches, precision=np.asarray(ridge_precision(start, 0.02)))
    shrunk, full = np.asarray(model.prior.coefficients), np.asarray(free.prior.coefficients)
    assert (np.abs(shrunk[[0, 1, 3]]) < 0.7 * np.abs(full[[0, 1, 3]])).all()
    # Penalised, the gradient of the likelihood balances precision times coefficient.
    _, gradient, _ = total_information(model, batches)[:3]
    found, _ = flatten(model)
    precision = np.asarray(ridge_precision(start, 0.02)) + limits(start).precision
    penalty = precision * np.asarray(found)
    np.testing.assert_allclose(gradient, -penalty, atol=0.02 * np.abs(penalty).max())


class Adam:
    """An MLP on 4 batches of 10 blocks, 3 epochs."""

    def __init__(self, world):
        self.batches = world.draw(world.model([0.8, -0.6, 0.0, 0.3]), seed=6, per_batch=10)
        prior = make_prior("mlp", world.standardise, level=0.0, width=6, depth=1)
        self.start = start_adam(Model(prior, jnp.asarray(0.0), jnp.asarray(-2.0)), 0.01, 12)
        self.steps = list(self.fit(self.start))

    def in_order(self, epoch):
        return [self.batches[i] for i in shuffled_order(4, 1, epoch)]

    def fit(self, state, batches_of_epoch=None):
        return fit_adam(
            state,
            batches_of_epoch or self.in_order,
            batches_per_epoch=4,
            variants=40 * 60,
            epochs=3,
            learning_rate=0.01,
        )


@pytest.fixture(scope="module")
def adam(world) -> Adam:
    return Adam(world)


@pytest.mark.parametrize("stop", [1, 4, 6])
def test_resumed_trajectory_is_bit_identical(stop, adam):
    rest = list(adam.fit(adam.steps[stop - 1].state))
    assert [step.step for step in rest] == list(range(stop + 1, 13))
    assert [step.loss for step in rest] == [step.loss for step in adam.steps[stop:]]
    whole, resumed = (jax.tree.leaves(steps[-1].state) for steps in (adam.steps, rest))
    for a, b in zip(whole, resumed, strict=True):
        np.testing.assert_array_equal(a, b)


def test_adam_learns_and_counts_epochs(adam):
    steps = adam.steps
    assert [step.epoch for step in steps] == [1] * 4 + [2] * 4 + [3] * 4
    assert [step.step for step in steps if step.last_of_epoch] == [4, 8, 12]
    first, last = ([step.loss for step in steps if step.epoch == e] for e in (1, 3))
    assert np.mean(last) < np.mean(first) - 0.002
    before, _, _ = total_information(adam.start.model, adam.batches)[:3]
    after, _, _ = total_information(steps[-1].state.model, adam.batches)[:3]
    assert after < before - 20


@pytest.mark.parametrize(("steps", "warm"), [(4_000, 100), (1_000, 50), (10, 1), (1, 1)])
def test_the_step_size_warms_up_and_decays(steps, warm):
    """Adam's steps along a gradient that stays the same are as long as the schedule says."""
    transformation = optimiser(0.01, steps)
    parameter, gradient = jnp.zeros(()), jnp.asarray(0.5)

    def one(state, _):
        change, state = transformation.update(gradient, state, parameter)
        return state, -change

    _, sizes = jax.lax.scan(one, transformation.init(parameter), length=steps + 10)
    step = np.arange(steps + 10)
    rise = 0.001 + 0.009 * step / warm
    # A schedule of one step is made one longer, to have an end.
    along = np.clip((step - warm) / (max(steps, 2) - warm), 0, 1)
    fall = 0.0001 + 0.0099 * (1 + np.cos(np.pi * along)) / 2
    np.testing.assert_allclose(sizes, np.where(step < warm, rise, fall), rtol=1e-3, atol=1e-7)


def test_long_gradients_are_clipped_and_weights_decay():
    transformation = optimiser(0.01, 10)
    parameter = jnp.full(2, 50.0)
    change, state = transformation.update(
        jnp.array([3.0, 4.0]), transformation.init(parameter), parameter
    )
    moment = optax.tree.get(state, "mu")
    np.testing.assert_allclose(moment, 0.1 * np.array([0.6, 0.8]), rtol=1e-5)
    np.testing.assert_allclose(change, -0.001 * (1 + 1e-4 * 50.0), rtol=1e-5)


def test_a_variant_weighs_as_much_in_a_small_batch_as_in_a_large_one(world, adam):
    """The first step's gradient is that of the batch over the mean share of all batches."""
    draws = world.draw(world.model([0.8, -0.6, 0.0, 0.3]), seed=8, per_batch=20)
    small = jax.tree.map(lambda leaf: leaf[:5], draws[0])
    large = draws[1]
    slopes = []
    for batch in (small, large):
        step = next(
            fit_adam(
                adam.start,
                lambda _, batch=batch: iter([batch, batch]),
                batches_per_epoch=2,
                variants=25 * 60,
                epochs=6,
                learning_rate=0.01,
            )
        )
        moment, _ = ravel_pytree(optax.tree.get(step.state.optimiser, "mu"))
        # AdamW's first moment is a tenth of its first gradient, where that is not clipped.
        slopes.append(10 * moment)
        parameters, unravel = flatten(adam.start.model)
        total = jax.grad(lambda p, b=batch, u=unravel: block_losses(u(p), b).sum())(parameters)
        np.testing.assert_allclose(slopes[-1], total / (25 * 60 / 2), rtol=1e-4, atol=1e-7)
        # What is shown is per variant of the batch itself.
        assert step.loss == pytest.approx(
            float(block_losses(adam.start.model, batch).sum()) / (len(batch.index) * 60), rel=1e-5
        )
    assert all(np.linalg.norm(slope) < 0.9 for slope in slopes)


def test_non_finite_loss_names_the_block_and_keeps_the_last_good_state(adam):
    broken = [*adam.batches[:2], spoil(adam.batches[2], 7), adam.batches[3]]
    fitting = adam.fit(adam.start, lambda _: iter(broken))
    good = [next(fitting).state, next(fitting).state]
    with pytest.raises(NonFiniteLossError, match="LD block 27 at step 3: lower the") as e:
        next(fitting)
    assert e.value.state is good[-1]


def test_scoring_names_the_block_with_a_non_finite_loss(world):
    batches = world.draw(world.model(), seed=7, per_batch=10)
    batches[1] = spoil(spoil(batches[1], 2), 5)
    with pytest.raises(NonFiniteLossError, match="LD block 12, 15 at step 1"):
        next(fit_scoring(start_scoring(world.model()), batches))
