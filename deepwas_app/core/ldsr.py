"""LD score regression: E[z_j^2] under a prior, without forming the LD matrix."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from deepwas_app.core.batch import BlockBatch, Marginal, map_blocks
from deepwas_app.core.block import HostOrDevice, WhitenedBlock
from deepwas_app.core.ways import exact_products

# Variants with a chi-square above this, and above so much per person, have no part in it.
LARGEST, PER_PERSON = 80.0, 1e-3


@jax.custom_vjp
def squared_ld_product(
    Q: Float[Array, "variants components"], d: Float[Array, " variants"]
) -> Float[Array, " variants"]:
    """(R o R) d with R = Q Q^T, differentiable in `d`.

    Notes
    -----
    Row j is q_j^T (Q^T D Q) q_j. R o R is symmetric, so the gradient is the same product.
    """
    with exact_products():
        return jnp.sum((Q @ (Q.T @ (d[:, None] * Q))) * Q, axis=1)


def _product_forward(Q: Array, d: Array) -> tuple[Array, Array]:
    return squared_ld_product(Q, d), Q


def _product_backward(Q: Array, cotangent: Array) -> tuple[None, Array]:
    return None, squared_ld_product(Q, cotangent)


squared_ld_product.defvjp(_product_forward, _product_backward)


def ld_weighted_sum(
    Q: Float[HostOrDevice, "variants components"],
    d: Float[Array, " variants"],
    people: Float[HostOrDevice, ""],
) -> Float[Array, " variants"]:
    """Sum over k of r_jk^2 d_k, without the sampling noise of the panel in r_jk^2.

    Parameters
    ----------
    Q
        Loadings, (variants, components), zero where padded.
    d
        (variants,).
    people
        People in the LD panel; inf where LD is exact or the number is not known.

    Notes
    -----
    r^2 is corrected to r^2 - (1 - r^2) / (n - 2).

    References
    ----------
    Bulik-Sullivan et al. 2015, doi:10.1038/ng.3211.
    """
    Q = jnp.asarray(Q)
    noise = 1 / (people - 2)
    real = jnp.any(Q != 0, axis=1)
    total = jnp.sum(jnp.where(real, d, 0.0))
    return jnp.where(real, (1 + noise) * squared_ld_product(Q, d) - noise * total, 0.0)


@eqx.filter_jit
def ld_scores(batch: BlockBatch) -> Float[Array, "2 blocks variants"]:
    """Sums of a variant's r^2 with all variants of its block, and with the scored ones.

    Parameters
    ----------
    batch
        With the number of people behind its LD (`marginal`).
    """
    if batch.marginal is None:
        raise ValueError("LD scores need the number of people behind the LD in the batch")

    def one(Q: Array, counted: Array, people: Array) -> Array:
        every = jnp.ones(len(Q), Q.dtype)
        return jnp.stack([ld_weighted_sum(Q, d, people) for d in (every, counted.astype(Q.dtype))])

    found = map_blocks(one, batch.block.Q, batch.counted, batch.marginal.people)
    return jnp.swapaxes(found, 0, 1)


def mismatch(block: WhitenedBlock) -> Float[Array, " variants"]:
    """What kappa adds to E[z_j^2]: the squared row norms of the eigenvectors, (variants,)."""
    return jnp.sum(block.Q**2 / block.eigenvalues, axis=1)


def expected_chi2(
    block: WhitenedBlock,
    d: Float[Array, " variants"],
    people: Float[HostOrDevice, ""],
    s2: Float[Array, ""],
    kappa: Float[Array, ""],
) -> Float[Array, " variants"]:
    """E[z_j^2] = s2 + kappa h_j + sum_k r_jk^2 d_k; R_jj is 1, also where components were cut."""
    return s2 + kappa * mismatch(block) + ld_weighted_sum(block.Q, d, people)


def squared_ld(
    Q: Float[HostOrDevice, "variants components"], people: Float[HostOrDevice, ""]
) -> Float[Array, "variants variants"]:
    """The corrected r_jk^2 as a matrix, for models of many parameters that are fitted by Newton."""
    Q = jnp.asarray(Q)
    with exact_products():
        squared = (Q @ Q.T) ** 2
    noise = 1 / (people - 2)
    real = jnp.any(Q != 0, axis=1)
    return jnp.where(jnp.outer(real, real), squared - noise * (1 - squared), 0.0)


def with_weights(
    batch: BlockBatch, d: Float[Array, "blocks variants"], s2: Float[Array, ""]
) -> BlockBatch:
    """The batch with the regression weights that a constant prior implies.

    Parameters
    ----------
    batch
        With z-scores.
    d
        Prior variances of a first estimate, the constant prior: N_j h2 / M for every variant.
    s2
        Its noise scale.

    Notes
    -----
    1 / l_j, because neighbours repeat one another l_j times, times 1 / (2 E[z_j^2]^2), because
    that is the variance of z_j^2: with l_j the LD score among scored variants and
    E[z_j^2] = s2 + N h2 l_j / M. Neither is taken below 1 (as in the reference implementation).
    0 where the chi-square is above 80 and above N_j / 1,000: a few such variants would decide.

    References
    ----------
    Finucane et al. 2015, doi:10.1038/ng.3404, for the last.
    """
    marginal = batch.marginal
    if marginal is None:
        raise ValueError("LD score regression needs z-scores in the batch")

    largest = jnp.maximum(LARGEST, PER_PERSON * jnp.exp(batch.log_n))
    regressed = batch.counted & (marginal.z**2 <= largest)

    def one(Q: Array, d: Array, counted: Array, regressed: Array, people: Array) -> Array:
        scores = ld_weighted_sum(Q, counted.astype(Q.dtype), people)
        expected = jnp.maximum(s2 + ld_weighted_sum(Q, d, people), 1.0)
        return jnp.where(regressed, 0.5 / (jnp.maximum(scores, 1.0) * expected**2), 0.0)

    weight = map_blocks(one, batch.block.Q, d, batch.counted, regressed, marginal.people)
    return eqx.tree_at(lambda b: b.marginal, batch, Marginal(marginal.z, weight, marginal.people))
