"""Training into a run folder: what it finds, that it resumes exactly, what it refuses."""

import json
import shutil

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from deepwas_app.core.priors import PRIORS, ConstantPrior, parameter_count
from deepwas_app.core.scoring import total_information
from deepwas_app.errors import InputError
from deepwas_app.workflow.progress import drain
from deepwas_app.workflow.runs.baseline import constant_model
from deepwas_app.workflow.runs.batches import block_batches
from deepwas_app.workflow.runs.models import planned_parameters
from deepwas_app.workflow.runs.run import open_run, write_record
from deepwas_app.workflow.runs.split import Split, settings_split
from deepwas_app.workflow.runs.train import fit, train
from deepwas_app.workflow.settings import TrainSettings

KNOBS = {
    "constant": {"prior": "constant"},
    "linear": {"prior": "linear"},
    "mlp": {"prior": "mlp", "width": 8, "depth": 1, "epochs": 3},
}


def settings_of(prior: str, **more) -> TrainSettings:
    return TrainSettings(**KNOBS[prior] | more)


def test_linear_beats_constant_on_held_out_chromosomes(small_runs):
    """The truth is log-linear."""
    assert small_runs.constant.summary["gain"] == 0.0
    linear = small_runs.linear.summary
    assert linear["gain"] > 3 * linear["gain_se"] > 0
    # Three epochs of a small MLP are on their way there.
    mlp = small_runs.mlp.summary
    assert mlp["gain"] > 2 * mlp["gain_se"] > 0


@pytest.mark.parametrize("prior", ["constant", "linear", "mlp"])
def test_summary(prior, small_runs, small_study):
    run = getattr(small_runs, prior)
    summary = run.summary
    # What training takes is asked of networks.
    network = ["memory_gb"] if prior == "mlp" else []
    assert list(summary) == [
        "run", "prior", "objective", "parameters", "h2", "h2_se", "s2", "kappa", "alpha",
        "alpha_se", "blocks", "variants", "gain", "gain_se", "warnings", *network, "seconds",
    ]  # fmt: skip
    assert summary["run"] == summary["prior"] == prior
    assert summary["objective"] == "likelihood"
    assert summary["parameters"] == parameter_count(run.model().prior)
    assert summary["parameters"] == planned_parameters(run.settings, 9)
    # The whole study's heritability is 0.3.
    assert 0.25 < summary["h2"] < 0.35
    assert 0.3 < summary["s2"] < 3.0
    held_out = small_study["block_scored"].values[run.test_blocks].sum()
    assert summary["variants"] == held_out == 1_500


def test_held_out_losses_add_up_to_the_gain(small_runs):
    run = small_runs.linear
    blocks = run.blocks()
    gains = blocks["constant_loss"] - blocks["loss"]
    assert blocks["block"].tolist() == run.test_blocks
    assert blocks["chromosome"].tolist() == ["2", "6", "10", "14", "18"]
    assert gains.sum() == pytest.approx(run.summary["gain"])
    n = len(gains)
    assert run.summary["gain_se"] == pytest.approx(np.sqrt(n) * gains.std(ddof=1))
    # The constant losses are those of the constant prior that was fitted on its own.
    constant = small_runs.constant.blocks()
    np.testing.assert_allclose(blocks["constant_loss"], constant["loss"], rtol=1e-6)
    last = run.metrics().iloc[-1]
    assert last["held_out_gain"] == pytest.approx(run.summary["gain"] / 1_500)
    assert last["held_out_gain_se"] == pytest.approx(run.summary["gain_se"] / 1_500)


def test_steps_tell_how_far_training_is(small_study):
    steps = list(fit(small_study, "mlp", width=8, depth=1, epochs=2, batch_blocks=8))
    first, rest = steps[0], steps[1:]
    assert first.message == "fitting the constant prior"
    assert [step.step for step in rest] == list(range(1, 5))
    assert [step.epoch for step in rest] == [1, 1, 2, 2]
    np.testing.assert_allclose([step.fraction for step in rest], [0.25, 0.5, 0.75, 1.0])
    assert [step.held_out_gain is not None for step in rest] == [False, True, False, True]
    assert [step.checkpoint is not None for step in rest] == [False, True, False, True]
    assert all(np.isfinite(step.train_loss) for step in rest)
    assert rest[-1].seconds_left == 0.0
    assert rest[0].seconds_left > 0.0


def metrics_and_leaves(run) -> tuple[pd.DataFrame, list]:
    return run.metrics(), jax.tree.leaves(run.model())


