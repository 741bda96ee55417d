"""The constant prior: the model that gains are measured against."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from deepwas_app.core.block import HostOrDevice
from deepwas_app.core.priors.base import PRIORS, Prior, PriorInputs


@PRIORS.add
class ConstantPrior(Prior):
    """Every variant alike: log f = level."""

    name = "constant"
    label = "Constant"
    doc = "every variant alike"
    order = 0
    fitted_by = "scoring"
    constant = True

    level: Float[Array, ""]

    @classmethod
    def build(cls, inputs: PriorInputs) -> "ConstantPrior":
        return cls(jnp.asarray(0.0))

    def __call__(self, annotations: HostOrDevice, tracks: HostOrDevice | None = None) -> Array:
        return jnp.broadcast_to(self.level, annotations.shape[:-1])
