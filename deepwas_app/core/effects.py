"""What a fitted prior says of its annotations, with block-jackknife standard errors."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float
from scipy.special import expit

from deepwas_app.core.batch import BlockBatch
from deepwas_app.core.block import HostOrDevice
from deepwas_app.core.information import BlockInformation, block_information
from deepwas_app.core.jackknife import jackknife_error
from deepwas_app.core.objectives import FULL_LIKELIHOOD, Objective
from deepwas_app.core.priors import Model, Prior, Standardisation
from deepwas_app.intervals import interval, p_value

# Variants whose shares are summed at once.
_STRETCH = 65_536
# Bytes of the information of blocks that are kept rather than computed twice.
_KEPT = 1_000_000_000


class Tilt(Prior):
    """A fitted prior, tilted log-linearly: log f = log f_fitted + level + sum_a c_a a.

    At level = 0 and c = 0 it is the fitted prior. For a log-linear prior the tilt moves through
    just the prior's own parameters, so its one-step jackknife is that of the prior; for any other
    it says how well the data fix the level and each annotation's log-linear direction. It may be
    along the first annotations only, or along none.
    """

    fitted: Prior = eqx.field()
    standardise: Standardisation
    level: Float[Array, ""]
    coefficients: Float[Array, " annotations"]

    def __call__(self, annotations: HostOrDevice, tracks: HostOrDevice | None = None) -> Array:
        return self.fitted(annotations, tracks) + self._tilt(annotations)

    def signed(self, annotations: HostOrDevice, tracks: HostOrDevice | None = None) -> Array:
        return self.fitted.signed(annotations, tracks) * jnp.exp(self._tilt(annotations))

    def _tilt(self, annotations: HostOrDevice) -> Array:
        along = annotations[..., : self.coefficients.shape[0]]
        return self.level + self.standardise(along) @ self.coefficients


class Jackknife(NamedTuple):
    """One-step leave-one-block-out changes of the tilt.

    Attributes
    ----------
    level
        (blocks,).
    coefficients
        (blocks, annotations), per s.d.
    alpha
        Exponent of p (1 - p), (blocks,); 0 where it is fixed.
    known_from
        How many LD blocks hold the information on each coefficient, (annotations,): 1 / sum_b w_b^2
        with w_b a block's share of its Fisher information; 0 where there is none. Leaving out the
        one block that holds it all moves nothing, which is no sign that it is well known.
    unpulled
        What one step along the objective alone adds to the coefficients, (annotations,), per s.d.:
        it undoes the pull of a normal prior, and is 0 at an optimum without one.
    """

    level: Float[np.ndarray, " blocks"]
    coefficients: Float[np.ndarray, "blocks annotations"]
    alpha: Float[np.ndarray, " blocks"] = np.zeros(0)
    known_from: Float[np.ndarray, " annotations"] = np.zeros(0)
    unpulled: Float[np.ndarray, " annotations"] = np.zeros(0)


class Tilts(eqx.Module):
    """From (level, coefficients, log s2, log kappa), beyond the fitted ones, to the model.

    The last is alpha where it is learned.
    """

    model: Model
    standardise: Standardisation

    @property
    def parameters(self) -> int:
        """How many numbers it takes."""
        return int(self.standardise.mean.shape[0] + 3 + self.model.learn_alpha)

    def __call__(self, flat: Array) -> Model:
        model, end = self.model, 1 + self.standardise.mean.shape[0]
        others = flat[end:]
        return dataclasses.replace(
            model,
            prior=Tilt(model.prior, self.standardise, flat[0], flat[1:end]),
            log_s2=model.log_s2 + others[0],
            log_kappa=model.log_kappa + others[1],
            alpha=model.alpha + others[2] if model.learn_alpha else model.alpha,
        )


def _tilt_parts(
    model: Model,
    standardise: Standardisation,
    batches: Iterable[BlockBatch],
    objective: Objective,
) -> Iterator[BlockInformation]:
    """At the fitted model itself."""
    tilts = Tilts(model, standardise)
    return block_information(jnp.zeros(tilts.parameters), tilts, batches, objective)


def free_parameters(model: Model, standardise: Standardisation) -> np.ndarray:
    """Which numbers of a tilt are free: the level, the coefficients, and what else is learned."""
    learned = [model.learn_s2, model.learn_kappa, model.learn_alpha]
    return np.flatnonzero([True] * (1 + standardise.mean.shape[0]) + learned)


def tilt_jackknife(
    model: Model,
    standardise: Standardisation,
    batches: Sequence[BlockBatch],
    objective: Objective = FULL_LIKELIHOOD,
) -> Jackknife:
    """Leave-one-block-out changes of a fitted prior, by one step each.

    Parameters
    ----------
    model
        The fitted model; its noise and alpha are tilted too where they are learned.
    standardise
        Mean and s.d. of the annotations to tilt along: all, the first ones, or none.
    batches
        The training blocks, with the tracks that the prior reads.
    objective
        What the model was fitted by. LD score regression needs batches with its weights.

    Notes
    -----
    Leaving block b out moves the tilt by about I_(-b)^-1 g_b, where g_b is the block's gradient
    of the objective (centred, in case the model is not at its optimum) and I_(-b) the Fisher
    information of the other blocks (for a regression, the normal matrix). The spread of these
    moves is the sandwich variance; that each is solved without its own block's information takes
    away most of its downward bias where blocks are few.

    A normal prior on the coefficients is left out of the information: errors are those of an
    estimate that it does not pull, which is the coefficients with ``unpulled`` added.
    """
    free = free_parameters(model, standardise)
    square = np.ix_(free, free)
    along = slice(1, 1 + standardise.mean.shape[0])
    total = np.zeros((len(free), len(free)))
    scores: list[np.ndarray] = []
    kept: list[np.ndarray] = []
    diagonals: list[np.ndarray] = []
    for score, fisher in _tilt_parts(model, standardise, batches, objective):
        scores.append(score[:, free])
        own = fisher[:, free[:, None], free]
        total += own.sum(axis=0)
        diagonals.append(np.diagonal(fisher, axis1=1, axis2=2)[:, along])
        if len(kept) * total.nbytes < _KEPT:
            kept += [*own]
    score = np.concatenate(scores)
    # On one scale, so that what float32 makes of a direction without information can be told.
    scale = _reciprocal(np.sqrt(np.diagonal(total)))
    whole = np.linalg.pinv(total * np.outer(scale, scale), rcond=1e-6, hermitian=True)
    unpulled = -(scale * (whole @ (scale * score.sum(axis=0))))[along]
    score -= score.mean(axis=0)
    moves = np.zeros_like(score)
    # What was not kept is computed again, so that not all of it is in memory at once.
    again = (
        kept
        if len(kept) == len(score)
        else (
            own[square]
            for part in _tilt_parts(model, standardise, batches, objective)
            for own in part.fisher
        )
    )
    for b, own in enumerate(again):
        others = (total - own) * np.outer(scale, scale)
        # Constant or linearly dependent annotations carry no information of their own.
        moves[b] = scale * (np.linalg.pinv(others, rcond=1e-6, hermitian=True) @ (scale * score[b]))
    alpha = moves[:, -1] if model.learn_alpha else np.zeros(len(moves))
    held = np.concatenate(diagonals)
    known_from = held.sum(axis=0) ** 2 * _reciprocal((held**2).sum(axis=0))
    return Jackknife(moves[:, 0], moves[:, along], alpha, known_from, unpulled)


def inverse_information(
    fisher: Float[np.ndarray, "parameters parameters"],
) -> Float[np.ndarray, "parameters parameters"]:
    """Pseudo-inverse of a Fisher information, 0 along what it says nothing of.

    All parameters are brought to one scale, so that what float32 makes of a direction without
    information can be told.
    """
    scale = _reciprocal(np.sqrt(np.diag(fisher)))
    square = np.outer(scale, scale)
    return np.asarray(square * np.linalg.pinv(fisher * square, rcond=1e-6, hermitian=True))


def _reciprocal(values: np.ndarray) -> np.ndarray:
    """1 / values, 0 where they are 0."""
    return np.divide(1.0, values, out=np.zeros_like(values), where=values > 0)


def tilt_fisher(
    model: Model, standardise: Standardisation, batches: Iterable[BlockBatch]
) -> Float[np.ndarray, "parameters parameters"]:
    """Fisher information of (level, coefficients per s.d., log s2, log kappa) of the tilt.

    Of alpha too, as the last, where it is learned.
    """
    parts = _tilt_parts(model, standardise, batches, FULL_LIKELIHOOD)
    return np.asarray(sum(fishers.sum(axis=0) for _, fishers in parts))


class ScoreTest(NamedTuple):
    """Score tests of annotations, each with the others beside it.

    Attributes
    ----------
    z
        Positive where an annotation goes with more heritability, (annotations,); NaN where it says
        nothing that the others do not.
    blocks
        How many LD blocks the errors rest on.
    """

    z: Float[np.ndarray, " annotations"]
    blocks: int

    @property
    def p(self) -> Float[np.ndarray, " annotations"]:
        """Two-sided, by Student's t with as many degrees of freedom as blocks, less one."""
        return np.asarray(p_value(self.z, self.blocks))


