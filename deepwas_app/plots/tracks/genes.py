"""Genes with their exons, stacked so that neither bodies nor names overlap."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from bokeh.models import FixedTicker, HoverTool
from bokeh.plotting import figure

from deepwas_app.genetics.genes import exon_places, read_exons
from deepwas_app.plots.theme import BLUE, ink
from deepwas_app.plots.track import Locus, Track, columns_of, empty_source
from deepwas_app.plots.tracks import TRACKS

# Of a plot that is not on a screen yet; and of a letter of a name.
_WIDTH = 900
_LETTER = 7.0
# Of the height of an exon, in rows.
_HALF = 0.13


def stack_genes(
    genes: pd.DataFrame, chromosome: str, start: int, stop: int, width: int = 0
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
    width
        Of the plot, pixels; 0 where it is not known. Names need room on the screen, not on the
        chromosome.

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
    letter = max(stop - start, 1) * _LETTER / (width or _WIDTH)
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


def exon_boxes(stacked: pd.DataFrame, exons: pd.DataFrame, chromosome: str) -> pd.DataFrame:
    """The coding parts of the exons of stacked genes.

    Parameters
    ----------
    stacked, chromosome
        From :func:`stack_genes`, and of it.
    exons
        Of the genome, from `deepwas_app.genetics.genes.read_exons`.

    Returns
    -------
    pandas.DataFrame
        ``left``, ``right`` (Mb), ``bottom``, ``top``.
    """
    here = exons[exons["chromosome"] == chromosome]
    # Where there is no gene, its columns are of no type that could be matched.
    keys = stacked[["name", "start", "y"]].astype({"name": object, "start": np.int64})
    of_gene = keys.merge(here.astype({"name": object}), on=["name", "start"])
    boxes = [
        ((start - 1) / 1e6, stop / 1e6, gene.y - _HALF, gene.y + _HALF)
        for gene in of_gene.itertuples()
        for start, stop in exon_places(gene.start, gene.exons)
    ]
    return pd.DataFrame(boxes, columns=["left", "right", "bottom", "top"])


@TRACKS.add
class GenesTrack(Track):
    """The genes; ``genes`` is their data source, ``exons`` that of their exons."""

    name, order = "genes", 90
    label, height = "Genes", 76
    needs = frozenset({"region", "genes", "width"})

    def __init__(self, make: Callable[[int, str], figure]) -> None:
        super().__init__(make)
        self.genes = empty_source("left", "right", "middle", "y", "name", "label", "start", "stop")
        self.exons = empty_source("left", "right", "bottom", "top")
        (track,) = self.figures
        bodies = track.segment(
            "left", "y", "right", "y", source=self.genes, line_color=BLUE, line_width=2
        )
        # A short exon is seen by its edge.
        track.quad(
            "left", "right", "top", "bottom", source=self.exons, fill_color=BLUE, line_color=BLUE
        )
        self._names = track.text(
            "middle",
            "y",
            text="label",
            source=self.genes,
            text_align="center",
            text_baseline="bottom",
            y_offset=-6,
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
        genes = stack_genes(locus.genes, *region, locus.width)
        rows = int(genes["row"].max()) + 1 if len(genes) else 1
        self.genes.data = columns_of(genes.drop(columns=["row", "strand"]))
        exons = read_exons(str(locus.study.attrs.get("genome_build", "")))
        self.exons.data = columns_of(exon_boxes(genes, exons, region.chromosome))
        track.y_range.update(start=-rows + 0.2, end=0.75)
        self.height = 26 + 27 * rows

    def set_dark(self, dark: bool) -> None:
        """The names."""
        self._names.glyph.text_color = ink(dark)
