"""Training one prior on one study: a generator, and the run folder it leaves."""

import time
from collections.abc import Generator, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import xarray as xr

from deepwas_app.core.batch import BlockBatch, shuffled_order
from deepwas_app.core.fit import (
    FitState,
    FitStep,
    NonFiniteLossError,
    fit_adam,
    fit_scoring,
    start_adam,
    start_scoring,
)
from deepwas_app.core.iterative import UnconvergedError
from deepwas_app.core.moments import moment_estimate
from deepwas_app.core.objectives import Objective
from deepwas_app.core.priors import (
    PRIORS,
    ConstantPrior,
    Model,
    parameter_count,
    ridge_precision,
)
from deepwas_app.errors import InputError
from deepwas_app.workflow.batching import Batches, batch_plan, block_batches, standardisation
from deepwas_app.workflow.models import (
    blank_standardisation,
    build_prior,
    noisy_model,
    objective_of,
    planned_parameters,
    stepwise,
)
from deepwas_app.workflow.progress import job
from deepwas_app.workflow.run import (
    METRICS,
    Checkpoint,
    Run,
    blank_checkpoint,
    create_run,
    drop_if_empty,
    finish_run,
    heritability,
    open_run,
    read_checkpoint,
    save_checkpoint,
)
from deepwas_app.workflow.scoring import Scorer, gain_over_constant
from deepwas_app.workflow.settings import TrainSettings
from deepwas_app.workflow.split import Split, split_blocks
from deepwas_app.workflow.tracks import has_tracks, tracks_read

__all__ = ["TrainStep", "fit", "planned_parameters", "train"]

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
    validation_loss
        Nats per scored variant of the validation chromosomes; None in between and without them.
    error
        Monte-Carlo standard error of `train_loss`; 0 where nothing was estimated.
    residual, iterations
        The largest of this step's iterative solves; 0 where nothing was iterated.
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
    validation_loss: float | None = None
    error: float = 0.0
    residual: float = 0.0
    iterations: int = 0


def start_model(study: xr.Dataset, settings: TrainSettings, blocks, start: Model) -> Model:
    """The model of some settings before training, with the level and noise of a constant one."""
    assert isinstance(start.prior, ConstantPrior)
    window, tracks = tracks_read(PRIORS[settings.prior], study)
    prior = build_prior(
        settings,
        standardisation(study, blocks),
        level=float(start.prior.level),
        window=window,
        # Tracks are standardised where they are read.
        standardise_tracks=blank_standardisation(tracks) if tracks else None,
    )
    return noisy_model(settings, prior, start.s2, start.kappa)


def start_state(model: Model, settings: TrainSettings, batches_per_epoch: int) -> FitState:
    """The state that training of some settings begins from."""
    if stepwise(settings):
        steps = settings.epochs * batches_per_epoch
        return start_adam(model, settings.learning_rate, steps)
    return start_scoring(model)


