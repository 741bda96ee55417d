"""A track of the locus figure: how uncertain effects remain under the runs on show."""

import pandas as pd

from deepwas_app.plots.track import Track, columns_of, empty_source
from deepwas_app.plots.tracks import TRACKS


@TRACKS.add
class UncertaintyTrack(Track):
    """Dots."""

    name, order = "uncertainty", 25
    label = "S.d. of √N β"
    needs = frozenset({"values"})
    # Computed in the background for the runs on show; then `Locus.values` has it.
    values = frozenset({"uncertainty"})

    def __init__(self, make):
        super().__init__(make)
        self.points = empty_source("x", "value")
        self.figures[0].scatter("x", "value", source=self.points)

    def shown(self, locus):
        """With a run."""
        return bool(locus.values.get("uncertainty"))

    def draw(self, locus):
        """The variants under every run."""
        if self.shown(locus):
            self.points.data = columns_of(pd.concat(locus.values["uncertainty"].values()))
