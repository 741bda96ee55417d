"""Training one prior on one study: a generator, and the run folder it leaves."""

import sys
import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import xarray as xr

from deepwas_app.core.fit import FitStep, NonFiniteLossError
from deepwas_app.core.iterative import UnconvergedError
from deepwas_app.core.priors import Prior, spared
from deepwas_app.errors import InputError, out_of_memory, refused
from deepwas_app.genetics.locks import only_writer
from deepwas_app.genetics.writing import remove_partials, written
from deepwas_app.workflow.progress import job, relay
from deepwas_app.workflow.runs.batches import batch_plan
from deepwas_app.workflow.runs.checkpoint import Checkpoint, blank_checkpoint
from deepwas_app.workflow.runs.folds import (
    fold_blocks,
    fold_gain,
    fold_path,
    fold_settings,
)
from deepwas_app.workflow.runs.models import own_settings, settled
from deepwas_app.workflow.runs.run import (
    METRICS,
    Run,
    create_run,
    drop_checkpoint,
    drop_if_empty,
    finish_run,
    open_run,
    read_checkpoint,
    save_checkpoint,
    save_halvings,
)
from deepwas_app.workflow.runs.run_files import is_begun, is_empty
from deepwas_app.workflow.runs.run_log import RunLog
from deepwas_app.workflow.runs.short_memory import halved, short_of_memory, with_smaller_batches
from deepwas_app.workflow.runs.split import Split, settings_split
from deepwas_app.workflow.runs.summary import summarise
from deepwas_app.workflow.runs.train_step import TrainStep
from deepwas_app.workflow.runs.training import Training
from deepwas_app.workflow.settings import TrainSettings
from deepwas_app.workflow.settings.keywords import knobs
from deepwas_app.workflow.studies.builtin import StudyLike, open_study


@knobs(TrainSettings)
def fit(
    study: StudyLike,
    prior: str | Prior = "linear",
    *,
    settings: TrainSettings,
    resume: Checkpoint | None = None,
    split: Split | None = None,
) -> Iterator[TrainStep]:
    """Fit a prior to a study, one :class:`TrainStep` at a time.

    Parameters
    ----------
    study
        From ``open_study``, or its path.
    prior
        Name of a prior: "constant", "linear", "enrichment", "mlp", "transformer" or one that
        another package adds. Or a prior of your own, an instance of a subclass of
        ``deepwas_app.core.priors.Prior``: a field `level`, if it has one, is set to the log f of
        the constant prior; all its floating-point arrays are trained.
    settings
        All knobs at once, in place of the name of a prior and the keywords below.
    resume
        A checkpoint that an earlier call yielded; it goes on along the same trajectory.
    split
        LD blocks to train on and to hold out, in place of what the settings say.

    Yields
    ------
    TrainStep
        Stop asking to pause, close the generator to cancel. The last one is a result: all that
        can be asked of a run from disk can be asked of it.

    Raises
    ------
    TypeError
        For keywords beside `settings`, and for one that there is not.
    InputError
        If the likelihood of a held-out block is not finite, or memory is too short for a network.

    Examples
    --------
    >>> for step in fit(open_study("height_chr22"), "linear"):
    ...     print(step.message)
    """
    study = open_study(study)
    if settings.folds:
        raise InputError("fit: folds are kept in run folders. Use train, or a split of your own.")
    own = prior if isinstance(prior, Prior) else None
    settings = settled(study, settings)
    if own is not None:
        settings = own_settings(type(own), settings)
    split = split or settings_split(study, settings)
    yield from _steps(Training(study, settings, split, own), resume)


def _steps(task: Training, resume: Checkpoint | None) -> Iterator[TrainStep]:
    """All steps of a training; with smaller batches from where the memory is used up."""
    while True:
        try:
            for step in _steps_while_it_fits(task, resume):
                resume = step.checkpoint or resume
                yield step
            return
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            if task.settings.batch_blocks == 1:
                raise refused(error, task.settings.prior) or error from None
        # Here, where the error does not hold on to arrays any more.
        task, resume = with_smaller_batches(task, resume)
        yield TrainStep(
            study=task.study,
            settings=task.settings,
            split=task.split,
            epochs=task.fitter.epochs(task.settings),
            message=short_of_memory(task.settings),
        )


