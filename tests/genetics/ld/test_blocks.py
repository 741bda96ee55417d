from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from deepwas_app.errors import InputError
from deepwas_app.genetics.ld.blocks import assign_blocks, read_blocks


def test_padded_fields_a_header_and_chr_are_understood(world: SimpleNamespace):
    blocks = read_blocks(world.blocks)
    assert blocks.to_numpy().tolist() == [["21", 0, 500], ["22", 900, 1100], ["22", 1100, 1199]]


def test_blocks_are_half_open_and_positions_start_at_one(world: SimpleNamespace):
    blocks = read_blocks(world.blocks)
    position = np.array([1, 500, 501, 900, 901, 1100, 1101, 1199, 1200])
    chromosome = np.array(["21"] * 3 + ["22"] * 6)
    index = assign_blocks(chromosome, position, blocks)
    assert index.tolist() == [0, 0, -1, -1, 1, 1, 2, 2, -1]
    assert assign_blocks(np.array(["X"]), np.array([5]), blocks).tolist() == [-1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("chr1\t10\t20\nchr1\t15\t30\n", "1:15-30 overlaps"),
        ("chr1\t20\t20\n", "is empty"),
        ("chr1\t10\t20\nchr1\t30\n", "line 2"),
        ("chr1\t10\t20\nchr1\tx\ty\n", "line 2"),
        ("chrom\tstart\tstop\n", "holds no intervals"),
        ("\x00\x01", "1 fields, not chromosome start stop"),
    ],
)
def test_bad_blocks_are_named(tmp_path: Path, text: str, words: str):
    path = tmp_path / "blocks.bed"
    path.write_text(text)
    with pytest.raises(InputError, match=words) as caught:
        read_blocks(path)
    assert str(caught.value).startswith(str(path))
