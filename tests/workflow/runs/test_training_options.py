"""Objectives, solvers, early stopping, streaming, several devices, tracks, sizes."""

import json
import os
import subprocess
import sys
import threading

import jax
import numpy as np
import pytest

import deepwas_app.workflow.runs.batches as batching
from deepwas_app.core.priors import PRIORS, parameter_count
from deepwas_app.errors import InputError
from deepwas_app.workflow.results.heritability import run_heritability
from deepwas_app.workflow.runs.batches import block_batches
from deepwas_app.workflow.runs.models import planned_parameters
from deepwas_app.workflow.runs.run import open_run, write_record
from deepwas_app.workflow.runs.split import split_blocks
from deepwas_app.workflow.runs.sweep import scaling
from deepwas_app.workflow.runs.train import fit, train
from deepwas_app.workflow.settings import ScalingSettings, TrainSettings

SMALL = {"prior": "mlp", "width": 8, "depth": 1, "epochs": 2}


def settings_of(**more) -> TrainSettings:
    return TrainSettings(**SMALL | more)


def last(study, settings):
    *_, step = fit(study, settings=settings)
    return step


def test_regression_finds_the_log_linear_truth_too(small_study, small_runs, tmp_path):
    settings = TrainSettings(prior="linear", objective="ldsr")
    run = train(small_study, settings, tmp_path / "ldsr.run")
    summary = run.summary
    assert summary["objective"] == "ldsr"
    assert summary["gain"] > 0
    # Levels aside, log f = log v - alpha log p (1 - p).
    p = small_study["variant_allele_frequency"].values.astype(float)
    found, truth = (
        np.log(v) - settings.alpha * np.log(p * (1 - p))
        for v in (run_heritability(small_study, run), small_study["variant_true_heritability"])
    )
    # Without a fifth of the variants, whose chi-squares are huge in so strong a study.
    assert np.corrcoef(found, truth)[0, 1] > 0.4
    # Held-out scores share the constant prior, fitted by the likelihood, and its kappa.
    np.testing.assert_allclose(
        run.blocks()["constant_loss"], small_runs.linear.blocks()["constant_loss"], rtol=1e-6
    )
    fitted, other = (r.model().prior.coefficients for r in (run, small_runs.linear))
    assert np.corrcoef(fitted, other)[0, 1] > 0.6


def test_noise_can_be_fixed(small_study):
    model = last(small_study, settings_of(s2=1.25, kappa=0.5, epochs=1)).checkpoint.best
    assert float(model.s2) == pytest.approx(1.25)
    assert float(model.kappa) == pytest.approx(0.5)


def test_iterative_solver_trains_as_the_exact_one_does(small_study):
    exact = last(small_study, settings_of(solver="exact"))
    step = last(small_study, settings_of(solver="iterative", probes=32))
    assert 0 < step.iterations < 100
    assert 0 < step.residual < 1e-3
    assert "CG iterations to residual" in step.message
    assert exact.iterations == 0
    assert step.held_out_gain == pytest.approx(
        exact.held_out_gain, abs=exact.held_out_gain_se + 1e-3
    )


def test_unconverged_solve_is_one_clear_line(small_study, tmp_path):
    settings = settings_of(solver="iterative", max_iterations=2)
    with pytest.raises(InputError, match=r"u.run: conjugate gradients did not converge in LD bl"):
        train(small_study, settings, tmp_path / "u.run")
    assert list(tmp_path.iterdir()) == []


def test_early_stop_keeps_the_best_epoch_and_resumes_alike(small_study, tmp_path):
    settings = settings_of(epochs=12, learning_rate=0.3, validation_chromosomes="3,4", patience=2)
    run = train(small_study, settings, tmp_path / "a.run")
    losses = run.metrics()["validation_loss"].to_numpy()
    assert len(losses) < 12
    assert len(losses) == losses.argmin() + 1 + 2
    assert run.validation_blocks == [2, 3]
    assert not set(run.validation_blocks) & set(run.train_blocks + run.test_blocks)
    best = run.metrics().iloc[losses.argmin()]
    assert run.summary["gain"] / run.summary["variants"] == pytest.approx(best["held_out_gain"])

    job = train.steps(small_study, settings, tmp_path / "b.run")
    while next(job).checkpoint is None:
        pass
    job.close()
    resumed = train(small_study, settings, tmp_path / "b.run", resume=True)
    for a, b in zip(*(jax.tree.leaves(r.model()) for r in (run, resumed)), strict=True):
        np.testing.assert_array_equal(a, b)
    assert resumed.summary["gain"] == run.summary["gain"]