@pytest.mark.parametrize(
    ("prior", "checkpoints", "more"),
    [("mlp", 1, 0), ("mlp", 2, 3), ("linear", 2, 0), ("constant", 1, 0)],
    ids=["mlp after an epoch", "mlp within an epoch", "linear", "constant"],
)
def test_killed_run_ends_where_it_would_have_ended(
    prior, checkpoints, more, small_study, small_runs, tmp_path
):
    path = tmp_path / f"{prior}.run"
    job = train.steps(small_study, settings_of(prior), path)
    while checkpoints:
        checkpoints -= next(job).checkpoint is not None
    for _ in range(more):
        next(job)
    # A kill runs no clean-up code: what is on disk now is what it leaves.
    path = shutil.copytree(path, tmp_path / "killed" / path.name)
    job.close()
    halfway = open_run(path)
    assert not halfway.finished
    done = len(halfway.metrics())
    steps = []
    run = train(small_study, settings_of(prior), path, resume=True, progress=steps.append)
    whole = getattr(small_runs, prior)
    assert 0 < done < len(whole.metrics())
    assert len(steps) < whole.metrics()["step"].iloc[-1]
    pd.testing.assert_frame_equal(run.metrics(), whole.metrics(), check_exact=True)
    for a, b in zip(*(jax.tree.leaves(r.model()) for r in (run, whole)), strict=True):
        np.testing.assert_array_equal(a, b)
    pd.testing.assert_frame_equal(run.blocks(), whole.blocks(), check_exact=True)
    for key in set(run.summary) - {"seconds"}:
        assert run.summary[key] == whole.summary[key]
    assert sorted(file.name for file in path.iterdir()) == [
        ".checksums", "blocks.parquet", "metrics.parquet", "run.json", "weights.eqx",
    ]  # fmt: skip


def test_a_run_resumes_on_its_own_split(small_study, tmp_path, monkeypatch):
    """Whatever its settings would hold out by now."""
    settings, path = settings_of("mlp", epochs=2), tmp_path / "m.run"
    by_now = settings_split(small_study, settings)
    older = Split(*(np.sort(19 - part) for part in by_now))
    with monkeypatch.context() as patch:
        patch.setattr("deepwas_app.workflow.runs.train.settings_split", lambda *_: older)
        begun = train.steps(small_study, settings, path)
        while next(begun).checkpoint is None:
            pass
        begun.close()
    steps = []
    run = train(small_study, settings, path, resume=True, progress=steps.append)
    assert steps[-1].train_blocks == run.train_blocks == older.train.tolist()
    assert run.blocks()["block"].tolist() == run.test_blocks == older.test.tolist()
    assert run.blocks()[["loss", "constant_loss"]].notna().all(axis=None)
    assert set(older.test) != set(by_now.test)


def test_a_run_without_a_recorded_split_resumes_by_its_settings(small_study, tmp_path):
    settings, path = settings_of("mlp", epochs=2), tmp_path / "m.run"
    begun = train.steps(small_study, settings, path)
    while next(begun).checkpoint is None:
        pass
    begun.close()
    record = json.loads((path / "run.json").read_text())
    parts = {f"{part}_blocks": record.pop(f"{part}_blocks") for part in Split._fields}
    write_record(path, record)
    run = train(small_study, settings, path, resume=True)
    assert {part: getattr(run, part) for part in parts} == parts
    assert run.blocks()["block"].tolist() == run.test_blocks


def test_a_finished_run_that_does_not_say_its_blocks_is_one_line(small_runs, tmp_path):
    path = tmp_path / "m.run"
    shutil.copytree(small_runs.mlp.path, path)
    record = json.loads((path / "run.json").read_text())
    del record["train_blocks"]
    write_record(path, record)
    with pytest.raises(InputError, match=r"does not say on which LD blocks .* Train again"):
        open_run(path)


def test_a_prior_of_ones_own_is_trained_by_the_name_that_it_was_added_under(
    small_study, tmp_path, monkeypatch
):
    class Mine(ConstantPrior):
        name = "mine"

    path = tmp_path / "mine.run"
    for prior in (Mine, Mine(jnp.asarray(0.0))):
        with pytest.raises(InputError, match=r"prior Mine: .* PRIORS.add.* and give its name"):
            train(small_study, path=path, prior=prior)
    assert not path.exists()
    monkeypatch.setitem(PRIORS._entries, "mine", Mine)
    assert train(small_study, path=path, prior="mine").summary["prior"] == "mine"
    assert isinstance(open_run(path).model().prior, Mine)


def test_finished_run_is_not_trained_again(small_study, small_runs):
    run = small_runs.mlp
    before = (run.path / "weights.eqx").stat().st_mtime_ns
    job = train.steps(small_study, TrainSettings(prior="constant"), run.path, resume=True)
    assert drain(job).summary == run.summary
    assert (run.path / "weights.eqx").stat().st_mtime_ns == before


def test_existing_folder_is_not_written_over(small_study, small_runs, tmp_path):
    mine = tmp_path / "mine.run"
    mine.mkdir()
    (mine / "thesis.txt").write_text("three years of work")
    for path in (small_runs.mlp.path, mine):
        with pytest.raises(InputError, match=f"{path.name}: exists already"):
            train(small_study, settings_of("constant"), path)
    assert (mine / "thesis.txt").read_text() == "three years of work"


