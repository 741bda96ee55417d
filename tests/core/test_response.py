"""Response curves, integrated gradients, and tests by shifted annotations."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepwas_app.core.batch import BlockBatch, shuffled_order
from deepwas_app.core.effects import tilt_fisher
from deepwas_app.core.fit import fit_adam, start_adam
from deepwas_app.core.objectives import block_losses
from deepwas_app.core.priors import Model, Prior, Standardisation, make_prior
from deepwas_app.core.response import integrated_gradients, response
from deepwas_app.core.scoring import fit_scoring, start_scoring
from deepwas_app.core.shifts import (
    ShiftTest,
    draw_shifts,
    one_step_information,
    shift_test,
    variant_scores,
)

COEFFICIENTS = [0.5, -0.4, 0.0, 0.3]


@pytest.fixture(scope="module")
def linear(world):
    return world.model(COEFFICIENTS, level=0.3).prior


@pytest.fixture(scope="module")
def curved(world):
    prior = make_prior("mlp", world.standardise, level=0.2, width=6, depth=2)
    last = prior.network.layers[-1].weight
    return eqx.tree_at(
        lambda p: p.network.layers[-1].weight,
        prior,
        jax.random.normal(jax.random.key(2), last.shape),
    )


@pytest.fixture(scope="module")
def flat(world):
    return world.annotations.reshape(-1, 4)[:300]


def test_response_of_a_linear_prior_is_a_line(world, linear, flat):
    values = np.linspace(-2, 2, 7)
    found = response(linear, flat, [3], values[:, None])
    slope = COEFFICIENTS[3] / float(world.standardise.deviation[3])
    np.testing.assert_allclose(found, slope * (values - flat[:, 3].mean()), atol=1e-4)


def test_response_is_an_average_over_variants(curved, flat):
    points = np.array([[0.0, -1.0], [1.0, 0.5]])
    found = response(curved, flat, [0, 2], points)
    base = np.asarray(curved(jnp.asarray(flat)), np.float64).mean()
    for value, point in zip(found, points, strict=True):
        moved = flat.copy()
        moved[:, [0, 2]] = point
        expected = np.asarray(curved(jnp.asarray(moved)), np.float64).mean() - base
        assert value == pytest.approx(expected, abs=1e-5)


class Curved(Prior):
    """A truth with a bend in annotation 2, and annotations 0 and 1 acting together."""

    standardise: Standardisation

    def __call__(self, annotations, tracks=None):
        z = self.standardise(annotations)
        together = 0.7 * jnp.tanh(1.5 * z[..., 0]) * jnp.tanh(1.5 * z[..., 1])
        return 0.3 + together + 0.6 * (jnp.abs(z[..., 2]) - 0.8)


def test_an_ensemble_recovers_a_bend_and_an_interaction(many_blocks):
    """Simulated by a known truth, fitted by two small networks, read off their mean."""
    flat = many_blocks.annotations.reshape(-1, 4)[:1000]
    start = many_blocks.model(level=0.3)
    truth = Model(Curved(many_blocks.standardise), start.log_s2, start.log_kappa)
    batches = many_blocks.draw(truth, seed=0, per_batch=8)
    values = np.linspace(-2, 2, 9)[:, None]
    pairs = np.array([[a, b] for a in (0.0, 1.0) for b in values[:, 0]])

    def bend(prior):
        return response(prior, flat, [2], values)

    def interaction(prior):
        both = response(prior, flat, [0, 1], pairs).reshape(2, 9)
        alone = response(prior, flat, [0], pairs[[0, 9], :1]), response(prior, flat, [1], values)
        return both - alone[0][:, None] - alone[1]

    fitted = []
    for seed in (0, 1):
        key = jax.random.key(seed)
        prior = make_prior("mlp", many_blocks.standardise, level=0.3, width=16, depth=2, key=key)
        model, epochs = Model(prior, start.log_s2, start.log_kappa), 20
        fitting = fit_adam(
            start_adam(model, 5e-3, epochs * len(batches)),
            lambda epoch, seed=seed: [batches[i] for i in shuffled_order(10, seed, epoch)],
            batches_per_epoch=len(batches),
            variants=int(sum(batch.counted.sum() for batch in batches)),
            epochs=epochs,
            learning_rate=5e-3,
        )
        for step in fitting:
            prior = step.state.model.prior
        fitted.append(prior)
    curve = np.mean([bend(prior) for prior in fitted], axis=0)
    assert np.corrcoef(curve, bend(truth.prior))[0, 1] > 0.85
    surface = np.mean([interaction(prior) for prior in fitted], axis=0)
    assert np.corrcoef(surface.ravel(), interaction(truth.prior).ravel())[0, 1] > 0.9
    slope = np.polyfit(interaction(truth.prior).ravel(), surface.ravel(), 1)[0]
    assert 0.5 < slope < 1.6


def test_integrated_gradients_of_a_linear_prior_are_exact(world, linear, flat):
    baseline = np.asarray(world.standardise.mean)
    found = integrated_gradients(linear, flat, baseline)
    expected = COEFFICIENTS * (flat - baseline) / np.asarray(world.standardise.deviation)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_integrated_gradients_add_up_to_the_difference(world, curved, flat):
    baseline = np.asarray(world.standardise.mean)
    found = integrated_gradients(curved, flat[:50], baseline)
    difference = np.asarray(curved(jnp.asarray(flat[:50]))) - float(curved(jnp.asarray(baseline)))
    np.testing.assert_allclose(found.sum(axis=1), difference, atol=1e-4)
    assert np.abs(difference).max() > 0.1


def test_variant_scores_are_derivatives_of_the_likelihood(world):
    model = world.model(level=0.3)
    (batch, *_) = world.draw(model, seed=3, per_batch=10)
    found = np.asarray(variant_scores(model, batch))

    def loss(shift):
        moved = eqx.tree_at(lambda b: b.log_n, batch, batch.log_n + shift)
        return block_losses(model, moved).sum()

    expected = -np.asarray(jax.grad(loss)(jnp.zeros_like(batch.log_n)))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_shifts_by_fft_are_shifts_by_hand():
    rng = np.random.default_rng(0)
    s, a = rng.standard_normal(101), rng.standard_normal((101, 3))
    shifts = np.array([1, 7, 50, 100])
    found = shift_test(s, a, shifts)
    z = (a - a.mean(axis=0)) / a.std(axis=0)
    np.testing.assert_allclose(found.observed, (s - s.mean()) @ z, atol=1e-10)
    for k, null in zip(shifts, found.null, strict=True):
        np.testing.assert_allclose(null, (s - s.mean()) @ np.roll(z, k, axis=0), atol=1e-10)
    assert found.p.min() >= 1 / 5
    drawn = draw_shifts(1000, 500, rng)
    assert drawn.min() >= 10
    assert drawn.max() <= 990


def test_what_shifts_say_by_hand():
    test = ShiftTest(np.array([4.0, -1.0]), np.array([[1.0, 0.0], [2.0, 1.0], [3.0, -1.0]]))
    np.testing.assert_allclose(test.error, [1.0, 1.0])
    np.testing.assert_allclose(test.z, [2.0, -1.0])
    # As far as observed: none of three, and two of three; the observed one is counted.
    np.testing.assert_allclose(test.p, [1 / 4, 3 / 4])


def test_shifts_are_a_hundredth_of_the_genome_at_least():
    drawn = draw_shifts(300, 4_000, np.random.default_rng(0))
    assert (drawn.min(), drawn.max()) == (3, 297)
    assert set(draw_shifts(3, 50, np.random.default_rng(1)).tolist()) == {1, 2}


def test_annotations_that_do_not_vary_say_nothing():
    test = shift_test(np.array([1.0, -2.0, 0.5]), np.full((3, 1), 7.0), np.array([1, 2]))
    np.testing.assert_array_equal(test.observed, 0.0)
    np.testing.assert_array_equal(test.null, 0.0)


@pytest.mark.parametrize(("learn_s2", "learn_kappa"), [(True, True), (True, False), (False, True)])
def test_information_of_one_coefficient_is_what_the_nuisance_leaves(world, learn_s2, learn_kappa):
    """The Schur complement, from the inverse of that coefficient's own matrix."""
    root = np.random.default_rng(2).normal(size=(5, 9))
    fisher = root @ root.T
    model = dataclasses.replace(world.model(), learn_s2=learn_s2, learn_kappa=learn_kappa)
    found = one_step_information(fisher, 2, model)
    nuisance = [0, *([3] if learn_s2 else []), *([4] if learn_kappa else [])]
    for a in (1, 2):
        alone = [a, *nuisance]
        inverse = np.linalg.inv(fisher[np.ix_(alone, alone)])
        assert found[a - 1] == pytest.approx(1 / inverse[0, 0])


