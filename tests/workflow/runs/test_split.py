"""Which blocks are held out."""

import numpy as np
import pytest
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.workflow.runs.split import split_blocks


def study_of(chromosomes: list[str], empty: tuple[int, ...] = ()) -> xr.Dataset:
    components = np.full(len(chromosomes), 10)
    components[list(empty)] = 0
    return xr.Dataset(
        {
            "block_chromosome": ("blocks", np.array(chromosomes)),
            "block_components": ("blocks", components),
        },
        attrs={"path": "some.study.zarr"},
    )


GENOME = study_of([str(c) for c in range(1, 10) for _ in range(2)])
ONE = study_of(["22"] * 9, empty=(1, 4))


@pytest.mark.parametrize(
    ("study", "chromosomes", "blocks", "test"),
    [
        (GENOME, "2,9", "", [2, 3, 16, 17]),
        (GENOME, " chr2 , 9 ", "", [2, 3, 16, 17]),
        (GENOME, "", "0, 5", [0, 5]),
        (GENOME, "1", "5", [0, 1, 5]),
        (GENOME, "none", "", []),
        (GENOME, "none", "3", [3]),
        # A quarter of the chromosomes, spread over the genome.
        (GENOME, "", "", [2, 3, 10, 11]),
        # One chromosome: a quarter of its usable blocks, which are 0 2 3 5 6 7 8.
        (ONE, "", "", [2, 7]),
        (ONE, "none", "", []),
        # A block without a scored variant is on neither side.
        (ONE, "", "4,5", [5]),
    ],
)
def test_held_out_blocks(study, chromosomes, blocks, test):
    split = split_blocks(study, chromosomes, blocks)
    assert split.test.tolist() == test
    usable = np.flatnonzero(study["block_components"].values > 0)
    assert sorted([*split.train.tolist(), *test]) == usable.tolist()


@pytest.mark.parametrize(
    ("study", "chromosomes", "blocks", "message"),
    [
        (GENOME, "23", "", "some.study.zarr: no chromosome 23 to hold out. It has 1,2,3,"),
        (GENOME, "", "18", "no LD block 18 to hold out. Blocks are numbered 0 to 17"),
        (GENOME, "", "-1", "no LD block -1 to hold out"),
        (GENOME, "", "a", "no LD block a to hold out"),
        (ONE, "22", "", "every LD block is held out"),
    ],
)
def test_what_cannot_be_held_out(study, chromosomes, blocks, message):
    with pytest.raises(InputError, match=message):
        split_blocks(study, chromosomes, blocks)


@pytest.mark.parametrize(
    ("study", "chromosomes", "validation"),
    [
        (GENOME, "", [6, 7]),
        # Every candidate is tested: every eighth of the 15 blocks that are trained on.
        (GENOME, "4", [3, 13]),
        (study_of(["1"] * 12 + ["2"] * 12), "", [3, 11]),
        (ONE, "", [6]),
        (study_of(["1", "2", "3"]), "", [2]),
        (study_of(["1", "2"]), "", []),
    ],
)
def test_automatic_validation_is_never_empty_nor_tested(study, chromosomes, validation):
    split = split_blocks(study, chromosomes, "", "auto")
    assert split.validation.tolist() == validation
    usable = np.flatnonzero(study["block_components"].values > 0)
    assert sorted(np.concatenate(split).tolist()) == usable.tolist()
    assert len(split.train)
