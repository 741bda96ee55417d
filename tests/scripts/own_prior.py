"""A prior of one's own, beside the log-linear one."""

import jax
import jax.numpy as jnp

import deepwas_app as dw


class Saturating(dw.Prior):
    """log f = level + tanh of a score of the annotations; every array is trained."""

    level: jax.Array
    weights: jax.Array

    def __call__(self, annotations, tracks=None):
        return self.level + jnp.tanh(annotations @ self.weights)


study = dw.open_study("small.study.zarr")
start = Saturating(jnp.asarray(0.0), jnp.full(study.sizes["annotations"], 0.01))
*_, mine = dw.fit(study, start, epochs=3, learning_rate=0.05)
*_, linear = dw.fit(study, "linear")
gains = dw.evaluate([mine, linear])
print(gains[["prior", "parameters", "gain", "gain_se"]])
