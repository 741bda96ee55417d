"""Prior models: the log of f(a), the per-variant heritability as a function of annotations."""

import abc
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PRNGKeyArray

from deepwas_app.core.block import HostOrDevice

LINKS = ("exp", "softplus", "relu")
# f of a variant that a linear prior would make negative, relative to the average one.
RELU_FLOOR = 1e-3


class Prior(eqx.Module):
    """log f of variants from their annotations. Positive f by construction."""

    # Whether a batch is given one block at a time, because the work on a variant is large.
    by_block: ClassVar[bool] = False

    @abc.abstractmethod
    def __call__(
        self,
        annotations: Float[HostOrDevice, "*variants annotations"],
        tracks: Float[HostOrDevice, "*variants window tracks"] | None = None,
    ) -> Float[Array, "*variants"]:
        """Log f, in log units of per-variant heritability."""

    def signed(
        self,
        annotations: Float[HostOrDevice, "*variants annotations"],
        tracks: Float[HostOrDevice, "*variants window tracks"] | None = None,
    ) -> Float[Array, "*variants"]:
        """F itself, as LD score regression sees it: may be negative where the link allows."""
        return jnp.exp(self(annotations, tracks))


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

    def __call__(self, annotations, tracks=None):
        return jnp.broadcast_to(self.level, annotations.shape[:-1])


class LinearPrior(Prior):
    """Linear up to a link, eta = sum_a c_a (a - mean_a) / sd_a.

    Attributes
    ----------
    level
        log f of a variant with average annotations.
    coefficients
        (annotations,). With the link "exp", log f = level + eta: change of log variance per s.d. of
        the annotation. With "softplus", f = exp(level) softplus(eta + log(e - 1)). With "relu",
        f = exp(level) max(1 + eta, a little): change of variance per s.d., relative to the level;
        in LD score regression f = exp(level) (1 + eta), the model of S-LDSC.
    """

    standardise: Standardisation
    level: Float[Array, ""]
    coefficients: Float[Array, " annotations"]
    link: str = eqx.field(static=True, default="exp")

    def __call__(self, annotations, tracks=None):
        eta = self.standardise(annotations) @ self.coefficients
        if self.link == "exp":
            return self.level + eta
        if self.link == "softplus":
            return self.level + jnp.log(jax.nn.softplus(eta + jnp.log(jnp.e - 1)))
        return self.level + jnp.log(jnp.maximum(1 + eta, RELU_FLOOR))

    def signed(self, annotations, tracks=None):
        if self.link != "relu":
            return super().signed(annotations, tracks)
        return jnp.exp(self.level) * (1 + self.standardise(annotations) @ self.coefficients)


class EnrichmentPrior(Prior):
    """Two classes of variants: log f = level + g [sigmoid(eta + t) - sigmoid(t)].

    Attributes
    ----------
    level
        log f of a variant whose score eta is 0.
    gain
        log of the enrichment of the one class over the other.
    threshold
        Minus the score at which a variant is half-way between the classes.
    coefficients
        (annotations,), of the score, per s.d.; large ones make the threshold sharp.
    """

    standardise: Standardisation
    level: Float[Array, ""]
    gain: Float[Array, ""]
    threshold: Float[Array, ""]
    coefficients: Float[Array, " annotations"]

    def __call__(self, annotations, tracks=None):
        eta = self.standardise(annotations) @ self.coefficients
        inside = jax.nn.sigmoid(eta + self.threshold) - jax.nn.sigmoid(self.threshold)
        return self.level + self.gain * inside


class MLPPrior(Prior):
    """Multilayer perceptron on the standardised annotations of one variant."""

    standardise: Standardisation
    level: Float[Array, ""]
    network: eqx.nn.MLP

    def __call__(self, annotations, tracks=None):
        flat = self.standardise(annotations).reshape(-1, annotations.shape[-1])
        return self.level + jax.vmap(self.network)(flat).reshape(annotations.shape[:-1])


def make_prior(
    kind: str,
    standardise: Standardisation,
    *,
    level: float,
    width: int = 64,
    depth: int = 2,
    link: str = "exp",
    key: PRNGKeyArray | None = None,
) -> Prior:
    """A prior on annotations that starts as the constant model exp(level), whatever its size.

    Parameters
    ----------
    kind
        "constant", "linear", "enrichment" or "mlp"; :func:`make_transformer` makes transformers.
    standardise
        Mean and s.d. of the annotations.
    level
        log f of the constant model to start from.
    width, depth
        Units per hidden layer and number of hidden layers of the MLP.
    link
        Of the linear prior: "exp", "softplus" or "relu".
    key
        For the MLP's random weights; key 0 by default.

    Raises
    ------
    ValueError
        For an unknown kind or link.
    """
    start = jnp.asarray(level)
    annotations = standardise.mean.shape[0]
    if kind == "constant":
        return ConstantPrior(start)
    if kind == "linear":
        if link not in LINKS:
            raise ValueError(f"unknown link {link!r}: one of {', '.join(LINKS)}")
        return LinearPrior(standardise, start, jnp.zeros(annotations), link)
    if kind == "enrichment":
        zeros = jnp.zeros(annotations)
        # The enriched class starts as the smaller one.
        return EnrichmentPrior(standardise, start, jnp.asarray(1.0), jnp.asarray(-1.0), zeros)
    if kind == "mlp":
        key = jax.random.key(0) if key is None else key
        network = eqx.nn.MLP(annotations, "scalar", width, depth, jax.nn.gelu, key=key)
        return MLPPrior(standardise, start, zero_last(network, lambda n: n.layers[-1]))
    raise ValueError(f"unknown prior {kind!r}: constant, linear, enrichment or mlp")


def zero_last(network, last):
    """The network with its last layer at zero: exactly constant, but with a gradient of its own."""
    return eqx.tree_at(last, network, jax.tree.map(jnp.zeros_like, last(network)))


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


def trainable(tree):
    """Which leaves are trained, as a filter for ``equinox.partition``."""

    def fixed(node):
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