def fit(
    study: xr.Dataset,
    prior: str = "linear",
    *,
    settings: TrainSettings | None = None,
    resume: Checkpoint | None = None,
    **knobs,
) -> Iterator[TrainStep]:
    """Fit a prior to a study, one :class:`TrainStep` at a time.

    Parameters
    ----------
    study
        From ``open_study``.
    prior
        "constant", "linear", "enrichment", "mlp" or "transformer".
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

    Raises
    ------
    TypeError
        For knobs beside `settings`.
    InputError
        If the likelihood of a held-out block is not finite.

    Examples
    --------
    >>> for step in fit(open_study("height_chr22"), "linear"):
    ...     print(step.message)
    """
    if settings and knobs:
        raise TypeError(f"settings are given, and {', '.join(knobs)} beside them: give one of both")
    settings = settings or TrainSettings(prior=prior, **knobs)
    split = split_blocks(
        study,
        settings.test_chromosomes,
        settings.test_blocks,
        settings.validation_chromosomes,
    )
    began = time.monotonic()
    kind, objective = PRIORS[settings.prior], objective_of(settings)
    # Its model is then the one that gains are over.
    own_baseline = kind.constant and objective.fits_baseline

    def batches_of(blocks, **more) -> Batches:
        return block_batches(
            study,
            blocks,
            alpha=settings.alpha,
            batch_blocks=settings.batch_blocks,
            memory=settings.memory,
            tracks=kind.reads_tracks and has_tracks(study),
            **more,
        )

    batches = batches_of(split.train, marginal=objective.marginal)
    scorer = Scorer(settings, batches_of(split.test), batches_of(split.validation), study)

    if resume:
        baseline, state, best = resume.baseline, resume.state, resume
    else:
        best = None
        if own_baseline:
            baseline = moment_model(batches, settings)
        else:
            yield _waiting(settings, "fitting the constant prior")
            baseline = constant_model(batches, settings)
        model = start_model(study, settings, split.train, baseline)
        state = start_state(model, settings, len(batches))

    batches = prepared(batches, objective, baseline)
    if stepwise(settings):
        epochs, per_epoch = settings.epochs, len(batches)
        fitting = fit_adam(
            state,
            lambda epoch: batches.in_order(shuffled_order(len(batches), settings.seed, epoch)),
            batches_per_epoch=per_epoch,
            variants=int(study["block_scored"].values[split.train].sum()),
            epochs=epochs,
            learning_rate=settings.learning_rate,
            objective=objective,
        )
    else:
        epochs, per_epoch = SCORING_STEPS, 1
        precision = np.asarray(ridge_precision(state.model, settings.coefficient_sd))
        fitting = fit_scoring(
            state, batches, precision=precision, steps=SCORING_STEPS, objective=objective
        )
    steps, first = epochs * per_epoch, int(state.step)
    if best is not None and _waited(settings, best, epoch=first // per_epoch):
        return

    for step in fitting:
        gain = gain_se = validation = checkpoint = None
        if step.last_of_epoch:
            if own_baseline:
                baseline = step.state.model
            score = scorer.score(step, baseline, best)
            best = checkpoint = score.checkpoint
            gain, gain_se, validation = score.gain, score.gain_se, score.validation_loss
        elapsed = time.monotonic() - began
        stop = checkpoint is not None and _waited(settings, checkpoint, step.epoch)
        yield TrainStep(
            step=step.step,
            steps=steps,
            epoch=step.epoch,
            epochs=epochs,
            train_loss=step.loss,
            held_out_gain=gain,
            held_out_gain_se=gain_se,
            fraction=1.0 if stop else step.step / steps,
            seconds_left=elapsed * (steps - step.step) / (step.step - first),
            message=_describe(step, epochs, stop),
            checkpoint=checkpoint,
            validation_loss=validation,
            error=step.error,
            residual=step.residual,
            iterations=step.iterations,
        )
        if stop:
            return


def _waited(settings: TrainSettings, best: Checkpoint, epoch: int) -> bool:
    """Whether the validation chromosomes have been predicted no better for long enough."""
    if not settings.validation_chromosomes:
        return False
    return epoch - int(best.best_epoch) >= settings.patience


def _describe(step: FitStep, epochs: int, stop: bool) -> str:
    text = f"pass {step.epoch} of at most {epochs}"
    if step.iterations:
        text += (
            f", {step.iterations} CG iterations to residual {step.residual:.1g}, "
            f"loss ± {step.error:.1g} nats a variant by its probes"
        )
    return text + (", no better on the validation chromosomes: stopped" if stop else "")


def prepared(batches: Batches, objective: Objective, baseline: Model) -> Batches:
    """The batches with what an objective needs of the constant prior."""
    return batches.map(partial(objective.prepare, baseline)) if objective.marginal else batches


def moment_model(batches: Iterable[BlockBatch], settings: TrainSettings | None = None) -> Model:
    """The constant model that agrees with the moments of the training blocks."""
    level, s2, kappa = moment_estimate(batches)
    settings = settings or TrainSettings()
    return noisy_model(settings, ConstantPrior(jnp.asarray(level)), s2, kappa, trained=False)


def constant_model(batches: Batches, settings: TrainSettings) -> Model:
    """The constant prior fitted to some blocks by the likelihood, with the settings' noise."""
    model = moment_model(batches, settings)
    for step in fit_scoring(start_scoring(model), batches, steps=SCORING_STEPS):
        model = step.state.model
    return model


def _waiting(settings: TrainSettings, message: str) -> TrainStep:
    epochs = settings.epochs if stepwise(settings) else SCORING_STEPS
    return TrainStep(0, 0, 0, epochs, float("nan"), None, None, 0.0, None, message)


@job
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
    solver: dict[str, float] = {"error": 0.0, "residual": 0.0, "iterations": 0}
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
        split = split_blocks(
            study,
            settings.test_chromosomes,
            settings.test_blocks,
            settings.validation_chromosomes,
        )
        create_run(path, study, settings, split)
    try:
        for step in fit(study, settings=settings, resume=checkpoint):
            if step.checkpoint is not None:
                checkpoint = step.checkpoint
                metrics.append({name: getattr(step, name) for name in METRICS})
                solver = {k: max(worst, getattr(step, k)) for k, worst in solver.items()}
                save_checkpoint(path, checkpoint, metrics)
            yield step
    except (NonFiniteLossError, UnconvergedError) as problem:
        raise InputError(f"{path}: {problem}") from None
    finally:
        drop_if_empty(path)
    if checkpoint is None:
        raise InputError(f"{path}: training took no step: the likelihood could not be improved")
    model = checkpoint.best
    scored_in = study["variant_block"].values[study["variant_scored"].values]
    variants = int(np.isin(scored_in, split.test).sum())
    gain = gain_over_constant(checkpoint.losses, checkpoint.constant_losses, split.test)
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
    if solver["iterations"]:
        summary |= {f"solver_{k}": worst for k, worst in solver.items()}
    return finish_run(path, study, checkpoint, summary)


def last_checkpoint(study: xr.Dataset, run: Run) -> Checkpoint | None:
    """The state that an unfinished run goes on from, None if it never got that far."""
    batches = len(batch_plan(study, run.train_blocks, run.settings.batch_blocks))
    state = start_state(run.blank_model(), run.settings, batches)
    return read_checkpoint(run.path, blank_checkpoint(state, study.sizes["blocks"]))
