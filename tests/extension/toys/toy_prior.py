"""A prior: log f is quadratic in one score of the annotations."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from deepwas_app.core.priors import PRIORS, Prior, Standardisation


@PRIORS.add
class QuadraticPrior(Prior):
    """log f = level + eta + curvature eta^2, eta = sum_a c_a (a - mean_a) / sd_a."""

    name = "quadratic"  # --prior quadratic
    label = "Quadratic"  # on pages
    doc = "quadratic in a score of the annotations"
    fitted_by = "adam"  # or "scoring", Newton steps for few parameters

    standardise: Standardisation  # not trained; every other array is
    level: Float[Array, ""]  # set to the constant prior's before training
    coefficients: Float[Array, " annotations"]
    curvature: Float[Array, ""]

    @classmethod
    def build(cls, inputs):  # keywords are settings: *, width=64, depth=2
        zeros = jnp.zeros(inputs.standardise.mean.shape[0])
        return cls(inputs.standardise, jnp.asarray(0.0), zeros, jnp.asarray(0.0))

    def __call__(self, annotations, tracks=None):
        eta = self.standardise(annotations) @ self.coefficients
        return self.level + eta + self.curvature * eta**2
