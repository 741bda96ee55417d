"""The Train and Scaling pages: several jobs at once, what is held out, the form."""

import asyncio
import json
import shutil
import threading
from collections import defaultdict

import pandas as pd
import panel_material_ui as pmui
import pytest

from deepwas_app.app import store
from deepwas_app.app.cards.held_out import HeldOut
from deepwas_app.app.jobs import JOBS
from deepwas_app.app.pages.scaling import ScalingPage
from deepwas_app.app.pages.train import TrainPage
from deepwas_app.cli import main
from deepwas_app.core.priors import PRIORS
from deepwas_app.workflow.progress import job
from deepwas_app.workflow.runs.run import write_record
from deepwas_app.workflow.runs.sweep import Sweep
from deepwas_app.workflow.tables import with_error


@pytest.fixture
def gates(monkeypatch) -> defaultdict[str, threading.Event]:
    """Trainings and sweeps by the name of their folder: each is over when its gate is opened."""
    gates: defaultdict[str, threading.Event] = defaultdict(threading.Event)

    @job
    def steps(study, settings, path, resume=False):
        assert gates[path.name].wait(60)
        return Sweep(pd.DataFrame(), pd.DataFrame(), None)
        yield

    monkeypatch.setattr("deepwas_app.workflow.runs.train.train", steps)
    monkeypatch.setattr("deepwas_app.workflow.runs.sweep.scaling", steps)
    yield gates
    for gate in gates.values():
        gate.set()


def test_the_view_stays_with_the_training_that_runs_and_then_moves_on(small_study, gates, settle):
    page = TrainPage(small_study)
    page.settings.prior = "linear"
    for _ in range(3):
        page.start()
    first, second, third = JOBS.jobs
    assert page.progress.job is first
    assert page.state.notice[1] == "Train linear-3 waits for its turn."
    assert TrainPage(small_study).progress.job is first
    gates["linear-1.run"].set()
    settle(page, lambda: page.progress.job is second)
    JOBS.cancel(third)
    gates["linear-2.run"].set()
    settle(page, lambda: second.status.over)
    page.poller.poll()
    assert page.progress.job.status.over


def test_a_paused_training_makes_room_for_another(small_study, gates, settle):
    page = TrainPage(small_study)
    page.settings.prior = "linear"
    page.start()
    page.start()
    first, second = JOBS.jobs
    JOBS.pause(second)
    assert page.progress.job is first
    page.start()
    third = JOBS.jobs[-1]
    gates["linear-1.run"].set()
    settle(page, lambda: page.progress.job is third)
    gates["linear-3.run"].set()
    settle(page, lambda: page.progress.job is second)


def test_the_end_of_a_training_selects_no_run_of_another_study(small_study, gates):
    page = TrainPage(small_study)
    page.settings.prior = "linear"
    page.start()
    (job,) = JOBS.jobs
    page.active = False
    page.state.study = small_study.assign_attrs(content_hash="1" * 64)
    page.state.refresh_runs = lambda select=None: pytest.fail(f"selected {select}")
    gates["linear-1.run"].set()
    assert job.wait(60)
    page.poller.poll()
    assert page.state.selected == []


ADAM = {"learning_rate", "epochs", "batch_blocks", "seed"}
SIZED = {"size", "width", "depth"}
TAKEN = {
    "constant": set(),
    "linear": {"link", "coefficient_sd"},
    "enrichment": ADAM,
    "mlp": ADAM | SIZED,
    "transformer": ADAM | SIZED | {"tower", "precision", "rematerialise"},
}


def test_the_form_shows_just_the_settings_that_the_prior_takes(small_study):
    page = TrainPage(small_study)
    shown = {}
    for prior in TAKEN:
        page.settings.prior = prior
        shown[prior] = {name for name, field in page.fields.items() if field.visible}
    always = {"prior", "objective", "alpha", "validation_chromosomes", "folds"}
    assert shown == {prior: taken | always for prior, taken in TAKEN.items()}


def test_the_form_says_what_training_would_take(small_study, monkeypatch):
    page = TrainPage(small_study)

    def said():
        return page.planned.object

    assert "GB of memory" in said()
    assert set(page.fields["size"].options.values()) == {"", *PRIORS["mlp"].sizes}
    page.settings.prior, page.settings.size = "transformer", "50M"
    few = said()
    monkeypatch.setattr("deepwas_app.workflow.runs.memory.free_memory", lambda: 1e6)
    page.settings.batch_blocks += 1
    assert "more than the 0.0009 GB that are free" in said()
    assert "more than" not in few
    assert "will not fit" in page.too_large.objects[0].object
    assert "CPU" in said()
    assert "Cholesky factors" in said()
    # A name that the other network does not have is let go.
    page.settings.prior = "mlp"
    assert page.settings.size == ""
    page.settings.prior = "linear"
    assert "GB" not in said()
    assert not page.too_large.objects


