"""Intervals as small pictures in the rows of a table: SVG of numbers alone."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from deepwas_app.plots.theme import BLUE, GREY

WIDTH, HEIGHT, HEAD = 150, 18, 6
# An enrichment further from 1 than this, up or down, is no more than "very large".
FURTHEST = 100.0


class Axis(NamedTuple):
    """What the bars of a column share.

    Attributes
    ----------
    left, right
        Values at the ends; intervals that go further have an arrow head there.
    reference
        The value that means "no effect", a line.
    log
        Whether distances are of logarithms.
    """

    left: float
    right: float
    reference: float
    log: bool = False

    @property
    def words(self) -> str:
        """For the heading of the column: "95% interval, −0.2 to 0.8"."""
        ends = f"{self.left:.2g} to {self.right:.2g}".replace("-", "−")
        return f"95% interval, {ends}{' (log)' if self.log else ''}"

    def place(self, value: float) -> float:
        """Where a value is, 0 at the left end and 1 at the right."""
        ends = np.array([self.left, self.right, max(value, 1e-300) if self.log else value])
        left, right, at = np.log(ends) if self.log else ends
        return float((at - left) / (right - left))


def axis_of(
    value: Sequence[float],
    low: Sequence[float],
    high: Sequence[float],
    reference: float,
    log: bool = False,
) -> Axis:
    """An axis with all estimates and most intervals on it, so that a few do not hide the others."""
    values, lows, highs = (np.asarray(x, float) for x in (value, low, high))
    known = np.isfinite(values) & np.isfinite(lows) & np.isfinite(highs)
    if log:
        known &= values > 0
        lows = np.clip(lows, 1 / FURTHEST, FURTHEST)
        highs, values = np.clip(highs, 1 / FURTHEST, FURTHEST), np.clip(values, 0.02, 50)
    if not known.any():
        return Axis(0.1, 10.0, 1.0, True) if log else Axis(reference - 1, reference + 1, reference)
    left = min(float(np.quantile(lows[known], 0.1)), float(values[known].min()), reference)
    right = max(float(np.quantile(highs[known], 0.9)), float(values[known].max()), reference)
    if log:
        return Axis(left / 1.1, right * 1.1, reference, True)
    room = 0.05 * (right - left or 1.0)
    return Axis(left - room, right + room, reference)


def interval_bar(value: float, low: float, high: float, axis: Axis) -> str:
    """One interval with its estimate; empty where there is none.

    Parameters
    ----------
    value, low, high
        The estimate, and the ends of its interval.
    axis
        Of the column.

    Returns
    -------
    str
        SVG.
    """
    if not all(map(math.isfinite, (value, low, high))):
        return ""
    at, left, right, line = (
        WIDTH * min(max(axis.place(x), 0.0), 1.0) for x in (value, low, high, axis.reference)
    )
    middle = HEIGHT / 2
    heads = ""
    if axis.place(low) < 0:
        heads += f'<path d="M0 {middle}l{HEAD} -4v8z" fill="{BLUE}"/>'
    if axis.place(high) > 1:
        heads += f'<path d="M{WIDTH} {middle}l-{HEAD} -4v8z" fill="{BLUE}"/>'
    words = f"{value:.3g}, 95% from {low:.3g} to {high:.3g}"
    return (
        f'<svg width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{words}">'
        f"<title>{words}</title>"
        f'<path d="M{line:.1f} 0V{HEIGHT}" stroke="{GREY}" stroke-dasharray="3 2"/>'
        f'<path d="M{left:.1f} {middle}H{right:.1f}" stroke="{BLUE}" stroke-width="2"/>{heads}'
        f'<circle cx="{at:.1f}" cy="{middle}" r="4" fill="{BLUE}"/></svg>'
    )
