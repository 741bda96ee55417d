"""Small views without a browser: what is set in Python is drawn, what is clicked is read."""

import threading

import numpy as np
import pytest

import deepwas_app as dw
from deepwas_app.app.jobs import Status
from deepwas_app.errors import InputError
from deepwas_app.workflow.runs.sweep import Sweep, SweepStep


@pytest.fixture
def view(small_study) -> dw.LocusView:
    return dw.LocusView(small_study)


def test_a_region_from_code_is_drawn_and_one_from_the_browser_is_read(view):
    assert view.figure.locus.region.start < view.figure.locus.region.stop
    view.region = "chr5:1-300kb"
    assert view.region == "5:1000-300000"
    assert (view.figure.x_range.start, view.figure.x_range.end) == (0.001, 0.3)
    strongest = view.figure.locus.variants.sort_values("minus_log10_p").iloc[-1]
    assert view.reference == strongest["variant"]
    view._places._go_to("6:1-200kb")
    assert view.region == "6:1000-200000"
    # What is wrong is said where it was asked for.
    view._places._go_to("nowhere")
    assert "nowhere: not a region" in view._told.objects[0].object
    with pytest.raises(InputError, match="nowhere: not a region"):
        view.region = "nowhere"
    assert view.region == "6:1000-200000"
    view._places._go_to("6:1-100kb")
    assert view._told.objects == []


def test_clicks_select_variants_and_one_becomes_the_reference(view):
    names = view.figure.locus.variants["variant"]
    association = view.figure.tracks["association"]
    view._points.selected.indices = [3, 5]
    assert view.selected_variants == [names[3], names[5]]
    assert len(association.pinned.data["x"]) == 2
    assert not view._recolour.visible
    view.selected_variants = [names[4]]
    assert association.pinned.data["x"] == [view.figure.locus.variants["x"][4]]
    view._recolour.clicks += 1
    assert view.reference == names[4]
    assert association.reference.data["variant"] == [names[4]]
    np.testing.assert_allclose(association.points.data["r2"][4], 1, atol=1e-3)
    # Elsewhere it is not drawn, and still selected.
    view.region = "9:1-100kb"
    assert view.selected_variants == [names[4]]
    assert association.pinned.data["x"] == []
    view.reference = names[4]
    assert view.reference in set(view.figure.locus.variants["variant"])
    with pytest.raises(InputError, match="rsnone: no such variant"):
        view.selected_variants = ["rsnone"]
    assert view.selected_variants == [names[4]]


def test_a_pan_is_read_and_draws_more(view, monkeypatch):
    from deepwas_app.app.cards import pan

    monkeypatch.setattr(pan, "SETTLED", 0)
    view.region = "5:100-200kb"
    view._pan.moved(0.12, 0.15)
    view.poller.poll()
    assert view.region == "5:120000-150000"
    assert view.figure.locus.region.start == 100_000
    view._pan.moved(0.15, 0.25)
    view.poller.poll()
    assert view.region == "5:150000-250000"
    assert view.figure.locus.region.stop == 250_000


def test_runs_and_tracks_are_drawn(view, small_runs):
    view.runs = [small_runs.linear.path]
    (drawn,) = view.figure.locus.values["heritability"]
    assert drawn == "linear"
    tracks = [pane.object for pane in view._stage.objects]
    assert view.figure.tracks["heritability"].figures[0] in tracks
    view.tracks = "association,-heritability"
    tracks = [pane.object for pane in view._stage.objects]
    assert view.figure.tracks["heritability"].figures[0] not in tracks


@pytest.mark.parametrize("kind", ["LocusView", "LocusPage", "TrainPage"])
def test_a_misspelt_attribute_is_an_error(kind, small_study):
    view = getattr(dw, kind)(small_study)
    with pytest.raises(AttributeError, match=f"{kind} has no attribute 'regoin'"):
        view.regoin = "5:1-300kb"
    if kind != "LocusView":
        with pytest.raises(AttributeError, match="'regoin': did you mean 'region'"):
            view.state.regoin = "5:1-300kb"
    if kind == "TrainPage":
        with pytest.raises(AttributeError, match="'epoch': did you mean 'epochs'"):
            view.settings.epoch = 3


