"""The transformer prior: where it starts, what it sees, and its options."""

import re

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepwas_app.core.priors import Standardisation, make_prior, parameter_count
from deepwas_app.core.priors import transformer as module
from deepwas_app.core.priors.transformer import pool_factor, tower_height

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
        prior = woken(transformer(depth=2)).sparing(rematerialise)
        return eqx.filter_jit(eqx.filter_value_and_grad(lambda p: (p(*data) ** 2).sum()))(prior)

    (kept, g), (again, h) = value(False), value(True)
    assert kept == pytest.approx(float(again), rel=1e-6)
    assert_near(g, h)


def assert_near(one, two):
    """Gradients, beside the largest: those of what a softmax takes no notice of are rounding."""
    one, two = (jax.tree.leaves(gradient) for gradient in (one, two))
    largest = max(np.abs(leaf).max() for leaf in one)
    for a, b in zip(one, two, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5 * largest)


def test_what_is_computed_again_is_each_chunk(data):
    """On a CPU always, where it costs nothing; elsewhere where it is asked for."""
    kept = transformer().sparing(False)
    for prior, count in ((transformer(), 1), (kept, 0), (kept.sparing(), 1)):
        traced = str(jax.make_jaxpr(prior)(*data))
        assert len(re.findall(r"\b(?:checkpoint|remat2?)\[", traced)) == count


