"""Which LD blocks are trained on, and which are held out."""

from typing import NamedTuple

import numpy as np
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.workflow.settings import TrainSettings


class Split(NamedTuple):
    """Block numbers for training, for testing, and for deciding when to stop."""

    train: np.ndarray
    test: np.ndarray
    validation: np.ndarray = np.zeros(0, int)


def usable_blocks(study: xr.Dataset) -> np.ndarray:
    """Blocks with at least one scored variant."""
    return np.flatnonzero(study["block_components"].values > 0)


def default_test_chromosomes(study: xr.Dataset) -> list[str]:
    """About a quarter of the chromosomes, spread over the genome; none if there is only one."""
    chromosomes = list(dict.fromkeys(study["block_chromosome"].values.tolist()))
    return chromosomes[1::4] if len(chromosomes) > 1 else []


def split_blocks(
    study: xr.Dataset,
    test_chromosomes: str = "",
    test_blocks: str = "",
    validation_chromosomes: str = "",
) -> Split:
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
    validation_chromosomes
        "1,2": neither trained on nor tested on. "auto": an eighth of the chromosomes, none of
        those that are tested on; of the training blocks where there is no such chromosome.

    Raises
    ------
    InputError
        For a chromosome or a block that the study has not, for one that is both tested and
        validated on, or when nothing is left to train on.
    """
    usable = usable_blocks(study)
    held = np.zeros(study.sizes["blocks"], bool)
    chromosomes = study["block_chromosome"].values
    wanted = _items(test_chromosomes)
    if wanted == ["none"]:
        wanted = []
    elif not wanted and not test_blocks.strip():
        validated = _validated(study, validation_chromosomes, [])
        wanted = [name for name in default_test_chromosomes(study) if name not in validated]
        if not wanted:
            held[usable[1::4]] = True
    held |= _on(study, wanted)
    for item in _items(test_blocks):
        if not item.isdigit() or int(item) >= len(held):
            raise InputError(
                f"{study.attrs['path']}: no LD block {item} to hold out. "
                f"Blocks are numbered 0 to {len(held) - 1}."
            )
        held[int(item)] = True
    tested = dict.fromkeys(chromosomes[held].tolist())
    validation = _on(study, _validated(study, validation_chromosomes, list(tested)))
    rest = usable[~held[usable]]
    if _items(validation_chromosomes) == ["auto"] and not validation[rest].any() and len(rest) > 1:
        validation[rest[min(3, len(rest) - 1) :: 8]] = True
    both = dict.fromkeys(chromosomes[held & validation].tolist())
    if both:
        raise InputError(
            f"{study.attrs['path']}: chromosome {','.join(both)} cannot be for validation and for "
            "testing both. Name others with --validation-chromosomes."
        )
    train = usable[~(held | validation)[usable]]
    if len(train) == 0:
        raise InputError(
            f"{study.attrs['path']}: every LD block is held out. Leave some to train on, for "
            "example with --test-blocks."
        )
    return Split(train, usable[held[usable]], usable[validation[usable]])


def settings_split(study: xr.Dataset, settings: TrainSettings) -> Split:
    """The split that training settings ask for, see :func:`split_blocks`."""
    return split_blocks(
        study,
        settings.test_chromosomes,
        settings.test_blocks,
        settings.validation_chromosomes,
    )


def _validated(study: xr.Dataset, text: str, tested: list[str]) -> list[str]:
    names = [name.removeprefix("chr") for name in _items(text)]
    if names != ["auto"]:
        return names
    chromosomes = list(dict.fromkeys(study["block_chromosome"].values.tolist()))
    # The default test chromosomes are every fourth from the second on.
    return [name for name in chromosomes[3::8] if name not in tested]


def _on(study: xr.Dataset, names: list[str]) -> np.ndarray:
    """Which LD blocks are on the chromosomes that are named."""
    chromosomes = study["block_chromosome"].values
    found = np.zeros(len(chromosomes), bool)
    for name in names:
        name = name.removeprefix("chr")
        if name not in chromosomes:
            present = ",".join(dict.fromkeys(chromosomes.tolist()))
            raise InputError(
                f"{study.attrs['path']}: no chromosome {name} to hold out. It has {present}."
            )
        found |= chromosomes == name
    return found


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]
