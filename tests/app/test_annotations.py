"""The Annotations page without a browser: effects, tests, enrichment, responses, downloads."""

import asyncio
import html
import os
import shutil

import numpy as np
import pandas as pd
import panel as pn
import panel_material_ui as pmui
import pytest

from deepwas_app.app import store
from deepwas_app.app.jobs import JOBS, Status
from deepwas_app.app.pages.annotations import AnnotationsPage
from deepwas_app.cli import main
from deepwas_app.genetics.store import open_study_store
from deepwas_app.workflow.runs.train import train
from deepwas_app.workflow.settings import SimulateSettings, TrainSettings
from deepwas_app.workflow.studies.simulate import simulate


def alerts(page) -> list[str]:
    return [html.unescape(a.object) for a in page._layout.select(pmui.Alert) if a.visible]


def downloads(viewer) -> dict[str, str]:
    """What the buttons of a card give, by file name."""
    found = viewer.__panel__().select(pmui.FileDownload)
    return {button.filename: asyncio.run(button.callback()).getvalue() for button in found}


@pytest.fixture
def page(study_with_runs, settle):
    page = AnnotationsPage(study_with_runs)
    page.state.selected = ["linear", "mlp"]
    settle(page, lambda: page.effects)
    return page


def test_tables_are_of_one_run_and_of_its_command(page, tmp_path):
    out, fifths = tmp_path / "e.tsv", tmp_path / "q.tsv"
    for name in ("linear", "mlp"):
        page.detail.value = name
        run = next(run for run in page.state.runs if store.run_name(run) == name)
        words = ["--quantiles", str(fifths), "-o", str(out)]
        assert main(["effects", str(run.path), *words]) == 0
        given = downloads(page.effects_card) | downloads(page.enrichment_card)
        assert given[f"{name}.effects.tsv"] == out.read_text()
        assert given[f"{name}.quantiles.tsv"] == fifths.read_text()


def test_what_errors_rest_on_stands_over_the_numbers(page):
    said = [text for text in alerts(page) if "errors are rough" in text]
    assert [text.split(":")[0] for text in said] == ["linear", "mlp"]
    assert all("15 LD blocks" in text for text in said)
    assert ["its shape taken as given" in text for text in said] == [False, True]


def test_reasons_stand_beside_what_is_missing(page):
    card = page.enrichment_card
    details = card.details
    assert "Note" not in card.table.select(pn.widgets.Tabulator)[0].value
    found = details.effects[details.run]
    note = np.full(found.sizes["annotations"], "no information", dtype=object)
    card.draw(details._replace(effects={details.run: found.assign(note=("annotations", note))}))
    shown = card.table.select(pn.widgets.Tabulator)[0].value
    assert (shown["Note"] == "no information").all()


def test_choosing_runs_and_the_run_of_the_tables(page, settle):
    assert page.detail.options == ["linear", "mlp"]
    assert page.detail.visible
    page.chooser.value = ["linear"]
    assert page.state.selected == ["linear"]
    settle(page, lambda: list(page.effects) == ["linear"])
    assert page.detail.value == "linear"
    assert not page.detail.visible
    page.chooser.value = []
    assert any("linear or MLP" in text for text in alerts(page))


def test_one_at_a_time_goes_beside_the_joint_effects(page, settle, tmp_path):
    page.detail.value = "linear"
    before = page.effects_card.table.select(pn.widgets.Tabulator)[0].value
    assert "Marginal_coefficient" not in before
    page.effects_card.button.clicks += 1
    job = page.effects_card.progress.job
    assert job.status is not Status.DONE
    settle(page, lambda: "linear" in page.effects_card.details.alone)
    table = page.effects_card.table.select(pn.widgets.Tabulator)[0].value
    assert "Marginal_coefficient_p" in table
    effects = page.effects_card.details.informative()["linear"]
    np.testing.assert_array_equal(effects["marginal"], job.result["marginal"])
    out = tmp_path / "e.tsv"
    run = next(run for run in page.state.runs if store.run_name(run) == "linear")
    assert main(["effects", str(run.path), "--one-at-a-time", "-o", str(out)]) == 0
    assert downloads(page.effects_card)["linear.effects.tsv"] == out.read_text()
    page.detail.value = "mlp"
    assert "Marginal_coefficient" not in page.effects_card.details.table()


def test_shifts_go_beside_the_enrichments(page, settle, tmp_path):
    card = page.enrichment_card
    card.shifts.value = 40
    card.button.clicks += 1
    assert "40 shifts" in JOBS.jobs[-1].title
    settle(page, lambda: page.detail.value in card.details.shifted)
    table = card.table.select(pn.widgets.Tabulator)[0].value
    assert table["Shift_p"].astype(float).between(0.02, 1).all()
    run = next(run for run in page.state.runs if store.run_name(run) == page.detail.value)
    out = tmp_path / "e.tsv"
    assert main(["effects", str(run.path), "--shifts", "40", "-o", str(out)]) == 0
    assert downloads(card)[f"{page.detail.value}.effects.tsv"] == out.read_text()


def test_a_test_can_be_cancelled_and_tried_again(page, settle):
    page.effects_card.button.clicks += 1
    job = page.effects_card.progress.job
    JOBS.cancel(job)
    settle(page, lambda: job.status.over)
    page.poller.poll()
    assert page.effects_card.details.alone == {}
    page.effects_card.button.clicks += 1
    assert page.effects_card.progress.job is not job


