"""The legend of LD colours is whole on a tablet, and seen on dark pages."""

from bokeh.plotting import figure

from deepwas_app.plots.locus_legend import ld_legend
from deepwas_app.plots.theme import GREY

# Of a plot at 820 pixels, and of letters, marks and gaps at the size that the theme gives them.
WIDTH, LETTER, MARK, GAP = 526, 8.5, 22, 8


def test_the_rows_fit_on_a_tablet():
    legend = ld_legend(figure())
    labels = [item.label.value for item in legend.items]
    columns = [labels[first :: legend.ncols] for first in range(legend.ncols)]
    wide = sum(max(map(len, column)) * LETTER + MARK + GAP for column in columns)
    assert wide < WIDTH
    assert len(labels) == 7


def test_every_mark_has_an_edge_that_is_seen_on_white_and_on_black():
    for item in ld_legend(figure()).items:
        (drawn,) = item.renderers
        assert drawn.glyph.line_color == GREY
