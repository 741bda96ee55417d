from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from bed_reader import to_bed

from deepwas_app.errors import InputError
from deepwas_app.genetics.genotypes.plink import read_genotypes
from deepwas_app.genetics.genotypes.several import dosage_reader
from deepwas_app.genetics.ld.blocks import read_blocks
from deepwas_app.genetics.ld.cuts import cut_blocks
from deepwas_app.genetics.ld.genotype_blocks import genotype_block, plan_panel
from deepwas_app.genetics.ld.panel import UNPLACED, open_panel, read_factor, write_panel


def test_blocks_are_sorted_slices_of_the_variants(panel: xr.Dataset):
    assert panel["block_chromosome"].values.tolist() == ["21", "22", "22"]
    assert panel["block_start"].values.tolist() == [0, 900, 1100]
    assert panel["block_stop"].values.tolist() == [500, 1100, 1199]
    # Variant 3 does not vary; position 1100 is the last of its block.
    assert panel["block_variants"].values.tolist() == [9, 11, 9]
    assert panel["block_offset"].values.tolist() == [0, 9, 20]
    np.testing.assert_array_equal(panel["variant_block"], np.repeat([0, 1, 2], [9, 11, 9]))
    assert "rs3" not in panel["variant_id"].values
    for chromosome in ("21", "22"):
        inside = panel["variant_chromosome"].values == chromosome
        assert (np.diff(panel["variant_position"].values[inside]) > 0).all()


def test_factors_hold_the_correlation_of_the_genotypes(panel: xr.Dataset, world: SimpleNamespace):
    filled = np.where(np.isnan(world.dosages), np.nanmean(world.dosages, axis=0), world.dosages)
    frame = pd.DataFrame(filled, columns=[f"rs{i}" for i in range(filled.shape[1])])
    for block in range(panel.sizes["blocks"]):
        rows = np.flatnonzero(panel["variant_block"].values == block)
        names = panel["variant_id"].values[rows]
        w = read_factor(panel, block)
        assert w.dtype == np.float32
        np.testing.assert_allclose(w @ w.T, np.corrcoef(frame[names].T), atol=2e-6)
    frequency = np.nanmean(world.dosages, axis=0) / 2
    kept = [int(name[2:]) for name in panel["variant_id"].values]
    np.testing.assert_allclose(panel["variant_allele_frequency"], frequency[kept], rtol=1e-6)


def test_the_report_of_a_panel_adds_up(panel: xr.Dataset):
    report = panel.attrs["report"]
    assert report == [
        {"step": "In the LD source", "variants": 30, "kind": "in"},
        {"step": "Does not vary in the panel", "variants": -1, "kind": "loss"},
        {"step": "In the LD panel", "variants": 29, "kind": "out"},
    ]


def test_rare_repeated_and_outlying_variants_are_counted(world: SimpleNamespace):
    bim = world.folder / "tiny.bim"
    lines = bim.read_text().splitlines()
    first = lines[0].split()
    # The second variant repeats the first with its alleles swapped; the last is far away.
    lines[1] = "\t".join([first[0], "again", "0", first[3], first[5], first[4]])
    lines[-1] = lines[-1].replace("\t1190\t", "\t99999\t")
    bim.write_text("\n".join(lines) + "\n")
    plan = plan_panel(read_genotypes(world.prefix), read_blocks(world.blocks))
    assert plan.dropped == {"outside the LD blocks": 1, "repeated variant": 1}
    assert sum(map(len, plan.rows)) == 28
    blocks = [genotype_block(plan, block, maf=0.2) for block in range(3)]
    frequency = np.nanmean(world.dosages, axis=0) / 2
    rare = np.minimum(frequency, 1 - frequency) < 0.2
    used = np.sort(np.concatenate(plan.rows))
    dropped = sum(block.dropped.get("minor allele rarer than 0.2", 0) for block in blocks)
    assert dropped == rare[used].sum() - 1  # one of them does not vary
    assert sum(block.variants.sizes["variants"] for block in blocks) == (~rare[used]).sum()


def test_variants_without_a_place_or_alleles_are_left_out_and_counted(world: SimpleNamespace):
    """Arrays have them on chromosome 0; PLINK leaves out negative positions."""
    bim = world.folder / "tiny.bim"
    lines = [line.split("\t") for line in bim.read_text().splitlines()]
    lines[0][0], lines[0][3] = "0", "0"
    lines[1][3] = "-" + lines[1][3]
    lines[2][0] = "0"
    lines[11][4] = "0"
    lines[12][3] = "1.12e+03"
    bim.write_text("".join("\t".join(line) + "\n" for line in lines))
    genotypes = read_genotypes(world.prefix)
    assert genotypes["variant_position"].values[12] == 1120
    given, cut = read_blocks(world.blocks), cut_blocks(genotypes, dosage_reader(genotypes), 20)
    for blocks in (given, cut):
        plan = plan_panel(genotypes, blocks)
        assert plan.dropped == {UNPLACED: 3, "an allele is not known": 1}
        assert sum(map(len, plan.rows)) == 26
        assert set(plan.blocks["chromosome"]) == {"21", "22"}


def test_unsorted_genotypes_give_the_same_panel(world: SimpleNamespace, panel: xr.Dataset):
    shuffled = np.random.default_rng(5).permutation(30)
    genotypes = read_genotypes(world.prefix).isel(variants=shuffled)
    to_bed(
        world.folder / "mixed.bed",
        world.dosages[:, shuffled],
        properties={
            "sid": genotypes["variant_id"].values,
            "chromosome": genotypes["variant_chromosome"].values,
            "bp_position": genotypes["variant_position"].values,
            "allele_1": genotypes["variant_effect_allele"].values,
            "allele_2": genotypes["variant_other_allele"].values,
        },
    )
    plan = plan_panel(read_genotypes(world.folder / "mixed"), read_blocks(world.blocks))
    path = world.folder / "mixed.ld.zarr"
    write_panel(path, (genotype_block(plan, b) for b in range(3)), {}, plan.dropped)
    again = open_panel(path)
    for name in panel.variables:
        np.testing.assert_array_equal(again[name], panel[name])
    np.testing.assert_array_equal(read_factor(again, 1), read_factor(panel, 1))


def test_no_variant_in_any_block_is_an_error(world: SimpleNamespace):
    world.blocks.write_text("chr5\t0\t1000\n")
    with pytest.raises(InputError, match="tiny: no variant lies in the LD blocks"):
        plan_panel(read_genotypes(world.prefix), read_blocks(world.blocks))


def test_a_panel_without_variants_is_not_written(world: SimpleNamespace):
    plan = plan_panel(read_genotypes(world.prefix), read_blocks(world.blocks))
    path = world.folder / "none.ld.zarr"
    before = sorted(world.folder.iterdir())
    blocks = [genotype_block(plan, b, maf=0.51, variance=v) for b, v in ((0, 1.0), (1, 0.9))]
    with pytest.raises(InputError, match="no variant is left"):
        write_panel(path, blocks, {"source": "tiny"})
    assert sorted(world.folder.iterdir()) == before


def test_scripts_of_the_first_version_still_open_panels():
    from deepwas_app.genetics import ld, panel

    assert panel.open_panel is ld.panel.open_panel
    assert panel.read_factor is ld.panel.read_factor
