"""Realised heritability of sets of variants, beside what a model predicts of them."""

import dataclasses
from collections.abc import Iterable
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from deepwas_app.core.batch import BlockBatch
from deepwas_app.core.block import HostOrDevice
from deepwas_app.core.information import block_information
from deepwas_app.core.priors import Model, Prior


class _Scaled(Prior):
    """A prior whose sets of variants have 1 + excess times its variance.

    The last annotations say which variant is in which set; every variant is in one at most.
    """

    fitted: Prior = eqx.field()
    excess: Float[Array, " sets"]

    def __call__(self, annotations: HostOrDevice, tracks: HostOrDevice | None = None) -> Array:
        sets = self.excess.shape[0]
        inside = jnp.asarray(annotations[..., -sets:])
        return self.fitted(annotations[..., :-sets], tracks) + jnp.log1p(inside @ self.excess)


class _Excess(eqx.Module):
    """From the excess of every set to the model."""

    model: Model

    def __call__(self, excess: Array) -> Model:
        return dataclasses.replace(self.model, prior=_Scaled(self.model.prior, excess))


class Realised(NamedTuple):
    """Realised over predicted heritability of sets.

    Attributes
    ----------
    ratio
        (sets,); NaN where a set holds nothing that the data could tell of.
    deleted
        The same with one LD block left out each, (blocks, sets).
    """

    ratio: Float[np.ndarray, " sets"]
    deleted: Float[np.ndarray, "blocks sets"]


def realised(model: Model, batches: Iterable[BlockBatch], sets: int) -> Realised:
    """Realised over predicted heritability of disjoint sets of variants.

    Parameters
    ----------
    model
        What predicts; its noise is taken as right.
    batches
        LD blocks that it was not fitted to. Their last annotations, as many as there are sets,
        say which variant is in which set (1 or 0).
    sets
        How many.

    Notes
    -----
    Where the truth is s_g times the predicted variance in set g, E[x x^T] = K + sum_g (s_g - 1)
    K_g, K_g the part of K by set g. The score in s at s = 1 has then the expectation F (s - 1), F
    the Fisher information there: s = 1 + F^-1 score is unbiased whatever s is, a moment estimate
    with the weights of the model (MINQUE; Rao 1970, doi:10.2307/2283583).
    """
    scores, fishers = [np.zeros((0, sets))], [np.zeros((0, sets, sets))]
    for gradient, fisher in block_information(jnp.zeros(sets), _Excess(model), batches):
        scores.append(-gradient)
        fishers.append(fisher)
    score, fisher = np.concatenate(scores), np.concatenate(fishers)
    all_score, all_fisher = score.sum(axis=0, keepdims=True), fisher.sum(axis=0, keepdims=True)
    deleted = _ratio(all_score - score, all_fisher - fisher)
    return Realised(_ratio(all_score, all_fisher)[0], deleted)


def _ratio(score: np.ndarray, fisher: np.ndarray) -> np.ndarray:
    """1 + F^-1 score, (estimates, sets)."""
    told = np.einsum("egg->eg", fisher) > 0
    excess = np.linalg.pinv(fisher, rcond=1e-10, hermitian=True) @ score[..., None]
    return np.where(told, 1 + excess[..., 0], np.nan)
