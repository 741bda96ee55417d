"""Annotations in float16: what it holds of them, and when that is too little."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deepwas_app.errors import InputError

LARGEST = float(np.finfo(np.float16).max)
"""Beyond this, 65,504, float16 has infinity only."""
# Of an annotation's s.d., that rounding may add as noise.
MOST_NOISE = 0.01


@dataclass(frozen=True)
class Rounding:
    """What rounding did to values: how many, their sum, their squares' and their errors' squares'.

    Parts of an annotation add up.
    """

    count: int = 0
    total: float = 0.0
    squares: float = 0.0
    errors: float = 0.0

    def __add__(self, other: Rounding) -> Rounding:
        return Rounding(
            self.count + other.count,
            self.total + other.total,
            self.squares + other.squares,
            self.errors + other.errors,
        )

    @property
    def noise(self) -> float:
        """Root mean square of the errors, in s.d. of the annotation; 0 of one that is constant."""
        if not self.count:
            return 0.0
        variance = self.squares / self.count - (self.total / self.count) ** 2
        # What is left of a constant's variance is rounding, too.
        if variance <= 1e-12 * self.squares / self.count:
            return 0.0
        return float(np.sqrt(self.errors / self.count / variance))


def halved(value: np.ndarray, path: str | Path, name: str) -> tuple[np.ndarray, Rounding]:
    """Values as float16, NaN where they are not finite, and what rounding did to them.

    Raises
    ------
    InputError
        If one is beyond :data:`LARGEST`.
    """
    exact = value.astype(np.float64)
    finite = np.isfinite(exact)
    known = exact if finite.all() else exact[finite]
    most = max(known.max(initial=0), -known.min(initial=0))
    if most > LARGEST:
        raise InputError(
            f"{path}: annotation {name} has values up to {most:.4g}, beyond the {LARGEST:,.0f} of "
            "float16. Divide it, take its logarithm, or leave out --half."
        )
    rounded = np.where(finite, exact, np.nan).astype(np.float16)
    away = (known if known is exact else exact[finite]) - rounded[finite]
    return rounded, Rounding(
        len(known), float(known.sum()), float(known @ known), float(away @ away)
    )


def check_rounding(found: Rounding, path: str | Path, name: str) -> None:
    """Refuse an annotation to which rounding adds much noise, for its s.d.

    Raises
    ------
    InputError
        If that is more than :data:`MOST_NOISE`: it varies little for its size, or is tiny.
    """
    if found.noise > MOST_NOISE:
        raise InputError(
            f"{path}: annotation {name} loses too much in float16: rounding adds noise of "
            f"{found.noise:.0%} of its s.d. Subtract its mean or multiply it, or leave out --half."
        )
