"""A value per variant of the chosen runs, such as its prior heritability."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from bokeh.models import HoverTool
from bokeh.plotting import figure

from deepwas_app.plots.theme import run_colour
from deepwas_app.plots.track import Locus, Track, columns_of, empty_source, strongest_of_column
from deepwas_app.plots.tracks import TRACKS

MOST_STEMS = 400
"""Of each run: of values nearer to each other than a screen shows, the largest."""
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@TRACKS.add
class HeritabilityTrack(Track):
    """Stems, in the colours of the runs; ``points`` is their data source."""

    name, order = "heritability", 20
    title, label, height = "Values of the runs", "Prior heritability", 170
    needs = frozenset({"values", "chosen", "measure"})

    def __init__(self, make: Callable[[int, str], figure]) -> None:
        super().__init__(make)
        self.points = empty_source("x", "value", "scaled", "run", "variant", "colour")
        (track,) = self.figures
        track.segment(
            "x", 0, "x", "scaled", source=self.points, line_color="colour", line_alpha=0.5
        )
        dots = track.scatter(
            "x",
            "scaled",
            source=self.points,
            color="colour",
            size=5,
            legend_field="run",
            name="heritability",
        )
        tips = [("Variant", "@variant"), ("Run", "@run"), ("Value", "@value{0.00e+0}")]
        track.add_tools(HoverTool(renderers=[dots], tooltips=tips, limit=1))
        track.legend.location = "top_right"
        track.legend.orientation = "horizontal"

    def shown(self, locus: Locus) -> bool:
        """With a run."""
        return bool(locus.values.get(locus.chosen))

    def draw(self, locus: Locus) -> None:
        """The stems, in units of a power of ten that the axis names."""
        ends = locus.region.start / 1e6, locus.region.stop / 1e6
        tables = []
        for name, table in locus.values.get(locus.chosen, {}).items():
            x, values = table["x"].to_numpy(), table["value"].to_numpy(float)
            some = table.iloc[strongest_of_column(x, values, ends, MOST_STEMS)]
            tables.append(some.assign(run=name, colour=run_colour(name)))
        empty = pd.DataFrame(columns=["x", "value", "variant", "run", "colour"])
        drawn = pd.concat(tables, ignore_index=True) if tables else empty
        values = drawn["value"].to_numpy(dtype=float)
        reach = float(np.nanmax(np.abs(values))) if len(values) else 0.0
        power = int(np.floor(np.log10(reach))) if reach > 0 else 0
        drawn["scaled"] = values / 10.0**power
        self.points.data = columns_of(drawn)
        end = 1.12 * (reach / 10.0**power or 1.0)
        (track,) = self.figures
        track.y_range.update(start=-end if np.any(values < 0) else 0.0, end=end)
        track.yaxis.axis_label = f"{locus.measure} (×10{str(power).translate(SUPERSCRIPT)})"
