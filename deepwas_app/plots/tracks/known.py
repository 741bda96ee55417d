"""Associations that others found before."""

from collections.abc import Callable

from bokeh.models import HoverTool
from bokeh.plotting import figure

from deepwas_app.genetics.statistics import p_text
from deepwas_app.plots.theme import GREEN
from deepwas_app.plots.track import Locus, Track, columns_of, empty_source
from deepwas_app.plots.tracks import TRACKS


@TRACKS.add
class KnownTrack(Track):
    """Diamonds at -log10 P of the study that found them; ``points`` is their data source."""

    name, order = "known", 12
    title, label, height = "Known associations", "Known", 110
    needs = frozenset({"region", "known"})

    def __init__(self, make: Callable[[int, str], figure]) -> None:
        super().__init__(make)
        self.points = empty_source("x", "minus_log10_p", "p", "variant", "trait", "pubmed")
        (track,) = self.figures
        marks = track.scatter(
            "x",
            "minus_log10_p",
            source=self.points,
            marker="diamond",
            size=10,
            fill_color=GREEN,
            line_color=None,
            fill_alpha=0.8,
            name="known",
        )
        tips = [
            ("Trait", "@trait"),
            ("Variant", "@variant"),
            ("P", "@p"),
            ("PubMed", "@pubmed"),
        ]
        track.add_tools(HoverTool(renderers=[marks], tooltips=tips, limit=3))

    def shown(self, locus: Locus) -> bool:
        """With a table of them."""
        return locus.known is not None

    def draw(self, locus: Locus) -> None:
        """Those of the region."""
        if locus.known is None:
            return
        region, known = locus.region, locus.known
        inside = known["position"].between(region.start, region.stop)
        here = known[inside & (known["chromosome"] == region.chromosome)]
        heights = here["minus_log10_p"].to_numpy()
        drawn = here.assign(x=here["position"] / 1e6, p=p_text(heights))
        self.points.data = columns_of(drawn[list(self.points.data)])
        (track,) = self.figures
        track.y_range.update(start=0, end=1.15 * float(heights.max() if len(here) else 1))