def test_shift_p_values_are_uniform_where_nothing_is_there():
    """Also for scores and annotations that are both clustered, where blocks would mislead."""
    rng = np.random.default_rng(1)

    def clustered():
        noise = rng.standard_normal(2_000)
        return np.convolve(noise, np.ones(60) / 60, "same")

    p = [
        shift_test(clustered(), clustered()[:, None], draw_shifts(2_000, 199, rng)).p[0]
        for _ in range(300)
    ]
    assert 0.02 < np.mean(np.array(p) <= 0.05) < 0.09
    assert 0.44 < np.mean(p) < 0.56


def test_one_step_estimate_and_its_shifts_find_an_effect(many_blocks):
    """Annotation 0 alone acts; one step from the constant model sees it."""
    truth = many_blocks.model([0.4, 0.0, 0.0, 0.0], level=0.3)
    batches = many_blocks.draw(truth, seed=4, per_batch=40)
    constant: Model = many_blocks.model(level=0.3)
    for step in fit_scoring(start_scoring(constant), batches, tolerance=1e-6):
        constant = step.state.model
    scores = np.concatenate([np.asarray(variant_scores(constant, b)).ravel() for b in batches])
    assert abs(scores.sum()) < 0.05 * np.abs(scores).sum()
    flat = many_blocks.annotations.reshape(-1, 4)
    test = shift_test(scores, flat, draw_shifts(len(flat), 200, np.random.default_rng(0)))
    fisher = tilt_fisher(constant, many_blocks.standardise, batches)
    found = test.observed / one_step_information(fisher, 4, constant)
    # One step from nothing overshoots a positive effect on the log scale.
    assert 0.3 < found[0] < 0.65
    assert test.z[0] > 3
    assert test.p[0] == pytest.approx(1 / 201)
    assert np.abs(test.z[1:]).max() < 3.5
    # Where blocks are many and alike, shifts and information agree on the error.
    information = one_step_information(fisher, 4, constant)
    np.testing.assert_allclose(test.error / information, information**-0.5, rtol=0.35)


