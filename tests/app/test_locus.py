"""The Locus page without a browser: what was asked for last is what is shown."""

import asyncio
import threading

import numpy as np
import panel_material_ui as pmui
import pytest
from panel.models.tabulator import CellClickEvent

from deepwas_app.app import store
from deepwas_app.app.cards import pan
from deepwas_app.app.pages.locus import LocusPage
from deepwas_app.app.places import Places
from deepwas_app.app.state import AppState
from deepwas_app.errors import InputError
from deepwas_app.plots.locus_points import PALETTE


@pytest.fixture
def page(study_with_runs, settle) -> LocusPage:
    """At the strongest locus, with the neural run chosen."""
    state = AppState.of(study_with_runs)
    state.selected = ["mlp"]
    page = LocusPage(state)
    settle(page, lambda: page.drivers.table is not None)
    settle(page, lambda: page.figure.tracks["heritability"].figures[0] in page.figure.figures)
    return page


def test_a_late_track_does_not_replace_the_one_asked_for_last(page, settle, monkeypatch):
    gate, begun, computed = threading.Event(), threading.Event(), threading.Event()
    value = store.value

    def slowly(study, run, name):
        if name != "posterior":
            return value(study, run, name)
        begun.set()
        gate.wait(60)
        try:
            return value(study, run, name)
        finally:
            computed.set()

    monkeypatch.setattr(store, "value", slowly)
    before = np.array(page.figure.tracks["heritability"].points.data["value"])
    page.choices.value.value = "posterior"
    assert begun.wait(60)
    page.choices.value.value = "heritability"
    settle(page, lambda: not page.poller._pending)
    gate.set()
    assert computed.wait(60)
    for _ in range(3):
        page.poller.poll()
    np.testing.assert_array_equal(page.figure.tracks["heritability"].points.data["value"], before)
    for event in (gate, begun, computed):
        event.clear()
    page.choices.value.value = "posterior"
    assert begun.wait(60)
    page.state.selected = []
    gate.set()
    assert computed.wait(60)
    for _ in range(3):
        page.poller.poll()
    assert page.figure.tracks["heritability"].figures[0] not in page.figure.figures


def test_bars_and_errors_are_of_the_variant_on_show(page, settle, monkeypatch):
    rows = [int(row) for row in page.table["row"].iloc[:3]]
    drivers, fails = store.drivers, {rows[0]}

    def compute(study, run, row):
        if row in fails:
            raise InputError(f"row {row} failed")
        return drivers(study, run, row)

    monkeypatch.setattr(store, "drivers", compute)
    card = page.drivers
    card.look_at(page.choices.chosen_prior(), rows[0])
    assert not card._shown.visible
    settle(page, lambda: "failed" in card.line.object)
    assert not card._shown.visible
    # It is tried again, and what is asked for meanwhile is what is shown.
    page.drivers.look_at(page.choices.chosen_prior(), rows[0])
    page.drivers.look_at(page.choices.chosen_prior(), rows[1])
    settle(page, lambda: card._shown.visible)
    page.poller.poll()
    name = str(page.state.study["variant_id"].values[rows[1]])
    assert name in card.line.object
    fails.clear()
    page.drivers.look_at(page.choices.chosen_prior(), rows[0])
    settle(page, lambda: str(page.state.study["variant_id"].values[rows[0]]) in card.line.object)


def test_the_reference_moves_at_once_and_its_ld_comes_when_it_is_read(page, settle, monkeypatch):
    def known() -> np.ndarray:
        return np.isfinite(np.asarray(page.figure.tracks["association"].points.data["r2"], float))

    settle(page, lambda: known().any())
    gate, here, ld = threading.Event(), [], store.ld

    def slowly(study, row):
        gate.wait(60)
        here.append(threading.current_thread())
        return ld(study, row)

    monkeypatch.setattr(store, "ld", slowly)
    rows = [int(row) for row in page.table["row"].iloc[[3, 7]]]
    names = page.state.study["variant_id"].values.astype(str)[rows]
    for row, name in zip(rows, names, strict=True):
        page.choose_reference(row)
        assert list(page.figure.tracks["association"].reference.data["variant"]) == [name]
        assert name in page.variant.heading.object
        assert not known().any()
    gate.set()
    settle(page, lambda: known().any())
    page.poller.poll()
    assert page.figure.tracks["association"].points.data["r2"][7] == pytest.approx(1.0)
    assert threading.current_thread() not in here
    first, r2 = store.ld(page.state.study, rows[1])
    np.testing.assert_allclose(
        page.figure.tracks["association"].points.data["r2"][known()], r2[_in_block(page, first)]
    )


def _in_block(page, first: int) -> np.ndarray:
    block = page.table["block"].to_numpy()
    return page.table["row"].to_numpy()[block == block[7]] - first


