"""Every way of computing gives the same likelihood and gradient, but for rounding."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepwas_app.core import WhitenedBlock, negative_log_likelihood
from deepwas_app.core.batch import map_blocks
from deepwas_app.core.ways import WAYS, Way, using, way

BLOCKS, VARIANTS, COMPONENTS = 3, 420, 300


def found() -> list[np.ndarray]:
    """Loss of each block and its derivatives."""
    rng = np.random.default_rng(5)
    shape = BLOCKS, VARIANTS, COMPONENTS
    block = WhitenedBlock(
        Q=jnp.asarray(rng.normal(size=shape) / COMPONENTS**0.5, jnp.float32),
        x=jnp.asarray(rng.normal(size=(BLOCKS, COMPONENTS)), jnp.float32),
        eigenvalues=jnp.asarray(rng.uniform(0.1, 20, (BLOCKS, COMPONENTS)), jnp.float32),
    )
    log_d = jnp.asarray(rng.normal(-1, 1, (BLOCKS, VARIANTS)), jnp.float32)

    @jax.jit
    def run(log_d, s2, kappa):
        def total(log_d, s2, kappa):
            def one(block, log_d):
                return negative_log_likelihood(block, log_d, s2=s2, kappa=kappa)

            losses = map_blocks(one, block, log_d)
            return losses.sum(), losses

        return jax.grad(total, argnums=(0, 1, 2), has_aux=True)(log_d, s2, kappa)

    return [np.asarray(leaf) for leaf in jax.tree.leaves(run(log_d, 1.1, 0.05))]


@pytest.mark.parametrize(
    "other",
    [
        Way(inverse, blocks)
        for inverse, blocks in itertools.product(("recursive", "solve"), ("in turn", "at once"))
    ],
    ids=" ".join,
)
def test_all_are_one_likelihood(other):
    expected = found()
    with using(other):
        assert way() == other
        got = found()
    for one, two in zip(expected, got, strict=True):
        np.testing.assert_allclose(two, one, rtol=2e-4, atol=2e-5 * np.abs(one).max())
    assert way() == WAYS[jax.default_backend()]


def test_the_ways_are_different_programs():
    rng = np.random.default_rng(0)
    Q = jnp.asarray(rng.normal(size=(2, 300, 260)), jnp.float32)
    x, log_d = jnp.ones((2, 260)), jnp.zeros((2, 300))
    block = WhitenedBlock(Q, x, jnp.ones((2, 260)))
    texts = set()
    for other in (Way(), Way(inverse="solve"), Way(blocks="in turn")):
        with using(other):
            run = jax.jit(lambda b, d: map_blocks(negative_log_likelihood, b, d))
            texts.add(run.lower(block, log_d).as_text())
    assert len(texts) == 3
