"""The likelihood of a batch to first and second order in a model's parameters."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepwas_app.core import WhitenedBlock, negative_log_likelihood
from deepwas_app.core.batch import BlockBatch
from deepwas_app.core.objectives import block_losses, flatten, information


@pytest.fixture
def model(world):
    return world.model([0.5, -0.3, 0.0, 0.2], level=0.1)


def test_prior_variance_of_a_batch_reaches_the_likelihood(world, model):
    batch = world.draw(model, seed=0, per_batch=5)[0]
    losses = block_losses(model, batch)
    coefficients = np.array([0.5, -0.3, 0.0, 0.2])
    a = (world.annotations[3] - np.asarray(world.standardise.mean)) / np.asarray(
        world.standardise.deviation
    )
    log_d = 0.1 + a @ coefficients + world.log_scale[3]
    block = jax.tree.map(lambda leaf: leaf[3], batch.block)
    alone = negative_log_likelihood(block, jnp.asarray(log_d), s2=1.2, kappa=0.1)
    assert losses[3] == pytest.approx(float(alone), rel=1e-5)


def test_score_is_the_gradient(world, model):
    batch = world.draw(model, seed=0, per_batch=5)[0]
    flat, unravel = flatten(model)
    found = eqx.filter_jit(information)(flat, unravel, batch)
    np.testing.assert_allclose(found.loss, block_losses(model, batch), rtol=1e-5)
    gradients = jax.jacrev(lambda p: block_losses(unravel(p), batch))(flat)
    scale = np.abs(gradients).max()
    np.testing.assert_allclose(found.score, gradients, atol=2e-5 * scale)


@pytest.mark.usefixtures("x64")
def test_fisher_information_is_the_expected_curvature(world, model):
    """The score is quadratic in x, so its mean over x ~ Normal(0, K) is exact from r points.

    x_i = sqrt(r) L e_i with K = L L^T have the second moments of that law, and the derivative of
    the mean score is the information.
    """
    double = jax.tree.map(lambda leaf: leaf.astype(jnp.float64), model)
    flat, unravel = flatten(double)
    Q, eigenvalues = world.Q[0].astype(np.float64), world.eigenvalues[0].astype(np.float64)
    annotations, log_scale = world.annotations[0].astype(np.float64), world.log_scale[0]
    d = np.exp(np.asarray(double.prior(jnp.asarray(annotations))) + log_scale)
    K = np.diag(float(double.s2) + float(double.kappa) / eigenvalues) + (Q.T * d) @ Q
    r = len(K)
    points = np.sqrt(r) * np.linalg.cholesky(K).T

    def repeat(array):
        return jnp.broadcast_to(jnp.asarray(array), (r, *array.shape))

    batch = BlockBatch(
        block=WhitenedBlock(repeat(Q), jnp.asarray(points), repeat(eigenvalues)),
        annotations=repeat(annotations),
        log_n=repeat(log_scale.astype(np.float64)),
        log_heterozygosity=repeat(0 * log_scale.astype(np.float64)),
        counted=jnp.ones((r, len(Q)), bool),
        index=jnp.arange(r),
    )
    compute = jax.jit(lambda p: information(p, unravel, batch))
    np.testing.assert_allclose(compute(flat).score.mean(axis=0), 0.0, atol=1e-9)
    step = 1e-5
    columns = [
        (compute(flat.at[i].add(step)).score - compute(flat.at[i].add(-step)).score).mean(axis=0)
        / (2 * step)
        for i in range(len(flat))
    ]
    fisher = np.asarray(compute(flat).fisher) / r
    np.testing.assert_allclose(fisher, np.array(columns), rtol=1e-6, atol=1e-7 * fisher.max())
    assert np.linalg.eigvalsh(fisher).min() > 0