def test_elsewhere_than_on_a_cpu_it_is_asked_for(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert not transformer().rematerialise
    assert transformer(rematerialise=True).rematerialise


def test_bfloat16_is_near_float32(data):
    full, half = (woken(transformer(precision=p))(*data) for p in ("float32", "bfloat16"))
    assert half.dtype == full.dtype == jnp.float32
    assert 0 < np.abs(half - full).max() < 0.1


def test_tracks_are_not_counted_as_parameters():
    shapes = eqx.filter_eval_shape(transformer)
    assert parameter_count(shapes) == parameter_count(transformer())
    assert parameter_count(transformer(window=41)) == parameter_count(transformer(window=42))


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


def softmax(x, axis):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def by_hand(network, x, heads, factor):
    """The network of one window, (positions, channels), by loops over its parts."""

    def linear(layer, x):
        bias = 0 if layer.bias is None else np.asarray(layer.bias, np.float64)
        return x @ np.asarray(layer.weight, np.float64).T + bias

    def norm(layer, x):
        scaled = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
        return scaled * np.asarray(layer.weight) + np.asarray(layer.bias)

    def pool(layer, x):
        return (softmax(linear(layer.score, x), 0) * x).sum(axis=0)

    kernel = np.asarray(network.stem.weight, np.float64)
    size = kernel.shape[2]
    padded = np.pad(x, (((size - 1) // 2, size // 2), (0, 0)))
    stem = [np.einsum("oik,ki->o", kernel, padded[i : i + size]) for i in range(len(x))]
    x = gelu(np.array(stem) + np.asarray(network.stem.bias)[:, 0])

    def shortened(layer, x, factor):
        x = np.pad(x, ((0, -len(x) % factor), (0, 0)))
        return np.array([pool(layer, x[i : i + factor]) for i in range(0, len(x), factor)])

    for storey in network.tower:
        kernel = np.asarray(storey.convolution.weight, np.float64)
        padded = np.pad(gelu(norm(storey.norm, x)), ((2, 2), (0, 0)))
        added = np.array([np.einsum("oik,ki->o", kernel, padded[i : i + 5]) for i in range(len(x))])
        x = shortened(storey.pool, x + added + np.asarray(storey.convolution.bias)[:, 0], 2)
    if network.pool is not None:
        x = shortened(network.pool, x, factor)
    x = x + np.asarray(network.position)
    for layer in network.layers:
        a, y = layer.attention, norm(layer.norm_attention, x)
        parts = (linear(p, y) for p in (a.query_proj, a.key_proj, a.value_proj))
        q, k, v = (part.reshape(len(y), heads, -1) for part in parts)
        logits = np.einsum("shd,thd->hst", q, k) / np.sqrt(q.shape[2])
        mixed = np.einsum("hst,thd->shd", softmax(logits, 2), v).reshape(len(y), -1)
        x = x + linear(a.output_proj, mixed)
        x = x + linear(layer.narrow, gelu(linear(layer.widen, norm(layer.norm_forward, x))))
    return linear(network.head, norm(network.norm, pool(network.collect, x))).item()


@pytest.mark.parametrize(
    ("window", "width", "depth", "heads", "factor", "newer"),
    [(65, 64, 2, 2, 2, True), (65, 64, 1, 2, 2, False), (5, 40, 1, 1, 1, True)],
)
def test_the_network_is_what_it_is_said_to_be(window, width, depth, heads, factor, newer):
    """Stem, pooling (with a rest), attention, feed-forward and head, by numpy."""
    prior = patterned(transformer(width=width, depth=depth, window=window, tower=newer))
    rng = np.random.default_rng(2)
    tracks = rng.standard_normal((2, window, TRACKS)).astype(np.float32)
    annotations = rng.standard_normal((2, ANNOTATIONS)).astype(np.float32)
    found = prior(annotations, tracks)
    for i in range(2):
        # Tracks first; annotations are the same at every position.
        repeated = np.tile(annotations[i], (window, 1))
        x = np.concatenate([(tracks[i] - 0.5) / 2, repeated], axis=1)
        expected = by_hand(prior.network, x, heads, factor)
        assert found[i] == pytest.approx(-9 + expected, rel=1e-5)
        assert abs(expected) > 1e-3


def test_how_large_a_network_is():
    """Heads of 32, layers that widen four times, about 32 tokens, a stem of 7 positions."""

    def shape(**options):
        return eqx.filter_eval_shape(lambda: transformer(**options)).network

    network = shape(width=96, depth=3, window=640, tower=False)
    assert [layer.attention.num_heads for layer in network.layers] == [3, 3, 3]
    assert network.position.shape == (32, 96)
    assert network.stem.kernel_size == (7,)
    assert network.layers[0].widen.weight.shape == (4 * 96, 96)
    towering = shape(width=96, window=640)
    assert (len(towering.tower), towering.pool, towering.position.shape) == (5, None, (20, 96))
    assert {storey.convolution.kernel_size for storey in towering.tower} == {(5,)}
    narrow = shape(width=40, window=4)
    assert narrow.layers[0].attention.num_heads == 1
    assert narrow.stem.kernel_size == (4,)


def test_positions_start_small():
    position = transformer(width=64, depth=0, window=640, tower=False).network.position
    assert float(position.std()) == pytest.approx(0.02, rel=0.1)


FIRST = [-0.06208001, 0.05574292, 0.02591272, 0.3208131, 0.005500501, 0.0602965, 0.06182395]


def test_a_seed_begins_with_what_it_began_with():
    """Runs are compared by their seeds."""
    network = transformer(width=8, depth=2, window=32, tower=False).network
    parts = (
        network.stem.weight,
        network.pool.score.weight,
        network.position,
        network.collect.score.weight,
        network.layers[0].widen.weight,
        network.layers[1].narrow.weight,
        network.layers[1].attention.query_proj.weight,
    )
    np.testing.assert_allclose([part.ravel()[0] for part in parts], FIRST, rtol=1e-4)


@pytest.mark.parametrize(
    ("window", "factor"), [(1, 1), (32, 1), (63, 1), (64, 2), (95, 2), (256, 8)]
)
def test_a_window_is_pooled_to_32_tokens_or_a_few_more(window, factor):
    assert pool_factor(window) == factor


@pytest.mark.parametrize(
    ("window", "storeys"), [(1, 0), (31, 0), (32, 1), (63, 1), (64, 2), (256, 4)]
)
def test_a_tower_leaves_16_tokens_or_fewer_than_twice_as_many(window, storeys):
    network = eqx.filter_eval_shape(lambda: transformer(window=window)).network
    assert len(network.tower) == tower_height(window) == storeys
    assert len(network.position) == -(-window // 2**storeys)


def test_work_in_chunks_changes_nothing(data, monkeypatch):
    a, t = data
    prior = woken(transformer())
    whole = prior(a, t)
    # Too little for a single variant, of which there is one at a time then.
    monkeypatch.setattr(module, "CHUNK", {"cpu": WINDOW * 8 - 1})
    np.testing.assert_allclose(prior(a, t), whole, rtol=1e-5)


def test_without_any_track_the_window_is_one_position(data):
    a, _ = data
    prior = transformer(standardise_tracks=None)
    assert (prior.window, prior.mean_tracks()) == (1, None)
    np.testing.assert_array_equal(prior(a), -9.0)
    np.testing.assert_array_equal(transformer().mean_tracks(), 0.5)
    assert not prior.half
    assert transformer(precision="bfloat16").half
