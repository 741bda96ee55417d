"""How a prior answers to its annotations: curves, surfaces, partial effects, attributions."""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from deepwas_app.core.block import widened
from deepwas_app.core.priors import Prior, Standardisation

NODES = 32
# Attention and layer norms bend sharply: more nodes until the parts add up this well.
MOST_NODES = 512
ADD_UP = 1e-3


@eqx.filter_jit
def _mean_response(
    prior: Prior, annotations: Array, tracks: Array | None, moved: Array, values: Array
) -> tuple[Array, Array]:
    def at(value: Array) -> Array:
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
    a = widened(annotations)
    moved = np.zeros(a.shape[1], bool)
    moved[list(columns)] = True
    values = np.zeros((len(points), a.shape[1]), np.float32)
    values[:, list(columns)] = points
    around = None if tracks is None else jnp.asarray(tracks)
    means, base = _mean_response(prior, a, around, jnp.asarray(moved), jnp.asarray(values))
    return np.asarray(means, np.float64) - float(base)


@eqx.filter_jit
def _path_gradients(
    prior: Prior, inputs: tuple[Array, ...], baseline: tuple[Array, ...], nodes: Array
) -> tuple[Array, ...]:
    gradient = jax.vmap(jax.grad(lambda at: prior(*at)))

    def at(t: Array) -> tuple[Array, ...]:
        moved = jax.tree.map(lambda a, base: base + t * (a - base), inputs, baseline)
        return gradient(moved)

    return jax.lax.map(at, nodes)


def integrated_gradients(
    prior: Prior,
    annotations: Float[np.ndarray, "variants annotations"],
    baseline: Float[np.ndarray, " annotations"],
    tracks: Float[np.ndarray, "variants window tracks"] | None = None,
    track_baseline: Float[np.ndarray, " tracks"] | None = None,
) -> Float[np.ndarray, "variants inputs"]:
    """What each annotation and track adds to the log variance of some variants.

    Parameters
    ----------
    prior
        A fitted prior.
    annotations
        Of the variants to explain, (variants, annotations), in their own units.
    baseline
        Annotations to compare with, such as the mean ones, (annotations,).
    tracks
        Around the variants, (variants, window, tracks), where the prior reads them.
    track_baseline
        Tracks to compare with, the same at every position, (tracks,).

    Returns
    -------
    (variants, annotations + tracks) in log variance; a track's entry is the sum over its window. A
    row sums to log f(a) - log f(baseline), up to the error of the quadrature, which takes from 32
    to 512 points until that is below 0.001; for a linear prior each entry is
    c_a (a - baseline) / s.d.

    References
    ----------
    Sundararajan, Taly & Yan 2017, arXiv:1703.01365.
    """
    inputs, base = [np.asarray(widened(annotations))], [np.asarray(baseline)]
    if tracks is not None:
        inputs.append(np.asarray(tracks, np.float32))
        base.append(np.asarray(track_baseline, np.float32))
    whole = [np.broadcast_to(b, a.shape) for a, b in zip(inputs, base, strict=True)]
    ends = [np.asarray(prior(*map(jnp.asarray, end)), np.float64) for end in (inputs, whole)]
    difference = ends[0] - ends[1]
    count = NODES
    while True:
        parts = _quadrature(prior, inputs, whole, count)
        count *= 4
        if count > MOST_NODES or np.abs(parts.sum(axis=1) - difference).max() < ADD_UP:
            return parts


def _quadrature(
    prior: Prior, inputs: Sequence[np.ndarray], baseline: Sequence[np.ndarray], count: int
) -> np.ndarray:
    """Integrated gradients by so many nodes."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    at = jnp.asarray((nodes + 1) / 2, inputs[0].dtype)
    gradients = _path_gradients(
        prior, tuple(map(jnp.asarray, inputs)), tuple(map(jnp.asarray, baseline)), at
    )
    parts = []
    for gradient, a, b in zip(gradients, inputs, baseline, strict=True):
        mean = np.tensordot(weights / 2, np.asarray(gradient, np.float64), 1)
        part = mean * (a.astype(np.float64) - b.astype(np.float64))
        parts.append(part if part.ndim == 2 else part.sum(axis=1))
    return np.concatenate(parts, axis=1)


@eqx.filter_jit
def _slope(
    prior: Prior, annotations: Array, tracks: Array | None, step: Array, low: Array, high: Array
) -> Array:
    def at(value: Array) -> Array:
        return prior(jnp.where(step, value, annotations), tracks)

    return jnp.mean(at(high) - at(low))


def average_partial_effects(
    prior: Prior,
    annotations: Float[np.ndarray, "variants annotations"],
    standardise: Standardisation,
    binary: Bool[np.ndarray, " annotations"],
    tracks: Float[np.ndarray, "variants window tracks"] | None = None,
) -> Float[np.ndarray, " annotations"]:
    """Average change of log variance per s.d. of each annotation, the others as they are.

    Parameters
    ----------
    prior
        The fitted prior.
    annotations
        (variants, annotations), in their own units.
    standardise
        Mean and s.d. of the annotations.
    binary
        Which annotations take 0 and 1 only: switched from 0 to 1; the others are moved by half an
        s.d. each way.
    tracks
        Around the variants, as they are, for priors that read them.

    Notes
    -----
    For a log-linear prior the average partial effect is the coefficient. An annotation whose s.d.
    counts as infinite has none.
    """
    a = widened(annotations)
    around = None if tracks is None else jnp.asarray(tracks)
    deviation = np.asarray(standardise.deviation)
    effects = []
    for j, is_binary in enumerate(binary):
        if np.isinf(deviation[j]):
            effects.append(0.0)
            continue
        column = jnp.arange(a.shape[1]) == j
        half = 0.5 * deviation[j]
        low, high = (jnp.zeros_like(a), jnp.ones_like(a)) if is_binary else (a - half, a + half)
        change = float(_slope(prior, a, around, column, low, high))
        effects.append(change * (deviation[j] if is_binary else 1.0))
    return np.array(effects)
