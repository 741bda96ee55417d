"""Held-out likelihood against the number of parameters: many runs, one table."""

from collections.abc import Generator
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.workflow.settings import SIZES, ScalingSettings, TrainSettings
from deepwas_app.workflow.train import train

COLUMNS = [
    "size", "prior", "objective", "seed", "parameters", "variants", "gain", "gain_se",
]  # fmt: skip


class SweepStep(NamedTuple):
    """How far a sweep is, and its table so far.

    Attributes
    ----------
    fraction, message
        0 to 1, and what is being trained.
    table
        One row per finished model; gain and gain_se in nats.
    """

    fraction: float
    message: str
    table: pd.DataFrame


def sized_settings(size: str) -> dict:
    """Settings of a size: "linear", "constant", XS to XL or "WIDTHxDEPTH" of an MLP.

    Raises
    ------
    InputError
        For any other name.
    """
    if size in ("constant", "linear"):
        return {"prior": size}
    if size in SIZES:
        return {"prior": "mlp", "size": size}
    width, _, depth = size.partition("x")
    if not (width.isdigit() and depth.isdigit()):
        raise InputError(
            f"size {size!r}: give linear, XS to XL, or WIDTHxDEPTH of an MLP such as 64x2"
        )
    return {"prior": "mlp", "width": int(width), "depth": int(depth)}


def scaling(
    study: xr.Dataset, settings: ScalingSettings, path: str | Path
) -> Generator[SweepStep, None, pd.DataFrame]:
    """Train every size with every objective and seed, and keep the held-out gains.

    Parameters
    ----------
    study
        From ``open_study``.
    settings
        The sweep.
    path
        Folder for one run each and ``scaling.tsv``. A sweep that was interrupted goes on from
        what is there.

    Yields
    ------
    SweepStep

    Returns
    -------
    Table of size, prior, objective, seed, parameters, variants, gain and gain_se (nats).
    """
    path = Path(path)
    path.mkdir(parents=True, exist_ok=True)
    jobs = [
        (size, objective, seed)
        for objective in settings.objectives
        for size in settings.sizes
        # Only the MLP depends on a seed.
        for seed in range(settings.seeds if sized_settings(size)["prior"] == "mlp" else 1)
    ]
    rows: list[dict] = []
    table = pd.DataFrame(rows, columns=COLUMNS)
    for done, (size, objective, seed) in enumerate(jobs):
        name = f"{size}, {objective}, seed {seed}"
        knobs = TrainSettings(
            **sized_settings(size),
            objective=objective,
            seed=seed,
            epochs=settings.epochs,
            learning_rate=settings.learning_rate,
            test_chromosomes=settings.test_chromosomes,
            test_blocks=settings.test_blocks,
            validation_chromosomes=settings.validation_chromosomes.replace("none", ""),
            patience=settings.patience,
        )
        folder = path / f"{size}-{objective}-seed{seed}.run"
        training = train(study, knobs, folder, resume=folder.exists())
        while True:
            try:
                step = next(training)
            except StopIteration as stop:
                run = stop.value
                break
            yield SweepStep((done + step.fraction) / len(jobs), f"{name}: {step.message}", table)
        if run.settings.param.values() | {"name": ""} != knobs.param.values() | {"name": ""}:
            raise InputError(
                f"{folder}: was trained with other settings. Choose another -o for this sweep."
            )
        rows.append(
            {"size": size, "seed": seed}
            | {c: run.summary[c] for c in COLUMNS if c not in ("size", "seed")}
        )
        table = pd.DataFrame(rows, columns=COLUMNS)
        table.to_csv(path / "scaling.tsv", sep="\t", index=False)
        yield SweepStep((done + 1) / len(jobs), f"{name}: done", table)
    return table
