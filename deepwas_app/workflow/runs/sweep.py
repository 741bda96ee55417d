"""Held-out likelihood against the number of parameters: many runs, one table."""

import re
from collections.abc import Generator, Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.core.held_out import losses_by_block
from deepwas_app.core.jackknife import jackknife_sum
from deepwas_app.core.priors import PRIORS, LinearPrior, Model
from deepwas_app.errors import InputError
from deepwas_app.genetics.locks import only_writer
from deepwas_app.genetics.writing import remove_partials, written
from deepwas_app.summary_card import card, error_of
from deepwas_app.workflow.progress import job, relay
from deepwas_app.workflow.runs.batches import block_batches
from deepwas_app.workflow.runs.fitters import fitter_of
from deepwas_app.workflow.runs.models import blank_standardisation, settled
from deepwas_app.workflow.runs.run import Run, open_run
from deepwas_app.workflow.runs.run_files import is_begun
from deepwas_app.workflow.runs.summary import EVALUATION
from deepwas_app.workflow.runs.train import train
from deepwas_app.workflow.runs.train_step import TrainStep
from deepwas_app.workflow.settings import ScalingSettings, TrainSettings, plain
from deepwas_app.workflow.settings.keywords import knobs
from deepwas_app.workflow.studies.builtin import StudyLike, open_study
from deepwas_app.workflow.tables import Column, Table, write_text

SCALING = Table(
    "scaling",
    "Every fit of a sweep, one row a fit.",
    (
        Column("size", "Size", "linear, XS to XL, or WIDTHxDEPTH of a network"),
        EVALUATION["prior"],
        EVALUATION["objective"],
        Column("seed", "Seed", "seed of its weights and of the order of blocks"),
        *EVALUATION.part("parameters", "variants", "gain", "gain_se"),
    ),
)
STEPS = Table(
    "steps",
    "Each size of a sweep against the next smaller one of the same objective, on the same held-out "
    "LD blocks, averaged over seeds.",
    (
        EVALUATION["objective"],
        Column("size", "Size", "the larger size"),
        Column("over", "Over", "the next smaller size"),
        Column("difference", "Gain", "held-out log-likelihood over the smaller size", "nats"),
        Column(
            "difference_se",
            "s.e.",
            "its standard error: block jackknife, and the spread over seeds of both sizes",
            "nats",
        ),
    ),
)


# Folders of its runs.
_OF_SWEEP = re.compile(r"(.+)-[^-]+-seed\d+\.run")


class Sweep(NamedTuple):
    """What a sweep has found.

    Attributes
    ----------
    table
        :data:`SCALING`, one row per finished model; its attribute ``blocks`` is the number of LD
        blocks that were held out.
    steps
        :data:`STEPS`.
    truth
        Gain of the true prior in nats, where the study was simulated: no prior that was learned
        is expected to gain more.
    runs
        The runs, in the order of `table`.
    """

    table: pd.DataFrame
    steps: pd.DataFrame
    truth: float | None
    runs: tuple[Run, ...] = ()

    def _repr_html_(self) -> str:
        found = self.table
        facts: dict[str, Any] = {"Fits": len(found)}
        if len(found):
            best = found.loc[found["gain"].idxmax()]
            gain = error_of(best["gain"], best["gain_se"], "nats")
            facts["Largest gain"] = f"{best['size']}, {best['objective']}: {gain}"
            facts["More"] = "dw.plot.scaling(sweep), its table, steps and runs"
        return card("Sweep over sizes", facts)


class SweepStep(NamedTuple):
    """How far a sweep is (0 to 1), what is being trained, and what was found so far."""

    fraction: float
    message: str
    found: Sweep


def sized_settings(size: str, prior: str = "mlp") -> dict[str, Any]:
    """Settings of a size: a prior without sizes, a name or "WIDTHxDEPTH" of a network.

    Raises
    ------
    InputError
        For any other name.
    """
    if size in PRIORS and not PRIORS[size].sizes:
        return {"prior": size}
    if size in PRIORS[prior].sizes:
        return {"prior": prior, "size": size}
    width, _, depth = size.partition("x")
    if not (width.isdigit() and depth.isdigit()):
        raise InputError(
            f"size {size!r}: give linear, {', '.join(PRIORS[prior].sizes)}, or WIDTHxDEPTH of a "
            "network such as 64x2"
        )
    return {"prior": prior, "width": int(width), "depth": int(depth)}


def sweep_models(settings: ScalingSettings) -> Iterator[tuple[str, TrainSettings]]:
    """Size and settings of every model of a sweep, in the order in which they are trained.

    Raises
    ------
    InputError
        For a size or an objective that there is not.
    """
    for objective in settings.objectives:
        for size in settings.sizes:
            model = sized_settings(size, settings.prior)
            seeded = fitter_of(PRIORS[model["prior"]]).seeded
            for seed in range(settings.seeds if seeded else 1):
                knobs = model | {
                    "objective": objective,
                    "seed": seed,
                    "epochs": settings.epochs,
                    "learning_rate": settings.learning_rate,
                    "test_chromosomes": settings.test_chromosomes,
                    "test_blocks": settings.test_blocks,
                    "validation_chromosomes": settings.validation_chromosomes.replace("none", ""),
                    "patience": settings.patience,
                }
                try:
                    yield size, TrainSettings(**knobs)
                except ValueError as problem:
                    raise InputError(f"size {size}, objective {objective}: {problem}") from None


