"""Fine-mapping and drivers on the Locus page: what is shown, and the same bytes as the commands."""

import asyncio
import os
import threading
from types import SimpleNamespace

import numpy as np
import panel as pn
import pytest
from bokeh.models import Scatter

from deepwas_app.app import store
from deepwas_app.app.jobs import Status
from deepwas_app.app.pages.locus import LocusPage
from deepwas_app.app.regions import scaled
from deepwas_app.app.state import AppState
from deepwas_app.cli import main
from deepwas_app.errors import InputError
from deepwas_app.genetics.regions import Region
from deepwas_app.workflow.progress import job


@pytest.fixture
def page(study_with_runs, settle) -> LocusPage:
    """At the strongest locus, with the linear and the neural run chosen."""
    state = AppState.of(study_with_runs)
    state.selected = ["linear", "mlp"]
    page = LocusPage(state)
    page.choices.prior.value = "linear"
    settle(page, lambda: page.drivers.table is not None)
    return page


@pytest.fixture
def mapped(page, settle) -> LocusPage:
    page.fine_mapping.start()
    settle(page, lambda: page.fine_mapping.mapping.found)
    return page


def written(button) -> str:
    return asyncio.run(button.callback()).getvalue()


def test_fine_mapping_adds_two_tracks_and_tables(mapped):
    tracks = mapped.figure.figures
    assert [t.yaxis.axis_label for t in tracks[2:4]] == ["PIP, model", "PIP, uniform"]
    found = mapped.fine_mapping.mapping.found
    points = mapped.figure.tracks["pips"].points["model"].data
    assert len(points["pip"]) == len(found.table)
    in_sets = (found.table["CREDIBLE_SET"] > 0).sum()
    assert in_sets > 0
    assert len(mapped.figure.tracks["pips"].rugs["model"].data["x"]) == in_sets
    assert set(np.asarray(points["colour"])[-in_sets:]).isdisjoint({"#8a94a3"})
    assert all(isinstance(r.glyph, Scatter) for r in tracks[2].select({"name": "pip-model"}))
    assert len(mapped.fine_mapping._results.select(pn.widgets.Tabulator)) == 2
    assert tracks[2].x_range is tracks[0].x_range


def test_too_few_effects_are_told(page, settle, tmp_path, capsys):
    page.fine_mapping.effects.value = 1
    page.fine_mapping.start()
    settle(page, lambda: page.fine_mapping.mapping.found)
    assert "as many causal variants as are allowed" in page.fine_mapping.line.object
    run = store.runs_folder(page.state.study) / "linear.run"
    words = ["--region", str(page.fine_mapping.mapping.region), "--effects", "1"]
    assert main(["finemap", str(run), *words, "-o", str(tmp_path / "f.tsv")]) == 0
    assert "raise --effects" in capsys.readouterr().err


def test_downloads_are_the_bytes_of_the_command(mapped, tmp_path, capsys):
    run = store.runs_folder(mapped.state.study) / "linear.run"
    region = str(mapped.fine_mapping.mapping.region)
    names = ("finemap", "sets", "fits")
    out = {name: tmp_path / f"{name}.tsv" for name in names}
    words = ["--region", region, "-o", str(out["finemap"])]
    words += ["--sets", str(out["sets"]), "--fits", str(out["fits"])]
    assert main(["finemap", str(run), *words]) == 0
    files = mapped.fine_mapping._results.objects[0].objects
    for button in files:
        name = button.filename.split("_")[0]
        assert written(button) == out.pop(name).read_text()
    assert not out
    assert main(["export", str(run), "--susie", "-", "--region", region]) == 0
    assert written(mapped.fine_mapping.weights) == capsys.readouterr().out


def test_drivers_are_the_bytes_of_the_command(page, settle, capsys):
    run = store.runs_folder(page.state.study) / "linear.run"
    first = page.drivers.table
    other = int(page.table["row"].iloc[3])
    page.choose_reference(other)
    settle(page, lambda: page.drivers.table is not first)
    name = str(page.state.study["variant_id"].values[other])
    assert main(["explain", str(run), "--variant", name]) == 0
    assert written(page.drivers.file) == capsys.readouterr().out
    assert page.drivers.table["SNP"].eq(name).all()
    assert name in page.drivers.line.object
    page.choices.prior.value = "mlp"
    settle(page, lambda: "mlp" in page.drivers.line.object)


