"""Each page without a browser: alone, with runs, without, with a broken study."""

import asyncio
import html
import threading
from operator import attrgetter

import numpy as np
import pandas as pd
import panel as pn
import panel_material_ui as pmui
import pytest
import xarray as xr

from deepwas_app.app import explore, store
from deepwas_app.app.jobs import JOBS, Status
from deepwas_app.app.pages import PAGES
from deepwas_app.app.pages import train as train_page
from deepwas_app.app.pages.annotations import AnnotationsPage
from deepwas_app.app.pages.locus import LocusPage
from deepwas_app.app.pages.scaling import ScalingPage
from deepwas_app.app.pages.study import StudyPage
from deepwas_app.app.pages.train import TrainPage, runs_table
from deepwas_app.app.regions import scaled, shown_region
from deepwas_app.app.state import AppState
from deepwas_app.errors import InputError
from deepwas_app.genetics.regions import Region

KINDS = [StudyPage, TrainPage, AnnotationsPage, LocusPage, ScalingPage]


def alerts(page) -> list[str]:
    import panel_material_ui as pmui

    return [
        html.unescape(alert.object) for alert in page._layout.select(pmui.Alert) if alert.visible
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_works_alone_on_a_study(kind, small_study):
    page = kind(small_study)
    assert page.state.study is small_study
    assert not any("could not be built" in text for text in alerts(page))
    model = page.__panel__().get_root()
    assert model is not None
    assert len(page._layout.select(lambda o: getattr(o, "variant", "") == "h1")) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_without_a_study_says_what_to_do(kind):
    assert any("tudy" in text for text in alerts(kind()))


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_on_a_missing_study_says_so_in_one_line(kind):
    page = kind("nowhere.study.zarr")
    assert any("nowhere.study.zarr" in text for text in alerts(page))


@pytest.mark.parametrize("kind", KINDS)
def test_a_broken_study_gives_a_message_in_place_of_the_page(kind, small_study, caplog):
    broken = small_study.drop_vars(["variant_z", "block_chromosome", "annotation"])
    page = kind(broken)
    assert any("could not be built" in text for text in alerts(page))
    assert "Traceback" in caplog.text


def test_study_page_shows_the_spectrum_and_correlations_when_they_are_there(small_study, settle):
    page = StudyPage(small_study)
    assert len(page._content.select(pn.pane.HoloViews)) == 4
    settle(page, lambda: len(page._content.select(pn.pane.HoloViews)) == 6)


def test_study_page_warns_of_ld_that_is_not_that_of_the_gwas(small_study, settle, monkeypatch):
    monkeypatch.setattr(store, "ld_warnings", lambda study: ["Not of <this> GWAS."])
    page = StudyPage(small_study)
    settle(page, lambda: any("this" in text for text in alerts(page)))
    monkeypatch.undo()
    assert store.ld_warnings(small_study) == []


def test_study_page_opens_another_study(small_study, settle):
    page = StudyPage()
    page._ask(small_study.attrs["path"])
    settle(page, lambda: page.state.study is not None)
    assert page.state.study_key == small_study.attrs["path"]
    assert page._content.select(pn.pane.HoloViews)


def test_a_study_that_cannot_be_opened_is_a_notice(settle):
    page = StudyPage()
    page._ask("nowhere.study.zarr")
    settle(page, lambda: page.state.notice is not None)
    severity, text = page.state.notice
    assert severity == "error"
    assert "nowhere.study.zarr" in text
    assert any("nowhere" in alert for alert in alerts(page))


def test_training_from_the_page(small_study, settle):
    page = TrainPage(small_study)
    page.settings.param.update(prior="mlp", width=4, depth=1, epochs=2, batch_blocks=2)
    page.start()
    job = page.progress.job
    settle(page, lambda: job.status.over and page.state.runs)
    page.poller.poll()
    assert job.status is Status.DONE, job.error
    assert all(event.checkpoint is None for event in job.events)
    assert len(page.training.curves.loss_source.data["step"]) >= 1
    assert len(page.training.curves.gain_source.data["step"]) == 2
    assert page.state.selected == ["mlp-4x1-1"]
    assert page.runs.value["run"].tolist() == ["mlp-4x1-1"]
    assert page.runs.value["status"].tolist() == ["finished"]


def test_a_cancelled_training_leaves_no_half_written_run(small_study, settle, monkeypatch):
    cancelled, light_steps = threading.Event(), train_page.light_steps

    def one_step(steps):
        steps = light_steps(steps)
        try:
            yield next(steps)
            cancelled.wait(30)
            yield from steps
        finally:
            steps.close()

    monkeypatch.setattr(train_page, "light_steps", one_step)
    page = TrainPage(small_study)
    page.settings.param.update(prior="mlp", width=4, depth=1, epochs=10_000, batch_blocks=2)
    page.start()
    job = page.progress.job
    settle(page, lambda: job.events)
    assert list(store.runs_folder(small_study).glob("*.run"))
    JOBS.cancel(job)
    cancelled.set()
    settle(page, lambda: job.status.over)
    assert job.status is Status.CANCELLED
    assert not list(store.runs_folder(small_study).glob("*"))


def test_two_sessions_see_the_same_job(small_study, settle):
    one, two = TrainPage(small_study), TrainPage(small_study)
    one.settings.param.update(prior="linear")
    one.start()
    settle(one, lambda: one.progress.job.status.over)
    one.poller.poll()
    two.draw()
    two.poller.poll()
    assert two.progress.job is one.progress.job
    steps = [page.training.curves.gain_source.data["step"] for page in (one, two)]
    assert steps[0] == steps[1]


def test_runs_table_is_per_variant(study_with_runs):
    state = AppState.of(study_with_runs)
    table = runs_table(state.runs).set_index("run")
    summary = next(r for r in state.runs if store.run_name(r) == "linear").summary
    expected = 1e3 * summary["gain"] / summary["variants"]
    assert table.loc["linear", "gain_per_variant"] == pytest.approx(expected)
    assert set(table.index) == {"constant", "linear", "mlp"}


def test_locus_opens_at_the_strongest_variant_and_recolours(study_with_runs, settle):
    page = LocusPage(study_with_runs)
    strongest = int(np.nanargmax(np.abs(study_with_runs["variant_z"].values)))
    assert page.reference == strongest
    settle(page, lambda: np.isfinite(page.figure.tracks["association"].points.data["r2"]).any())
    before = list(page.figure.tracks["association"].points.data["colour"])
    other = int(np.argmin(np.abs(page.table["row"].to_numpy() - strongest - 25)))
    page.figure.tracks["association"].points.selected.indices = [other]
    assert page.variant.row == int(page.table["row"].iloc[other])
    assert page.reference == strongest
    page.variant.button.clicks += 1
    assert page.reference == int(page.table["row"].iloc[other])
    settle(page, lambda: np.isfinite(page.figure.tracks["association"].points.data["r2"]).any())
    assert list(page.figure.tracks["association"].points.data["colour"]) != before
    page.state.selected = ["linear", "mlp"]
    # One run is drawn before: the best, with which the page begins.
    drawn = page.figure.tracks["heritability"].points
    settle(page, lambda: set(drawn.data["run"]) == {"linear", "mlp"})
    assert page.figure.tracks["heritability"].figures[0] in page.figure.figures


def test_locus_goes_where_it_is_told(small_study):
    page = LocusPage(small_study)
    start = page.region
    page.go(scaled(start, 0.5))
    assert page.region.stop - page.region.start < start.stop - start.start
    page._go_to("not a place")
    assert page.state.notice[0] == "error"
    name = str(small_study["variant_id"].values[10])
    page._go_to(name)
    assert page.reference == 10


def test_scaling_from_the_page(small_study, settle):
    page = ScalingPage(small_study)
    page.sizes.value = ["linear", "4x1"]
    page.objectives.value = ["likelihood"]
    page.settings.param.update(epochs=2, seeds=1)
    page.start()
    settle(page, lambda: page.progress.job.status.over)
    page.poller.poll()
    assert page.progress.job.status is Status.DONE, page.progress.job.error
    steps, fits = (table.value for table in page.results.select(pn.widgets.Tabulator))
    assert steps[["size", "over"]].to_numpy().tolist() == [["4x1", "linear"]]
    assert fits["size"].tolist() == ["linear", "4x1"]
    (folder,) = store.data_root().glob("scaling/*/sweep-1")
    for button in page.results.select(pmui.FileDownload):
        written = asyncio.run(button.callback()).getvalue()
        assert written == (folder / button.filename).read_text()


def test_dashboard_builds_pages_when_they_are_first_shown(small_study):
    dashboard = explore(small_study)
    dashboard.poller.poll()
    assert list(dashboard.pages) == ["study"]
    for name in PAGES:
        dashboard.state.page = name
        dashboard.poller.poll()
        assert [n for n, slot in dashboard._slots.items() if slot.visible] == [name]
    assert list(dashboard.pages) == list(PAGES)
    assert "Small" in dashboard.header.study.options


def test_a_screen_shows_regions_of_its_study_that_are_not_too_wide(small_study: xr.Dataset):
    genes = store.genes(small_study)
    assert shown_region("chr1:1,000-2,000", small_study, genes) == Region("1", 1000, 2000)
    for wrong, reason in (("1:1-99,000,000", "wider than"), ("X:1-2", "no chromosome X")):
        with pytest.raises(InputError, match=reason):
            shown_region(wrong, small_study, genes)


def test_blocks_that_do_not_fit_are_listed_with_what_to_do(small_study):
    from deepwas_app.app.pages.study import misfit_table

    table = store.mismatch(small_study)
    assert "None of 20" in misfit_table(table.assign(flagged=False)).object
    advised = table.assign(advice="Check the alleles.", flagged=table["block"] == 3)
    file, widget = misfit_table(advised)
    shown = widget.value
    assert shown["advice"].tolist() == ["Check the alleles."]
    row = table[table["block"] == 3].iloc[0]
    assert shown["where"].item().startswith(f"{row['chromosome']}:{row['start'] / 1e6:.2f}")
    written = pd.read_csv(asyncio.run(file.callback()), sep="\t")
    assert written["block"].tolist() == [3]
    assert written["advice"].tolist() == ["Check the alleles."]


def test_a_run_of_another_study_is_said_in_one_line(study_with_runs, height):
    import shutil

    (foreign,) = store.runs_folder(study_with_runs).glob("linear.run")
    shutil.copytree(foreign, store.runs_folder(height) / "linear.run")
    state = AppState.of(height)
    assert state.runs == []
    severity, text = state.notice
    assert severity == "error"
    assert "linear.run: this run was trained on another study" in text


def test_a_copy_that_is_gone_does_not_stand_for_the_study(study_with_runs, small_runs, tmp_path):
    """Both have the same content; what is read late must come from where it still is."""
    import shutil

    from deepwas_app.workflow.results.heritability import run_heritability

    path = tmp_path / "copy.study.zarr"
    shutil.copytree(study_with_runs.attrs["path"], path)
    copy = store.open_study(str(path))
    shutil.rmtree(path)
    kept = store.open_study(study_with_runs.attrs["path"])
    assert np.isfinite(run_heritability(kept, small_runs.mlp)).all()
    with pytest.raises(InputError, match=r"copy.study.zarr: is gone"):
        run_heritability(copy, small_runs.mlp)


@pytest.mark.parametrize(("kind", "box"), [(LocusPage, "places.box"), (StudyPage, "path")])
def test_enter_takes_what_was_typed_not_what_was_there_before(kind, box, small_study, monkeypatch):
    """The browser tells of Enter before it tells of the new value."""
    page, went = kind(small_study), []
    monkeypatch.setattr(page, "_go_to", went.append, raising=False)
    monkeypatch.setattr(page, "_ask", went.append, raising=False)
    widget = attrgetter(box)(page)
    widget.value = "before"
    widget.value_input = "typed"
    widget.param.trigger("enter_pressed")
    assert went == ["typed"]
