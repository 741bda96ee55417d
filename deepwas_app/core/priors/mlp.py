"""A neural network on the annotations of one variant."""

from types import MappingProxyType

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from deepwas_app.core.block import HostOrDevice
from deepwas_app.core.priors.base import PRIORS, Prior, PriorInputs, Standardisation, zero_last


@PRIORS.add
class MLPPrior(Prior):
    """Multilayer perceptron on the standardised annotations of one variant."""

    name = "mlp"
    label = "Neural network"
    doc = "a multilayer perceptron"
    order = 3
    sizes = MappingProxyType(
        {"XS": (16, 1), "S": (32, 2), "M": (64, 2), "L": (128, 3), "XL": (256, 5)}
    )

    standardise: Standardisation
    level: Float[Array, ""]
    network: eqx.nn.MLP

    @classmethod
    def build(cls, inputs: PriorInputs, *, width: int = 64, depth: int = 2) -> "MLPPrior":
        annotations = inputs.standardise.mean.shape[0]
        network = eqx.nn.MLP(annotations, "scalar", width, depth, jax.nn.gelu, key=inputs.key)
        flat = zero_last(network, lambda n: n.layers[-1])
        return cls(inputs.standardise, jnp.asarray(0.0), flat)

    def __call__(self, annotations: HostOrDevice, tracks: HostOrDevice | None = None) -> Array:
        flat = self.standardise(annotations).reshape(-1, annotations.shape[-1])
        return self.level + jax.vmap(self.network)(flat).reshape(annotations.shape[:-1])
