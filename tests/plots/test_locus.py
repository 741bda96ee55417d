"""The locus plot's numbers: regions, LD colours, annotation rows, stacked genes."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from deepwas_app.genetics.genes import read_exons, read_genes
from deepwas_app.genetics.regions import Region
from deepwas_app.plots import locus_points
from deepwas_app.plots.locus_figure import LocusFigure
from deepwas_app.plots.theme import HUES, LD_COLOURS, LD_UNKNOWN
from deepwas_app.plots.track import Locus, Other, strongest_of_column
from deepwas_app.plots.tracks import TRACKS, annotations
from deepwas_app.plots.tracks import genes as genes_track


def test_locus_table_leaves_out_unscored_variants(study: xr.Dataset):
    table = locus_points.locus_table(study, np.arange(0, 20))
    assert 5 not in set(table["row"])
    assert len(table) == 19
    assert set(table["colour"]) == {LD_UNKNOWN}


@pytest.mark.parametrize("hits", [0, 3000])
def test_marks_and_variants_have_a_bound_whatever_is_significant(hits):
    rng, count = np.random.default_rng(1), 20_000
    position = np.sort(rng.choice(5_000_000, count, replace=False)) + 1
    height = rng.exponential(0.5, count)
    height[:hits] = rng.uniform(8, 200, hits)
    keep = locus_points._spread(position, height, locus_points.MOST_VARIANTS)
    assert len(keep) <= locus_points.MOST_VARIANTS
    assert height[keep].max() == height.max()
    strong = locus_points._strongest(position[keep], height[keep])
    assert 0.3 * locus_points.MOST_MARKS < len(strong) <= locus_points.MOST_MARKS
    # No variant is far from one that is drawn.
    gap = np.abs(position[:, None] - position[keep][None, :: len(keep) // 500]).min(axis=1)
    assert np.median(gap) < 10_000


def test_those_that_are_not_marked_are_an_image(study, genes, monkeypatch):
    monkeypatch.setattr(locus_points, "MOST_MARKS", 20)
    figure = drawn(study, genes, Region("22", 1, 3_000_000))
    track, table = figure.tracks["association"], figure.locus.variants
    assert len(track.points.data["row"]) <= 20
    assert len(track.points.data["row"]) + len(track.crowd.data["row"]) == len(table)
    (image,) = track.image.data["image"]
    assert set(np.unique(image)) == {0, 1}
    first = int(np.flatnonzero(~table["mark"])[0])
    figure.draw(reference=first, r2=np.full(len(table), 0.9))
    (image,) = track.image.data["image"]
    assert set(np.unique(image)) == {0, 6}
    assert set(track.points.data["colour"]) == {LD_COLOURS[-1]}
    tapped = []
    figure.on_tap(tapped.append)
    track.crowd.selected.indices = [2]
    assert tapped == [track.crowd.data["row"][2]]


def test_each_of_several_references_has_its_hue(study, genes):
    figure = drawn(study, genes, Region("22", 1, 3_000_000))
    track, table = figure.tracks["association"], figure.locus.variants
    count = len(table)
    r2 = np.where(np.arange(count) < 10, 0.9, 0.1)
    figure.draw(reference=3, r2=r2)
    assert [legend.visible for legend in track.legends] == [True, False]
    other = Other(table["variant"][12], 12, 1 - r2)
    figure.draw(others=(other, Other("elsewhere", None, np.full(count, np.nan))))
    assert [legend.visible for legend in track.legends] == [False, True]
    colours = track.points.data["colour"]
    assert set(colours[:10]) == {HUES[0].lower()}
    assert set(colours[10:]) == {HUES[1].lower()}
    assert track.reference.data["hue"] == list(HUES[:2])
    labels = [item.label.value for item in track.legends[1].items if item.visible]
    assert [table["variant"][12] in label for label in labels].count(True) == 1
    figure.draw(others=())
    assert set(track.points.data["colour"]) <= {*LD_COLOURS, LD_UNKNOWN}


def test_many_marks_of_annotations_are_images(study, genes, monkeypatch):
    monkeypatch.setattr(annotations, "MOST_VARIANTS", 10)
    figure = drawn(study, genes, Region("22", 1, 3_000_000))
    figure.draw(annotations=("coding", "TSS distance"))
    track = figure.tracks["annotations"]
    assert not len(track.marks.data["x"])
    assert track.images.data["annotation"] == ["coding", "TSS distance"]
    coding, distance = track.images.data["image"]
    ticks = annotations.annotation_ticks(study, figure.locus.rows, ["coding"])
    assert np.count_nonzero(coding) == len(set((ticks["x"] / 3 * annotations.COLUMNS).astype(int)))
    assert len(np.unique(distance)) > 4


def test_few_stems_of_many_the_largest_of_each_column():
    x, values = np.linspace(0, 1, 5000), np.where(np.arange(5000) % 25 == 7, -3.5, 1.0)
    kept = strongest_of_column(x, values, (0, 1.001), 100)
    assert len(kept) == 100
    assert set(np.abs(values[kept])) == {3.5}


def test_ld_colours_follow_the_usual_bins():
    r2 = np.array([0.0, 0.19, 0.2, 0.5, 0.79, 0.8, 1.0, np.nan])
    colours = locus_points.PALETTE[locus_points.shade_by_ld(r2)[0]]
    assert colours.tolist() == [LD_COLOURS[i] for i in (0, 0, 1, 2, 3, 4, 4)] + [LD_UNKNOWN]


def test_annotation_rows(study: xr.Dataset):
    names = ["TSS distance", "coding", "not there"]
    ticks = annotations.annotation_ticks(study, np.arange(0, 100), names)
    coding = ticks[ticks["annotation"] == "coding"]
    assert len(coding) == study["variant_annotation"].values[:100, 0].sum()
    assert set(coding["y"]) == {0.0}
    distance = ticks[ticks["annotation"] == "TSS distance"]
    assert len(distance) == 100
    assert distance["colour"].nunique() > 3
    assert annotations.annotation_ticks(study, np.arange(0, 0), names).empty


def test_genes_do_not_overlap_in_a_row(genes: pd.DataFrame):
    stacked = genes_track.stack_genes(genes, "22", 1, 1_000_000)
    assert stacked["name"].tolist() == ["LEFT1", "OVER2"]
    assert stacked["row"].tolist() == [0, 1]
    assert stacked["label"].tolist() == ["LEFT1 →", "← OVER2"]


def test_names_need_room_too():
    close = pd.DataFrame(
        [("1", 100, 200, "+", "ALONGNAME1"), ("1", 2_000, 2_100, "+", "ALONGNAME2")],
        columns=["chromosome", "start", "stop", "strand", "name"],
    )
    assert genes_track.stack_genes(close, "1", 1, 100_000)["row"].tolist() == [0, 1]


def drawn(study: xr.Dataset, genes: pd.DataFrame, region: Region) -> LocusFigure:
    """The figure of a region, without runs, annotations or fine-mapping."""
    figure, rows = LocusFigure(), region.rows(study)
    table = locus_points.locus_table(study, rows)
    figure.draw(study=study, region=region, rows=rows, variants=table, genes=genes)
    return figure


def shown(figure: LocusFigure) -> list[str]:
    return [name for name, t in figure.tracks.items() if set(t.figures) <= set(figure.figures)]


def test_figure_shows_only_tracks_that_have_something(study: xr.Dataset, genes: pd.DataFrame):
    figure = drawn(study, genes, Region("22", 1, 1_000_000))
    assert shown(figure) == ["association", "genes"]
    table = figure.locus.variants
    values = pd.DataFrame({"x": table["x"], "value": 2e-6, "variant": table["variant"]})
    figure.draw(values={"other": {"mlp": values}}, annotations=("coding",))
    assert shown(figure) == ["association", "annotations", "genes"]
    figure.draw(values={"mine": {"mlp": values}}, chosen="mine", measure="Prior h²")
    assert shown(figure) == ["association", "heritability", "annotations", "genes"]
    assert len(figure.figures) == 4
    (heritability,) = figure.tracks["heritability"].figures
    assert heritability.yaxis.axis_label == "Prior h² (×10⁻⁶)"
    assert len({id(track.x_range) for track in figure.figures}) == 1
    assert (figure.x_range.start, figure.x_range.end) == (1e-6, 1.0)
    figure.draw(values={}, annotations=())
    assert shown(figure) == ["association", "genes"]


def test_figure_recolours_and_reports_taps(study: xr.Dataset, genes: pd.DataFrame):
    figure, tapped = drawn(study, genes, Region("21", 1, 3_000_000)), []
    track = figure.tracks["association"]
    figure.on_tap(tapped.append)
    before, table = list(track.points.data["colour"]), figure.locus.variants
    figure.draw(reference=30, r2=None)
    figure.draw(r2=np.linspace(0, 1, len(table)))
    assert list(track.points.data["colour"]) != before
    assert track.reference.data["variant"] == [table["variant"][30]]
    figure.draw(reference=31, r2=None)
    assert list(track.points.data["colour"]) == before
    track.points.selected.indices = [4]
    assert tapped == [table["row"][4]]


def test_a_track_is_drawn_anew_only_for_what_it_needs(study, genes, monkeypatch):
    figure = drawn(study, genes, Region("22", 1, 1_000_000))
    names: list[str] = []
    for name, track in figure.tracks.items():
        monkeypatch.setattr(track, "draw", lambda _, name=name: names.append(name))
    figure.draw(annotations=("coding",))
    figure.draw(r2=None)
    assert names == ["annotations", "association"]


def test_another_region_leaves_the_names_of_annotations_as_they_are(study, genes):
    """Bokeh looks through the whole document where an axis changes: a third of a move."""
    figure = drawn(study, genes, Region("22", 1, 1_000_000))
    (track,) = figure.tracks["annotations"].figures
    figure.draw(annotations=("coding",))
    before, named = track.yaxis.ticker, dict(track.yaxis.major_label_overrides)
    rows = np.arange(5, 40)
    figure.draw(rows=rows, variants=locus_points.locus_table(study, rows))
    assert track.yaxis.ticker is before
    assert [*named.values()] == ["coding"]
    figure.draw(annotations=("score", "coding"))
    assert [*track.yaxis.major_label_overrides.values()] == ["coding", "score"]


def test_tracks_need_what_a_locus_has():
    for track in TRACKS.values():
        assert track.needs <= Locus.__dataclass_fields__.keys()


@pytest.mark.parametrize("name", ["association", "pips", "annotations"])
def test_tips_have_significant_digits_of_what_may_be_small(name):
    from bokeh.models import HoverTool

    for drawn in LocusFigure().tracks[name].figures:
        for tool in drawn.select(HoverTool):
            tips = " ".join(tip for _, tip in tool.tooltips)
            for field in ("pip", "frequency", "value"):
                assert f"@{field}{{0.0" not in tips
                if f"@{field}{{%" in tips:
                    assert tool.formatters[f"@{field}"] == "printf"


def test_the_wheel_zooms_the_first_track_and_moves_the_page_over_the_others():
    first, *others = [track.figures[0] for track in LocusFigure().tracks.values()]
    assert first.toolbar.active_scroll.modifiers == {}
    assert first.toolbar.active_scroll in first.tools
    for drawn in others:
        assert drawn.toolbar.active_scroll.modifiers == {"ctrl": True}
        assert drawn.toolbar.active_scroll in drawn.tools


def test_strong_variants_point_the_way_of_their_effect(study: xr.Dataset):
    study["variant_z"].values[10:14] = [9.0, -9.0, 4.0, -4.0]
    table = locus_points.locus_table(study, np.arange(0, 60)).set_index("row")
    drawn = table["marker"].loc[10:13].tolist()
    assert drawn == ["triangle", "inverted_triangle", "circle", "circle"]


def test_leads_of_significant_loci_have_names_beside_that_of_the_reference(study, genes):
    study["variant_z"].values[200:202] = [8.0, 3.0]
    table = locus_points.locus_table(study, np.arange(180, 360))
    leads = locus_points.leads_of(table, [200, 201, 90])
    assert table["row"].iloc[list(leads)].tolist() == [200]
    figure = drawn(study, genes, Region("22", 1, 3_000_000))
    figure.draw(variants=table, leads=leads)
    names = figure.tracks["association"].leads
    assert names.data["variant"] == ["rs200"]
    figure.draw(reference=leads[0])
    assert names.data["variant"] == []


def test_known_associations_are_those_of_the_region(study, genes):
    figure = drawn(study, genes, Region("22", 1, 1_000_000))
    assert "known" not in shown(figure)
    known = pd.DataFrame(
        {
            "variant": ["rs1", "rs2", "rs3"],
            "chromosome": ["22", "22", "21"],
            "position": [500_000, 1_500_000, 500_000],
            "trait": "Height",
            "minus_log10_p": [412.5, 9.0, 9.0],
            "pubmed": "1",
        }
    )
    figure.draw(known=known)
    assert shown(figure)[:2] == ["association", "known"]
    points = figure.tracks["known"].points.data
    assert (points["variant"].tolist(), points["p"].tolist()) == (["rs1"], ["3.2e-413"])
    figure.draw(region=Region("22", 1, 2_000_000))
    assert figure.tracks["known"].points.data["variant"].tolist() == ["rs1", "rs2"]


def test_a_desert_has_no_exons():
    nowhere = genes_track.stack_genes(read_genes("hg19"), "22", 1, 2)
    assert not len(nowhere)
    assert not len(genes_track.exon_boxes(nowhere, read_exons("hg19"), "22"))
