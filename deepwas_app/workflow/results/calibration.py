"""Is a learned prior calibrated: realised against predicted heritability where it was held out."""

from functools import partial
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.core.batch import BlockBatch
from deepwas_app.core.jackknife import jackknife_error
from deepwas_app.core.realised import Realised, realised
from deepwas_app.errors import InputError
from deepwas_app.intervals import interval
from deepwas_app.workflow.results.locus import RunLike, opened
from deepwas_app.workflow.runs.batches import Batches, block_slice
from deepwas_app.workflow.runs.heritability import prior_heritability
from deepwas_app.workflow.runs.run_batches import check_on_disk, run_batches
from deepwas_app.workflow.studies.builtin import StudyLike
from deepwas_app.workflow.tables import Column, Table

PARTS = 5
TOP = (0.1, 0.01)

CALIBRATION = Table(
    "calibration",
    "Realised against predicted heritability of held-out variants, one row a set of variants: "
    f"{PARTS} sets of as much predicted heritability, of the variants with the least first, then "
    "the top of all.",
    (
        Column("set", "Variants", "which variants, by the heritability that the prior predicts"),
        Column("variants", "Number", "how many, in the held-out LD blocks", digits=0),
        Column("predicted", "Predicted h²", "the prior's heritability of them", digits=None),
        Column("realised", "Realised h²", "what the held-out z-scores say of it", digits=None),
        Column("realised_se", "s.e.", "block-jackknife standard error of it", digits=None),
        Column("ratio", "Realised / predicted", "1 where the prior is calibrated", digits=2),
        Column("ratio_low", "from", "lower end of its 95% interval", digits=2),
        Column("ratio_high", "to", "upper end of its 95% interval", digits=2),
        Column(
            "predicted_enrichment",
            "Predicted enrichment",
            "share of predicted heritability over share of variants",
            digits=2,
        ),
        Column(
            "enrichment",
            "Realised enrichment",
            "share of realised heritability over share of variants",
            digits=2,
        ),
        Column("enrichment_se", "s.e.", "block-jackknife standard error of it", digits=2),
    ),
)


def calibration(study: StudyLike | None, run: RunLike) -> pd.DataFrame:
    """Realised against predicted heritability on the LD blocks that a run held out.

    Parameters
    ----------
    study
        The run's study; None: where it was when the run was trained.
    run
        The run.

    Returns
    -------
    Table :data:`CALIBRATION`.

    Raises
    ------
    InputError
        If the run held nothing out.
    """
    study, run = opened(study, run)
    check_on_disk(study)
    if not run.test_blocks:
        raise InputError(f"{run.path}: held nothing out. Train with chromosomes held out.")
    v = prior_heritability(study, run.model(), str(run.path))
    mine = np.isin(study["variant_block"].values, run.test_blocks)
    batches = run_batches(study, run, run.test_blocks)
    rows = []
    # From the variants with the least heritability to those with the most, in equal parts of it.
    order = np.argsort(np.where(mine, v, np.inf), kind="stable")[: mine.sum()]
    part = np.full(len(v), -1)
    before = (np.cumsum(v[order]) - v[order] / 2) / v[order].sum()
    part[order] = np.minimum((PARTS * before).astype(int), PARTS - 1)
    names = [f"part {k + 1} of {PARTS}" for k in range(PARTS)]
    found = _realised(study, run.model(), batches, part, PARTS)
    for k, name in enumerate(names):
        rows.append(_row(name, k, part, v, found, mine))
    for share in TOP:
        top = np.full(len(v), -1)
        top[order] = 1
        top[order[len(order) - max(round(share * len(order)), 1) :]] = 0
        found = _realised(study, run.model(), batches, top, 2)
        rows.append(_row(f"top {share:.0%}", 0, top, v, found, mine))
    return CALIBRATION.frame(rows)


def truth_error(study: StudyLike | None, run: RunLike) -> dict[str, float] | None:
    """How far log v is from the truth over held-out variants; None where nobody knows it.

    Returns
    -------
    ``mean_absolute`` and ``root_mean_square`` difference of natural logarithms.
    """
    study, run = opened(study, run)
    if "variant_true_heritability" not in study:
        return None
    rows = np.flatnonzero(np.isin(study["variant_block"].values, run.test_blocks))
    v = prior_heritability(study, run.model(), str(run.path), rows)
    off = np.log(v) - np.log(study["variant_true_heritability"].values[rows].astype(np.float64))
    return {
        "mean_absolute": float(np.abs(off).mean()),
        "root_mean_square": float(np.sqrt((off**2).mean())),
    }


def _realised(
    study: xr.Dataset, model: Any, batches: Batches, part: np.ndarray, sets: int
) -> Realised:
    """Of every set, by its number of each variant; -1 is in none."""
    return realised(model, batches.map(partial(_with_sets, study, part, sets)), sets)


def _with_sets(study: xr.Dataset, part: np.ndarray, sets: int, batch: BlockBatch) -> BlockBatch:
    inside = np.zeros((*batch.log_n.shape, sets), np.float32)
    for i, b in enumerate(np.asarray(batch.index).tolist()):
        if b >= 0:
            own = part[block_slice(study, b)]
            inside[i, : len(own)] = own[:, None] == np.arange(sets)
    both = jnp.concatenate([jnp.asarray(batch.annotations), jnp.asarray(inside)], axis=-1)
    return eqx.tree_at(lambda b: b.annotations, batch, both)


def _row(
    name: str, k: int, part: np.ndarray, v: np.ndarray, found: Realised, mine: np.ndarray
) -> dict[str, Any]:
    inside = part == k
    predicted = np.array([v[part == g].sum() for g in range(len(found.ratio))])
    blocks = len(found.deleted)
    ratio_se = float(jackknife_error(found.deleted[:, k]))
    low, high = interval(found.ratio[k], ratio_se, blocks)
    variants = inside.sum() / mine.sum()

    def enrichment(ratio: np.ndarray) -> np.ndarray:
        return ratio[..., k] * predicted[k] / (ratio @ predicted) / variants

    return {
        "set": name,
        "variants": int(inside.sum()),
        "predicted": predicted[k],
        "realised": found.ratio[k] * predicted[k],
        "realised_se": ratio_se * predicted[k],
        "ratio": found.ratio[k],
        "ratio_low": low,
        "ratio_high": high,
        "predicted_enrichment": predicted[k] / predicted.sum() / variants,
        "enrichment": float(enrichment(found.ratio)),
        "enrichment_se": float(jackknife_error(enrichment(found.deleted))),
    }
