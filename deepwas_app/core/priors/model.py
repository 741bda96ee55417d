"""A prior with the noise of one study, and which of its numbers are trained."""

from operator import attrgetter
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from deepwas_app.core.priors.base import Prior, Standardisation


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
