from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics.ld.panel import open_panel
from deepwas_app.genetics.store import (
    BLOCK_ARRAYS,
    open_study_store,
    read_block,
    study_writer,
    write_study,
)


def blocks_of(variants: xr.Dataset, seed: int = 0) -> Iterator[dict[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    for rows in variants["block_variants"].values:
        yield {
            "Q": rng.standard_normal((rows, 4)).astype(np.float32),
            "x": rng.standard_normal(4).astype(np.float32),
            **{
                name: rng.uniform(1, 2, 4).astype(np.float32)
                for name in ("eigenvalues", "noise", "background")
            },
        }


def test_a_study_comes_back_as_it_was_written(variants: xr.Dataset, tmp_path: Path):
    path = tmp_path / "tiny.study.zarr"
    report = [{"step": "Scored", "variants": 27, "kind": "out"}]
    attrs = {"title": "Tiny", "variance": np.float32(0.5), "alignment": report}
    write_study(path, variants, blocks_of(variants), attrs)
    study = open_study_store(path)
    assert study.attrs["path"] == str(path)
    with chdir(tmp_path):
        assert open_study_store(path.name).attrs["path"] == str(path)
    assert study.attrs["kind"] == "study"
    assert study.attrs["variance"] == 0.5
    assert study.attrs["alignment"] == report
    for name in variants.variables:
        np.testing.assert_array_equal(study[name], variants[name])
        assert study[name].dtype == variants[name].dtype
    assert study["block_components"].values.tolist() == [4, 4, 4]
    assert study["block_scored"].values.tolist() == [8, 10, 9]
    for index, block in enumerate(blocks_of(variants)):
        read = read_block(study, index)
        assert read["Q"].dims == ("variants", "components")
        for name, array in block.items():
            np.testing.assert_array_equal(read[name], array)
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_opening_reads_only_the_index(variants: xr.Dataset, tmp_path: Path):
    path = tmp_path / "tiny.study.zarr"
    write_study(path, variants, blocks_of(variants), {})
    for chunk in (path / "blocks").rglob("[0-9]*.[0-9]*"):
        chunk.unlink()
    study = open_study_store(path)
    assert study.sizes["variants"] == variants.sizes["variants"]


def test_the_content_hash_follows_the_content_alone(variants: xr.Dataset, tmp_path: Path):
    def content_hash(dataset: xr.Dataset, seed: int = 0, **attrs: str) -> str:
        path = tmp_path / "hash.study.zarr"
        write_study(path, dataset, blocks_of(dataset, seed), attrs)
        return open_study_store(path).attrs["content_hash"]

    first = content_hash(variants)
    assert content_hash(variants, title="another") == first
    assert content_hash(variants, seed=1) != first
    other = variants.assign(variant_annotation=variants["variant_annotation"] + 1)
    assert content_hash(other) != first
    for name in (
        *["variant_z", "variant_sample_size", "variant_allele_frequency", "variant_position"],
        *["variant_block", "variant_scored", "block_start"],
    ):
        assert content_hash(changed(variants, name)) != first, name
    for name in ("variant_id", "variant_effect_allele", "annotation", "annotation_kind"):
        assert content_hash(changed(variants, name)) != first, name
    # Text is the same however wide the array that holds it.
    wider = variants["variant_id"].astype("U99")
    assert content_hash(variants.assign(variant_id=wider)) == first


def changed(dataset: xr.Dataset, name: str) -> xr.Dataset:
    """The dataset with one value of a variable changed."""
    values = dataset[name].values.copy()
    if values.dtype.kind in "UO":
        values[-1] = "X"
    else:
        values[-1] = not values[-1] if values.dtype == bool else values[-1] + 1
    return dataset.assign({name: (dataset[name].dims, values)})


def test_a_failure_leaves_the_older_study_and_nothing_else(variants: xr.Dataset, tmp_path: Path):
    path = tmp_path / "tiny.study.zarr"
    write_study(path, variants, blocks_of(variants), {"title": "older"})
    before = sorted(tmp_path.iterdir())

    def failing() -> Iterator[dict[str, np.ndarray]]:
        yield next(blocks_of(variants))
        raise RuntimeError("disk")

    with pytest.raises(RuntimeError, match="disk"):
        write_study(path, variants, failing(), {})
    with pytest.raises(ValueError, match="1 of 3 blocks"):
        write_study(path, variants, [next(blocks_of(variants))], {})
    assert sorted(tmp_path.iterdir()) == before
    assert open_study_store(path).attrs["title"] == "older"


def test_a_cancelled_job_leaves_nothing(variants: xr.Dataset, tmp_path: Path):
    before = sorted(tmp_path.iterdir())

    def job() -> Iterator[int]:
        with study_writer(tmp_path / "new.study.zarr", variants, {}) as writer:
            for index, block in enumerate(blocks_of(variants)):
                writer.add(block)
                yield index

    running = job()
    assert next(running) == 0
    assert sorted(tmp_path.iterdir()) != before
    running.close()
    assert sorted(tmp_path.iterdir()) == before


def test_somebody_elses_folder_is_never_replaced(variants: xr.Dataset, tmp_path: Path):
    path = tmp_path / "thesis"
    path.mkdir()
    (path / "chapter1.txt").write_text("precious")
    with pytest.raises(InputError, match="thesis: is there and was not made"):
        write_study(path, variants, blocks_of(variants), {})
    assert (path / "chapter1.txt").read_text() == "precious"


def test_a_block_of_the_wrong_shape_is_refused(variants: xr.Dataset, tmp_path: Path):
    block = next(blocks_of(variants))
    with pytest.raises(ValueError, match="block 0 has 9 variants"):
        write_study(tmp_path / "x.study.zarr", variants, [block | {"Q": block["Q"][1:]}], {})


def test_a_study_that_lacks_a_variable_is_refused(variants: xr.Dataset, tmp_path: Path):
    with pytest.raises(InputError, match="variant_z is missing"):
        write_study(tmp_path / "x.study.zarr", variants.drop_vars("variant_z"), [], {})


def test_wrong_folders_are_named(world: SimpleNamespace, panel: xr.Dataset, variants: xr.Dataset):
    with pytest.raises(InputError, match=r"no\.study\.zarr: no such study"):
        open_study_store(world.folder / "no.study.zarr")
    with pytest.raises(InputError, match="is not a study"):
        open_study_store(world.folder)
    with pytest.raises(InputError, match=r"tiny\.ld\.zarr: is a panel, not a study"):
        open_study_store(panel.attrs["path"])
    with pytest.raises(InputError, match="is not a panel"):
        open_panel(world.blocks)
    path = world.folder / "broken.study.zarr"
    write_study(path, variants, blocks_of(variants), {})
    (path / ".zmetadata").write_text("{")
    with pytest.raises(InputError, match=r"broken\.study\.zarr: the index is damaged"):
        open_study_store(path)


def test_a_lost_block_is_named(variants: xr.Dataset, tmp_path: Path):
    path = tmp_path / "tiny.study.zarr"
    write_study(path, variants, blocks_of(variants), {})
    study = open_study_store(path)
    with pytest.raises(InputError, match=r"tiny\.study\.zarr: LD block 9 is lost"):
        read_block(study, 9)


def test_lost_chunks_are_damage_and_not_zeros(variants: xr.Dataset, tmp_path: Path):
    path = tmp_path / "tiny.study.zarr"
    nothing = variants.assign(
        variant_scored=("variants", np.zeros(variants.sizes["variants"], bool))
    )
    blocks = list(blocks_of(variants))
    blocks[0] = {name: np.zeros_like(array) for name, array in blocks[0].items()}
    blocks[1] = dict.fromkeys(BLOCK_ARRAYS, np.zeros(0)) | {"Q": np.zeros((11, 0))}
    write_study(path, nothing, blocks, {})
    study = open_study_store(path)
    # Chunks that hold nothing but zeros are there.
    assert not read_block(study, 0)["Q"].values.any()
    assert read_block(study, 1)["Q"].shape == (11, 0)
    (path / "blocks" / "2" / "x" / "0").unlink()
    with pytest.raises(InputError, match=r"tiny\.study\.zarr: x of LD block 2 is lost"):
        read_block(study, 2)
    shutil.rmtree(path / "blocks" / "0" / "noise")
    with pytest.raises(InputError, match=r"tiny\.study\.zarr: noise of LD block 0 is lost"):
        read_block(study, 0)
    (path / "variant_scored" / "0").unlink()
    with pytest.raises(InputError, match=r"damaged \(parts of variant_scored are lost\)"):
        open_study_store(path)
    write_study(path, nothing, blocks, {})
    shutil.rmtree(path / "variant_z")
    with pytest.raises(InputError, match=r"damaged \(parts of variant_z are lost\)"):
        open_study_store(path)
