"""From a study's blocks to batches on the device."""

import numpy as np
import pytest
import xarray as xr

from deepwas_app.genetics.store import read_block
from deepwas_app.workflow.runs.batches import (
    batch_plan,
    block_batches,
    block_slice,
    log_heterozygosity,
    size_groups,
    standardisation,
)


def sizes_only(seed: int, blocks: int) -> xr.Dataset:
    rng = np.random.default_rng(seed)
    components = rng.integers(20, 400, blocks)
    components[rng.random(blocks) < 0.1] = 0
    return xr.Dataset(
        {
            "block_components": ("blocks", components),
            "block_variants": ("blocks", components * 3 + rng.integers(1, 100, blocks)),
        }
    )


@pytest.mark.parametrize("blocks", [1, 2, 11, 25, 160])
@pytest.mark.parametrize("batch_blocks", [1, 4, 1000])
def test_plan_covers_each_block_once(blocks, batch_blocks):
    study = sizes_only(blocks, blocks)
    usable = np.flatnonzero(study["block_components"].values > 0)
    wanted = usable[::2]
    plan = batch_plan(study, wanted, batch_blocks)
    assert sorted(b for batch in plan for b in batch.members) == wanted.tolist()
    for batch in plan:
        assert 0 < len(batch.members) <= batch.blocks <= batch_blocks
        assert study["block_variants"].values[batch.members].max() <= batch.variants
        assert study["block_components"].values[batch.members].max() <= batch.components


def test_training_and_held_out_blocks_share_their_shapes():
    study = sizes_only(3, 160)
    usable = np.flatnonzero(study["block_components"].values > 0)
    shapes = [
        {(batch.variants, batch.components) for batch in batch_plan(study, part, 4)}
        for part in (usable[::4], usable)
    ]
    assert shapes[0] == shapes[1]
    assert len(shapes[1]) <= 6


def test_groups_keep_the_waste_of_padding_low():
    study = sizes_only(4, 160)
    variants = study["block_variants"].values
    components = study["block_components"].values
    groups = size_groups(study)
    work = (variants * components.astype(float) ** 2).sum()
    padded = sum(
        len(g) * float(variants[g].max()) * float(components[g].max()) ** 2 for g in groups
    )
    assert padded < 1.6 * work
    # Equal blocks need one group only.
    same = xr.Dataset(
        {
            "block_components": ("blocks", np.full(50, 100)),
            "block_variants": ("blocks", np.full(50, 300)),
        }
    )
    assert len(size_groups(same)) == 1


def test_batches_hold_the_study(small_study):
    blocks = [0, 3, 4, 11, 19]
    batches = block_batches(small_study, blocks, batch_blocks=2)
    p = small_study["variant_allele_frequency"].values
    seen = []
    for batch in batches:
        for i, b in enumerate(np.asarray(batch.index)):
            if b < 0:
                assert not np.asarray(batch.counted[i]).any()
                continue
            seen.append(int(b))
            stored, rows = read_block(small_study, b), block_slice(small_study, b)
            m, r = stored["Q"].shape
            np.testing.assert_array_equal(batch.block.Q[i, :m, :r], stored["Q"])
            np.testing.assert_array_equal(batch.block.x[i, :r], stored["x"])
            np.testing.assert_array_equal(batch.block.eigenvalues[i, :r], stored["eigenvalues"])
            assert np.isinf(batch.block.eigenvalues[i, r:]).all()
            np.testing.assert_array_equal(
                batch.annotations[i, :m], small_study["variant_annotation"].values[rows]
            )
            n = small_study["variant_sample_size"].values[rows]
            np.testing.assert_allclose(batch.log_n[i, :m], np.log(n), rtol=1e-6)
            expected = np.log(p[rows] * (1 - p[rows]))
            np.testing.assert_allclose(batch.log_heterozygosity[i, :m], expected, rtol=1e-5)
            assert int(batch.counted[i].sum()) == int(small_study["block_scored"].values[b])
    assert sorted(seen) == blocks


def test_a_monomorphic_variant_has_a_finite_log_heterozygosity():
    p = np.array([0.5, 0.1, 0.0], np.float32)
    found = log_heterozygosity(xr.Dataset({"variant_allele_frequency": ("variants", p)}))
    np.testing.assert_allclose(found[:2], np.log([0.25, 0.09]), rtol=1e-6)
    assert np.isfinite(found).all()


def test_standardisation_is_over_the_blocks_that_are_named(small_study):
    found = standardisation(small_study, [2, 5])
    rows = np.r_[block_slice(small_study, 2), block_slice(small_study, 5)]
    values = small_study["variant_annotation"].values[rows].astype(np.float64)
    np.testing.assert_allclose(found.mean, values.mean(axis=0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.deviation, values.std(axis=0), rtol=1e-5)
    flat = small_study.assign(variant_annotation=small_study["variant_annotation"] * 0 + 3)
    np.testing.assert_array_equal(standardisation(flat, [2, 5]).deviation, np.inf)
