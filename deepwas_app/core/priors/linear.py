"""The linear prior: with its default link the log-linear model, with relu that of S-LDSC."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from deepwas_app.core.block import HostOrDevice
from deepwas_app.core.priors.base import PRIORS, Prior, PriorInputs, Standardisation

LINKS = ("exp", "softplus", "relu")
# f of a variant that a linear prior would make negative, relative to the average one.
RELU_FLOOR = 1e-3


@PRIORS.add
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

    name = "linear"
    label = "Log-linear"
    doc = "linear in the annotations up to a link"
    order = 1
    fitted_by = "scoring"
    shrunk = ("coefficients",)

    standardise: Standardisation
    level: Float[Array, ""]
    coefficients: Float[Array, " annotations"]
    link: str = eqx.field(static=True, default="exp")

    @classmethod
    def build(cls, inputs: PriorInputs, *, link: str = "exp") -> "LinearPrior":
        if link not in LINKS:
            raise ValueError(f"unknown link {link!r}: one of {', '.join(LINKS)}")
        annotations = inputs.standardise.mean.shape[0]
        return cls(inputs.standardise, jnp.asarray(0.0), jnp.zeros(annotations), link)

    def __call__(self, annotations: HostOrDevice, tracks: HostOrDevice | None = None) -> Array:
        eta = self.standardise(annotations) @ self.coefficients
        if self.link == "exp":
            return self.level + eta
        if self.link == "softplus":
            return self.level + jnp.log(jax.nn.softplus(eta + jnp.log(jnp.e - 1)))
        return self.level + jnp.log(jnp.maximum(1 + eta, RELU_FLOOR))

    def signed(self, annotations: HostOrDevice, tracks: HostOrDevice | None = None) -> Array:
        if self.link != "relu":
            return super().signed(annotations, tracks)
        return jnp.exp(self.level) * (1 + self.standardise(annotations) @ self.coefficients)

    def log_coefficients(self) -> Array | None:
        return self.coefficients if self.link == "exp" else None