def test_the_bar_says_what_is_held_out_and_a_click_changes_it(small_study):
    page = TrainPage(small_study)
    held, names = page.held_out, [str(n) for n in range(1, 21)]
    assert [part[0] for part in held.bar.parts] == names
    # What the software chooses, also where validation takes some of it.
    assert held.bar.value == names[1::4]
    page.settings.validation_chromosomes = "2"
    assert held.bar.value == names[5::4]
    held.bar.value = [*held.bar.value, "1"]
    assert held.mode.value == "Chromosomes"
    held.write(page.settings)
    assert page.settings.test_chromosomes == ",".join(["1", *names[5::4]])
    held.mode.value = "Nothing"
    assert held.bar.value == []
    # The folds of a cross-fitting are seen, as far as they can be made.
    assert {part[3] for part in held.bar.parts} == {""}
    page.settings.folds = "chromosomes"
    odd, even = held.bar.parts[0], held.bar.parts[1]
    assert odd[3] != even[3]
    assert "fold 1" in odd[1]
    assert "fold 2" in even[1]
    page.settings.folds = "many"
    assert {part[3] for part in held.bar.parts} == {""}


def test_the_bar_of_one_chromosome_is_of_its_blocks(small_study):
    one = small_study.copy()
    one["block_chromosome"] = one["block_chromosome"].copy(data=["22"] * 20)
    held = HeldOut(one)
    settings = TrainPage(small_study).settings
    assert held.bar.value == ["1", "5", "9", "13", "17"]
    held.bar.value = ["10", "9", "0"]
    assert held.mode.value == "LD blocks"
    held.write(settings)
    assert settings.test_blocks == "0,9,10"
    other = HeldOut(one)
    other.choose(settings)
    assert other.bar.value == ["0", "9", "10"]


def test_numbers_of_a_training_are_there_while_it_runs_and_after(small_study, settle):
    page = TrainPage(small_study)
    page.settings.param.update(prior="mlp", width=4, depth=1, epochs=2)
    assert page.training.numbers.object.count("–") == 7
    page.start()
    settle(page, lambda: page.progress.job.status.over)
    settle(page, lambda: page.training._best is not None)
    page.poller.poll()
    said, run = page.training.numbers.object, page.progress.job.result
    scale = 1e3 / run.summary["variants"]
    assert with_error(scale * run.summary["gain"], scale * run.summary["gain_se"], 2) in said
    assert f"{run.summary['s2']:.3f}" in said
    assert with_error(run.summary["h2"], run.summary["h2_se"], 4) in said
    assert page.training._best.noise == pytest.approx((run.summary["s2"], run.summary["kappa"]))


def test_a_sweep_that_is_there_can_be_extended(study_with_runs, settle):
    page = ScalingPage(study_with_runs)
    page.settings.param.update(epochs=1, seeds=1)
    page.sizes.value, page.objectives.value = ["linear", "4x1"], ["likelihood"]
    page.start()
    settle(page, lambda: page.progress.job.status.over)
    first = page.progress.job.result
    again = ScalingPage(study_with_runs)
    assert list(again.sweep.options) == ["A new one", "sweep-1"]
    again.sweep.value = again.sweep.options["sweep-1"]
    settle(again, lambda: again.progress.job.status.over)
    # Read, not trained.
    pd.testing.assert_frame_equal(again.progress.job.result.table, first.table)
    assert again.settings.epochs == 1
    assert again.fields["epochs"].disabled
    assert set(again.sizes.value) == {"linear", "4x1"}
    again.sizes.value = [*again.sizes.value, "8x1"]
    again.start()
    settle(again, lambda: again.progress.job.status.over)
    assert again.progress.job.error == ""
    found = again.progress.job.result
    assert set(found.table["size"]) == {"linear", "4x1", "8x1"}
    kept = found.table[found.table["size"] != "8x1"]["gain"].tolist()
    assert sorted(kept) == sorted(first.table["gain"])
    assert len(list(store.sweeps_folder(study_with_runs).glob("*"))) == 1


def test_priors_and_objectives_have_names_for_people(small_study):
    fields = TrainPage(small_study).fields
    objective = fields["objective"]
    assert list(fields["prior"].options) == [
        *["Constant", "Log-linear", "Two classes", "Neural network", "Transformer"],
    ]
    assert objective.options == {"Full likelihood": "likelihood", "LD score regression": "ldsr"}
    page = ScalingPage(small_study)
    assert page.prior.options == {"Neural network": "mlp", "Transformer": "transformer"}
    assert page.objectives.options == objective.options
    assert "Log-linear · 10" in page.sizes.options


