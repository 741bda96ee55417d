"""The enrichment prior: a soft threshold in annotation space."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from deepwas_app.core.block import HostOrDevice
from deepwas_app.core.priors.base import PRIORS, Prior, PriorInputs, Standardisation


@PRIORS.add
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

    name = "enrichment"
    label = "Two classes"
    doc = "two classes of variants, by a score of the annotations"
    order = 2

    standardise: Standardisation
    level: Float[Array, ""]
    gain: Float[Array, ""]
    threshold: Float[Array, ""]
    coefficients: Float[Array, " annotations"]

    @classmethod
    def build(cls, inputs: PriorInputs) -> "EnrichmentPrior":
        zeros = jnp.zeros(inputs.standardise.mean.shape[0])
        # The enriched class starts as the smaller one.
        gain, threshold = jnp.asarray(1.0), jnp.asarray(-1.0)
        return cls(inputs.standardise, jnp.asarray(0.0), gain, threshold, zeros)

    def __call__(self, annotations: HostOrDevice, tracks: HostOrDevice | None = None) -> Array:
        eta = self.standardise(annotations) @ self.coefficients
        inside = jax.nn.sigmoid(eta + self.threshold) - jax.nn.sigmoid(self.threshold)
        return self.level + self.gain * inside
