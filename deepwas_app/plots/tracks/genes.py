"""Genes, stacked so that neither bodies nor names overlap, over the position axis."""

from collections.abc import Callable

import pandas as pd
from bokeh.models import FixedTicker, HoverTool
from bokeh.plotting import figure

from deepwas_app.plots.theme import BLUE, ink
from deepwas_app.plots.track import Locus, Track, columns_of, empty_source
from deepwas_app.plots.tracks import TRACKS


def stack_genes(
    genes: pd.DataFrame, chromosome: str, start: int, stop: int, view: float | None = None
) -> pd.DataFrame:
    """Genes of a region in rows, so that neither bodies nor names overlap.

    Parameters
    ----------
    genes
        ``chromosome``, ``start``, ``stop``, ``strand``, ``name``.
    chromosome
        Name such as ``"22"``.
    start, stop
        Region, base pairs.
    view
        Width in base pairs that is on screen at once; the region by default. Names need room on
        the screen, not on the chromosome.

    Returns
    -------
    pandas.DataFrame
        ``left``, ``right``, ``middle`` (Mb), ``row`` (0 at the top), ``y`` (= -row), ``name``,
        ``label`` (the name with an arrow for the strand), ``strand``, ``start``, ``stop``.
    """
    columns = ["left", "right", "middle", "row", "y", "name", "label", "strand", "start", "stop"]
    here = genes[
        (genes["chromosome"].astype(str) == str(chromosome))
        & (genes["stop"] >= start)
        & (genes["start"] <= stop)
    ].sort_values("start")
    letter = (view or max(stop - start, 1)) * 0.0098
    ends: list[float] = []
    rows = []
    for gene in here.itertuples(index=False):
        label = f"{gene.name} →" if gene.strand == "+" else f"← {gene.name}"
        half = len(label) * letter / 2
        middle = (max(gene.start, start) + min(gene.stop, stop)) / 2
        middle = min(max(middle, start + half), max(stop - half, start + half))
        left, right = min(gene.start, middle - half), max(gene.stop, middle + half)
        row = next((i for i, end in enumerate(ends) if left > end), len(ends))
        if row == len(ends):
            ends.append(0.0)
        ends[row] = right + letter
        rows.append(
            (
                gene.start / 1e6,
                gene.stop / 1e6,
                middle / 1e6,
                row,
                -float(row),
                gene.name,
                label,
                gene.strand,
                gene.start,
                gene.stop,
            )
        )
    return pd.DataFrame(rows, columns=columns)


@TRACKS.add
class GenesTrack(Track):
    """The genes; ``genes`` is their data source."""

    name, order = "genes", 90
    label, height = "Genes", 76
    needs = frozenset({"region", "genes"})

    def __init__(self, make: Callable[[int, str], figure]) -> None:
        super().__init__(make)
        self.genes = empty_source("left", "right", "middle", "y", "name", "label", "start", "stop")
        (track,) = self.figures
        bodies = track.segment(
            "left", "y", "right", "y", source=self.genes, line_color=BLUE, line_width=6
        )
        self._names = track.text(
            "middle",
            "y",
            text="label",
            source=self.genes,
            text_align="center",
            text_baseline="bottom",
            y_offset=-4,
            text_font_size="11px",
            text_font_style="italic",
            text_color=ink(False),
        )
        tips = [("Gene", "@label"), ("Position", "@start{0,0}–@stop{0,0}")]
        track.add_tools(HoverTool(renderers=[bodies], tooltips=tips))
        track.yaxis.major_tick_line_color = None
        track.yaxis.ticker = FixedTicker(ticks=[])
        track.xgrid.grid_line_color = None

    def draw(self, locus: Locus) -> None:
        """The genes of the region."""
        region, (track,) = locus.region, self.figures
        genes = stack_genes(locus.genes, *region)
        rows = int(genes["row"].max()) + 1 if len(genes) else 1
        self.genes.data = columns_of(genes.drop(columns=["row", "strand"]))
        track.y_range.update(start=-rows + 0.2, end=0.75)
        self.height = 26 + 27 * rows

    def set_dark(self, dark: bool) -> None:
        """The names."""
        self._names.glyph.text_color = ink(dark)
