"""Recombination rate along the region."""

from collections.abc import Callable

import numpy as np
from bokeh.models import BasicTicker, HoverTool
from bokeh.plotting import figure

from deepwas_app.errors import InputError
from deepwas_app.genetics.recombination import rates_of, read_recombination
from deepwas_app.plots.theme import BLUE
from deepwas_app.plots.track import Locus, Track, empty_source, strongest_of_column
from deepwas_app.plots.tracks import TRACKS

MOST_STEPS = 500


@TRACKS.add
class RecombinationTrack(Track):
    """Steps; ``steps`` is their data source."""

    name, order = "recombination", 14
    title, label, height = "Recombination rate", "cM/Mb", 70
    needs = frozenset({"region"})

    def __init__(self, make: Callable[[int, str], figure]) -> None:
        super().__init__(make)
        self.steps = empty_source("x", "rate")
        (track,) = self.figures
        line = track.step(
            "x", "rate", source=self.steps, mode="after", line_color=BLUE, name="recombination"
        )
        tips = [("Recombination", "@rate{0.0} cM/Mb")]
        track.add_tools(HoverTool(renderers=[line], tooltips=tips, line_policy="prev"))
        track.yaxis.ticker = BasicTicker(desired_num_ticks=3)

    def shown(self, locus: Locus) -> bool:
        """With a map of the study's genome build and chromosome."""
        return len(self.steps.data["x"]) > 0

    def draw(self, locus: Locus) -> None:
        """The rates of the region."""
        region = locus.region
        try:
            rates = read_recombination(str(locus.study.attrs.get("genome_build", "")))
        except InputError:
            self.steps.data = {"x": [], "rate": []}
            return
        found = rates_of(rates, *region)
        x, rate = found["position"].to_numpy() / 1e6, found["rate"].to_numpy()
        ends = region.start / 1e6, region.stop / 1e6
        some = strongest_of_column(x, rate, ends, MOST_STEPS) if len(x) else np.zeros(0, int)
        self.steps.data = {"x": x[some], "rate": rate[some]}
        top = max(10.0, float(rate.max())) if len(x) else 10.0
        self.figures[0].y_range.update(start=0, end=1.1 * top)