def test_a_test_is_of_the_weights_not_of_the_name(page, settle):
    page.detail.value = "linear"
    page.effects_card.button.clicks += 1
    settle(page, lambda: "linear" in page.effects_card.details.alone)
    path = store.runs_folder(page.state.study) / "linear.run"
    os.utime(path / "weights.eqx", ns=(0, 0))
    page.state.refresh_runs()
    settle(page, lambda: page.effects)
    page.detail.value = "linear"
    assert page.effects_card.details.alone == {}


def test_response_is_drawn_beside_the_effects(page, settle, tmp_path):
    card = page.response_card
    settle(page, lambda: card.results.select(pn.pane.HoloViews))
    given = downloads(card)
    assert set(given) == {"linear.response.tsv", "mlp.response.tsv"}
    out = tmp_path / "r.tsv"
    run = next(run for run in page.state.runs if store.run_name(run) == "linear")
    words = ["--annotation", card.annotation.value, "-o", str(out)]
    assert main(["response", str(run.path), *words]) == 0
    assert given["linear.response.tsv"] == out.read_text()
    card.by.value = "Continuous 1"
    settle(page, lambda: "INTERACTION" in downloads(card).get("mlp.response.tsv", ""))
    assert main(["response", str(run.path), *words, "--by", "Continuous 1"]) == 0
    assert downloads(card)["linear.response.tsv"] == out.read_text()
    card.annotation.value = "Continuous 2"
    settle(page, lambda: len(card.results.select(pn.pane.HoloViews)) == 4)


def test_an_ensemble_of_seeds_has_one_curve(study_with_runs, settle):
    settings = TrainSettings(prior="mlp", width=8, depth=1, epochs=3, seed=7)
    folder = store.runs_folder(study_with_runs)
    train(study_with_runs, settings, folder / "again.run")
    page = AnnotationsPage(study_with_runs)
    page.state.selected = ["mlp"]
    card = page.response_card
    settle(page, lambda: card.results.select(pn.pane.HoloViews))
    (line,) = [t.object for t in card.results.select(pmui.Typography)]
    assert "2 runs that differ in their seed (mlp, again)" in line
    (text,) = downloads(card).values()
    assert "range over seeds" in text
    page.state.selected = ["mlp", "again"]
    settle(page, lambda: list(page.effects) == ["mlp", "again"])
    settle(page, lambda: card.results.select(pn.pane.HoloViews))
    assert len(downloads(card)) == 1


def test_a_constant_prior_says_what_can_be_done(study_with_runs, settle):
    page = AnnotationsPage(study_with_runs)
    page.state.selected = ["constant"]
    settle(page, lambda: page.effects)
    assert any("constant is a constant prior" in text for text in alerts(page))
    assert not page.effects_card.figure.objects
    assert any("answers to no annotation" in text for text in alerts(page))
    page.enrichment_card.shifts.value = 20
    page.enrichment_card.button.clicks += 1
    settle(page, lambda: "constant" in page.enrichment_card.details.shifted)


@pytest.mark.parametrize("prior", ["enrichment", "transformer"])
def test_every_kind_of_prior_has_its_page(prior, study_with_runs, settle):
    settings = TrainSettings(prior=prior, width=4, depth=1, epochs=1)
    train(study_with_runs, settings, store.runs_folder(study_with_runs) / "other.run")
    page = AnnotationsPage(study_with_runs)
    page.state.selected = ["other"]
    settle(page, lambda: page.effects)
    assert page.effects_card.figure.objects
    settle(page, lambda: page.response_card.results.select(pn.pane.HoloViews))
    assert page.__panel__().get_root() is not None


def test_a_study_without_annotations_says_so(study_with_runs):
    bare = study_with_runs.isel(annotations=slice(0, 0))
    page = AnnotationsPage(bare)
    assert any("no annotations" in text for text in alerts(page))


def test_a_changed_study_is_one_line(study_with_runs, tmp_path, settle):
    """The study's folder is gone while the page is open."""
    path = tmp_path / "gone.study.zarr"
    shutil.copytree(study_with_runs.attrs["path"], path)
    store._STUDIES._kept.clear()
    page = AnnotationsPage(str(path))
    assert page.state.runs
    # Not while something is read from it.
    settle(page, lambda: page.effects)
    shutil.rmtree(path)
    store._RESULTS._kept.clear()
    page.state.selected = ["linear", "mlp"]
    settle(page, lambda: any("gone.study.zarr" in text for text in alerts(page)))
    (line,) = [text for text in alerts(page) if "gone.study.zarr" in text]
    assert "is no longer there" in line


def test_many_annotations_with_long_names_are_few_at_first(tmp_path, settle, data_root):
    path = data_root / "wide.study.zarr"
    data_root.mkdir()
    settings = SimulateSettings(
        variants=4_000,
        chromosomes=22,
        people=80,
        annotations=96,
        truth="linear",
        h2=0.5,
        n=20_000,
        panel_people=0,
        output=str(path),
    )
    simulate(settings)
    study = open_study_store(path)
    long = [f"{name} of a tissue with a long name ({i})" for i, name in enumerate(range(96))]
    # Before the training: a run is of the contents that it was trained on, names included.
    study = study.assign_coords(annotation=("annotations", np.array(long)))
    train(study, TrainSettings(prior="linear"), data_root / "linear.run")
    page = AnnotationsPage(study)
    settle(page, lambda: page.effects)
    points = page.effects_card.figure.objects[0].object

    def rows(overlay) -> int:
        return len(set(pd.concat([e.data for e in overlay if e.label == "linear"])["annotation"]))

    assert rows(points) == 20
    assert page.effects_card.everything.visible
    page.effects_card.everything.value = True
    known = int(np.isfinite(page.effects["linear"]["partial_effect"]).sum())
    assert known > 70
    assert rows(page.effects_card.figure.objects[0].object) == known
