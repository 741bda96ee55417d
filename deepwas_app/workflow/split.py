"""Which LD blocks are trained on, and which are held out."""

from typing import NamedTuple

import numpy as np
import xarray as xr

from deepwas_app.errors import InputError


class Split(NamedTuple):
    """Block numbers for training and for testing."""

    train: np.ndarray
    test: np.ndarray


def usable_blocks(study: xr.Dataset) -> np.ndarray:
    """Blocks with at least one scored variant."""
    return np.flatnonzero(study["block_components"].values > 0)


def default_test_chromosomes(study: xr.Dataset) -> list[str]:
    """About a quarter of the chromosomes, spread over the genome; none if there is only one."""
    chromosomes = list(dict.fromkeys(study["block_chromosome"].values.tolist()))
    return chromosomes[1::4] if len(chromosomes) > 1 else []


def split_blocks(study: xr.Dataset, test_chromosomes: str = "", test_blocks: str = "") -> Split:
    """Blocks to train on and blocks to hold out.

    Parameters
    ----------
    study
        From ``open_study``.
    test_chromosomes
        "6,7,8"; "none" to hold out nothing; empty for a choice by the software when `test_blocks`
        is empty too: a quarter of the chromosomes, or of the blocks where there is one chromosome.
    test_blocks
        Block numbers from 0, "3,7,11".

    Raises
    ------
    InputError
        For a chromosome or a block that the study has not, or when nothing is left to train on.
    """
    usable = usable_blocks(study)
    held = np.zeros(study.sizes["blocks"], bool)
    chromosomes = study["block_chromosome"].values
    wanted = _items(test_chromosomes)
    if wanted == ["none"]:
        wanted = []
    elif not wanted and not test_blocks.strip():
        wanted = default_test_chromosomes(study)
        if not wanted:
            held[usable[1::4]] = True
    for name in wanted:
        name = name.removeprefix("chr")
        if name not in chromosomes:
            present = ",".join(dict.fromkeys(chromosomes.tolist()))
            raise InputError(
                f"{study.attrs['path']}: no chromosome {name} to hold out. It has {present}."
            )
        held |= chromosomes == name
    for item in _items(test_blocks):
        if not item.isdigit() or int(item) >= len(held):
            raise InputError(
                f"{study.attrs['path']}: no LD block {item} to hold out. "
                f"Blocks are numbered 0 to {len(held) - 1}."
            )
        held[int(item)] = True
    train = usable[~held[usable]]
    if len(train) == 0:
        raise InputError(
            f"{study.attrs['path']}: every LD block is held out. Leave some to train on, for "
            "example with --test-blocks."
        )
    return Split(train, usable[held[usable]])


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]
