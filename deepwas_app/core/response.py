"""How a prior answers to its annotations: response curves, surfaces, integrated gradients."""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from deepwas_app.core.priors import Prior

NODES = 32


@eqx.filter_jit
def _mean_response(prior: Prior, annotations: Array, tracks, moved: Array, values: Array):
    def at(value):
        return jnp.mean(prior(jnp.where(moved, value, annotations), tracks))

    return jax.lax.map(at, values), jnp.mean(prior(annotations, tracks))


def response(
    prior: Prior,
    annotations: Float[np.ndarray, "variants annotations"],
    columns: Sequence[int],
    points: Float[np.ndarray, "points columns"],
    tracks: Float[np.ndarray, "variants window tracks"] | None = None,
) -> Float[np.ndarray, " points"]:
    """Mean log variance when some annotations are set to given values, the others as they are.

    Parameters
    ----------
    prior
        A fitted prior.
    annotations
        Of the variants to average over, (variants, annotations), in their own units.
    columns
        Which annotations are set: one for a response curve, two for an interaction surface.
    points
        Values that they are set to, (points, columns), in their own units.
    tracks
        Around the variants, held as they are, for priors that read them.

    Returns
    -------
    (points,) change of mean log f against that of the variants as they are.

    Notes
    -----
    Partial dependence, on the scale on which a log-linear prior is a straight line.

    References
    ----------
    Friedman 2001, doi:10.1214/aos/1013203451.
    """
    a = jnp.asarray(annotations)
    moved = np.zeros(a.shape[1], bool)
    moved[list(columns)] = True
    values = np.zeros((len(points), a.shape[1]), np.float32)
    values[:, list(columns)] = points
    around = None if tracks is None else jnp.asarray(tracks)
    means, base = _mean_response(prior, a, around, jnp.asarray(moved), jnp.asarray(values))
    return np.asarray(means, np.float64) - float(base)


@eqx.filter_jit
def _path_gradients(prior: Prior, annotations: Array, baseline: Array, nodes: Array) -> Array:
    gradient = jax.vmap(jax.grad(lambda a: prior(a)))

    def at(t):
        return gradient(baseline + t * (annotations - baseline))

    return jax.lax.map(at, nodes)


def integrated_gradients(
    prior: Prior,
    annotations: Float[np.ndarray, "variants annotations"],
    baseline: Float[np.ndarray, " annotations"],
) -> Float[np.ndarray, "variants annotations"]:
    """What each annotation adds to the log variance of some variants, against a baseline.

    Parameters
    ----------
    prior
        A fitted prior.
    annotations
        Of the variants to explain, (variants, annotations), in their own units.
    baseline
        Annotations to compare with, such as the mean ones, (annotations,).

    Returns
    -------
    (variants, annotations) in log variance. A row sums to log f(a) - log f(baseline), up to the
    error of the 32-point quadrature; for a linear prior each entry is c_a (a - baseline) / s.d.

    References
    ----------
    Sundararajan, Taly & Yan 2017, arXiv:1703.01365.
    """
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    a, base = jnp.asarray(annotations), jnp.asarray(baseline)
    at = jnp.asarray((nodes + 1) / 2, a.dtype)
    gradients = np.asarray(_path_gradients(prior, a, base, at), np.float64)
    mean = np.einsum("n,nva->va", weights / 2, gradients)
    return mean * (np.asarray(annotations, np.float64) - np.asarray(baseline, np.float64))