def test_a_reference_without_a_z_score_says_so(small_study):
    z = small_study["variant_z"].copy(data=small_study["variant_z"].values.copy())
    z[10] = np.nan
    page = LocusPage(small_study.assign(variant_z=z))
    page._go_to(str(small_study["variant_id"].values[10]))
    assert page.reference == 10
    assert page.variant.facts.object.endswith("no z-score")
    page.choose_reference(11)
    assert "z = " in page.variant.facts.object


def test_the_legend_says_what_grey_means(small_study):
    legend, several = LocusPage(small_study).figure.figures[0].legend
    assert not several.visible
    assert "other LD block" in [item.label.value for item in legend.items]


def test_the_box_says_where_the_page_is_although_what_was_typed_comes_late(small_study):
    """The browser tells of Enter first, and only then of the value that was typed."""
    page = LocusPage(small_study)
    name = str(small_study["variant_id"].values[10])
    box = page.places.box
    box.value_input = name
    box.param.trigger("enter_pressed")
    assert page.reference == 10
    box.value = name
    assert box.value == f"{page.region:,}"
    box.value_input = "nowhere at all"
    box.param.trigger("enter_pressed")
    box.value = "nowhere at all"
    assert box.value == "nowhere at all"


def test_from_locus_to_locus_along_the_genome(small_study):
    page = LocusPage(small_study)
    rows = sorted(page.places.loci.options.values())
    page.places.loci.value = rows[0]
    assert page.reference == rows[0]
    back, on = page.places.steps
    seen = []
    for _ in rows:
        on.clicks += 1
        seen.append(page.reference)
        assert page.places.loci.value == page.reference
    assert seen == [*rows[1:], rows[0]]
    back.clicks += 1
    assert page.reference == rows[-1]


def test_what_is_chosen_for_the_tracks_is_out_of_the_way(small_study):
    page = LocusPage(small_study)
    assert not page.choices.open
    page.choices.toggle()
    assert page.choices.open


def test_tracks_are_hidden_moved_and_sized_in_the_drawer(page):
    page.choices.toggle()
    figures = {name: track.figures[0] for name, track in page.figure.tracks.items()}
    rows = page.choices.tracks
    at = list(figures).index
    assert rows.shown[at("association")].disabled
    rows.shown[at("annotations")].value = False
    assert figures["annotations"] not in [pane.object for pane in page._stage]
    before = figures["genes"].height
    rows.buttons[at("genes")]["Taller"].clicks += 1
    assert figures["genes"].height > before
    rows.buttons[at("genes")]["Less tall"].clicks += 1
    for place in range(at("genes"), -1, -1):
        assert rows.buttons[place]["Up"].description == "Up: Genes"
        rows.buttons[place]["Up"].clicks += 1
    assert page._stage[0].object is figures["genes"]
    assert (
        page.state.tracks == "genes,association,known,recombination,heritability,pips,-annotations"
    )
    assert [shown.label for shown in rows.shown[:2]] == ["Genes", "Association"]
    assert [shown.disabled for shown in rows.shown[:2]] == [False, True]
    # Another page with this address shows the same.
    other = LocusPage(page.state)
    assert other._stage[0].object is other.figure.tracks["genes"].figures[0]
    rows.buttons[0]["Down"].clicks += 1
    assert other._stage[1].object is other.figure.tracks["genes"].figures[0]
    assert "page.state.tracks = 'association,genes,known,recombination" in page.python()


def test_loci_open_by_a_click_and_know_what_was_fine_mapped(page, settle):
    settle(page, lambda: page.loci.table is not None)
    assert page.loci.rows.tolist() == list(page.places.loci.options.values())
    assert np.isfinite(page.loci.table["PRIOR_FOLD"]).all()
    assert list(page.loci.shown.value["SNP"]) == list(page.loci.table["SNP"])
    click = CellClickEvent(None, column="SNP", row=2)
    page.loci.shown._on_click_callbacks[None][0](click)
    assert page.reference == page.loci.rows[2]
    page.fine_mapping.start()
    settle(page, lambda: page.loci.table["SIGNALS"].notna().any())
    mapped = page.loci.table.index[page.loci.table["SIGNALS"].notna()]
    assert 2 in mapped
    found = page.fine_mapping.mapping.found
    # Also from elsewhere, where what is on the tracks goes.
    page._key("]")
    assert page.reference != page.loci.rows[2]
    page._key("[")
    assert page.reference == page.loci.rows[2]
    assert page.loci.table["BEST_PIP"][2] <= found.table["PIP"].max()
    # Under another prior nothing was fine-mapped yet.
    page.state.selected = ["linear"]
    settle(page, lambda: page.loci.table["SIGNALS"].isna().all())
    text = asyncio.run(page.loci.file.callback()).getvalue()
    assert text.startswith("CHR\tSNP\tBP\tA1\tA2\tGENE")
    assert text.count("\n") == 1 + len(page.loci.rows)


