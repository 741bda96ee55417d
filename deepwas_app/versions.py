"""Which software made something: kept with it."""

import platform
from functools import cache
from importlib.metadata import version

_PACKAGES = ("deepwas-explorer", "jax", "numpy")


@cache
def versions() -> dict[str, str]:
    """Versions of this software, of what it computes with, and of Python."""
    return {name: version(name) for name in _PACKAGES} | {"python": platform.python_version()}