def test_batches_keep_their_padding_out(world):
    model = world.model(level=0.3)
    (batch, *_) = world.draw(model, seed=3, per_batch=2)
    padded = BlockBatch(
        block=eqx.tree_at(
            lambda b: b.Q, batch.block, jnp.pad(batch.block.Q, ((0, 0), (0, 5), (0, 0)))
        ),
        annotations=jnp.pad(batch.annotations, ((0, 0), (0, 5), (0, 0))),
        log_n=jnp.pad(batch.log_n, ((0, 0), (0, 5))),
        log_heterozygosity=jnp.pad(batch.log_heterozygosity, ((0, 0), (0, 5))),
        counted=jnp.pad(batch.counted, ((0, 0), (0, 5))),
        index=batch.index,
    )
    found = np.asarray(variant_scores(model, padded))
    assert (found[:, 60:] == 0).all()
    np.testing.assert_allclose(found[:, :60], variant_scores(model, batch), atol=1e-6)


def test_integrated_gradients_of_tracks_add_up(world):
    """A transformer's annotations and tracks together make the whole difference."""
    from deepwas_app.core.priors import Standardisation

    rng = np.random.default_rng(8)
    prior = make_prior(
        "transformer",
        Standardisation(jnp.zeros(2), jnp.ones(2)),
        level=-3.0,
        width=8,
        depth=1,
        window=16,
        standardise_tracks=Standardisation(jnp.ones(3), jnp.full(3, 2.0)),
    )
    head = eqx.nn.Linear(8, "scalar", key=jax.random.key(5))
    prior = eqx.tree_at(lambda p: p.network.head, prior, head)
    annotations = rng.standard_normal((4, 2)).astype(np.float32)
    tracks = rng.gamma(1.0, size=(4, 16, 3)).astype(np.float32)
    # A track at its baseline everywhere adds nothing.
    tracks[:, :, 1] = 1.0
    base, track_base = np.zeros(2, np.float32), np.ones(3, np.float32)
    found = integrated_gradients(prior, annotations, base, tracks, track_base)
    assert found.shape == (4, 5)
    np.testing.assert_array_equal(found[:, 3], 0)
    level = prior(base[None], np.ones((1, 16, 3), np.float32))
    expected = np.asarray(prior(annotations, tracks) - level)
    np.testing.assert_allclose(found.sum(axis=1), expected, atol=1e-3)
    assert np.abs(found[:, [2, 4]]).max() > 1e-4