def test_a_pan_is_taken_in_once_when_it_is_over(small_study, monkeypatch):
    page = LocusPage(small_study)
    clock = [0.0]
    monkeypatch.setattr(pan.time, "monotonic", lambda: clock[0])
    drawn, reference, changes = page.region, page.reference, []
    page.state.param.watch(lambda event: changes.append(event.new), "region")
    # A zoom inside of what is drawn: nothing is drawn anew.
    table = page.table
    for step in range(1, 6):
        page.pan.moved(drawn.start / 1e6 + 0.01 * step, drawn.stop / 1e6 - 0.01 * step)
        clock[0] += 0.1
        page.poller.poll()
    assert changes == []
    clock[0] += 0.4
    page.poller.poll()
    view = drawn._replace(start=drawn.start + 50_000, stop=drawn.stop - 50_000)
    assert changes == [str(view)]
    assert (page.region, page.reference) == (view, reference)
    assert page.table is table
    assert page.places.box.value == f"{view:,}"
    assert page.remembered()["region"] == str(view)
    # Beyond: it is read and drawn.
    page.pan.moved(drawn.start / 1e6, drawn.stop / 1e6 + 0.1)
    clock[0] += 1
    page.poller.poll()
    assert page.region == drawn._replace(stop=drawn.stop + 100_000)
    assert page.table is not table
    assert len(changes) == 2


def test_the_figure_is_saved_as_it_is_on_show(page, monkeypatch):
    (files,) = [part for part in page.places._layout if isinstance(part, pmui.Row)]
    saver, svg, png = files
    said: list = []
    monkeypatch.setattr(type(saver), "_send_msg", lambda _, message: said.append(message))
    svg.clicks += 1
    page.state.tracks = "genes,association,-annotations,-heritability"
    png.clicks += 1
    assert [message["kind"] for message in said] == ["svg", "png"]
    tracks = page.figure.tracks
    names = [["association", "heritability", "annotations", "genes"], ["genes", "association"]]
    for message, shown in zip(said, names, strict=True):
        assert message["figures"] == [tracks[name].figures[0].id for name in shown]
        assert message["name"] == f"locus_{str(page.region).replace(':', '_')}"


def test_a_visitor_names_known_associations_through_the_one_door(small_study, settle, tmp_path):
    page = LocusPage(small_study)
    row = page.table["row"].iloc[3]
    name, place = (small_study[f"variant_{of}"].values[row] for of in ("id", "position"))
    table = tmp_path / "known.tsv"
    table.write_text(
        "SNPS\tCHR_ID\tCHR_POS\tDISEASE/TRAIT\tPVALUE_MLOG\tPUBMEDID\n"
        f"{name}\t{page.region.chromosome}\t{place}\tHeight\t12.5\t1\n"
    )

    def enter(words: str) -> None:
        page.known.box.value_input = words
        page.known.box.param.trigger("enter_pressed")

    (figure,) = page.figure.tracks["known"].figures
    enter(str(table))
    settle(page, lambda: figure in page.figure.figures)
    assert list(page.figure.tracks["known"].points.data["variant"]) == [name]
    enter("")
    assert figure not in page.figure.figures
    page.state.places = Places([tmp_path / "elsewhere"])
    enter(str(table))
    assert "not among the files" in page.state.notice[1]
    assert figure not in page.figure.figures


def test_references_come_from_a_click_and_from_the_address(small_study, settle):
    page = LocusPage(small_study)
    rows = [int(row) for row in page.table["row"].iloc[[2, 5, 9, 11]]]
    names = small_study["variant_id"].values[rows].astype(str).tolist()
    track = page.figure.tracks["association"]
    page.choose_reference(rows[0])
    for row in rows[1:3]:
        page.pin(row)
        page.variant.another.clicks += 1
    assert page.state.references == ",".join(names[1:3])
    assert list(track.reference.data["variant"]) == names[:3]
    settle(page, lambda: {*track.points.data["colour"]} & {*PALETTE[6:]})
    page.pin(rows[3])
    assert page.variant.another.disabled
    page.pin(rows[1])
    assert page.variant.another.label == "No longer a reference"
    page.variant.another.clicks += 1
    assert page.state.references == names[2]
    # One that becomes the first is no longer beside it.
    page.choose_reference(rows[2])
    assert page.state.references == ""
    page.state.references = f"{names[3]},{names[1]}"
    page.active = True
    page.tick()
    assert page.others.rows == (rows[3], rows[1])
    page.state.references = "rs_nowhere"
    page.tick()
    assert "rs_nowhere" in page.state.notice[1]
    assert page.state.references == f"{names[3]},{names[1]}"
