"""Damage of a store is noticed, named, and stays where it is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics.checksums import INDEX, verify
from deepwas_app.genetics.store import (
    BLOCK_ARRAYS,
    open_study_store,
    read_block,
    stored_hash,
    write_study,
)

REMEDY = r"Build it again with deepwas study, or simulate, -o .*s\.study\.zarr; deepwas info --ver"


@pytest.fixture
def path(variants: xr.Dataset, tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    blocks = [
        {"Q": rng.standard_normal((rows, 4))}
        | {name: rng.uniform(1, 2, 4) for name in BLOCK_ARRAYS[1:]}
        for rows in variants["block_variants"].values
    ]
    write_study(tmp_path / "s.study.zarr", variants, blocks, {"title": "Tiny"})
    return tmp_path / "s.study.zarr"


def flip(file: Path, rng: np.random.Generator) -> bytes:
    """Change a bit of a file; what was in it before."""
    before = file.read_bytes()
    bits = np.frombuffer(before, np.uint8).copy()
    bits[rng.integers(len(bits))] ^= 1 << rng.integers(8)
    file.write_bytes(bits.tobytes())
    return before


def test_a_flipped_bit_of_a_block_is_noticed_and_other_blocks_are_usable(path: Path):
    rng = np.random.default_rng(1)
    study = open_study_store(path)
    whole = read_block(study, 1)
    for number in range(64):
        name = BLOCK_ARRAYS[number % 5]
        chunk, index = path / f"blocks/1/{name}" / ("0.0" if name == "Q" else "0"), ".zarray"
        file = chunk.with_name(index) if number % 8 == 7 else chunk
        before = flip(file, rng)
        with pytest.raises(InputError, match=rf"{name} of LD block 1 is damaged .*{REMEDY}"):
            read_block(study, 1)
        assert sum(problem is not None for problem in verify(path, 3)) == 1
        assert read_block(study, 0)["Q"].shape[1] == read_block(study, 2)["Q"].shape[1] == 4
        file.write_bytes(before)
    assert read_block(study, 1).equals(whole)
    assert not any(verify(path, 3))


def test_a_flipped_bit_of_the_checksums_is_noticed(path: Path):
    rng = np.random.default_rng(2)
    study = open_study_store(path)
    for _ in range(64):
        before = flip(path / "blocks" / "1" / INDEX, rng)
        with pytest.raises(InputError, match="the index of LD block 1 is damaged"):
            read_block(study, 1)
        assert any(verify(path, 3))
        (path / "blocks" / "1" / INDEX).write_bytes(before)


def test_a_flipped_bit_elsewhere_is_noticed(path: Path):
    rng = np.random.default_rng(2)
    files = [file for file in path.rglob("*") if file.is_file() and "blocks" not in file.parts]
    for file in rng.permutation(np.array(files, dtype=object))[:40]:
        before = flip(file, rng)
        assert any(verify(path, 3))
        if file.name[0] != "." or file.name == ".zmetadata":
            name = "the index" if file.name == ".zmetadata" else file.parent.name
            with pytest.raises(InputError, match=rf"{name} is damaged .*{REMEDY}"):
                open_study_store(path).load()
        file.write_bytes(before)
    open_study_store(path).load()


def test_what_is_cut_or_lost_is_noticed(path: Path):
    study = open_study_store(path)
    file = path / "blocks" / "2" / "x" / "0"
    whole = file.read_bytes()
    for cut in (b"", whole[:-1], whole[: len(whole) // 2]):
        file.write_bytes(cut)
        with pytest.raises(InputError, match="x of LD block 2 is damaged"):
            read_block(study, 2)
    file.unlink()
    with pytest.raises(InputError, match="x of LD block 2 is lost"):
        read_block(study, 2)
    assert [one.part for one in verify(path, 3) if one] == ["x of LD block 2 is lost"]
    file.write_bytes(whole)
    # Of another block, and as sound as it was there.
    shutil.copy(path / "blocks" / "0" / "x" / "0", file)
    with pytest.raises(InputError, match="x of LD block 2 is damaged"):
        read_block(study, 2)
    (path / "blocks" / "1" / INDEX).unlink()
    with pytest.raises(InputError, match="the index of LD block 1 is lost"):
        read_block(study, 1)
    (path / INDEX).unlink()
    with pytest.raises(InputError, match="its checksums are lost"):
        open_study_store(path)


def test_a_store_of_a_version_without_checksums_is_read_as_it_is(path: Path):
    for index in path.rglob(INDEX):
        index.unlink()
    for name in (".zattrs", ".zmetadata"):
        record = json.loads((path / name).read_text())
        (record if name == ".zattrs" else record["metadata"][".zattrs"]).pop("checksums")
        (path / name).write_text(json.dumps(record))
    study = open_study_store(path)
    assert read_block(study, 2)["Q"].shape[1] == 4
    assert stored_hash(study) == study.attrs["content_hash"]


def test_a_store_that_was_built_anew_is_not_taken_for_damaged(path: Path, variants: xr.Dataset):
    study = open_study_store(path)
    study["variant_z"].load()
    other = variants.assign(variant_position=variants["variant_position"] + 1)
    blocks = [
        dict.fromkeys(BLOCK_ARRAYS, np.zeros(1)) | {"Q": np.zeros((n, 1))} for n in (9, 11, 9)
    ]
    write_study(path, other, blocks, {"title": "Tiny"})
    with pytest.raises(InputError, match=r"was built anew since it was opened\. Open it"):
        study["variant_position"].load()
