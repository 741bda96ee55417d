"""What a transformer that reads tracks is asked, it is asked with the tracks."""

import shutil
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepwas_app.core.moments import expected_squares
from deepwas_app.core.posterior import batch_posterior
from deepwas_app.core.priors import ConstantPrior, Model
from deepwas_app.errors import InputError
from deepwas_app.workflow.results import mismatch
from deepwas_app.workflow.results.posterior import posterior
from deepwas_app.workflow.results.spectrum import residual_spectrum
from deepwas_app.workflow.runs.batches import block_batches, block_slice, bytes_per_variant
from deepwas_app.workflow.runs.run import create_run, open_run
from deepwas_app.workflow.runs.split import split_blocks, usable_blocks
from deepwas_app.workflow.runs.training import start_model
from deepwas_app.workflow.settings import SimulateSettings, TrainSettings
from deepwas_app.workflow.studies import tracks
from deepwas_app.workflow.studies.builtin import open_study
from deepwas_app.workflow.studies.simulate import simulate
from deepwas_app.workflow.studies.track_store import drop_stale_tracks
from deepwas_app.workflow.studies.tracks import block_tracks, track_shape, tracks_path


@pytest.fixture
def track_run(with_tracks, tmp_path):
    """A run of a transformer that reads tracks, its last layer random in place of trained."""
    settings = TrainSettings(prior="transformer", size="XS")
    split = split_blocks(with_tracks)
    path = tmp_path / "t.run"
    create_run(path, with_tracks, settings, split)
    constant = Model(ConstantPrior(jnp.asarray(-10.0)), jnp.asarray(0.0), jnp.asarray(-3.0))
    model = start_model(with_tracks, settings, split.train, constant)
    weight = model.prior.network.head.weight
    random = jax.random.normal(jax.random.key(1), weight.shape)
    model = eqx.tree_at(lambda m: m.prior.network.head.weight, model, random)
    eqx.tree_serialise_leaves(path / "weights.eqx", model)
    return open_run(path)


def test_results_of_a_track_model_are_those_with_its_tracks(with_tracks, track_run, monkeypatch):
    study, model = with_tracks, track_run.model()
    usable = usable_blocks(study)
    batches, without = (
        block_batches(study, usable, batch_blocks=4, tracks=brought) for brought in (True, False)
    )
    found = posterior(study, track_run, posterior="normal")["variant_posterior_mean"].values
    squares = []
    for batch, bare in zip(batches, without, strict=True):
        expected, other = (np.asarray(batch_posterior(model, b).mean) for b in (batch, bare))
        for i, block in enumerate(np.asarray(batch.index).tolist()):
            if block < 0:
                continue
            rows = block_slice(study, block)
            n = rows.stop - rows.start
            np.testing.assert_allclose(found[rows], expected[i, :n], rtol=1e-3, atol=1e-4)
            assert np.abs(expected[i, :n] - other[i, :n]).max() > 0.01
        real = np.isfinite(np.asarray(batch.block.eigenvalues))
        null = np.asarray(batch.block.noise)[real]
        squares.append(np.asarray(expected_squares(model, batch))[real] / null)
    spectrum = residual_spectrum(study, track_run)
    mean = np.concatenate(squares).mean()
    # Bins are of about equal size.
    assert float(spectrum["expected"].mean()) == pytest.approx(mean, rel=1e-3)
    monkeypatch.setattr(mismatch, "expected_squares", lambda model, b: asked(b.tracks))
    with pytest.raises(InterruptedError, match=r"\(4, 300, 16, 3\)"):
        mismatch.check(study, track_run)


def asked(tracks):
    raise InterruptedError("no tracks" if tracks is None else str(tracks.shape))


def test_tracks_of_another_study_are_refused(with_tracks, track_run, tmp_path):
    """The study is simulated anew under its name, and its old tracks put back."""
    path = tracks_path(with_tracks)
    shutil.copytree(path, tmp_path / "kept")
    few = {"variants": 600, "chromosomes": 2, "people": 60, "annotations": 3}
    anew = open_study(simulate(SimulateSettings(**few, output=with_tracks.attrs["path"])))
    # They go with the study that they were read for.
    assert not path.exists()
    shutil.copytree(tmp_path / "kept", path)
    for call in (track_shape, lambda study: block_tracks(study, 0)):
        with pytest.raises(InputError, match=r"small\.tracks\.zarr: was made for another study"):
            call(anew)
    assert track_shape(with_tracks) == (16, 3)


def test_tracks_are_kept_where_the_study_stays_what_it_was(with_tracks):
    drop_stale_tracks(Path(with_tracks.attrs["path"]))
    assert tracks_path(with_tracks).exists()


def test_memory_is_counted_with_tracks_only_where_they_are_brought(with_tracks, monkeypatch):
    count = with_tracks.sizes["annotations"] + 8
    assert bytes_per_variant(with_tracks, tracks=False) == 4 * count
    # No block is unpacked to learn the shape.
    monkeypatch.setattr(tracks, "read_tracks", None)
    assert bytes_per_variant(with_tracks, tracks=True) == 4 * (count + 16 * 3)


def test_tracks_are_standardised_once(with_tracks, track_run):
    standardise = track_run.model().prior.standardise_tracks
    np.testing.assert_array_equal(standardise.mean, 0)
    np.testing.assert_array_equal(standardise.deviation, 1)
