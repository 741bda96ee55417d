"""Training one prior on one study: a generator, and the run folder it leaves."""

import time
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from deepwas_app.core.batch import BlockBatch, shuffled
from deepwas_app.core.effects import losses_by_block
from deepwas_app.core.fit import (
    FitState,
    NonFiniteLossError,
    fit_adam,
    fit_scoring,
    start_adam,
    start_scoring,
)
from deepwas_app.core.jackknife import Estimate, jackknife_sum
from deepwas_app.core.moments import moment_estimate
from deepwas_app.core.priors import (
    ConstantPrior,
    Model,
    make_prior,
    parameter_count,
    ridge_precision,
)
from deepwas_app.errors import InputError
from deepwas_app.workflow.batching import batch_plan, block_batches, standardisation
from deepwas_app.workflow.run import (
    METRICS,
    Checkpoint,
    Run,
    constant_model,
    create_run,
    drop_if_empty,
    finish_run,
    heritability,
    open_run,
    read_checkpoint,
    save_checkpoint,
)
from deepwas_app.workflow.settings import TrainSettings
from deepwas_app.workflow.split import Split, split_blocks

SCORING_STEPS = 50


class TrainStep(NamedTuple):
    """One step of training.

    Attributes
    ----------
    step, steps
        Steps done and steps planned (an upper bound for constant and linear priors).
    epoch, epochs
        Passes over the training blocks.
    train_loss
        Negative log-likelihood in nats per scored variant, of this step's blocks.
    held_out_gain, held_out_gain_se
        Gain over the constant prior on the held-out blocks, nats per scored variant; measured
        once an epoch, None in between and where nothing is held out.
    fraction
        How far training is, 0 to 1.
    seconds_left
        Estimate; None at first.
    message
        For people.
    checkpoint
        Model, state and held-out losses at the end of an epoch, None in between.
    """

    step: int
    steps: int
    epoch: int
    epochs: int
    train_loss: float
    held_out_gain: float | None
    held_out_gain_se: float | None
    fraction: float
    seconds_left: float | None
    message: str
    checkpoint: Checkpoint | None = None


def start_model(study: xr.Dataset, settings: TrainSettings, blocks, start: Model) -> Model:
    """The model of some settings before training, with the level and noise of a constant one."""
    assert isinstance(start.prior, ConstantPrior)
    prior = make_prior(
        settings.prior,
        standardisation(study, blocks),
        level=float(start.prior.level),
        width=settings.width,
        depth=settings.depth,
        key=jax.random.key(settings.seed),
    )
    return Model(prior, start.log_s2, start.log_kappa)


def start_state(model: Model, settings: TrainSettings, batches_per_epoch: int) -> FitState:
    """The state that training of some settings begins from."""
    if settings.prior == "mlp":
        steps = settings.epochs * batches_per_epoch
        return start_adam(model, settings.learning_rate, steps)
    return start_scoring(model)


def planned_parameters(settings: TrainSettings, annotations: int) -> int:
    """Number of trained parameters of a prior with so many annotations."""
    if settings.prior == "mlp":
        inner = (settings.depth - 1) * (settings.width + 1) * settings.width
        return 1 + (annotations + 1) * settings.width + inner + settings.width + 1
    return 1 if settings.prior == "constant" else 1 + annotations


def fit(
    study: xr.Dataset,
    prior: str = "linear",
    *,
    settings: TrainSettings | None = None,
    resume: Checkpoint | None = None,
    **knobs,
) -> Iterator[TrainStep]:
    """Fit a prior to a study by the full likelihood, one :class:`TrainStep` at a time.

    Parameters
    ----------
    study
        From ``open_study``.
    prior
        "constant", "linear" or "mlp".
    settings
        All knobs at once, in place of `prior` and `knobs`.
    resume
        A checkpoint that an earlier call yielded; it goes on along the same trajectory.
    **knobs
        Fields of :class:`TrainSettings`.

    Yields
    ------
    TrainStep
        Stop asking to pause, close the generator to cancel.

    Examples
    --------
    >>> for step in fit(open_study("height_chr22"), "linear"):
    ...     print(step.message)
    """
    settings = settings or TrainSettings(prior=prior, **knobs)
    split = split_blocks(study, settings.test_chromosomes, settings.test_blocks)
    began = time.monotonic()
    batches, held_out = (
        block_batches(study, blocks, alpha=settings.alpha, batch_blocks=settings.batch_blocks)
        for blocks in (split.train, split.test)
    )
    variants = sum(int(batch.counted.sum()) for batch in held_out)

    if resume:
        baseline, state = resume.baseline, resume.state
    else:
        baseline = moment_model(batches)
        if settings.prior != "constant":
            yield _waiting(settings, "fitting the constant prior")
            for step in fit_scoring(start_scoring(baseline), batches, steps=SCORING_STEPS):
                baseline = step.state.model
        model = start_model(study, settings, split.train, baseline)
        state = start_state(model, settings, len(batches))

    if settings.prior == "mlp":
        epochs, per_epoch = settings.epochs, len(batches)
        fitting = fit_adam(
            state,
            lambda epoch: shuffled(batches, settings.seed, epoch),
            batches_per_epoch=per_epoch,
            epochs=epochs,
            learning_rate=settings.learning_rate,
        )
    else:
        epochs, per_epoch = SCORING_STEPS, 1
        precision = np.asarray(ridge_precision(state.model, settings.coefficient_sd))
        fitting = fit_scoring(state, batches, precision=precision, steps=SCORING_STEPS)
    steps, first = epochs * per_epoch, int(state.step)

    for step in fitting:
        gain = gain_se = checkpoint = None
        if step.last_of_epoch:
            model = step.state.model
            if settings.prior == "constant":
                baseline = model
            losses, constant_losses = (
                losses_by_block(m, held_out, study.sizes["blocks"]) for m in (model, baseline)
            )
            checkpoint = Checkpoint(step.state, baseline, losses, constant_losses)
            if variants:
                total = gain_over_constant(losses, constant_losses)
                gain, gain_se = total.value / variants, total.error / variants
        elapsed = time.monotonic() - began
        yield TrainStep(
            step=step.step,
            steps=steps,
            epoch=step.epoch,
            epochs=epochs,
            train_loss=step.loss,
            held_out_gain=gain,
            held_out_gain_se=gain_se,
            fraction=step.step / steps,
            seconds_left=elapsed * (steps - step.step) / (step.step - first),
            message=f"pass {step.epoch} of at most {epochs}",
            checkpoint=checkpoint,
        )


