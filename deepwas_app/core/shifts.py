"""Shifted annotations: what an enrichment looks like where annotation and GWAS are unrelated."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from deepwas_app.core.batch import BlockBatch, map_blocks
from deepwas_app.core.block import WhitenedBlock
from deepwas_app.core.likelihood import noise_variance, solve
from deepwas_app.core.objectives import log_prior_variance
from deepwas_app.core.priors import Model


@eqx.filter_jit
def variant_scores(model: Model, batch: BlockBatch) -> Float[Array, "blocks variants"]:
    """Derivative of the log-likelihood in each variant's log d_j, in nats; 0 where padded.

    Notes
    -----
    1/2 d_j [ (q_j^T K^-1 x)^2 - q_j^T K^-1 q_j ]: how much more heritability than the model
    expects the data see at a variant. At the constant model these sum to 0.
    """

    def one(block: WhitenedBlock, log_d: Array) -> Array:
        d = jnp.exp(log_d)
        s = solve(block.Q, block.x, d, noise_variance(block, d, model.s2, model.kappa))
        return 0.5 * d * (s.projected**2 - s.leverage)

    return map_blocks(one, batch.block, log_prior_variance(model, batch))


class ShiftTest(NamedTuple):
    """Score statistics of annotations as they are, and shifted along the genome.

    Attributes
    ----------
    observed
        sum_j s_j (a_j - mean a) / s.d. a, in nats per unit of the coefficient, (annotations,).
    null
        The same with the annotation shifted, (shifts, annotations).
    """

    observed: Float[np.ndarray, " annotations"]
    null: Float[np.ndarray, "shifts annotations"]

    @property
    def error(self) -> Float[np.ndarray, " annotations"]:
        """S.d. of the statistic over shifts."""
        return self.null.std(axis=0, ddof=1)

    @property
    def z(self) -> Float[np.ndarray, " annotations"]:
        """Observed against the shifts, in their s.d."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return (self.observed - self.null.mean(axis=0)) / self.error

    @property
    def p(self) -> Float[np.ndarray, " annotations"]:
        """Two-sided P: share of shifts as far from their mean, the observed one counted."""
        centre = self.null.mean(axis=0)
        further = np.abs(self.null - centre) >= np.abs(self.observed - centre)
        return (1 + further.sum(axis=0)) / (1 + len(self.null))


def shift_test(
    scores: Float[np.ndarray, " variants"],
    annotations: Float[np.ndarray, "variants annotations"],
    shifts: Int[np.ndarray, " shifts"],
) -> ShiftTest:
    """Score test of each annotation on its own, against circular shifts of it along the genome.

    Parameters
    ----------
    scores
        From :func:`variant_scores` at the constant model, in the order of the genome.
    annotations
        (variants, annotations) of the same variants.
    shifts
        By how many variants to shift, (shifts,).

    Notes
    -----
    A shift keeps the annotation's own clustering and the GWAS's own correlation along the genome,
    and breaks the tie between the two; so it needs neither independent blocks nor many of them.
    All shifts at once are one circular correlation, by FFT.
    """
    s = np.asarray(scores, np.float64)
    spectrum = np.fft.rfft(s - s.mean())
    observed, null = [], []
    for column in np.asarray(annotations, np.float64).T:
        deviation = column.std()
        a = (column - column.mean()) / (deviation or 1.0)
        # Entry k is sum_j s_j a_(j - k).
        every = np.fft.irfft(spectrum * np.conj(np.fft.rfft(a)), len(s))
        observed.append(every[0])
        null.append(every[np.asarray(shifts) % len(s)])
    return ShiftTest(np.array(observed), np.array(null).T)


def draw_shifts(variants: int, count: int, rng: np.random.Generator) -> Int[np.ndarray, " shifts"]:
    """Shifts of at least a hundredth of the genome, either way."""
    least = max(variants // 100, 1)
    return rng.integers(least, variants - least + 1, count)


def one_step_information(
    fisher: Float[np.ndarray, "parameters parameters"], annotations: int, model: Model
) -> Float[np.ndarray, " annotations"]:
    """Information on each annotation's coefficient on its own, level and noise as they may be.

    Parameters
    ----------
    fisher
        From :func:`tilt_fisher`.
    annotations
        Number of coefficients.
    model
        Whether its s2, kappa and alpha are learned.
    """
    learned = np.flatnonzero([model.learn_s2, model.learn_kappa, model.learn_alpha])
    nuisance = np.r_[0, annotations + 1 + learned]
    own = np.arange(1, annotations + 1)
    cross = fisher[np.ix_(own, nuisance)]
    inverse = np.linalg.pinv(fisher[np.ix_(nuisance, nuisance)], hermitian=True)
    return np.diag(fisher)[own] - np.einsum("an,nm,am->a", cross, inverse, cross)
