"""The moment estimate, and what a model expects of x squared."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepwas_app.core.moments import expected_squares, moment_estimate


def test_expected_squares_are_the_diagonal_of_the_covariance(world):
    model = world.model([0.5, -0.3, 0.0, 0.2], level=0.3, s2=1.2, kappa=0.1)
    batch = world.draw(model, seed=0, per_batch=5)[0]
    d = np.exp(np.asarray(model.prior(batch.annotations)) + world.log_scale[:5])
    for i in range(5):
        K = np.diag(1.2 + 0.1 / world.eigenvalues[i]) + (world.Q[i].T * d[i]) @ world.Q[i]
        np.testing.assert_allclose(expected_squares(model, batch)[i], np.diag(K), rtol=1e-5)


def test_level_noise_and_mismatch_are_recovered(world):
    """Over 30 draws the mean estimate is the truth within its Monte-Carlo error."""
    truth = world.model(level=0.4, s2=1.2, kappa=0.1)
    estimates = np.array(
        [moment_estimate(world.draw(truth, seed, per_batch=40)) for seed in range(30)]
    )
    error = estimates.std(axis=0, ddof=1) / np.sqrt(30)
    assert (np.abs(estimates.mean(axis=0) - [0.4, 1.2, 0.1]) < 4 * error).all()
    assert (estimates.std(axis=0) < [0.2, 0.3, 0.05]).all()


def test_pure_noise_gives_a_small_level_inside_the_model(world):
    truth = world.model(level=-30.0, s2=1.2, kappa=1e-6)
    found = moment_estimate(world.draw(truth, seed=1, per_batch=40))
    assert np.isfinite(found).all()
    assert found.level < -2
    assert found.s2 == pytest.approx(1.2, rel=0.15)
    assert 0 < found.kappa < 0.05


@pytest.mark.parametrize(
    ("truth", "expected"),
    [
        ({"level": 0.4}, (0.362487, 1.170550, 0.0945979)),
        # Less noise than white: its components weigh more.
        ({"level": -1.0, "s2": 0.7, "kappa": 0.05}, (-0.995854, 0.667833, 0.0493606)),
        ({"level": 2.0, "s2": 0.5, "kappa": 0.5}, (1.924461, 0.601448, 0.474501)),
        # Zero is on the edge of the model: each of the three at the least that it starts from.
        ({"level": -30.0, "kappa": 1e-6}, (-5.180313, 1.166628, 0.00241963)),
        ({"level": -30.0, "s2": 0.05, "kappa": 1e-6}, (-8.358275, 0.5, 0.000100827)),
    ],
)
def test_training_starts_where_it_started(world, truth, expected):
    found = moment_estimate(world.draw(world.model(**truth), 7, per_batch=10))
    np.testing.assert_allclose(found, expected, rtol=2e-4)


def test_damaged_and_padded_components_do_not_count(world):
    (batch,) = world.draw(world.model(level=0.4), 7, per_batch=40)
    first, rest = (
        jax.tree.map(lambda leaf, part=part: leaf[part], batch) for part in (slice(1), slice(1, 40))
    )
    lost = eqx.tree_at(
        lambda b: (b.block.x, b.block.eigenvalues),
        first,
        (first.block.x.at[0, :15].set(jnp.nan), first.block.eigenvalues.at[0, 15:].set(jnp.inf)),
    )
    np.testing.assert_allclose(moment_estimate([rest, lost]), moment_estimate([rest]), rtol=1e-9)
