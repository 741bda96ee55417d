"""How the likelihood's linear algebra is done on each kind of device: one switch."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Literal, NamedTuple

import jax


class Way(NamedTuple):
    """A way of doing what is the same but for rounding.

    Attributes
    ----------
    inverse
        Of a triangular factor: by products of halves, or by the device's own triangular solve.
    blocks
        One after the other, whose threads are all busy inside one, or a whole batch at once.
    products
        What a product of float32 matrices is, as of :func:`jax.default_matmul_precision`. An
        accelerator's "float32" is exact and slow; "TF32_TF32_F32_X3" and "BF16_BF16_F32_X6" are
        products of parts with a shorter mantissa, added up to nearly as many bits.
    """

    inverse: Literal["recursive", "solve"] = "recursive"
    blocks: Literal["in turn", "at once"] = "at once"
    products: str = "float32"


# Measured by benchmarks/gpu.py.
WAYS = {"cpu": Way(blocks="in turn")}
_given: list[Way] = []


def way() -> Way:
    """That of the device at hand, looked up when a program is traced."""
    return _given[-1] if _given else WAYS.get(jax.default_backend(), Way())


@contextmanager
def using(other: Way) -> Iterator[None]:
    """Do it another way; what was compiled before and after is forgotten."""
    jax.clear_caches()
    _given.append(other)
    try:
        yield
    finally:
        _given.pop()
        jax.clear_caches()


def exact_products() -> AbstractContextManager[None]:
    """Products of float32 matrices that keep the bits of float32.

    Accelerators would otherwise multiply with a 10-bit mantissa.
    """
    return jax.default_matmul_precision(way().products)
