"""The recursive triangular inverse."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepwas_app.core.linalg import LEAF, triangular_inverse


@pytest.mark.parametrize("size", [1, 7, LEAF, LEAF + 1, 2 * LEAF + 50, 5 * LEAF])
@pytest.mark.usefixtures("x64")
def test_inverse_of_every_way_of_splitting(size):
    A = np.random.default_rng(size).normal(size=(size, 2 * size))
    L = np.linalg.cholesky(A @ A.T / size + np.eye(size))
    inverse = np.asarray(jax.jit(triangular_inverse)(jnp.asarray(L)))
    np.testing.assert_allclose(inverse @ L, np.eye(size), atol=1e-11)
    np.testing.assert_array_equal(np.triu(inverse, 1), 0.0)