def test_validation_is_never_on_test_chromosomes(small_study):
    with pytest.raises(InputError, match="chromosome 2 cannot be for validation and for testing"):
        split_blocks(small_study, "2,6", "", "2,3")
    split = split_blocks(small_study, "", "", "chr2")
    assert split.validation.tolist() == [1]
    assert 1 not in split.test
    assert sorted(np.concatenate(split)) == list(range(20))
    automatic = split_blocks(small_study, "", "", "auto")
    assert automatic.validation.tolist() == [3, 11, 19]
    assert sorted(np.concatenate(automatic)) == list(range(20))


def test_streamed_batches_are_the_resident_ones(small_study, monkeypatch):
    blocks = range(20)
    resident = block_batches(small_study, blocks, batch_blocks=2)
    streamed = block_batches(small_study, blocks, batch_blocks=2, memory=0.0)
    assert resident.resident
    assert not streamed.resident
    read = []
    real = batching.read_block

    def counting(study, block):
        read.append((block, threading.current_thread().name))
        return real(study, block)

    monkeypatch.setattr(batching, "read_block", counting)
    order = [3, 0, 7]
    ahead = streamed.in_order(order)
    first = next(ahead)
    members = streamed.plan[3].members
    assert np.asarray(first.index).tolist() == members
    # No more than those ahead of the one in use.
    assert len(read) <= 2 * (1 + streamed.AHEAD)
    assert all(name.startswith("read-ahead") for _, name in read)
    ahead.close()
    for a, b in zip(resident, streamed, strict=True):
        for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
            np.testing.assert_array_equal(x, y)


def test_training_from_disk_is_training_from_memory(small_study):
    a, b = (last(small_study, settings_of(epochs=1, memory=m)) for m in (4.0, 0.0))
    assert a.train_loss == b.train_loss
    assert a.held_out_gain == b.held_out_gain


def test_shapes_to_compile_are_few(small_study):
    compiled = []

    def listen(event, duration, **more):
        if event == "/jax/core/compile/backend_compile_duration":
            compiled.append(more)

    knobs = settings_of(epochs=3, width=7)
    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        list(fit(small_study, settings=knobs))
        first = len(compiled)
        list(fit(small_study, settings=knobs))
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    # The 15 batches of three epochs share their shapes, and a second run compiles nothing new.
    assert first < 60
    assert len(compiled) - first <= 10


SHARDED = """
import sys
import jax, numpy as np, equinox as eqx
from deepwas_app.genetics.store import open_study_store
from deepwas_app.workflow.runs.batches import block_batches, standardisation
from deepwas_app.workflow.runs.models import build_prior
from deepwas_app.workflow.settings import TrainSettings
from deepwas_app.core.objectives import FullLikelihood, LDScoreRegression
from deepwas_app.core.priors import Model
import jax.numpy as jnp
assert jax.device_count() == int(sys.argv[2])
study = open_study_store(sys.argv[1])
batch = block_batches(study, range(6), batch_blocks=6, marginal=True)[0]
if jax.device_count() > 1:
    assert len(batch.block.Q.sharding.device_set) == 2
def last_layer(prior):
    network = prior.network
    return network.head.weight if hasattr(network, "head") else network.layers[-1].weight
out = []
# A transformer is asked block by block, with its parameters on every device.
for name in ("mlp", "transformer"):
    settings = TrainSettings(prior=name, width=8, depth=1)
    prior = build_prior(settings, standardisation(study, range(6)), level=-11)
    prior = eqx.tree_at(last_layer, prior, jnp.full((1, 8), 0.1))
    model = Model(prior, jnp.asarray(0.1), jnp.asarray(-2.0))
    for objective in (FullLikelihood(), LDScoreRegression()):
        f = eqx.filter_jit(eqx.filter_value_and_grad(
            lambda m: objective.losses(m, batch, jax.random.key(0)).loss.sum()))
        value, gradient = f(model)
        out.append(np.concatenate(
            [np.asarray(x).ravel() for x in (value, *jax.tree.leaves(gradient))]))
np.savez(sys.argv[3], *out)
"""


def test_two_devices_compute_what_one_does(small_study, tmp_path, monkeypatch):
    found = []
    flags = os.environ.get("XLA_FLAGS", "")
    for devices in (1, 2):
        count = f"--xla_force_host_platform_device_count={devices}"
        monkeypatch.setenv("XLA_FLAGS", f"{flags} {count}")
        monkeypatch.setenv("JAX_PLATFORMS", "cpu")
        out = tmp_path / f"{devices}.npz"
        subprocess.run(
            [sys.executable, "-c", SHARDED, small_study.attrs["path"], str(devices), str(out)],
            check=True,
        )
        found.append(list(np.load(out).values()))
    assert len(found[0]) == 4
    for one, two in zip(*found, strict=True):
        assert np.isfinite(one).all()
        # Beside the slopes, not beside the much larger loss.
        tolerance = 2e-4 * np.abs(one[1:]).max()
        np.testing.assert_allclose(one, two, rtol=2e-4, atol=tolerance)


