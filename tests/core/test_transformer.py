"""The transformer prior: where it starts, what it sees, and its options."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepwas_app.core.priors import Standardisation, make_prior, parameter_count

ANNOTATIONS, TRACKS, WINDOW = 4, 3, 40


def transformer(**options):
    given = {
        "level": -9.0,
        "width": 8,
        "depth": 1,
        "window": WINDOW,
        "standardise_tracks": Standardisation(jnp.full(TRACKS, 0.5), jnp.full(TRACKS, 2.0)),
    }
    standardise = Standardisation(jnp.zeros(ANNOTATIONS), jnp.ones(ANNOTATIONS))
    return make_prior("transformer", standardise, **given | options)


def woken(prior):
    """With a last layer that is not zero."""
    weight = jnp.linspace(-1.0, 1.0, 8)[None]
    return eqx.tree_at(lambda p: p.network.head.weight, prior, weight)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    a = jnp.asarray(rng.normal(size=(2, 5, ANNOTATIONS)), jnp.float32)
    t = jnp.asarray(rng.normal(size=(2, 5, WINDOW, TRACKS)), jnp.float32)
    return a, t


def test_starts_constant_with_a_gradient_of_its_own(data):
    prior = transformer()
    np.testing.assert_array_equal(prior(*data), -9.0)
    gradient = eqx.filter_grad(lambda p: p(*data).sum())(prior)
    assert np.abs(gradient.network.head.weight).max() > 0.1


def test_each_variant_sees_its_own_window_and_annotations(data):
    a, t = data
    prior = eqx.filter_jit(woken(transformer()))
    before = np.asarray(prior(a, t))
    for changed in ((a.at[1, 3, 0].add(1.0), t), (a, t.at[1, 3, 7, 2].add(3.0))):
        moved = np.asarray(prior(*changed)) != before
        expected = np.zeros((2, 5), bool)
        expected[1, 3] = True
        np.testing.assert_array_equal(moved, expected)


def test_without_tracks_they_are_at_their_mean(data):
    a, t = data
    prior = woken(transformer())
    mean = jnp.full_like(t, 0.5)
    np.testing.assert_allclose(prior(a), prior(a, mean), rtol=1e-5)


def test_rematerialisation_changes_no_number(data):
    def value(rematerialise):
        prior = woken(transformer(rematerialise=rematerialise))
        return eqx.filter_jit(eqx.filter_value_and_grad(lambda p: (p(*data) ** 2).sum()))(prior)

    (kept, g), (again, h) = value(False), value(True)
    assert kept == pytest.approx(float(again), rel=1e-6)
    for a, b in zip(jax.tree.leaves(g), jax.tree.leaves(h), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3 * max(np.abs(a).max(), 1e-6))


def test_bfloat16_is_near_float32(data):
    full, half = (woken(transformer(precision=p))(*data) for p in ("float32", "bfloat16"))
    assert half.dtype == full.dtype == jnp.float32
    assert 0 < np.abs(half - full).max() < 0.1


def test_tracks_are_not_counted_as_parameters():
    shapes = eqx.filter_eval_shape(transformer)
    assert parameter_count(shapes) == parameter_count(transformer())
    assert parameter_count(transformer(window=80)) == parameter_count(transformer())


def patterned(prior):
    """With weights that depend on no random numbers, so that nothing but the arithmetic counts."""
    leaves, tree = jax.tree.flatten(prior.network)
    leaves = [
        0.12
        * jnp.sin(1.7 * jnp.arange(leaf.size, dtype=jnp.float32) ** 1.3 + i).reshape(leaf.shape)
        if eqx.is_inexact_array(leaf)
        else leaf
        for i, leaf in enumerate(leaves)
    ]
    return eqx.tree_at(lambda p: p.network, prior, jax.tree.unflatten(tree, leaves))


def test_stored_weights_give_what_they_gave():
    """A window that is pooled with a rest, two layers and two heads."""
    prior = patterned(transformer(width=64, depth=2, window=65))
    at = np.arange(3 * 65 * TRACKS, dtype=np.float32)
    tracks = jnp.asarray(np.cos(0.37 * at + at**2 / 4e4).reshape(3, 65, TRACKS))
    annotations = jnp.asarray(np.sin(np.arange(12.0, dtype=np.float32)).reshape(3, 4))
    assert prior.network.position.shape == (33, 64)
    np.testing.assert_allclose(
        prior(annotations, tracks) + 9, [0.295929, 0.319651, 0.354048], rtol=1e-3
    )