def _steps_while_it_fits(task: Training, resume: Checkpoint | None) -> Iterator[TrainStep]:
    settings, scorer = task.settings, task.scorer()
    epochs = task.fitter.epochs(settings)
    step_of = partial(
        TrainStep, study=task.study, settings=settings, split=task.split, epochs=epochs
    )
    began = time.monotonic()
    plan = task.memory
    if plan:
        plan.check(settings)
        if plan.sparing:
            yield step_of(message=plan.text)
    if resume:
        baseline, state = resume.baseline, resume.state
    else:
        if not task.is_baseline:
            yield step_of(message="fitting the constant prior")
        baseline = task.baseline()
        state = task.start(baseline)
    if plan and plan.sparing:
        state = spared(state)

    batches = task.prepared_batches(baseline)
    per_epoch = task.steps_per_epoch
    steps, first = epochs * per_epoch, int(state.step)
    best = resume
    if best is not None and task.waited(best, epoch=first // per_epoch):
        return

    for step in task.fitter.steps(state, batches, settings, task.objective):
        score = None
        if step.last_of_epoch:
            if task.is_baseline:
                baseline = step.state.model
            score = scorer.score(step, baseline, best)
            best = score.checkpoint
        elapsed = time.monotonic() - began
        stop = score is not None and task.waited(score.checkpoint, step.epoch)
        yield step_of(
            step=step.step,
            steps=steps,
            epoch=step.epoch,
            train_loss=step.loss,
            fraction=1.0 if stop else step.step / steps,
            seconds_left=elapsed * (steps - step.step) / (step.step - first),
            message=_describe(step, epochs, stop),
            error=step.error,
            residual=step.residual,
            iterations=step.iterations,
            checkpoint=score and score.checkpoint,
            held_out_gain=score and score.held_out_gain,
            held_out_gain_se=score and score.held_out_gain_se,
            validation_loss=score and score.validation_loss,
        )
        if stop:
            return


def _describe(step: FitStep, epochs: int, stop: bool) -> str:
    text = f"pass {step.epoch} of at most {epochs}"
    if step.iterations:
        text += (
            f", {step.iterations} CG iterations to residual {step.residual:.1g}, "
            f"loss ± {step.error:.1g} nats a variant by its probes"
        )
    return text + (", no better on the validation chromosomes: stopped" if stop else "")


@job
@knobs(TrainSettings)
def train(
    study: StudyLike,
    settings: TrainSettings,
    path: str | Path,
    resume: bool = False,
    *,
    prior: str = "linear",
) -> Generator[TrainStep, None, Run]:
    """Fit a prior and keep it in a run folder, written at the end of every epoch.

    Parameters
    ----------
    study
        From ``open_study``, or its path.
    settings
        What to train, in place of the keywords below. With `resume` the folder's own settings are
        used instead.
    path
        Run folder, NAME.run. Must not exist unless `resume`.
    resume
        Go on from the folder's last checkpoint; in a folder that is empty, from the start.
    prior
        Name of a prior, one that was added to ``deepwas_app.core.priors.PRIORS`` included.

    Returns
    -------
    Run

    Yields
    ------
    TrainStep

    Raises
    ------
    InputError
        If the folder exists already, or holds the run of another study, or another process trains
        into it; for a prior that has no name, which :func:`fit` takes.
    """
    if not isinstance(prior, str):
        kind = prior if isinstance(prior, type) else type(prior)
        raise InputError(
            f"prior {kind.__name__}: a run is opened by the name of its prior. Add the class with "
            "PRIORS.add, or from a package under the entry point deepwas_app.priors, and give its "
            "name; or use fit, which keeps nothing on disk."
        )
    study, path = open_study(study), Path(path)
    with written(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with only_writer(path):
        return (yield from _trained(study, settings, path, resume))


def _trained(
    study: xr.Dataset, settings: TrainSettings, path: Path, resume: bool
) -> Generator[TrainStep, None, Run]:
    began = time.monotonic()
    checkpoint, metrics, halvings = None, [], 0
    solver: dict[str, float] = {"error": 0.0, "residual": 0.0, "iterations": 0}
    if resume and not is_empty(path):
        run = open_run(path)
        run.check_study(study)
        remove_partials(path)
        if run.finished:
            drop_checkpoint(path)
            return run
        settings, split = run.settings, run.split(study)
        halvings = run.halvings
        checkpoint = last_checkpoint(study, run, split)
        done = int(checkpoint.state.step) if checkpoint else 0
        metrics = [row for row in run.metrics().to_dict("records") if row["step"] <= done]
    else:
        settings = settled(study, settings)
        split = settings_split(study, settings)
        if settings.folds:
            fold_blocks(study, settings.folds)
        create_run(path, study, settings, split)
    task = Training(study, halved(settings, halvings), split)
    log = RunLog(path)
    log.begin(study.attrs["path"], settings)
    try:
        for step in _steps(task, checkpoint):
            log.step(step)
            if step.settings.batch_blocks != task.settings.batch_blocks:
                halvings += 1
                task, checkpoint = with_smaller_batches(task, checkpoint)
                save_halvings(path, halvings, checkpoint)
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
        log.close(sys.exc_info()[1])
    if checkpoint is None:
        raise InputError(f"{path}: training took no step: the likelihood could not be improved")
    summary = summarise(path.name.removesuffix(".run"), task, checkpoint)
    if halvings:
        summary["warnings"] = [*summary["warnings"], short_of_memory(task.settings)]
    if settings.folds:
        summary |= yield from _train_folds(study, settings, path)
    if task.memory:
        summary["memory_gb"] = round(task.memory.needed / 1e9, 3)
    summary["seconds"] = round(time.monotonic() - began, 3)
    if solver["iterations"]:
        summary |= {f"solver_{k}": worst for k, worst in solver.items()}
    log.end(summary)
    return finish_run(path, study, split, checkpoint, summary)


def _train_folds(
    study: xr.Dataset, settings: TrainSettings, path: Path
) -> Generator[TrainStep, None, dict[str, Any]]:
    """Train a prior without the chromosomes of each fold; what the summary says of them."""
    folds = fold_blocks(study, settings.folds)
    runs = []
    for number, blocks in enumerate(folds, start=1):
        own, where = fold_settings(settings, blocks), fold_path(path, number)
        steps = train.steps(study, own, where, resume=is_begun(where))
        said = f"fold {number} of {len(folds)}: "
        runs.append((yield from relay(steps, partial(_of_fold, said=said))))
    gain = fold_gain(runs)
    return {"folds": len(runs), "fold_gain": gain.value, "fold_gain_se": gain.error}


def _of_fold(step: TrainStep, said: str) -> TrainStep:
    return replace(step, message=said + step.message)


def last_checkpoint(study: xr.Dataset, run: Run, split: Split) -> Checkpoint | None:
    """The state that an unfinished run goes on from, None if it never got that far."""
    task = Training(study, halved(run.settings, run.halvings), split)
    batches = len(batch_plan(study, split.train, task.settings.batch_blocks))
    state = task.fitter.start(run.blank_model(), task.settings, batches)
    return read_checkpoint(run.path, blank_checkpoint(state, study.sizes["blocks"]))