def test_results_stay_inside_their_region_and_go_outside(mapped):
    region = mapped.region
    mapped.go(scaled(region, 0.5), mapped.reference)
    assert set(mapped.figure.tracks["pips"].figures) <= set(mapped.figure.figures)
    mapped.go_to_variant(elsewhere(mapped))
    assert not set(mapped.figure.tracks["pips"].figures) & set(mapped.figure.figures)
    assert mapped.fine_mapping.mapping is None
    assert len(mapped.figure.figures) == 5


def elsewhere(page) -> int:
    """A variant on another chromosome."""
    chromosome = page.state.study["variant_chromosome"].values.astype(str)
    return int(np.flatnonzero(chromosome != page.region.chromosome)[10])


def test_a_result_stays_while_something_of_it_is_in_sight(mapped):
    region, found = mapped.region, mapped.fine_mapping.mapping
    mapped.go(scaled(region, 2.0), mapped.reference)
    middle = (region.start + region.stop) // 2
    mapped.go(Region(region.chromosome, middle - 1000, region.stop + 500_000))
    assert mapped.fine_mapping.mapping is found
    assert set(mapped.figure.tracks["pips"].figures) <= set(mapped.figure.figures)
    # Another training under the same name has another prior.
    os.utime(store.runs_folder(mapped.state.study) / "linear.run" / "weights.eqx", ns=(0, 0))
    mapped.state.refresh_runs()
    assert mapped.fine_mapping.mapping is None
    assert not set(mapped.figure.tracks["pips"].figures) & set(mapped.figure.figures)


@pytest.fixture
def steps(monkeypatch):
    """A fine-mapping that ends when it is let go; what it was asked for."""
    asked, gate = SimpleNamespace(), threading.Event()

    @job
    def fine_map(study, run, region, **options):
        vars(asked).update(options)
        while not gate.wait(0.01):
            yield SimpleNamespace(fraction=0.5, message="half")

    monkeypatch.setattr("deepwas_app.workflow.results.finemap.fine_map", fine_map)
    yield asked
    gate.set()


def test_what_nobody_waits_for_is_cancelled(page, steps, settle):
    card = page.fine_mapping
    card.start()
    job = card.mapping.job
    page.go(scaled(page.region, 1.5), page.reference)
    assert card.button.disabled
    assert not job.cancelling
    page.go_to_variant(elsewhere(page))
    assert not card.button.disabled
    assert job.wait(60)
    assert job.status is Status.CANCELLED
    page.poller.poll()
    assert card.progress.job is None
    card.start()
    job = card.mapping.job
    page.draw()
    assert job.wait(60)
    page.fine_mapping.start()
    job = page.fine_mapping.mapping.job
    page.close()
    assert job.wait(60)


def test_blank_fields_mean_their_defaults(page, steps, settle):
    card = page.fine_mapping
    defaults = {"effects": card.effects.value, "causal": card.causal.value}
    card.effects.value = card.causal.value = None
    card.start()
    settle(page, lambda: vars(steps))
    assert vars(steps) == defaults


def test_without_a_run_it_says_what_to_do(small_study):
    page = LocusPage(small_study)
    assert page.fine_mapping.button.disabled
    assert page.fine_mapping.weights.disabled
    assert "Choose a run" in page.fine_mapping.line.object
    assert "Choose a run" in page.drivers.line.object


def test_a_constant_prior_has_no_drivers(study_with_runs):
    state = AppState.of(study_with_runs)
    state.selected = ["constant"]
    page = LocusPage(state)
    assert "uses no annotations" in page.drivers.line.object


def test_region_across_blocks_and_without_variants(page):
    with pytest.raises(InputError, match="no variant"):
        page.go(Region(page.region.chromosome, 900_000_000, 900_100_000))
    page._go_to(f"{page.region.chromosome}:900,000,000-900,100,000")
    assert page.state.notice[0] == "error"
