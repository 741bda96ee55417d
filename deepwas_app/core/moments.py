"""Second moments of the whitened data: a first estimate, and what a fitted model expects."""

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.optimize import nnls

from deepwas_app.core.batch import BlockBatch
from deepwas_app.core.likelihood import noise_variance
from deepwas_app.core.objectives import log_prior_variance
from deepwas_app.core.priors import ALPHA, S2_RANGE, ConstantPrior, Model


class Moments(NamedTuple):
    """Constant model by moments: log f, noise scale and LD mismatch."""

    level: float
    s2: float
    kappa: float


def moment_estimate(batches: Iterable[BlockBatch], alpha: float = ALPHA) -> Moments:
    """Fit E[x_i^2] = n_i(s2, kappa, d) + sum_j Q_ji^2 d_j of the constant prior by least squares.

    Parameters
    ----------
    batches
        Blocks to use, padding and all.
    alpha
        Exponent of p (1 - p).

    Returns
    -------
    Moments

    Notes
    -----
    Non-negative weighted least squares; the variance of x_i^2 is proportional to its squared
    expectation, so the weights come from the fit before, twice.
    """
    squares, known, designs = [], [], []
    zero = jnp.asarray(0.0)
    unit_model = Model(ConstantPrior(zero), zero, zero, alpha=jnp.asarray(alpha))
    for batch in batches:
        x = np.asarray(batch.block.x, np.float64)
        # Neither padding nor damage; the likelihood names the block of the latter.
        real = np.isfinite(batch.block.eigenvalues) & np.isfinite(x)
        d = jnp.exp(log_prior_variance(unit_model, replace(batch, own=None)))
        signal, strong = (
            _signal(batch.block.Q, part) + noise_variance(batch.block, part, 0.0, 0.0)
            for part in (d, 0 * d if batch.own is None else jnp.asarray(batch.own))
        )
        noise = [noise_variance(batch.block, 0 * d, s2, kappa) for s2, kappa in ((1, 0), (0, 1))]
        # White under the null, so that components are alike.
        white = np.asarray(batch.block.noise)[real]
        squares.append((x**2 - np.asarray(strong))[real] / white)
        known.append(np.asarray(strong)[real] / white)
        parts = [np.asarray(part)[real] / white for part in (signal, *noise)]
        designs.append(np.stack(parts, axis=1))
    y, fixed = np.concatenate(squares), np.concatenate(known)
    design = np.concatenate(designs).astype(np.float64)
    unit = design.mean(axis=0)
    design /= unit
    expected = np.maximum(design.sum(axis=1) / 3, 1e-12) + fixed
    for _ in range(3):
        estimate, _ = nnls(design / expected[:, None], y / expected)
        expected = np.maximum(design @ estimate, 0.1) + fixed
    f, s2, kappa = estimate / unit
    # Zero is on the edge of the model; start a little inside.
    typical = 0.01 * max(y.mean(), 0.01) / unit
    return Moments(
        float(np.log(max(f, typical[0]))),
        float(np.clip(s2, *S2_RANGE)),
        float(max(kappa, typical[2])),
    )


@jax.jit
def _signal(Q: Array, d: Array) -> Float[Array, "blocks components"]:
    """sum_j Q_ji^2 d_j."""
    return jnp.einsum("bmr,bm->br", Q**2, d, precision="highest")


def expected_squares(model: Model, batch: BlockBatch) -> Float[Array, "blocks components"]:
    """E[x_i^2] = n_i + sum_j Q_ji^2 d_j under a model, (blocks, components)."""
    d = jnp.exp(log_prior_variance(model, batch))
    return _signal(batch.block.Q, d) + noise_variance(batch.block, d, model.s2, model.kappa)
