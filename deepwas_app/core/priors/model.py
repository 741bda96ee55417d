"""A prior with what else is of one study, and which of its numbers are trained."""

import math
from operator import attrgetter
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from deepwas_app.core.block import HostOrDevice
from deepwas_app.core.priors.base import Prior, Standardisation

# Learned noise stays within these: further out, the z-scores or their LD are wrong.
S2_RANGE = (0.5, 10.0)
KAPPA_RANGE = (1e-6, 10.0)
# Exponent of p (1 - p): where it is not learned, and within what it stays where it is.
ALPHA = 0.7
ALPHA_RANGE = (-1.0, 2.0)
# Log p (1 - p) of a variant with a frequency of 10%.
TYPICAL = math.log(0.09)
# s.d. of a weak normal prior on log s2: a handful of variants does not say how noisy they are.
LOG_S2_DEVIATION = 0.5


class Model(eqx.Module):
    """A prior with the noise of one study, and how heritability depends on frequency.

    Attributes
    ----------
    prior
        log f of the annotations.
    log_s2, log_kappa
        Noise scale and LD mismatch, in logs.
    alpha
        Exponent of p (1 - p).
    learn_s2, learn_kappa, learn_alpha
        Whether they are trained.
    most
        Log v_j is no larger: 0 where v_j is a share of the trait, of which no variant explains more
        than all, however far out its annotations are.
    """

    prior: Prior
    log_s2: Float[Array, ""]
    log_kappa: Float[Array, ""]
    learn_s2: bool = eqx.field(static=True, default=True)
    learn_kappa: bool = eqx.field(static=True, default=True)
    alpha: Float[Array, ""] = eqx.field(converter=jnp.asarray, default=ALPHA)
    learn_alpha: bool = eqx.field(static=True, default=False)
    most: float = eqx.field(static=True, default=math.inf)

    @property
    def reference(self) -> float:
        """Log p (1 - p) of the variants that log f is of: 0, as if the power were of the number 1.

        Typical ones where alpha is learned: it and the level of f are then nearly independent,
        which gradient descent needs.
        """
        return TYPICAL if self.learn_alpha else 0.0

    @property
    def s2(self) -> Float[Array, ""]:
        """Noise scale, about 1."""
        return jnp.exp(self.log_s2)

    @property
    def kappa(self) -> Float[Array, ""]:
        """LD mismatch: the noise of a component is s2 + kappa / eigenvalue."""
        return jnp.exp(self.log_kappa)

    def log_variance(
        self,
        annotations: Float[HostOrDevice, "*variants annotations"],
        log_heterozygosity: Float[HostOrDevice, "*variants"],
        tracks: Float[HostOrDevice, "*variants window tracks"] | None = None,
    ) -> Float[Array, "*variants"]:
        """Log v_j = log f(a_j) + alpha (log p_j (1 - p_j) - reference), at most `most`."""
        found = self.prior(annotations, tracks) + self._frequency_term(log_heterozygosity)
        return found if math.isinf(self.most) else jnp.minimum(found, self.most)

    def signed_variance(
        self,
        annotations: Float[HostOrDevice, "*variants annotations"],
        log_heterozygosity: Float[HostOrDevice, "*variants"],
        tracks: Float[HostOrDevice, "*variants window tracks"] | None = None,
    ) -> Float[Array, "*variants"]:
        """v_j itself, as LD score regression sees it: may be negative where the link allows."""
        signed = self.prior.signed(annotations, tracks)
        return signed * jnp.exp(self._frequency_term(log_heterozygosity))

    def _frequency_term(self, log_heterozygosity: HostOrDevice) -> Array:
        return self.alpha * (log_heterozygosity - self.reference)


# Ends of what a model has beside its prior.
_ENDS = (
    (math.log(S2_RANGE[0]), math.log(S2_RANGE[1])),
    (math.log(KAPPA_RANGE[0]), math.log(KAPPA_RANGE[1])),
    ALPHA_RANGE,
)


def _others(model: Model) -> tuple[Any, Any, Any]:
    """What a model has beside its prior, in the order of `_ENDS`."""
    return model.log_s2, model.log_kappa, model.alpha


def trainable(tree: Any) -> Any:
    """Which leaves are trained, as a filter for ``equinox.partition``."""

    def fixed(node: Any) -> bool:
        return isinstance(node, Standardisation)

    chosen = jax.tree.map(
        lambda leaf: False if fixed(leaf) else eqx.is_inexact_array(leaf), tree, is_leaf=fixed
    )
    if isinstance(tree, Model):
        chosen = eqx.tree_at(_others, chosen, (tree.learn_s2, tree.learn_kappa, tree.learn_alpha))
    return chosen


def bounded(model: Model) -> Model:
    """The model with what it learned of noise and frequency within their ranges."""
    learned = (model.learn_s2, model.learn_kappa, model.learn_alpha)
    within = tuple(
        jnp.clip(value, *ends) if learns else value
        for value, ends, learns in zip(_others(model), _ENDS, learned, strict=True)
    )
    return eqx.tree_at(_others, model, within)


class Limits(NamedTuple):
    """What holds the flat parameters of a model, (parameters,) each.

    Attributes
    ----------
    low, high
        Where they end; infinite for those of the prior.
    precision
        Of a normal prior about 0; that of log s2 where it is learned, 0 for all else.
    """

    low: Float[np.ndarray, " parameters"]
    high: Float[np.ndarray, " parameters"]
    precision: Float[np.ndarray, " parameters"]


def limits(model: Model) -> Limits:
    """Ends and prior of what is not the prior's own, in the order of the flat parameters."""

    def flat(other: float, *values: float) -> np.ndarray:
        full = jax.tree.map(lambda leaf: jnp.full_like(leaf, other), model)
        full = eqx.tree_at(_others, full, tuple(jnp.asarray(value) for value in values))
        return np.asarray(ravel_pytree(eqx.filter(full, trainable(model)))[0], np.float64)

    low, high = zip(*_ENDS, strict=True)
    precision = flat(0.0, LOG_S2_DEVIATION**-2, 0.0, 0.0)
    return Limits(flat(-np.inf, *low), flat(np.inf, *high), precision)


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
