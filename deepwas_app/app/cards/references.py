"""The references of the Locus page beside the first: which they are, and their LD."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from deepwas_app.app import store
from deepwas_app.app.asking import Asker
from deepwas_app.app.poller import Poller
from deepwas_app.app.state import AppState
from deepwas_app.errors import InputError
from deepwas_app.genetics.matching import find_variant
from deepwas_app.plots.locus_figure import LocusFigure
from deepwas_app.plots.locus_points import r2_of
from deepwas_app.plots.theme import HUES
from deepwas_app.plots.track import Other

MOST = len(HUES) - 1


class References(Asker):
    """Up to two; the state has their names, and the figure draws them.

    Parameters
    ----------
    state, poller, figure
        Of the page.
    trouble
        Called with a line where LD cannot be read.
    """

    def __init__(
        self,
        state: AppState,
        poller: Poller,
        figure: LocusFigure,
        trouble: Callable[[str], None],
    ) -> None:
        super().__init__(poller)
        self.state, self._figure, self._trouble = state, figure, trouble
        self.rows: tuple[int, ...] = ()
        self._table = pd.DataFrame({"row": []})

    def take(self, table: pd.DataFrame) -> None:
        """Take in the variants that are drawn, and draw their LD with the references."""
        self._table = table
        self._draw()

    def change(self, row: int) -> None:
        """Add a variant of the study, or drop it."""
        others = [other for other in self.rows if other != row]
        self._take(others if row in self.rows else [*others, row])

    def follow(self, first: int | None) -> None:
        """Take those that the state asks for, beside the first; once, whatever comes of it."""
        wanted = [name.strip() for name in self.state.references.split(",") if name.strip()]
        self.state.references = self._names()
        found = []
        for name in wanted:
            row = find_variant(self.state.study, name)
            if row is None:
                raise InputError(f"{name[:40]}: no such variant in the study. Check its name.")
            found.append(row)
        self._take([row for row in dict.fromkeys(found) if row != first])

    def _take(self, rows: list[int]) -> None:
        self.rows = tuple(rows[:MOST])
        self.state.references = self._names()
        self._draw()

    def _names(self) -> str:
        return ",".join(self._name(row) for row in self.rows)

    def _name(self, row: int) -> str:
        return str(self.state.study["variant_id"].values[row])

    def _draw(self) -> None:
        if self._figure.locus is None:
            return
        study, rows, drawn = self.state.study, self.rows, self._table["row"].to_numpy()
        places = [np.flatnonzero(drawn == row) for row in rows]
        others = tuple(
            Other(self._name(row), int(at[0]) if len(at) else None)
            for row, at in zip(rows, places, strict=True)
        )
        self._figure.draw(others=others)
        self.forget("ld")

        def colour(found: list[tuple[int, np.ndarray]]) -> None:
            pairs = zip(others, found, strict=True)
            self._figure.draw(others=tuple(o._replace(r2=r2_of(drawn, *r2)) for o, r2 in pairs))

        if others:
            self.ask("ld", lambda: [store.ld(study, row) for row in rows], colour, self._trouble)
