"""Many annotations tested at a fitted model by its score, from derivatives kept of each variant."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from deepwas_app.core.batch import BlockBatch, map_blocks
from deepwas_app.core.effects import Tilts, free_parameters, inverse_information
from deepwas_app.core.jackknife import jackknife_error
from deepwas_app.core.likelihood import inverse_cholesky, noise_variance
from deepwas_app.core.objectives import log_prior_variance
from deepwas_app.core.priors import Model, Standardisation
from deepwas_app.core.ways import exact_products

# Share of the spread of an annotation's score below which the model knows the annotation.
_NOTHING = 3e-3
# Rows of the squared covariance that are made at once.
_STRIPE = 1024


class Derivatives(NamedTuple):
    """Of the log-likelihood of some LD blocks, at a fitted model.

    Attributes
    ----------
    score
        In each variant's log d, nats, (blocks, variants); 0 where padded.
    cross
        Fisher information between each variant's log d and the model's free parameters,
        (blocks, variants, parameters); 0 where padded.
    parameter_score
        In the free parameters, (blocks, parameters).
    """

    score: Float[np.ndarray, "blocks variants"]
    cross: Float[np.ndarray, "blocks variants parameters"]
    parameter_score: Float[np.ndarray, "blocks parameters"]


def derivatives(
    model: Model, standardise: Standardisation, batches: Iterable[BlockBatch]
) -> Iterator[Derivatives]:
    """Derivatives of every variant, batch by batch, float32 on the host.

    Parameters
    ----------
    model
        The fitted model.
    standardise
        Mean and s.d. of the annotations that tests are conditional on. Free are the level, a
        log-linear tilt along each, and what else the model learned (s2, kappa, alpha).
    batches
        The training blocks, with the tracks that the prior reads.

    Notes
    -----
    With K = sum_i w_i q_i q_i^T over variants and noise, G = Q K^-1 Q^T and J = d w / d theta, the
    information between log d_j and theta is d_j / 2 [(G o G) J]_j. Of an annotation a, whose own
    tilt has d w = d o a, the score is then sum_j a_j score_j and its information with theta is
    sum_j a_j cross_j: neither needs LD or z-scores again.
    """
    free = free_parameters(model, standardise)
    tilts = Tilts(model, standardise)
    for batch in batches:
        score, cross, own = (
            np.asarray(array) for array in _by_block(tilts, jnp.asarray(free), batch)
        )
        yield Derivatives(score, cross, own)


@eqx.filter_jit
def _by_block(tilts: Tilts, free: Int[Array, " free"], batch: BlockBatch) -> Derivatives:
    here = jnp.zeros(tilts.parameters)

    def variances(flat: Array, part: BlockBatch) -> tuple[Array, tuple[Array, Array]]:
        model = tilts(flat)
        d = jnp.exp(log_prior_variance(model, part))
        noise = noise_variance(part.block, d, model.s2, model.kappa)
        return jnp.concatenate([d, noise], axis=-1)[0], (d[0], noise[0])

    def one(part: BlockBatch) -> Derivatives:
        alone = jax.tree.map(lambda leaf: leaf[None], part)
        jacobian, (d, noise) = jax.jacfwd(variances, has_aux=True)(here, alone)
        jacobian = jacobian[:, free]
        inverse = inverse_cholesky(part.block.Q, d, noise)
        with exact_products():
            loadings = jnp.concatenate([part.block.Q @ inverse.T, inverse.T])
            white = inverse @ part.block.x
            gain = 0.5 * ((loadings @ white) ** 2 - jnp.sum(loadings**2, axis=1))
            stripes = [
                ((loadings[start : min(start + _STRIPE, len(d))] @ loadings.T) ** 2) @ jacobian
                for start in range(0, len(d), _STRIPE)
            ]
        cross = 0.5 * d[:, None] * jnp.concatenate(stripes)
        return Derivatives(d * gain[: len(d)], cross, jacobian.T @ gain)

    return map_blocks(one, batch)


class Scan(NamedTuple):
    """Score tests of annotations, each alone beside what the model has.

    Attributes
    ----------
    effect, error
        One-step estimate and its standard error, log variance per s.d., (annotations,); NaN where
        an annotation says nothing that the model does not.
    z
        effect / error.
    blocks
        How many LD blocks the errors rest on.
    """

    effect: Float[np.ndarray, " annotations"]
    error: Float[np.ndarray, " annotations"]
    z: Float[np.ndarray, " annotations"]
    blocks: int


def moved(
    parameter_score: Float[np.ndarray, "blocks parameters"],
    fisher: Float[np.ndarray, "parameters parameters"],
) -> Float[np.ndarray, "blocks parameters"]:
    """How far one step by each block's score moves the free parameters: s_b F^-1.

    Parameters
    ----------
    parameter_score, fisher
        Of each block, as in :class:`Derivatives`, and Fisher information of all.
    """
    return np.asarray(parameter_score @ inverse_information(fisher))


def scan(
    annotations: Float[np.ndarray, "variants annotations"],
    score: Float[np.ndarray, " variants"],
    cross: Float[np.ndarray, "variants parameters"],
    block: Int[np.ndarray, " variants"],
    moves: Float[np.ndarray, "blocks parameters"],
) -> Scan:
    """Test annotations by derivatives that were kept.

    Parameters
    ----------
    annotations
        In any unit; mean and s.d. do not matter.
    score, cross
        Of the variants, as in :class:`Derivatives`.
    block
        Number of each variant's block, 0 to blocks - 1.
    moves
        From :func:`moved`.

    Notes
    -----
    u_b = sum_j in b a_j score_j - s_b F^-1 (sum_j a_j cross_j): the part of an annotation's score
    that the free parameters do not explain (Neyman's C(alpha)), so that an estimate that a normal
    prior pulls does no harm. z is sum_b u_b over its jackknife error V^1/2. By the information
    equality V is also the information, and the effect of one step sum_b u_b / V.

    References
    ----------
    Neyman 1959; Rao 1948, doi:10.1017/S0305004100023987.
    """
    blocks, count = len(moves), annotations.shape[1]
    # The score of an annotation, and what of it the free parameters explain.
    alone, known = np.zeros((blocks, count)), np.zeros((blocks, count))
    deviation = np.zeros(count)
    for a in range(count):
        column = np.asarray(annotations[:, a], np.float32)
        # The level is free: what all have in common changes nothing but rounding.
        rows = np.flatnonzero(column)
        few = 4 * len(rows) < len(column)
        some = rows if few else slice(None)
        own = column[rows] if few else column - column.mean()
        alone[:, a] = np.bincount(block[some], own * score[some], minlength=blocks)
        known[:, a] = moves @ (own @ cross[some]).astype(np.float64)
        deviation[a] = column.std(dtype=np.float64)
    scale = np.where(deviation > 0, deviation, 1.0)
    alone, parts = alone / scale, (alone - known) / scale
    # Without a block, the others' sum is raised to the weight of all.
    weight = blocks / max(blocks - 1, 1)
    root, whole = jackknife_error(parts * weight), jackknife_error(alone * weight)
    told = root > _NOTHING * whole
    total = parts.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(told, total / root, np.nan)
        return Scan(z / root, np.where(told, 1 / root, np.nan), z, blocks)
