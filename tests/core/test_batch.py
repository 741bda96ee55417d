"""Batches: padding changes nothing, order depends on seed and epoch only."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepwas_app.core import Iterative, WhitenedBlock, whiten
from deepwas_app.core.batch import BlockBatch, put, shuffled_order, stack_blocks
from deepwas_app.core.objectives import FullLikelihood, block_losses, flatten, information
from deepwas_app.core.posterior import _batch_posterior, batch_posterior
from deepwas_app.core.priors import LinearPrior, Model, Standardisation
from deepwas_app.core.scoring import total_information

SIZES = [(30, 12), (45, 20), (8, 5)]


def one_block(number: int, variants: int, k: int, make_factor) -> BlockBatch:
    """A block without the leading axis, some of its variants unscored."""
    rng = np.random.default_rng(number)
    scored = rng.random(variants) < 0.8
    block = whiten(make_factor(variants, k), rng.normal(size=variants) * 2, scored)
    return BlockBatch(
        block=WhitenedBlock(*(np.asarray(leaf) for leaf in jax.tree.leaves(block))),
        annotations=rng.normal(size=(variants, 2)),
        log_n=rng.normal(size=variants),
        log_heterozygosity=rng.normal(size=variants),
        counted=scored,
        index=np.array(number),
    )


@pytest.fixture
def parts(x64, make_factor) -> list[BlockBatch]:
    return [one_block(3 * i, *size, make_factor) for i, size in enumerate(SIZES)]


@pytest.fixture
def padded(parts) -> BlockBatch:
    """The three blocks and one that is nothing but padding."""
    return put(stack_blocks(parts, variants=50, components=24, blocks=4))


@pytest.fixture
def model(x64) -> Model:
    prior = LinearPrior(
        Standardisation(jnp.array([0.1, -0.2]), jnp.array([1.0, 2.0])),
        jnp.asarray(-0.3),
        jnp.array([0.5, -0.8]),
    )
    return Model(prior, jnp.asarray(0.2), jnp.asarray(-1.0))


def alone(part: BlockBatch) -> BlockBatch:
    """A batch of one block without any padding."""
    return put(jax.tree.map(lambda leaf: np.asarray(leaf)[None], part))


def test_stacking_keeps_every_number(parts, padded):
    np.testing.assert_array_equal(padded.index, [0, 3, 6, -1])
    assert padded.block.Q.shape == (4, 50, 24)
    assert padded.counted.sum() == sum(part.counted.sum() for part in parts)
    for i, part in enumerate(parts):
        m, r = part.block.Q.shape
        np.testing.assert_array_equal(padded.block.Q[i, :m, :r], part.block.Q)
        assert not np.asarray(padded.block.Q[i, m:]).any()
        assert not np.asarray(padded.block.Q[i, :, r:]).any()
        assert np.isinf(padded.block.eigenvalues[i, r:]).all()
        np.testing.assert_array_equal(padded.annotations[i, :m], part.annotations)
        np.testing.assert_array_equal(padded.log_n[i, :m], part.log_n)
        np.testing.assert_array_equal(padded.log_heterozygosity[i, :m], part.log_heterozygosity)


def test_losses_are_those_of_unpadded_blocks(parts, padded, model):
    losses = eqx.filter_jit(block_losses)(model, padded)
    for i, part in enumerate(parts):
        assert losses[i] == pytest.approx(float(block_losses(model, alone(part))[0]), rel=1e-13)
    assert losses[3] == 0.0


def test_gradient_is_the_sum_over_unpadded_blocks(parts, padded, model):
    flat, unravel = flatten(model)

    @jax.jit
    def gradient(batch):
        return jax.grad(lambda p: block_losses(unravel(p), batch).sum())(flat)

    expected = sum(gradient(alone(part)) for part in parts)
    np.testing.assert_allclose(gradient(padded), expected, rtol=1e-11)


def test_information_is_the_sum_over_unpadded_blocks(parts, padded, model):
    flat, unravel = flatten(model)
    compute = jax.jit(lambda batch: information(flat, unravel, batch))
    found = compute(padded)
    single = [compute(alone(part)) for part in parts]
    for i, expected in enumerate(single):
        assert found.loss[i] == pytest.approx(float(expected.loss[0]), rel=1e-13)
        np.testing.assert_allclose(found.score[i], expected.score[0], rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(found.score[3], 0.0)
    np.testing.assert_allclose(found.fisher, sum(s.fisher for s in single), rtol=1e-11)
    loss, score, fisher = total_information(model, [alone(part) for part in parts])[:3]
    assert loss == pytest.approx(float(found.loss.sum()), rel=1e-12)
    np.testing.assert_allclose(score, found.score.sum(axis=0), rtol=1e-10)
    np.testing.assert_allclose(fisher, found.fisher, rtol=1e-11)


def test_posterior_is_that_of_unpadded_blocks(parts, padded, model):
    found = batch_posterior(model, padded)
    for i, part in enumerate(parts):
        expected = batch_posterior(model, alone(part))
        m = len(part.log_n)
        np.testing.assert_allclose(found.mean[i, :m], expected.mean[0], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(found.variance[i, :m], expected.variance[0], rtol=1e-11)


def test_padding_has_no_variance_whatever_the_prior_makes_of_it(parts, model):
    """Annotations far from zero: a padded variant's zeros lie hundreds of s.d. away."""
    for part in parts:
        part.annotations[:] += 500
    prior = eqx.tree_at(lambda p: p.standardise.mean, model.prior, jnp.array([500.0, 500.0]))
    far = eqx.tree_at(lambda m: m.prior, model, prior)
    flat, unravel = flatten(far)
    padded = put(stack_blocks(parts, variants=50, components=24, blocks=4))
    losses, slope = jax.value_and_grad(lambda p: block_losses(unravel(p), padded).sum())(flat)
    single = [block_losses(far, alone(part))[0] for part in parts]
    np.testing.assert_allclose(losses, sum(single), rtol=1e-11)
    assert np.isfinite(slope).all()


@pytest.mark.parametrize("solver", ["exact", "iterative"])
def test_mapping_at_once_is_mapping_one_by_one(solver, padded, model, monkeypatch):
    """As on a GPU, where blocks are solved at once."""
    flat, unravel = flatten(model)
    likelihood = FullLikelihood(solver, Iterative(tolerance=1e-9))

    def everything():
        def loss(p):
            found = likelihood.losses(unravel(p), padded, jax.random.key(2))
            return found.loss.sum(), found

        (_, found), slope = jax.value_and_grad(loss, has_aux=True)(flat)
        posterior = _batch_posterior.__wrapped__(model, padded, likelihood)[0]
        return found[:3], slope, posterior, information(flat, unravel, padded)

    one_by_one = everything()
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    for a, b in zip(jax.tree.leaves(one_by_one), jax.tree.leaves(everything()), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9)


def test_order_depends_on_seed_and_epoch_only():
    def order(seed, epoch):
        return shuffled_order(12, seed, epoch).tolist()

    assert sorted(order(1, 2)) == list(range(12))
    assert order(1, 2) == order(1, 2)
    assert order(1, 2) != order(1, 3)
    assert order(1, 2) != order(2, 2)