def test_run_of_another_study_is_refused(small_study, small_runs, height):
    other = height.attrs["path"]
    with pytest.raises(InputError, match=r"linear.run: this run was trained on another study") as e:
        train(height, settings_of("linear"), small_runs.linear.path, resume=True)
    assert other in str(e.value)
    assert small_study.attrs["path"] in str(e.value)


def test_resuming_what_is_not_there_is_bad_input(small_study, tmp_path):
    with pytest.raises(InputError, match=r"none\.run: not a run folder"):
        train(small_study, settings_of("linear"), tmp_path / "none.run", resume=True)
    assert list(tmp_path.iterdir()) == []


def test_cancelled_before_the_first_checkpoint_leaves_nothing(small_study, tmp_path):
    job = train.steps(small_study, settings_of("mlp"), tmp_path / "c.run")
    next(job)
    next(job)
    assert (tmp_path / "c.run" / "run.json").exists()
    job.close()
    assert list(tmp_path.iterdir()) == []


def test_cancelled_after_a_checkpoint_can_be_opened_and_resumed(small_study, tmp_path):
    job = train.steps(small_study, settings_of("mlp"), tmp_path / "c.run")
    while next(job).checkpoint is None:
        pass
    job.close()
    run = open_run(tmp_path / "c.run")
    assert not run.finished
    assert run.metrics()["epoch"].tolist() == [1]
    assert parameter_count(run.model().prior) == planned_parameters(run.settings, 9)


def test_a_linear_run_begun_by_an_older_version_is_one_line_when_resumed(small_study, tmp_path):
    """Version 0.1.0 kept the damping of the next step alone, and no precision."""
    path = tmp_path / "old.run"
    job = train.steps(small_study, settings_of("linear"), path)
    while (checkpoint := next(job).checkpoint) is None:
        pass
    job.close()
    old = eqx.tree_at(lambda c: c.state.optimiser, checkpoint, checkpoint.state.optimiser.damping)
    eqx.tree_serialise_leaves(path / "checkpoint.eqx", old)
    (path / ".checksums").unlink()
    with pytest.raises(InputError) as refused:
        train(small_study, settings_of("linear"), path, resume=True)
    assert "checkpoint.eqx: unreadable weights" in str(refused.value)
    assert str(refused.value).endswith("Train again.")
    assert len(str(refused.value).splitlines()) == 1
    assert not open_run(path).finished


def test_bad_split_leaves_nothing(small_study, tmp_path):
    with pytest.raises(InputError, match="no chromosome 22"):
        train(small_study, settings_of("linear", test_chromosomes="22"), tmp_path / "r.run")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("block", "more"),
    [(7, {}), (1, {}), (2, {"validation_chromosomes": "3"})],
    ids=["training", "testing", "validation"],
)
def test_a_likelihood_that_is_not_finite_names_the_block(
    block, more, small_study, tmp_path, monkeypatch
):
    """z-scores that are not finite are what a damaged study gives."""
    import deepwas_app.workflow.runs.batches as batching

    real = batching.read_block

    def damaged(study, b):
        data = real(study, b)
        return data.assign(x=data["x"] * np.nan) if b == block else data

    monkeypatch.setattr(batching, "read_block", damaged)
    with pytest.raises(InputError, match=f"not finite in LD block {block}[ ,]"):
        train(small_study, settings_of("linear", **more), tmp_path / "d.run")
    assert list(tmp_path.iterdir()) == []


def test_nothing_held_out(small_study, tmp_path):
    run = train(small_study, settings_of("constant", test_chromosomes="none"), tmp_path / "n.run")
    assert run.summary["variants"] == 0
    assert run.summary["gain"] is None
    assert run.metrics()["held_out_gain"].isna().all()
    assert len(run.blocks()) == 0


def test_other_seeds_give_other_mlps(small_study):
    def gain(seed):
        *_, last = fit(small_study, "mlp", width=8, depth=1, epochs=1, seed=seed)
        return last.held_out_gain

    assert gain(0) == gain(0)
    assert gain(0) != gain(1)


def test_alpha_changes_what_frequency_does(small_study):
    def fitted(alpha):
        *_, last = fit(small_study, "constant", alpha=alpha)
        return last.model()

    # The truth has alpha 0.7: its level is higher, as p (1 - p) is below 1.
    assert float(fitted(0.7).prior.level) > float(fitted(0.0).prior.level) + 0.5


def test_constant_prior_is_at_its_best_where_mismatch_runs_off_to_zero(small_study, small_runs):
    """On these blocks log kappa goes to minus infinity; level and s2 must not wait for it."""
    settings, blocks = small_runs.constant.settings, small_runs.constant.train_blocks
    batches = block_batches(small_study, blocks, batch_blocks=4)
    model = constant_model(batches, settings)
    assert float(model.kappa) < 1e-3
    _, gradient, fisher = total_information(model, batches)[:3]
    still_to_gain = gradient[:2] @ np.linalg.solve(fisher[:2, :2], gradient[:2]) / 2
    assert still_to_gain < 0.01
