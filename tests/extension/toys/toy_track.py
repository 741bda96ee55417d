"""A track of the locus figure: frequencies of the effect alleles."""

from deepwas_app.plots.track import Track, columns_of, empty_source
from deepwas_app.plots.tracks import TRACKS


@TRACKS.add
class FrequencyTrack(Track):
    """Dots."""

    name, order = "frequency", 15
    label = "Frequency"
    # Drawn anew when one of these fields of `Locus` changes.
    needs = frozenset({"variants"})

    def __init__(self, make):
        super().__init__(make)
        self.points = empty_source("x", "frequency")
        self.figures[0].scatter("x", "frequency", source=self.points)

    def draw(self, locus):
        """The variants that are drawn."""
        self.points.data = columns_of(locus.variants[["x", "frequency"]])
