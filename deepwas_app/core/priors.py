"""Prior models: the log of f(a), the per-variant heritability as a function of annotations."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PRNGKeyArray

from deepwas_app.core.block import HostOrDevice


class Prior(eqx.Module):
    """log f of variants from their annotations. Positive f by construction."""

    @abc.abstractmethod
    def __call__(
        self, annotations: Float[HostOrDevice, "*variants annotations"]
    ) -> Float[Array, "*variants"]:
        """Log f, in log units of per-variant heritability."""


class Standardisation(eqx.Module):
    """Mean and s.d. of each annotation over the training variants. Not trained.

    Attributes
    ----------
    mean, deviation
        (annotations,), in the annotation's own unit.
    """

    mean: Float[Array, " annotations"]
    deviation: Float[Array, " annotations"]

    def __call__(self, annotations: Array) -> Array:
        return (annotations - self.mean) / self.deviation


class ConstantPrior(Prior):
    """Every variant alike: log f = level."""

    level: Float[Array, ""]

    def __call__(self, annotations):
        return jnp.broadcast_to(self.level, annotations.shape[:-1])


class LinearPrior(Prior):
    """Log-linear: log f = level + sum_a c_a (a - mean_a) / sd_a.

    Attributes
    ----------
    level
        log f of a variant with average annotations.
    coefficients
        (annotations,), change of log variance per s.d. of the annotation.
    """

    standardise: Standardisation
    level: Float[Array, ""]
    coefficients: Float[Array, " annotations"]

    def __call__(self, annotations):
        return self.level + self.standardise(annotations) @ self.coefficients


class MLPPrior(Prior):
    """Multilayer perceptron on the standardised annotations of one variant."""

    standardise: Standardisation
    level: Float[Array, ""]
    network: eqx.nn.MLP

    def __call__(self, annotations):
        flat = self.standardise(annotations).reshape(-1, annotations.shape[-1])
        return self.level + jax.vmap(self.network)(flat).reshape(annotations.shape[:-1])


def make_prior(
    kind: str,
    standardise: Standardisation,
    *,
    level: float,
    width: int = 64,
    depth: int = 2,
    key: PRNGKeyArray | None = None,
) -> Prior:
    """A prior that starts as the constant model exp(level), whatever its size.

    Parameters
    ----------
    kind
        "constant", "linear" or "mlp".
    standardise
        Mean and s.d. of the annotations.
    level
        log f of the constant model to start from.
    width, depth
        Units per hidden layer and number of hidden layers of the MLP.
    key
        For the MLP's random weights; key 0 by default.

    Raises
    ------
    ValueError
        For an unknown kind.
    """
    start = jnp.asarray(level)
    annotations = len(standardise.mean)
    if kind == "constant":
        return ConstantPrior(start)
    if kind == "linear":
        return LinearPrior(standardise, start, jnp.zeros(annotations))
    if kind == "mlp":
        key = jax.random.key(0) if key is None else key
        network = eqx.nn.MLP(annotations, "scalar", width, depth, jax.nn.gelu, key=key)
        # A zero last layer makes the start exactly constant; its own gradient is not zero.
        last = jax.tree.map(jnp.zeros_like, network.layers[-1])
        network = eqx.tree_at(lambda n: n.layers[-1], network, last)
        return MLPPrior(standardise, start, network)
    raise ValueError(f"unknown prior {kind!r}: constant, linear or mlp")


class Model(eqx.Module):
    """A prior with the noise of one study.

    Attributes
    ----------
    prior
        log f of the annotations.
    log_s2, log_kappa
        Noise scale and LD mismatch, in logs.
    """

    prior: Prior
    log_s2: Float[Array, ""]
    log_kappa: Float[Array, ""]

    @property
    def s2(self) -> Float[Array, ""]:
        """Noise scale, about 1."""
        return jnp.exp(self.log_s2)

    @property
    def kappa(self) -> Float[Array, ""]:
        """LD mismatch: the noise of a component is s2 + kappa / eigenvalue."""
        return jnp.exp(self.log_kappa)


def trainable(tree):
    """Which leaves are trained, as a filter for ``equinox.partition``."""

    def fixed(node):
        return isinstance(node, Standardisation)

    return jax.tree.map(
        lambda leaf: False if fixed(leaf) else eqx.is_inexact_array(leaf), tree, is_leaf=fixed
    )


def parameter_count(prior: Prior) -> int:
    """Number of trained numbers in a prior."""
    trained, _ = eqx.partition(prior, trainable(prior))
    return sum(leaf.size for leaf in jax.tree.leaves(trained))


def ridge_precision(model: Model, deviation: float) -> Float[Array, " parameters"]:
    """Precision of a normal prior on the coefficients of a linear prior, 0 for all else.

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
    if isinstance(model.prior, LinearPrior):
        full = jnp.full_like(model.prior.coefficients, deviation**-2)
        trained = eqx.tree_at(lambda m: m.prior.coefficients, trained, full)
    return ravel_pytree(trained)[0]