def score_test(
    constant: Model, standardise: Standardisation, batches: Iterable[BlockBatch]
) -> ScoreTest:
    """Test every annotation by the gradient of the log-likelihood at the constant model.

    Parameters
    ----------
    constant
        The constant model at its optimum; the parts of its noise that are learned are free.
    standardise
        Mean and s.d. of all annotations.
    batches
        The training blocks.

    Notes
    -----
    c = I^-1 sum_b g_b is the one-step estimate of all coefficients, the level and learned noise at
    once; its error is the spread over blocks of I^-1 g_b. Nothing is fitted, and no normal prior
    pulls the estimate: where a GWAS is weak the test keeps its level and finds depleted
    annotations too (``benchmarks/power.tsv``). Where it is strong the fitted coefficient is
    sharper, because one step from nothing does not go all the way.

    References
    ----------
    Rao 1948, doi:10.1017/S0305004100023987.
    """
    free = free_parameters(constant, standardise)
    gradients, fisher = [], np.zeros((len(free), len(free)))
    for score, fishers in _tilt_parts(constant, standardise, batches, FULL_LIKELIHOOD):
        gradients.append(-score[:, free])
        fisher += fishers.sum(axis=0)[np.ix_(free, free)]
    own = slice(1, 1 + standardise.mean.shape[0])
    parts = np.concatenate(gradients) @ inverse_information(fisher)[:, own]
    blocks = len(parts)
    # Without a block, the others' sum is raised to the weight of all.
    error = jackknife_error(parts * blocks / max(blocks - 1, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return ScoreTest(parts.sum(axis=0) / error, blocks)


class Enrichment(NamedTuple):
    """Share of heritability over share of variants, per set of variants.

    Attributes
    ----------
    value, error
        Enrichment, (sets,).
    share, share_error
        Share of heritability, (sets,).
    variants
        Share of variants, (sets,).
    z
        z-score of no enrichment, (sets,): of the log odds ratio of heritability inside against
        outside, which unlike the share itself is not bounded.
    blocks
        How many LD blocks the errors rest on.
    """

    value: Float[np.ndarray, " sets"]
    error: Float[np.ndarray, " sets"]
    share: Float[np.ndarray, " sets"]
    share_error: Float[np.ndarray, " sets"]
    variants: Float[np.ndarray, " sets"]
    z: Float[np.ndarray, " sets"]
    blocks: int


def enrichment(
    heritability: Float[np.ndarray, " variants"],
    membership: Bool[np.ndarray, "variants sets"],
    standardised: Float[np.ndarray, "variants annotations"],
    jackknife: Jackknife,
) -> Enrichment:
    """Heritability enrichment of sets of variants with block-jackknife standard errors.

    Parameters
    ----------
    heritability
        v_j of the fitted prior, (variants,).
    membership
        Which variant is in which set, (variants, sets).
    standardised
        Standardised annotations, (variants, annotations).
    jackknife
        From :func:`tilt_jackknife`.

    References
    ----------
    Finucane et al. 2015, doi:10.1038/ng.3404.
    """
    v = np.asarray(heritability, np.float64) / np.sum(heritability, dtype=np.float64)
    variants, sets = membership.shape
    fraction, share = np.zeros(sets), np.zeros(sets)
    slope, mean = np.zeros((sets, standardised.shape[1])), np.zeros(standardised.shape[1])
    # In stretches: a genome of a million variants has hundreds of sets.
    for start in range(0, variants, _STRETCH):
        rows = slice(start, start + _STRETCH)
        M, a = membership[rows].astype(np.float64), standardised[rows].astype(np.float64)
        fraction += M.sum(axis=0) / variants
        share += v[rows] @ M
        slope += (M * v[rows, None]).T @ a
        mean += v[rows] @ a
    # d share / d c, to first order as the moves are.
    slope -= np.outer(share, mean)
    share_error = jackknife_error(jackknife.coefficients @ slope.T)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_odds = np.log(share / (1 - share)) - np.log(fraction / (1 - fraction))
        return Enrichment(
            value=share / fraction,
            error=share_error / fraction,
            share=share,
            share_error=share_error,
            variants=fraction,
            z=log_odds * share * (1 - share) / share_error,
            blocks=len(jackknife.coefficients),
        )


def enrichment_interval(
    found: Enrichment, level: float = 0.95
) -> tuple[Float[np.ndarray, " sets"], Float[np.ndarray, " sets"]]:
    """Confidence interval of an enrichment, by the log odds of its share of heritability.

    Notes
    -----
    A share lies between 0 and 1, and its error shrinks with it: intervals that are symmetric on
    its own scale miss too often (see ``benchmarks/calibration.py``).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = np.log(found.share / (1 - found.share))
        error = found.share_error / (found.share * (1 - found.share))
        low, high = (expit(end) for end in interval(middle, error, found.blocks, level))
        return low / found.variants, high / found.variants
