"""A prior of another package: log f is quadratic in one score."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from deepwas_app.core.priors import PRIORS, Prior, Standardisation


@PRIORS.add
class QuadraticPrior(Prior):
    """log f = level + eta + curvature eta^2, eta = sum_a c_a (a - mean_a) / sd_a."""

    name = "quadratic"
    label = "Quadratic"
    doc = "quadratic in a score of the annotations"
    fitted_by = "adam"

    standardise: Standardisation
    level: Float[Array, ""]
    coefficients: Float[Array, " annotations"]
    curvature: Float[Array, ""]

    @classmethod
    def build(cls, inputs):
        zeros = jnp.zeros(inputs.standardise.mean.shape[0])
        return cls(inputs.standardise, jnp.asarray(0.0), zeros, jnp.asarray(0.0))

    def __call__(self, annotations, tracks=None):
        eta = self.standardise(annotations) @ self.coefficients
        return self.level + eta + self.curvature * eta**2