def moment_model(batches: Sequence[BlockBatch]) -> Model:
    """The constant model that agrees with the moments of the training blocks."""
    level, s2, kappa = (jnp.asarray(value) for value in moment_estimate(batches))
    return Model(ConstantPrior(level), jnp.log(s2), jnp.log(kappa))


def _waiting(settings: TrainSettings, message: str) -> TrainStep:
    epochs = settings.epochs if settings.prior == "mlp" else SCORING_STEPS
    return TrainStep(0, 0, 0, epochs, float("nan"), None, None, 0.0, None, message)


def gain_over_constant(losses: np.ndarray, constant_losses: np.ndarray) -> Estimate:
    """Held-out log-likelihood gain over the constant prior, in nats; NaN blocks are left out."""
    gains = constant_losses - losses
    return jackknife_sum(gains[np.isfinite(gains)])


def train(
    study: xr.Dataset, settings: TrainSettings, path: str | Path, resume: bool = False
) -> Generator[TrainStep, None, Run]:
    """Fit a prior and keep it in a run folder, written at the end of every epoch.

    Parameters
    ----------
    study
        From ``open_study``.
    settings
        What to train. With `resume` the folder's own settings are used instead.
    path
        Run folder, NAME.run. Must not exist unless `resume`.
    resume
        Go on from the folder's last checkpoint.

    Yields
    ------
    TrainStep

    Returns
    -------
    Run

    Raises
    ------
    InputError
        If the folder exists already, or holds the run of another study.
    """
    path = Path(path)
    began = time.monotonic()
    checkpoint, metrics = None, []
    if resume:
        run = open_run(path)
        run.check_study(study)
        if run.finished:
            return run
        settings = run.settings
        checkpoint = last_checkpoint(study, run)
        done = int(checkpoint.state.step) if checkpoint else 0
        metrics = [row for row in run.metrics().to_dict("records") if row["step"] <= done]
        split = Split(np.array(run.train_blocks), np.array(run.test_blocks))
    else:
        split = split_blocks(study, settings.test_chromosomes, settings.test_blocks)
        create_run(path, study, settings, split)
    try:
        for step in fit(study, settings=settings, resume=checkpoint):
            if step.checkpoint is not None:
                checkpoint = step.checkpoint
                metrics.append({name: getattr(step, name) for name in METRICS})
                save_checkpoint(path, checkpoint, metrics)
            yield step
    except NonFiniteLossError as problem:
        raise InputError(f"{path}: {problem}") from None
    finally:
        drop_if_empty(path)
    if checkpoint is None:
        raise InputError(f"{path}: training took no step: the likelihood could not be improved")
    model = checkpoint.state.model
    scored_in = study["variant_block"].values[study["variant_scored"].values]
    variants = int(np.isin(scored_in, split.test).sum())
    gain = gain_over_constant(checkpoint.losses, checkpoint.constant_losses)
    summary = {
        "run": path.name.removesuffix(".run"),
        "prior": settings.prior,
        "objective": settings.objective,
        "parameters": parameter_count(model.prior),
        "h2": float(heritability(study, model, settings.alpha).sum()),
        "s2": float(model.s2),
        "kappa": float(model.kappa),
        "variants": variants,
        "gain": gain.value if variants else None,
        "gain_se": gain.error if variants else None,
        "seconds": round(time.monotonic() - began, 3),
    }
    return finish_run(path, study, checkpoint, summary)


def last_checkpoint(study: xr.Dataset, run: Run) -> Checkpoint | None:
    """The state that an unfinished run goes on from, None if it never got that far."""
    batches = len(batch_plan(study, run.train_blocks, run.settings.batch_blocks))
    losses = np.full(study.sizes["blocks"], np.nan)
    state = start_state(run.blank_model(), run.settings, batches)
    return read_checkpoint(run.path, Checkpoint(state, constant_model(), losses, losses))
