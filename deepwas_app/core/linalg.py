"""Dense linear algebra that is quick inside XLA on a CPU as well as on a GPU."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from deepwas_app.core.ways import way

# Below this size a LAPACK triangular solve is as quick as the recursion, and compiles sooner.
LEAF = 128


def triangular_inverse(L: Float[Array, "r r"]) -> Float[Array, "r r"]:
    """Inverse of a lower triangular matrix, see :class:`deepwas_app.core.ways.Way`.

    Notes
    -----
    inv([[A, 0], [B, C]]) = [[inv A, 0], [-inv C B inv A, inv C]], recursively: nearly all of the
    work is matrix products. XLA's own triangular solve on the CPU is many times slower than a
    product of the same operation count.
    """
    r = L.shape[0]
    if r <= LEAF or way().inverse == "solve":
        return jax.lax.linalg.triangular_solve(
            L, jnp.eye(r, dtype=L.dtype), left_side=True, lower=True
        )
    h = max(r // LEAF // 2, 1) * LEAF
    A = triangular_inverse(L[:h, :h])
    C = triangular_inverse(L[h:, h:])
    return jnp.block([[A, jnp.zeros((h, r - h), L.dtype)], [-C @ (L[h:, :h] @ A), C]])
