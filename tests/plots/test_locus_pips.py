"""Tracks of inclusion probabilities and bars of drivers: the numbers that are drawn."""

import numpy as np
import pandas as pd
import pytest

from deepwas_app.genetics.regions import Region
from deepwas_app.plots.locus_drivers import MOST_BARS, driver_bars, driver_plot
from deepwas_app.plots.locus_figure import LocusFigure
from deepwas_app.plots.locus_points import locus_table
from deepwas_app.plots.theme import GREY
from deepwas_app.plots.tracks.pips import pip_points, set_colour


@pytest.fixture
def mapped() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "SNP": ["rs1", "rs2", "rs3", "rs4"],
            "BP": [1_000_000, 2_000_000, 3_000_000, 4_000_000],
            "PIP": [0.9, 0.01, np.nan, 0.4],
            "CREDIBLE_SET": [1, 0, 0, 2],
            "PIP_UNIFORM": [0.2, 0.1, 0.3, 0.4],
            "CREDIBLE_SET_UNIFORM": [0, 0, 0, 0],
        }
    )


def test_variants_of_sets_are_coloured_and_drawn_last(mapped):
    points = pip_points(mapped)
    assert points["variant"].tolist() == ["rs2", "rs1", "rs4"]
    assert points["x"].tolist() == [2.0, 1.0, 4.0]
    assert points["colour"].tolist() == [GREY, set_colour(1), set_colour(2)]
    assert points["set_text"].tolist() == ["none", "set 1", "set 2"]
    assert set(pip_points(mapped, "_UNIFORM")["colour"]) == {GREY}


def test_tracks_of_a_fine_mapping_come_and_go(mapped, study, genes):
    figure, region = LocusFigure(), Region("22", 1, 1_000_000)
    rows = region.rows(study)
    table = locus_table(study, rows)
    figure.draw(
        study=study, region=region, rows=rows, variants=table, genes=genes, fine_mapping=mapped
    )
    track = figure.tracks["pips"]
    assert [drawn in figure.figures for drawn in track.figures] == [True, True]
    assert all(drawn.x_range is figure.x_range for drawn in track.figures)
    assert list(track.rugs["model"].data["variant"]) == ["rs1", "rs4"]
    assert list(track.rugs["uniform"].data["variant"]) == []
    figure.draw(fine_mapping=None)
    assert len(figure.figures) == 2


def test_bars_add_up_whatever_is_put_together():
    rng = np.random.default_rng(1)
    parts = np.array(sorted(rng.standard_normal(12), key=abs, reverse=True))
    drivers = pd.DataFrame(
        {
            "INPUT": ["An annotation with a name that goes on and on", *"bcdefghijkl"],
            "VALUE": 1.0,
            "MEAN": 0.5,
            "ATTRIBUTION": parts,
            "FOLD": np.exp(parts),
        }
    )
    bars = driver_bars(drivers)
    assert len(bars) == MOST_BARS + 1
    assert bars["label"].iloc[-1] == "4 others together"
    assert bars["attribution"].sum() == pytest.approx(parts.sum())
    assert np.log(bars["fold"]).sum() == pytest.approx(parts.sum())
    assert max(map(len, bars["label"])) <= 28
    assert bars["y"].is_monotonic_decreasing
    assert len(driver_bars(drivers.head(3))) == 3
    assert len(driver_plot(drivers)) == 2