def points(view: dw.TrainView) -> int:
    return len(view.curves.gain_source.data["step"])


def test_a_fit_in_a_thread_is_shown_and_can_be_used(small_study, settle):
    view = dw.TrainView()
    view.follow(dw.fit(small_study, "linear"))
    assert view.running
    settle(view, lambda: not view.running)
    assert view.progress.job.status is Status.DONE
    assert points(view) > 1
    assert view.step == view.curves.gain_source.data["step"][-1]
    assert view.held_out_gain * 1e3 == pytest.approx(view.curves.gain_source.data["value"][-1])
    assert view.last.finished
    # What was watched is light.
    assert not any(step.finished for step in view.progress.job.events)


def test_it_is_held_and_stopped_by_its_parameters(settle):
    gate = threading.Event()

    class Step:
        finished, held_out_gain, train_loss, epoch, step = False, None, 1.0, 1, 1
        fraction, message = 0.1, "pass 1"

        def light(self):
            return self

    def steps():
        while True:
            gate.wait(10)
            yield Step()

    view = dw.TrainView()
    view.follow(steps())
    with pytest.raises(InputError, match="at work already"):
        view.follow(steps())
    view.paused = True
    # It is on its way to that.
    view.poller.poll()
    assert view.paused
    gate.set()
    settle(view, lambda: view.progress.job.status is Status.PAUSED)
    assert view.paused
    view.progress.pause.clicks += 1
    settle(view, lambda: not view.paused)
    view.running = False
    settle(view, lambda: view.progress.job.status is Status.CANCELLED)
    assert not view.running


def test_a_loop_of_ones_own_feeds_it(small_study, monkeypatch):
    view = dw.TrainView()
    for step in dw.fit(small_study, "linear"):
        view.add(step)
    # No timer ticks here: those that were given draw it.
    assert view.poller._timer is None
    assert points(view) > 0
    assert view.last is step
    assert view._line.object.startswith("pass ")
    view.clear()
    assert (points(view), view.last, view.step) == (0, None, 0)


def test_an_error_in_the_thread_is_said(settle):
    def steps():
        raise InputError("no such thing")
        yield

    view = dw.TrainView()
    view.follow(steps())
    settle(view, lambda: not view.running)
    assert view.wait(5)
    assert view.progress._line.object == "no such thing"


def test_annotations_are_shown_as_effects_enrichment_and_response(small_study, small_runs, settle):
    view = dw.AnnotationView(small_study, small_runs.linear)
    seen = []
    for view.measure in ("effects", "enrichment", "response"):
        settle(view, lambda: not view.poller._pending)
        (pane,) = view._stage.objects
        assert pane.object not in seen
        seen.append(pane.object)
        assert view._annotation.visible == (view.measure == "response")
    view._annotation.value = str(small_study["annotation"].values[2])
    assert view.annotation == small_study["annotation"].values[2]
    settle(view, lambda: not view.poller._pending)
    assert view._stage.objects[0].object is not seen[-1]
    view.runs = []
    assert "No run yet" in view._stage.objects[0].object


def test_a_sweep_is_drawn_as_it_comes_and_by_objective(small_study, tmp_path):
    few = {"sizes": ["linear"], "seeds": 1, "epochs": 1}
    found = dw.scaling(small_study, path=tmp_path / "sweep", **few)
    view = dw.ScalingView()
    assert "as they finish" in view._stage.objects[0].object
    view.add(SweepStep(1.0, "", found))
    view.poller.poll()
    assert view.sweep is found
    both = view._stage.objects[0].object
    assert view.objectives == ["Full likelihood", "LD score regression"]
    view.objectives = ["Full likelihood"]
    assert len(view._stage.objects[0].object) < len(both)
    assert view._choice.value == ["Full likelihood"]
    view.sweep = Sweep(found.table.iloc[:0], found.steps, None)
    assert "as they finish" in view._stage.objects[0].object
