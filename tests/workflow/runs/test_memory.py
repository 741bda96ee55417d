"""Memory is asked before a network is trained: kept, spared, or refused."""

import jax
import numpy as np
import pytest

from deepwas_app.errors import InputError
from deepwas_app.workflow.runs import memory
from deepwas_app.workflow.runs.memory import memory_plan
from deepwas_app.workflow.runs.split import Split, usable_blocks
from deepwas_app.workflow.runs.train import fit, train
from deepwas_app.workflow.settings import TrainSettings

NETWORK = {"prior": "transformer", "width": 16, "depth": 1, "epochs": 2}


@pytest.fixture
def gpu(monkeypatch):
    """The arithmetic of a GPU, where activations are kept if there is room, on this CPU."""
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    # So that a small block is worked on in parts.
    monkeypatch.setattr("deepwas_app.core.priors.transformer.CHUNK", {"gpu": 16 * 16 * 50})


def free(monkeypatch, gb):
    monkeypatch.setattr(memory, "free_memory", lambda: gb * 1e9)


def plan_of(study, monkeypatch, gb, **knobs):
    free(monkeypatch, gb)
    return memory_plan(study, TrainSettings(**NETWORK | knobs))


def test_only_networks_are_asked(small_study):
    for prior in ("constant", "linear"):
        assert memory_plan(small_study, TrainSettings(prior=prior)) is None
    assert memory_plan(small_study, TrainSettings(prior="mlp")).needed > 0


def test_what_is_short_is_spared_and_said(with_tracks, monkeypatch, gpu):
    plenty = plan_of(with_tracks, monkeypatch, 100)
    assert not plenty.sparing
    assert plenty.text == f"about {plenty.needed / 1e9:.2g} GB of memory"
    short = plan_of(with_tracks, monkeypatch, 0.9 * plenty.needed / 1e9)
    assert short.sparing
    assert short.needed < 0.7 * plenty.needed
    assert short.text.endswith("layers computed twice because no more is free")
    none = plan_of(with_tracks, monkeypatch, 1e-3)
    assert none.text.endswith("more than the 0.0009 GB that are free")


def test_sparing_changes_no_number(with_tracks, monkeypatch, gpu):
    settings = TrainSettings(**NETWORK)
    needed = plan_of(with_tracks, monkeypatch, 100).needed
    found = []
    for gb in (100, 0.9 * needed / 1e9):
        free(monkeypatch, gb)
        steps = list(fit(with_tracks, settings=settings))
        assert steps[-1].checkpoint.state.model.prior.rematerialise == (gb < 100)
        assert any("computed twice" in step.message for step in steps) == (gb < 100)
        found.append(steps)
    weights = [jax.tree.leaves(steps[-1].model()) for steps in found]
    for one, two in zip(*weights, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-4)
    # A training that was begun with more goes on with less.
    halfway = next(step.checkpoint for step in found[0] if step.checkpoint is not None)
    *_, last = fit(with_tracks, settings=settings, resume=halfway)
    for one, two in zip(weights[0], jax.tree.leaves(last.model()), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-4)


def test_too_much_is_refused_before_anything_is_trained(small_study, monkeypatch, tmp_path):
    free(monkeypatch, 1e-3)
    path = tmp_path / "large.run"
    with pytest.raises(InputError, match=r"transformer: training takes about .*Choose a smaller"):
        train(small_study, TrainSettings(**NETWORK), path)
    assert not path.exists()


def test_memory_goes_with_blocks_parameters_and_what_stays_on_the_device(small_study):
    def needed(**knobs):
        blocks = Split(usable_blocks(small_study), np.zeros(0, int))
        return memory_plan(small_study, TrainSettings(**NETWORK | knobs), blocks).needed

    base = needed()
    assert needed(memory=0.0) < base
    assert needed(batch_blocks=8) > base
    # 40 bytes for each of 12 width^2 parameters a layer, and what is kept of its tokens.
    more = needed(width=512, depth=3) - needed(width=512, depth=2)
    assert 1 < more / (40 * 12 * 512**2) < 2


def test_what_was_asked_is_in_the_summary(small_study, tmp_path):
    settings = TrainSettings(**NETWORK | {"epochs": 1})
    run = train(small_study, settings, tmp_path / "t.run")
    plan = memory_plan(small_study, settings)
    assert run.summary["memory_gb"] == pytest.approx(plan.needed / 1e9, abs=1e-3)
