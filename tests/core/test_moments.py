"""The moment estimate, and what a model expects of x squared."""

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
