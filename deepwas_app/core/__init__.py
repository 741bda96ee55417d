"""The method: JAX arrays in, JAX arrays out. Knows no file, label or screen."""

from deepwas_app.core.block import WhitenedBlock, whiten
from deepwas_app.core.iterative import Iterative, UnconvergedError
from deepwas_app.core.likelihood import negative_log_likelihood
from deepwas_app.core.posterior import Posterior, posterior

__all__ = [
    "Iterative",
    "Posterior",
    "UnconvergedError",
    "WhitenedBlock",
    "negative_log_likelihood",
    "posterior",
    "whiten",
]
