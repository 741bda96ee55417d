"""Which tracks are on show, in which order, and how tall."""

import pandas as pd
import pytest
import xarray as xr

from deepwas_app.genetics.regions import Region
from deepwas_app.plots.arrangement import FACTORS, Arrangement
from deepwas_app.plots.locus_figure import AXIS, LocusFigure
from deepwas_app.plots.locus_points import locus_table

NAMES = ("association", "heritability", "genes")


def read(words: str) -> Arrangement:
    return Arrangement.read(words, NAMES, "association")


def test_the_usual_arrangement_has_no_text():
    assert read("").text(NAMES) == ""
    assert read("association,heritability,genes").text(NAMES) == ""
    moved = read("").moved("genes", -1)
    assert moved.moved("genes", 1).text(NAMES) == ""


@pytest.mark.parametrize(
    ("words", "means"),
    [
        ("genes", "genes,association,heritability"),
        ("-heritability*2", "-heritability*2,association,genes"),
        # The track that has the tools stays; what there is not, and what nobody can read, is left.
        ("-association,other,<b>,genes*x", "association,heritability,genes"),
        ("genes*9999,genes", "genes*3,association,heritability"),
    ],
)
def test_a_text_is_read_and_written(words, means):
    assert str(read(words)) == means
    assert read(means) == read(words)


def test_steps_end_where_there_is_no_further_one():
    track = read("").moved("association", -5).moved("heritability", 9).taller("genes", 99)
    assert [placed.name for placed in track.tracks] == ["association", "genes", "heritability"]
    assert track["genes"].factor == FACTORS[-1]
    assert track.taller("genes", -99)["genes"].factor == FACTORS[0]
    assert track.taller("genes", -99).taller("genes", 2)["genes"].factor == 1.0


@pytest.fixture
def figure(study: xr.Dataset, genes: pd.DataFrame) -> LocusFigure:
    drawn, region = LocusFigure(), Region("22", 1, 1_000_000)
    rows = region.rows(study)
    drawn.draw(
        study=study,
        region=region,
        rows=rows,
        variants=locus_table(study, rows),
        genes=genes,
        annotations=("coding",),
    )
    return drawn


def test_the_figure_follows_and_the_axis_is_below_the_last_track(figure: LocusFigure):
    tracks = {name: track.figures[0] for name, track in figure.tracks.items()}
    usual = {name: drawn.height for name, drawn in tracks.items()}
    assert figure.figures == [tracks[n] for n in ("association", "annotations", "genes")]
    figure.arrange("genes*2,-annotations,-association")
    assert figure.figures == [tracks["genes"], tracks["association"]]
    assert tracks["genes"].height == 2 * (usual["genes"] - AXIS)
    assert tracks["association"].height == usual["association"] + AXIS
    axes = [drawn.xaxis.visible for drawn in (tracks["genes"], tracks["association"])]
    assert axes == [False, True]
    assert "chromosome 22" in tracks["association"].xaxis.axis_label
    # Also when other genes are drawn.
    figure.draw(region=Region("22", 1, 2_900_000))
    assert tracks["genes"].height == 2 * (usual["genes"] - AXIS)
    figure.arrange("")
    assert {name: drawn.height for name, drawn in tracks.items()} == usual
