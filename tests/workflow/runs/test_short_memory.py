"""Where the device has no memory left, batches are halved and training goes on."""

import jax
import numpy as np
import pandas as pd
import pytest

from deepwas_app.core import fit as adam
from deepwas_app.core import scoring
from deepwas_app.errors import InputError
from deepwas_app.workflow.runs.run import open_run
from deepwas_app.workflow.runs.train import fit, train
from deepwas_app.workflow.settings import TrainSettings

NETWORK = {"prior": "mlp", "width": 4, "depth": 1, "epochs": 3}
SAID = "the memory of the device was used up: trained on with --batch-blocks 2 and --memory 2"


@pytest.fixture
def device(monkeypatch):
    """Limits what fits: `most` blocks in a batch, from call number `after` on."""

    def limit(module, name, most, after=0):
        real, calls = getattr(module, name), []

        def limited(*arguments, **known):
            batch = next(a for a in arguments if hasattr(a, "counted"))
            calls.append(batch.counted.shape[0])
            if len(calls) > after and calls[-1] > most:
                raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9")
            return real(*arguments, **known)

        monkeypatch.setattr(module, name, limited)
        return calls

    return limit


def test_a_network_goes_on_after_the_epochs_that_it_has(small_study, tmp_path, device):
    per_epoch = len(open_steps(small_study)) // 3
    calls = device(adam, "_adam_step", 2, after=per_epoch + 1)
    told = []
    run = train(small_study, TrainSettings(**NETWORK), tmp_path / "m.run", progress=told.append)
    assert max(calls[:per_epoch]) == 4
    assert max(calls[per_epoch + 2 :]) == 2
    assert [step.message for step in told].count(SAID) == 1
    assert SAID in run.summary["warnings"]
    assert run.metrics()["epoch"].tolist() == [1, 2, 3]
    assert run.metrics()["step"].is_monotonic_increasing
    assert run.settings.batch_blocks == 4
    # As if it had been begun again with the smaller ones after the first epoch.
    assert len(calls) == per_epoch + 2 + 2 * run.metrics()["step"].iloc[-1] // 3
    assert np.isfinite(run.summary["gain"])


def open_steps(study):
    return [step for step in fit(study, settings=TrainSettings(**NETWORK)) if step.step]


def test_it_resumes_with_the_smaller_batches(small_study, tmp_path, device):
    device(adam, "_adam_step", 2)
    whole = train(small_study, TrainSettings(**NETWORK), tmp_path / "whole.run")
    job = train.steps(small_study, TrainSettings(**NETWORK), tmp_path / "m.run")
    while next(job).checkpoint is None:
        pass
    job.close()
    assert open_run(tmp_path / "m.run").halvings == 1
    told = []
    resumed = train(
        small_study, TrainSettings(**NETWORK), tmp_path / "m.run", resume=True, progress=told.append
    )
    pd.testing.assert_frame_equal(resumed.metrics(), whole.metrics(), check_exact=True)
    assert SAID not in [step.message for step in told]


def test_the_linear_prior_comes_out_the_same(small_study, small_runs, device):

    calls = device(scoring, "_information", 1)
    *_, found = fit(small_study, "linear")
    assert max(calls) > 1
    assert found.summary["h2"] == pytest.approx(small_runs.linear.summary["h2"], rel=1e-3)


def test_no_smaller_batch_than_a_block(small_study, tmp_path, device):
    device(adam, "_adam_step", 0)
    with pytest.raises(InputError, match=r"^mlp: the device has no memory left\. Choose smaller"):
        train(small_study, TrainSettings(**NETWORK), tmp_path / "m.run")
    assert list(tmp_path.iterdir()) == []


def test_other_errors_of_the_device_are_not_hidden(small_study, monkeypatch):
    def failing(*_):
        raise jax.errors.JaxRuntimeError("INTERNAL: a fault")

    monkeypatch.setattr(adam, "_adam_step", failing)
    with pytest.raises(jax.errors.JaxRuntimeError, match="INTERNAL"):
        list(fit(small_study, settings=TrainSettings(**NETWORK)))
