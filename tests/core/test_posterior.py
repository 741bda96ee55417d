"""The posterior of the effects, against the dense formula."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepwas_app.core import posterior, whiten


@jax.jit
def compute(block, log_d, s2, kappa):
    return posterior(block, log_d, s2=s2, kappa=kappa)


@pytest.mark.parametrize(
    ("variants", "k", "scored"),
    [(50, 20, slice(None)), (40, 90, slice(None)), (80, 60, slice(20, 50))],
    ids=["tall factor", "wide factor", "flanks"],
)
@pytest.mark.parametrize("kappa", [0.0, 0.4])
def test_mean_and_variance_agree_with_the_oracle(
    variants, k, scored, kappa, precision, dense, make_factor
):
    rng = np.random.default_rng(variants)
    W = make_factor(variants, k)
    rows = np.zeros(variants, bool)
    rows[scored] = True
    z, log_d = W @ rng.standard_normal(k) * 3, rng.normal(0.0, 1.5, variants)
    mean, variance = dense(W, z, rows).posterior(log_d, 1.1, kappa)
    found = compute(whiten(W, z, rows, variance=1.0), jnp.asarray(log_d), 1.1, kappa)
    # Flanks without a scored variant in LD keep their prior: errors are relative to its scale.
    scale = np.exp(log_d)
    tolerance = 2 * precision.tolerance
    assert np.linalg.norm(found.mean - mean) / np.linalg.norm(mean) < tolerance
    assert np.max(np.abs(found.variance - variance) / scale) < tolerance
    assert (np.asarray(found.variance) >= 0).all()


def test_without_data_the_posterior_is_the_prior(make_factor):
    """Noise without bound: nothing is learned. No noise and no LD: the effect is z."""
    W, z = make_factor(20, 15), np.arange(20.0)
    log_d = np.linspace(-2, 2, 20)
    nothing = posterior(whiten(W, z), jnp.asarray(log_d), s2=1e9)
    np.testing.assert_allclose(nothing.mean, 0.0, atol=1e-6)
    np.testing.assert_allclose(nothing.variance, np.exp(log_d), rtol=1e-5)
    certain = posterior(whiten(np.eye(20), z, variance=1.0), jnp.asarray(log_d), s2=1e-6)
    np.testing.assert_allclose(certain.mean, z, rtol=1e-4)
    np.testing.assert_allclose(certain.variance, 0.0, atol=1e-5)
