"""The locus plot's numbers: regions, LD colours, annotation rows, stacked genes."""

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.genetics.regions import Region
from deepwas_app.plots import locus
from deepwas_app.plots.locus_figure import LocusFigure
from deepwas_app.plots.theme import LD_COLOURS, LD_UNKNOWN


def test_locus_table_leaves_out_unscored_variants(study: xr.Dataset):
    table = locus.locus_table(study, np.arange(0, 20))
    assert 5 not in set(table["row"])
    assert len(table) == 19
    assert set(table["colour"]) == {LD_UNKNOWN}


def test_thinned_locus_keeps_every_hit(study: xr.Dataset, monkeypatch):
    monkeypatch.setattr(locus, "MOST_VARIANTS", 50)
    study["variant_z"].values[60:70] = 9.0
    table = locus.locus_table(study, np.arange(0, 180))
    assert set(range(60, 70)) <= set(table["row"])


def test_ld_agrees_with_the_correlation_of_genotypes():
    rng = np.random.default_rng(3)
    genotypes = rng.normal(size=(50, 6))
    genotypes[:, 1] = genotypes[:, 0] * 2 + rng.normal(size=50) * 0.1
    standardised = (genotypes - genotypes.mean(0)) / genotypes.std(0)
    block = xr.Dataset({"Q": (("variants", "components"), standardised.T / np.sqrt(50))})
    expected = np.corrcoef(genotypes.T)[0] ** 2
    found = locus.ld_to_reference(block, 0)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    assert found.dtype == np.float32


def test_ld_of_a_variant_that_does_not_vary_is_unknown():
    block = xr.Dataset({"Q": (("variants", "components"), np.array([[1.0, 0.0], [0.0, 0.0]]))})
    assert np.isnan(locus.ld_to_reference(block, 0)[1])


def test_ld_colours_follow_the_usual_bins():
    colours = locus.colour_by_ld(np.array([0.0, 0.19, 0.2, 0.5, 0.79, 0.8, 1.0, np.nan]))
    assert colours.tolist() == [LD_COLOURS[i] for i in (0, 0, 1, 2, 3, 4, 4)] + [LD_UNKNOWN]


def test_annotation_rows(study: xr.Dataset):
    names = ["TSS distance", "coding", "not there"]
    ticks = locus.annotation_ticks(study, np.arange(0, 100), names)
    coding = ticks[ticks["annotation"] == "coding"]
    assert len(coding) == study["variant_annotation"].values[:100, 0].sum()
    assert set(coding["y"]) == {0.0}
    distance = ticks[ticks["annotation"] == "TSS distance"]
    assert len(distance) == 100
    assert distance["colour"].nunique() > 3
    assert locus.annotation_ticks(study, np.arange(0, 0), names).empty


def test_genes_do_not_overlap_in_a_row(genes: pd.DataFrame):
    stacked = locus.stack_genes(genes, "22", 1, 1_000_000)
    assert stacked["name"].tolist() == ["LEFT1", "OVER2"]
    assert stacked["row"].tolist() == [0, 1]
    assert stacked["label"].tolist() == ["LEFT1 →", "← OVER2"]


def test_names_need_room_too():
    close = pd.DataFrame(
        [("1", 100, 200, "+", "ALONGNAME1"), ("1", 2_000, 2_100, "+", "ALONGNAME2")],
        columns=["chromosome", "start", "stop", "strand", "name"],
    )
    assert locus.stack_genes(close, "1", 1, 100_000)["row"].tolist() == [0, 1]


def test_figure_shows_only_tracks_that_have_something(study: xr.Dataset, genes: pd.DataFrame):
    figure = LocusFigure()
    rows = Region("22", 1, 1_000_000).rows(study)
    table = locus.locus_table(study, rows)
    figure.show_region(table, "22", 1, 1_000_000, "hg19")
    figure.show_genes(locus.stack_genes(genes, "22", 1, 1_000_000))
    figure.show_heritability({}, "Prior h²")
    figure.show_annotations(locus.annotation_ticks(study, rows, []), [])
    assert figure.tracks == [figure.association_track, figure.gene_track]
    values = pd.DataFrame({"x": table["x"], "value": 2e-6, "variant": table["variant"]})
    figure.show_heritability({"mlp": values}, "Prior h²")
    names = ["coding"]
    figure.show_annotations(locus.annotation_ticks(study, rows, names), names)
    assert len(figure.tracks) == 4
    assert figure.heritability_track.yaxis.axis_label == "Prior h² (×10⁻⁶)"
    assert len({id(track.x_range) for track in figure.tracks}) == 1


def test_figure_recolours_and_reports_taps(study: xr.Dataset):
    figure, tapped = LocusFigure(), []
    figure.on_tap(tapped.append)
    table = locus.locus_table(study, np.arange(60, 120))
    figure.show_region(table, "21", 1, 3_000_000)
    before = list(figure.points.data["colour"])
    figure.show_reference(30)
    figure.show_ld(np.linspace(0, 1, len(table)))
    assert list(figure.points.data["colour"]) != before
    assert list(figure.reference.data["variant"]) == ["rs90"]
    figure.show_reference(31)
    assert list(figure.points.data["colour"]) == before
    figure.points.selected.indices = [4]
    assert tapped == [64]