def test_transformer_reads_tracks(with_tracks, tmp_path):
    older = {"tower": False}
    settings = TrainSettings(
        prior="transformer", size="XS", epochs=1, precision="bfloat16", **older
    )
    run = train(with_tracks, settings, tmp_path / "t.run")
    record = run.path / "run.json"
    before = {k: v for k, v in json.loads(record.read_text())["settings"].items() if k not in older}
    assert (run.tracks, run.window) == (3, 16)
    assert run.summary["parameters"] == planned_parameters(settings, 9, 3, 16)
    assert np.isfinite(run.summary["gain"])
    assert 0.1 < run.summary["h2"] < 0.6
    model = open_run(run.path).model()
    assert np.asarray(model.prior.standardise_tracks.deviation).shape == (3,)
    # A run that does not know of them was trained without.
    write_record(run.path, json.loads(record.read_text()) | {"settings": before})
    assert not open_run(run.path).settings.tower
    np.testing.assert_array_equal(
        open_run(run.path).model().prior.network.head.weight, model.prior.network.head.weight
    )


def test_transformer_works_on_annotations_alone(small_study):
    step = last(
        small_study,
        TrainSettings(prior="transformer", size="XS", epochs=1, rematerialise=True),
    )
    assert np.isfinite(step.held_out_gain)


def test_sizes_have_the_parameters_that_were_planned(small_study):
    for prior in ("constant", "linear", "enrichment", "mlp"):
        settings = TrainSettings(prior=prior, size="XS", epochs=1)
        model = last(small_study, settings).checkpoint.best
        assert parameter_count(model.prior) == planned_parameters(settings, 9)
    for prior in ("mlp", "transformer"):
        counts = [
            planned_parameters(TrainSettings(prior=prior, size=size), 24, 100, 256)
            for size in PRIORS[prior].sizes
        ]
        assert counts == sorted(counts)
    # The transformer spans what the paper used.
    assert counts[0] < 10_000
    assert counts[list(PRIORS["transformer"].sizes).index("4M")] < 5e6
    assert 49e6 < counts[-2] < 53e6


def test_sizes_that_are_numbers_have_as_many_parameters():
    for size in ("4M", "15M", "50M"):
        settings = TrainSettings(prior="transformer", size=size)
        millions = planned_parameters(settings, 9, 165, 256) / 1e6
        assert millions == pytest.approx(float(size[:-1]), rel=0.15)


def test_a_size_of_another_network_is_refused(small_study):
    with pytest.raises(InputError, match=r"mlp: has no size 4M\. Give XS, S, M, L, XL\."):
        last(small_study, TrainSettings(prior="mlp", size="4M"))


def test_small_sweep_over_sizes_and_objectives(small_study, tmp_path):
    settings = ScalingSettings(
        sizes=["linear", "XS"], objectives=["likelihood", "ldsr"], epochs=2, seeds=1
    )
    found = scaling(small_study, settings, tmp_path)
    table = found.table
    assert table[["size", "objective"]].to_numpy().tolist() == [
        ["linear", "likelihood"], ["XS", "likelihood"], ["linear", "ldsr"], ["XS", "ldsr"],
    ]  # fmt: skip
    gain = table.set_index(["size", "objective"])["gain"]
    # The truth is log-linear: the likelihood finds more of it.
    assert gain["linear", "likelihood"] > gain["linear", "ldsr"]
    # Steps are paired by LD block: the same sum, another error.
    steps = found.steps.set_index("objective")
    assert steps["over"].tolist() == ["linear", "linear"]
    for objective in ("likelihood", "ldsr"):
        assert steps["difference"][objective] == pytest.approx(
            gain["XS", objective] - gain["linear", objective], abs=1e-3
        )
    # The truth is log-linear, and found but for sampling noise.
    error = table.set_index(["size", "objective"])["gain_se"]["linear", "likelihood"]
    assert found.truth == pytest.approx(gain["linear", "likelihood"], abs=error)
    again = scaling(small_study, settings, tmp_path)
    assert again.table.equals(table)
    assert again.steps.equals(found.steps)


def test_a_sweep_does_not_go_on_with_a_run_of_other_settings(small_study, tmp_path):
    """It is told before anything is trained."""
    few = {"objectives": ["likelihood"], "sizes": ["4x1"]}
    job = scaling.steps(small_study, ScalingSettings(epochs=2, **few), tmp_path)
    while not (tmp_path / "4x1-likelihood-seed0.run" / "checkpoint.eqx").exists():
        next(job)
    job.close()
    other = scaling.steps(small_study, ScalingSettings(epochs=3, **few), tmp_path)
    with pytest.raises(InputError, match=r"seed0\.run: was begun with other .*epochs 2, not 3"):
        next(other)


def test_settings_come_at_once_or_one_by_one(small_study):
    with pytest.raises(TypeError, match="epochs beside them"):
        next(fit(small_study, settings=settings_of(), epochs=3))
