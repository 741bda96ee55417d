"""A prior with the noise of one study, and which of its numbers are trained."""

import math
from operator import attrgetter
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from deepwas_app.core.priors.base import Prior, Standardisation

# Learned noise stays within these: further out, the z-scores or their LD are wrong.
S2_RANGE = (0.5, 10.0)
KAPPA_RANGE = (1e-6, 10.0)
# s.d. of a weak normal prior on log s2: a handful of variants does not say how noisy they are.
LOG_S2_DEVIATION = 0.5


class Model(eqx.Module):
    """A prior with the noise of one study.

    Attributes
    ----------
    prior
        log f of the annotations.
    log_s2, log_kappa
        Noise scale and LD mismatch, in logs.
    learn_s2, learn_kappa
        Whether they are trained.
    """

    prior: Prior
    log_s2: Float[Array, ""]
    log_kappa: Float[Array, ""]
    learn_s2: bool = eqx.field(static=True, default=True)
    learn_kappa: bool = eqx.field(static=True, default=True)

    @property
    def s2(self) -> Float[Array, ""]:
        """Noise scale, about 1."""
        return jnp.exp(self.log_s2)

    @property
    def kappa(self) -> Float[Array, ""]:
        """LD mismatch: the noise of a component is s2 + kappa / eigenvalue."""
        return jnp.exp(self.log_kappa)


def trainable(tree: Any) -> Any:
    """Which leaves are trained, as a filter for ``equinox.partition``."""

    def fixed(node: Any) -> bool:
        return isinstance(node, Standardisation)

    chosen = jax.tree.map(
        lambda leaf: False if fixed(leaf) else eqx.is_inexact_array(leaf), tree, is_leaf=fixed
    )
    if isinstance(tree, Model):
        chosen = eqx.tree_at(
            lambda m: (m.log_s2, m.log_kappa), chosen, (tree.learn_s2, tree.learn_kappa)
        )
    return chosen


def bounded(model: Model) -> Model:
    """The model with its learned noise within `S2_RANGE` and `KAPPA_RANGE`."""
    s2 = jnp.clip(model.log_s2, *map(math.log, S2_RANGE))
    kappa = jnp.clip(model.log_kappa, *map(math.log, KAPPA_RANGE))
    return eqx.tree_at(
        lambda m: (m.log_s2, m.log_kappa),
        model,
        (
            s2 if model.learn_s2 else model.log_s2,
            kappa if model.learn_kappa else model.log_kappa,
        ),
    )


class Limits(NamedTuple):
    """What holds the flat parameters of a model, (parameters,) each.

    Attributes
    ----------
    low, high
        Where they end; infinite for all but learned noise.
    precision
        Of a normal prior about 0; that of log s2 where it is learned, 0 for all else.
    """

    low: Float[np.ndarray, " parameters"]
    high: Float[np.ndarray, " parameters"]
    precision: Float[np.ndarray, " parameters"]


def limits(model: Model) -> Limits:
    """Ends and prior of the learned noise, in the order of the model's flat parameters."""

    def flat(other: float, s2: float, kappa: float) -> np.ndarray:
        full = jax.tree.map(lambda leaf: jnp.full_like(leaf, other), model)
        full = eqx.tree_at(
            lambda m: (m.log_s2, m.log_kappa), full, (jnp.asarray(s2), jnp.asarray(kappa))
        )
        return np.asarray(ravel_pytree(eqx.filter(full, trainable(model)))[0], np.float64)

    ends = (map(math.log, pair) for pair in zip(S2_RANGE, KAPPA_RANGE, strict=True))
    (low, high) = (flat(side, *end) for side, end in zip((-np.inf, np.inf), ends, strict=True))
    return Limits(low, high, flat(0.0, LOG_S2_DEVIATION**-2, 0.0))


def parameter_count(prior: Prior) -> int:
    """Number of trained numbers in a prior, or in the shapes of one."""
    fixed = sum(
        leaf.size
        for node in jax.tree.leaves(prior, is_leaf=lambda n: isinstance(n, Standardisation))
        if isinstance(node, Standardisation)
        for leaf in jax.tree.leaves(node)
    )
    return sum(leaf.size for leaf in jax.tree.leaves(prior) if hasattr(leaf, "dtype")) - fixed


def ridge_precision(model: Model, deviation: float) -> Float[Array, " parameters"]:
    """Precision of a normal prior on the coefficients that a prior wants shrunk, 0 for all else.

    Parameters
    ----------
    model
        The model whose flat parameters it goes with.
    deviation
        s.d. of the normal prior, in log variance per s.d. of an annotation.

    Notes
    -----
    Where a GWAS says little of an annotation (few blocks, few variants in it), the likelihood
    alone may send its coefficient to minus infinity.
    """
    trained = jax.tree.map(jnp.zeros_like, eqx.filter(model, trainable(model)))
    for field in model.prior.shrunk:
        full = jnp.full_like(getattr(model.prior, field), deviation**-2)
        trained = eqx.tree_at(attrgetter(f"prior.{field}"), trained, full)
    return ravel_pytree(trained)[0]