def swept_settings(path: Path) -> ScalingSettings:
    """The settings of a sweep that lies there, from its runs, so that it can be extended.

    Raises
    ------
    InputError
        If there is no run of a sweep in the folder.
    """
    found = [
        (match[1], run)
        for folder in sorted(path.glob("*.run"), key=lambda folder: folder.stat().st_mtime)
        if (match := _OF_SWEEP.fullmatch(folder.name)) and (run := open_run(folder))
    ]
    if not found:
        raise InputError(f"{path}: holds no fit of a sweep yet.")
    networks = [run.settings for _, run in found if run.prior_type.sizes]
    like = networks[0] if networks else found[0][1].settings
    named = {"prior": like.prior} if networks else {}
    return ScalingSettings(
        sizes=list(dict.fromkeys(size for size, _ in found)),
        objectives=list(dict.fromkeys(run.settings.objective for _, run in found)),
        seeds=1 + max(run.settings.seed for _, run in found),
        epochs=like.epochs,
        learning_rate=like.learning_rate,
        test_chromosomes=like.test_chromosomes,
        test_blocks=like.test_blocks,
        validation_chromosomes=like.validation_chromosomes or "none",
        patience=like.patience,
        **named,
    )


@job
@knobs(ScalingSettings)
def scaling(
    study: StudyLike, settings: ScalingSettings, path: str | Path
) -> Generator[SweepStep, None, Sweep]:
    """Train every size with every objective and seed, and keep the held-out gains.

    Parameters
    ----------
    study
        From ``open_study``, or its path.
    settings
        The sweep, in place of the keywords below.
    path
        Folder for one run each, ``scaling.tsv`` and ``steps.tsv``. A sweep that was interrupted
        goes on from what is there.

    Returns
    -------
    Sweep

    Yields
    ------
    SweepStep

    Raises
    ------
    InputError
        For settings that no model has, for a run of other settings that is in the folder, and where
        another process sweeps into it.
    """
    study, path = open_study(study), Path(path)
    models = [(size, settled(study, model)) for size, model in sweep_models(settings)]
    with written(path):
        path.mkdir(parents=True, exist_ok=True)
    with only_writer(path):
        remove_partials(path)
        return (yield from _swept(study, models, path))


def _swept(
    study: xr.Dataset, models: list[tuple[str, TrainSettings]], path: Path
) -> Generator[SweepStep, None, Sweep]:
    rows: list[dict[str, Any]] = []
    runs: list[Run] = []
    found = Sweep(_table(rows), steps_up([]), None)
    for done, (size, model) in enumerate(models):
        objective, seed = model.objective, model.seed
        name = f"{size}, {objective}, seed {seed}"
        folder = path / f"{size}-{objective}-seed{seed}.run"
        begun = is_begun(folder)
        if begun:
            open_run(folder).check_settings(plain(model))
        training = train.steps(study, model, folder, resume=begun)
        told = partial(_sweep_step, done, len(models), name, found)
        run = yield from relay(training, told)
        runs.append(run)
        rows.append(
            {"size": size, "seed": seed, "folder": folder}
            | {c: run.summary[c] for c in SCALING.names if c not in ("size", "seed")}
        )
        table = _table(rows)
        table.attrs["blocks"] = len(run.test_blocks)
        found = Sweep(
            table,
            steps_up(rows),
            true_gain(study, run) if found.truth is None else found.truth,
            tuple(runs),
        )
        write_text(SCALING.text(found.table), path / "scaling.tsv")
        write_text(STEPS.text(found.steps), path / "steps.tsv")
        yield SweepStep((done + 1) / len(models), f"{name}: done", found)
    return found


def _sweep_step(done: int, models: int, name: str, found: Sweep, step: TrainStep) -> SweepStep:
    return SweepStep((done + step.fraction) / models, f"{name}: {step.message}", found)


def _table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=SCALING.names)
    return frame.astype({"gain": float, "gain_se": float})


def steps_up(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Each size against the next smaller one of the same objective, on the same held-out blocks.

    Parameters
    ----------
    rows
        One per finished model: size, objective, parameters, and the folder of its run.

    Returns
    -------
    Table :data:`STEPS`.
    """
    steps = []
    for objective in dict.fromkeys(row["objective"] for row in rows):
        mine = [row for row in rows if row["objective"] == objective]
        sizes = {row["size"]: row["parameters"] for row in mine}
        losses = {
            size: np.stack(
                [open_run(row["folder"]).blocks()["loss"] for row in mine if row["size"] == size]
            )
            for size in sorted(sizes, key=lambda size: sizes[size])
        }
        for below, size in pairwise(losses):
            total = jackknife_sum(losses[below].mean(axis=0) - losses[size].mean(axis=0))
            seeds = sum(
                values.sum(axis=1).var(ddof=1) / len(values)
                for values in (losses[below], losses[size])
                if len(values) > 1
            )
            steps.append((objective, size, below, total.value, np.hypot(total.error, seeds**0.5)))
    return pd.DataFrame(steps, columns=STEPS.names)


def true_gain(study: xr.Dataset, run: Run) -> float | None:
    """Gain of the true prior of a simulated study where a run was tested, in nats; else None."""
    if "variant_true_heritability" not in study or not run.test_blocks:
        return None
    log_v = np.log(study["variant_true_heritability"].values).astype(np.float32)
    # Its one annotation is the answer, frequency and all.
    known = study.drop_dims("annotations").assign(
        variant_annotation=(("variants", "annotations"), log_v[:, None])
    )
    prior = LinearPrior(blank_standardisation(1), jnp.asarray(0.0), jnp.ones(1))
    # z-scores are simulated from the LD panel itself, with noise of one.
    model = Model(prior, jnp.asarray(0.0), jnp.asarray(-jnp.inf), alpha=jnp.asarray(0.0))
    batches = block_batches(known, run.test_blocks, batch_blocks=4)
    losses = losses_by_block(model, batches, study.sizes["blocks"])[run.test_blocks]
    return float((run.blocks()["constant_loss"].to_numpy() - losses).sum())