def test_two_sweeps_that_wait_have_a_folder_each(small_study, gates, settle):
    page = ScalingPage(small_study)
    page.start()
    page.start()
    assert [job.title for job in JOBS.jobs] == ["Sweep 1", "Sweep 2"]
    assert page.progress.job is JOBS.jobs[0]
    gates["sweep-1"].set()
    settle(page, lambda: page.progress.job is JOBS.jobs[1])
    assert {path.name for path in store.data_root().glob("scaling/*/*")} == {"sweep-1", "sweep-2"}


@pytest.mark.parametrize("kind", [TrainPage, ScalingPage])
@pytest.mark.parametrize("mode", ["Chromosomes", "LD blocks"])
def test_a_choice_of_held_out_blocks_without_any_is_said(kind, mode, small_study):
    page = kind(small_study)
    page.held_out.mode.value = mode
    page.start()
    assert page.state.notice[1].startswith("Held out: nothing is chosen.")
    assert not JOBS.jobs


def test_short_blocks_close_together_are_all_offered(small_study):
    narrow = small_study.copy()
    narrow["block_chromosome"] = narrow["block_chromosome"].copy(data=["22"] * 20)
    narrow["block_start"] = narrow["block_start"].copy(data=range(1_000_000, 1_020_000, 1000))
    narrow["block_stop"] = narrow["block_start"] + 1000
    offered = HeldOut(narrow).blocks.options
    assert list(offered.values()) == [str(block) for block in range(20)]
    assert list(offered)[3] == "#3 · 22:1.00–1.00 Mb"


@pytest.mark.parametrize("kind", [TrainPage, ScalingPage])
def test_another_study_keeps_what_was_chosen_but_no_widget_of_the_last(kind, small_study):
    page = kind(small_study)
    before = page.settings
    before.epochs = 7
    page.state.study = small_study.copy()
    assert page.settings is not before
    assert page.settings.epochs == 7
    page.settings.epochs = 8
    assert before.epochs == 7


def test_the_model_of_s_ldsc_can_be_asked_for(small_study, gates, monkeypatch):
    given = []

    @job
    def train(study, settings, path):
        given.append(settings)
        return
        yield

    monkeypatch.setattr("deepwas_app.workflow.runs.train.train", train)
    page = TrainPage(small_study)
    (more,) = (b for b in page._layout.select(pmui.Button) if b.label == "More")
    more.clicks += 1
    form = {
        widget.label: widget for widget in page._layout.select(pmui.widgets.base.MaterialWidget)
    }
    link = form["Link"]
    assert not link.visible
    form["Prior"].value, form["Objective"].value = "linear", "ldsr"
    assert link.visible
    link.value, form["Frequency exponent alpha"].value = "relu", 1.0
    form["Validation chromosomes"].value = "auto"
    page.start()
    assert JOBS.jobs[0].wait(60)
    assert given[0].param.values() | {"name": ""} == {
        **page.settings.param.values(),
        "name": "",
        "link": "relu",
        "alpha": 1.0,
        "objective": "ldsr",
        "validation_chromosomes": "auto",
    }


def test_the_table_of_runs_is_a_file_as_of_evaluate(study_with_runs, capsys):
    page = TrainPage(study_with_runs)
    assert page.file.visible
    paths = [str(run.path) for run in page.state.runs]
    capsys.readouterr()
    assert main(["evaluate", *paths]) == 0
    assert asyncio.run(page.file.callback()).getvalue() == capsys.readouterr().out
    page.state.runs = []
    assert not page.file.visible


def test_finished_runs_of_sweeps_are_offered_under_names_of_their_own(
    study_with_runs, small_runs, gates, settle
):
    page = ScalingPage(study_with_runs)
    page.start()
    page.start()
    folders = [store.sweeps_folder(study_with_runs) / f"sweep-{i}" for i in (1, 2)]
    for folder in folders:
        shutil.copytree(small_runs.mlp.path, folder / "XS-likelihood-seed0.run")
    begun = folders[1] / "S-likelihood-seed0.run"
    shutil.copytree(small_runs.mlp.path, begun)
    record = json.loads((begun / "run.json").read_text())
    write_record(begun, record | {"summary": None})
    gates["sweep-1"].set()
    settle(page, lambda: len(page.state.runs) > 3)
    names = [store.run_name(run) for run in page.state.runs]
    # Before the others, which are what one looks at unless one chooses.
    assert set(names[:2]) == {f"sweep-{i}-XS-likelihood-seed0" for i in (1, 2)}
    assert set(names[2:]) == {"constant", "linear", "mlp"}
