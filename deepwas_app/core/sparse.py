"""Posterior of effects where few variants are causal, by Gibbs sampling of whitened LD blocks."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, PRNGKeyArray

from deepwas_app.core.batch import BlockBatch, map_blocks
from deepwas_app.core.block import WhitenedBlock
from deepwas_app.core.likelihood import noise_variance
from deepwas_app.core.objectives import log_prior_variance
from deepwas_app.core.priors import Model
from deepwas_app.core.ways import exact_products

# Variants that are drawn one after the other between two products with the loadings.
_CHUNK = 64
# Log odds of a padded variant: it is never causal.
_NEVER = -30.0


class Chains(eqx.Module):
    """Where Markov chains of the effects of LD blocks are, and their averages on the way.

    Attributes
    ----------
    effects
        The last draw of b_j = sqrt(N_j) beta_j, (..., chains, variants).
    mean, second
        Averages of its conditional mean and mean square, (..., chains, variants).
    inclusion
        Average probability that the variant is causal, (..., chains, variants).
    score
        Derivative of the log evidence in the log odds of the polygenicity, (..., chains).
    """

    effects: Float[Array, "*blocks chains variants"]
    mean: Float[Array, "*blocks chains variants"]
    second: Float[Array, "*blocks chains variants"]
    inclusion: Float[Array, "*blocks chains variants"]
    score: Float[Array, "*blocks chains"]


def spike_and_slab(
    log_d: Float[Array, " variants"],
    typical: ArrayLike,
    log_odds: Float[Array, " chains"],
) -> tuple[Float[Array, "variants chains"], Float[Array, "variants chains"]]:
    """Prior of effects of which few are not zero, with the variances of the learned prior.

    Parameters
    ----------
    log_d
        Log prior variance of b_j, (variants,).
    typical
        Log prior variance of a variant that is causal with the given odds.
    log_odds
        Of a typical variant to be causal, (chains,).

    Returns
    -------
    Log odds that a variant is causal, and the variance of its effect where it is.

    Notes
    -----
    logit pi_j = log odds + log d_j - typical, and b_j ~ pi_j N(0, d_j / pi_j) + (1 - pi_j) delta_0.
    So E b_j^2 = d_j always. Where few variants are causal, a variant of twice the prior variance
    is causal twice as often, with effects of the same size; where all are, this is the normal
    prior N(0, d_j).
    """
    odds = (log_d - typical)[:, None] + log_odds
    return odds, jnp.exp(log_d[:, None] - jax.nn.log_sigmoid(odds))


def sample_effects(
    block: WhitenedBlock,
    log_d: Float[Array, " variants"],
    noise: Float[Array, " components"],
    *,
    typical: ArrayLike,
    log_odds: Float[Array, " chains"],
    start: Float[Array, "chains variants"],
    key: PRNGKeyArray,
    burn: int,
    sweeps: int,
) -> Chains:
    """Draw effects from their posterior, several chains of one LD block at once.

    Parameters
    ----------
    block, log_d
        The block, and the log prior variance of its variants, -inf for none.
    noise
        Variance of the noise of each component, see :func:`noise_variance`.
    typical, log_odds
        See :func:`spike_and_slab`; each chain has its own odds.
    start
        Effects to begin with, (chains, variants).
    key
        Of the random numbers.
    burn, sweeps
        Draws of every effect that are left out of the averages, and that are averaged over.

    Notes
    -----
    With y = noise^-1/2 x and A = noise^-1/2 Q', y ~ N(A b, I). Given the others, b_j is causal with
    log odds log(pi_j / (1 - pi_j)) - log(1 + a_j w_j) / 2 + mu_j^2 / (2 tau_j), and then
    N(mu_j, tau_j): a_j = |A_j|^2, w_j = d_j / pi_j, tau_j = w_j / (1 + a_j w_j), and
    mu_j = tau_j A_j' (y - A b + A_j b_j). Averages are of these conditional moments, not of draws.
    Products with A are taken for 64 variants at once, whose own A'A then keeps account of what
    each draw changes for the next. Derivatives of the log evidence are posterior means of those of
    the log prior (Fisher's identity).

    References
    ----------
    George & McCulloch 1993, doi:10.1080/01621459.1993.10476353; Lloyd-Jones et al. 2019,
    doi:10.1038/s41467-019-12653-0.
    """
    variants, chains = len(log_d), len(log_odds)
    live = jnp.isfinite(log_d)[:, None]
    padding = ((0, -variants % _CHUNK), (0, 0))

    def chunks(values: Array, fill: float = 0.0) -> Array:
        values = jnp.pad(values, padding, constant_values=fill)
        return values.reshape(-1, _CHUNK, values.shape[-1])

    scale = jax.lax.rsqrt(noise)
    A = chunks(jnp.asarray(block.Q) * scale * live)
    odds, slab = spike_and_slab(jnp.where(live[:, 0], log_d, typical), typical, log_odds)
    odds, slab = chunks(jnp.where(live, odds, _NEVER), _NEVER), chunks(slab, 1.0)
    with exact_products():
        gram = jnp.einsum("kir,kjr->kij", A, A)
        old = chunks(start.T)
        residual = block.x * scale - jnp.einsum("kic,kir->cr", old, A)
        a = jnp.diagonal(gram, axis1=1, axis2=2)[..., None]
        tau = slab / (1 + a * slab)
        before = odds - 0.5 * jnp.log1p(a * slab)
        share = jax.nn.sigmoid(odds)
        fixed = A, gram, a, before, tau

        def sweep(i: Array, state: tuple[Array, ...]) -> tuple[Array, ...]:
            residual, old, sums = state
            for_uniform, for_normal = jax.random.split(jax.random.fold_in(key, i))
            uniform = jax.random.uniform(for_uniform, old.shape, old.dtype)
            normal = jax.random.normal(for_normal, old.shape, old.dtype)
            residual, (new, mu, phi) = jax.lax.scan(
                _draw_chunk, residual, (*fixed, old, uniform, normal)
            )
            square = mu**2 + tau
            score = phi * (1 - share) * (1.5 - 0.5 * square / slab) - (1 - phi) * share
            now = jnp.stack([phi * mu, phi * square, phi, score])
            return residual, new, sums + jnp.where(i >= burn, now, 0.0)

        begun = (residual, old, jnp.zeros((4, *old.shape), old.dtype))
        _, effects, sums = jax.lax.fori_loop(0, burn + sweeps, sweep, begun)

    def unchunked(values: Array) -> Array:
        return values.reshape(-1, chains)[:variants].T

    mean, second, inclusion, score = (unchunked(v) for v in sums / sweeps)
    return Chains(unchunked(effects), mean, second, inclusion, (score * live.T).sum(axis=1))


def _draw_chunk(residual: Array, given: tuple[Array, ...]) -> tuple[Array, tuple[Array, ...]]:
    """Draw the effects of one chunk of variants; `residual` is y - A b, (chains, components)."""
    A, gram, a, before, tau, old, uniform, normal = given

    def draw(projected: Array, given: tuple[Array, ...]) -> tuple[Array, tuple[Array, ...]]:
        i, a, before, tau, old, uniform, normal = given
        mu = tau * (projected[i] + a * old)
        phi = jax.nn.sigmoid(before + 0.5 * mu**2 / tau)
        new = jnp.where(uniform < phi, mu + jnp.sqrt(tau) * normal, 0.0)
        return projected - gram[:, i, None] * (new - old), (new, mu, phi)

    projected = jnp.dot(A, residual.T)
    _, (new, mu, phi) = jax.lax.scan(
        draw, projected, (jnp.arange(_CHUNK), a, before, tau, old, uniform, normal)
    )
    return residual - jnp.dot((new - old).T, A), (new, mu, phi)


@eqx.filter_jit
def batch_chains(
    model: Model,
    batch: BlockBatch,
    *,
    typical: ArrayLike,
    log_odds: Float[Array, " chains"],
    start: Float[Array, "blocks chains variants"],
    key: PRNGKeyArray,
    burn: int,
    sweeps: int,
) -> Chains:
    """Chains of every block of a batch, under a model's prior and noise.

    Parameters
    ----------
    model, batch
        The fitted model and the blocks.
    typical, log_odds, start, key, burn, sweeps
        See :func:`sample_effects`; each block has random numbers of its own.
    """

    def one(block: WhitenedBlock, log_d: Array, noise: Array, start: Array, index: Array) -> Chains:
        return sample_effects(
            block,
            log_d,
            noise.astype(block.x.dtype),
            typical=typical,
            log_odds=log_odds,
            start=start,
            key=jax.random.fold_in(key, index),
            burn=burn,
            sweeps=sweeps,
        )

    log_d = log_prior_variance(model, batch)
    noise = noise_variance(batch.block, jnp.exp(log_d), model.s2, model.kappa)
    return map_blocks(one, batch.block, log_d, noise, start, batch.index)
