"""Cross-fitting: one prior per fold of chromosomes, each used where it was not trained.

A run with folds holds a run per fold beside its own: NAME.run/fold1.run and so on. Numbers that
are of single variants come from the prior of the fold that left their chromosome out, so that no
locus is judged by a prior that was trained on it.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.core.jackknife import Estimate, jackknife_sum
from deepwas_app.errors import InputError
from deepwas_app.workflow.runs.fitted import Fitted
from deepwas_app.workflow.runs.split import usable_blocks
from deepwas_app.workflow.settings import TrainSettings, plain

if TYPE_CHECKING:
    from deepwas_app.core.priors import Model

ODD_EVEN = "chromosomes"
HERE, HELD_OUT = "trained on this locus", "not trained on this locus"


def fold_blocks(study: xr.Dataset, folds: str) -> list[np.ndarray]:
    """Numbers of the LD blocks of each fold.

    Parameters
    ----------
    study
        From ``open_study``.
    folds
        "chromosomes" for those of odd and those of even place; or a number of folds, to which
        chromosomes are dealt out so that they hold about as many blocks. Stretches of neighbouring
        blocks where there are fewer chromosomes than folds.

    Raises
    ------
    InputError
        If it is neither, or there are fewer blocks than folds.
    """
    count = 2 if folds == ODD_EVEN else int(folds) if folds.isdigit() else 0
    blocks = usable_blocks(study)
    if not 2 <= count <= len(blocks):
        raise InputError(
            f"folds {folds}: give {ODD_EVEN} (odd and even), or a number of folds from 2 to the "
            f"{len(blocks)} LD blocks of {study.attrs['path']}."
        )
    own = study["block_chromosome"].values[blocks]
    chromosomes = list(dict.fromkeys(own.tolist()))
    if len(chromosomes) < count:
        return list(np.array_split(blocks, count))
    if folds == ODD_EVEN:
        dealt = [chromosomes[0::2], chromosomes[1::2]]
    else:
        dealt = [[] for _ in range(count)]
        held = np.zeros(count)
        sizes = {name: int((own == name).sum()) for name in chromosomes}
        for name in sorted(chromosomes, key=lambda name: -sizes[name]):
            smallest = int(held.argmin())
            dealt[smallest].append(name)
            held[smallest] += sizes[name]
    return [blocks[np.isin(own, names)] for names in dealt]


def fold_path(path: Path, number: int) -> Path:
    """Where the run of a fold is, from 1."""
    return path / f"fold{number}.run"


def fold_settings(settings: TrainSettings, blocks: np.ndarray) -> TrainSettings:
    """Settings of the training that leaves these blocks out."""
    held = {"test_chromosomes": "none", "test_blocks": ",".join(map(str, blocks)), "folds": ""}
    return TrainSettings(**(plain(settings) | held))


class Part(NamedTuple):
    """A model, and the LD blocks that it is used at."""

    model: "Model"
    blocks: np.ndarray


def parts(study: xr.Dataset, run: Fitted) -> list[Part]:
    """The models of a run by the LD blocks that each is used at: all of its one, without folds."""
    if not run.folds:
        return [Part(run.model(), np.arange(study.sizes["blocks"]))]
    found = [Part(fold.model(), np.array(fold.test_blocks, int)) for fold in run.folds]
    # Blocks without a z-score are in no fold.
    rest = np.setdiff1d(np.arange(study.sizes["blocks"]), np.concatenate([p.blocks for p in found]))
    return [Part(found[0].model, np.union1d(found[0].blocks, rest)), *found[1:]]


def model_at(study: xr.Dataset, run: Fitted, block: int) -> "Model":
    """The model that is used at one LD block."""
    for fold in run.folds:
        if block in fold.test_blocks:
            return fold.model()
    return run.model()


def seen(run: Fitted, blocks: Iterable[int]) -> str:
    """Whether the prior that is used at these LD blocks was trained on any of them, in words."""
    unseen = set(run.test_blocks)
    for fold in run.folds:
        unseen.update(fold.test_blocks)
    return HELD_OUT if unseen.issuperset(int(b) for b in blocks) else HERE


def provenance(study: xr.Dataset, run: Fitted) -> str:
    """Which priors numbers of single variants come from, in a sentence."""
    if run.folds:
        return (
            f"prior: that of {len(run.folds)} folds which left the variant's chromosome out; no "
            "variant is judged by a prior that was trained on it"
        )
    blocks = len(usable_blocks(study))
    apart = len(run.test_blocks)
    return (
        f"prior: trained on the loci that it is used at, but for {apart} of {blocks} LD blocks; "
        "train with --folds to use each where it was not trained"
    )


def fold_gain(folds: Iterable[Fitted]) -> Estimate:
    """Gain over the constant prior on all chromosomes, each by the prior that left it out, nats."""
    tables = pd.concat([fold.blocks() for fold in folds])
    return jackknife_sum((tables["constant_loss"] - tables["loss"]).to_numpy())
