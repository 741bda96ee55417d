"""Pans and zooms of the locus figure, which are taken in when they are over."""

import time

from deepwas_app.genetics.regions import Region
from deepwas_app.plots.locus_figure import LocusFigure

# Seconds without a further move after which one is over.
SETTLED = 0.4


class Pan:
    """The move of the position axis that goes on.

    Parameters
    ----------
    figure
        Whose axis people move.
    """

    def __init__(self, figure: LocusFigure) -> None:
        self._figure = figure
        # When the axis was moved last, and its ends then, base pairs.
        self._view: tuple[float, int, int] | None = None
        figure.on_pan(self.moved)

    def moved(self, left: float, right: float) -> None:
        """Take in where the axis begins and ends (Mb)."""
        self._view = time.monotonic(), round(left * 1e6), round(right * 1e6)

    def over(self) -> Region | None:
        """Where people went, said once, when they have stopped; None where there is nothing new."""
        if self._view is None or time.monotonic() - self._view[0] < SETTLED:
            return None
        (_, left, right), self._view = self._view, None
        if self._figure.locus is None or right <= left:
            return None
        return Region(self._figure.locus.region.chromosome, max(1, left), right)
