"""A small world: 3 LD blocks, 60 people, and everything that is written from them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from bed_reader import to_bed

from deepwas_app.genetics.genotypes.plink import read_genotypes
from deepwas_app.genetics.ld.blocks import read_blocks
from deepwas_app.genetics.ld.genotype_blocks import genotype_block, plan_panel
from deepwas_app.genetics.ld.panel import open_panel, write_panel

PEOPLE, VARIANTS = 60, 30


def _dosages(rng: np.random.Generator) -> np.ndarray:
    """Correlated genotypes; variant 3 does not vary and variant 5 has missing calls."""
    latent = np.cumsum(rng.standard_normal((2, PEOPLE, VARIANTS)), axis=-1)
    latent -= latent.mean(axis=1, keepdims=True)
    dosages = (latent > 0).sum(axis=0).astype(np.float32)
    dosages[:, 3] = 0
    dosages[[1, 7, 20], 5] = np.nan
    return dosages


@pytest.fixture
def world(tmp_path: Path) -> SimpleNamespace:
    """Genotypes and blocks on disk; variants 0-9 on chr21, the rest in two blocks of chr22."""
    rng = np.random.default_rng(1)
    dosages = _dosages(rng)
    position = np.r_[100 + 10 * np.arange(10), 1000 + 10 * np.arange(20)]
    pairs = np.array([("A", "G"), ("C", "T"), ("G", "T"), ("A", "C")])
    alleles = pairs[np.arange(VARIANTS) % 4]
    to_bed(
        tmp_path / "tiny.bed",
        dosages,
        properties={
            "sid": [f"rs{i}" for i in range(VARIANTS)],
            "chromosome": ["21"] * 10 + ["22"] * 20,
            "bp_position": position,
            "allele_1": alleles[:, 0],
            "allele_2": alleles[:, 1],
        },
    )
    blocks = tmp_path / "blocks.bed"
    blocks.write_text(
        "chr \t start \t stop \nchr22 \t1100\t 1199 \nchr22\t 900 \t1100\nchr21\t0\t500\n"
    )
    return SimpleNamespace(
        folder=tmp_path, prefix=tmp_path / "tiny", blocks=blocks, dosages=dosages, alleles=alleles
    )


@pytest.fixture
def panel(world: SimpleNamespace) -> xr.Dataset:
    """The panel of the small world, every component kept."""
    plan = plan_panel(read_genotypes(world.prefix), read_blocks(world.blocks))
    made = (genotype_block(plan, block) for block in range(len(plan.rows)))
    path = world.folder / "tiny.ld.zarr"
    write_panel(path, made, {"title": "Tiny", "genome_build": "hg19"}, plan.dropped)
    return open_panel(path)


@pytest.fixture
def sumstats_of() -> Callable[..., xr.Dataset]:
    """A function that makes summary statistics from columns."""

    def make(table: pd.DataFrame, **attrs: object) -> xr.Dataset:
        return xr.Dataset(
            {f"variant_{name}": ("variants", table[name].to_numpy()) for name in table},
            attrs={"path": "gwas.tsv", "dropped": {}, **attrs},
        )

    return make


@pytest.fixture
def variants(panel: xr.Dataset) -> xr.Dataset:
    """What a study has beside its blocks, on the variants of the panel."""
    size = panel.sizes["variants"]
    rng = np.random.default_rng(0)
    z = rng.standard_normal(size).astype(np.float32)
    z[[2, 15]] = np.nan
    return panel.assign(
        variant_z=("variants", z),
        variant_scored=("variants", np.isfinite(z)),
        variant_sample_size=("variants", np.full(size, 1000, dtype=np.float32)),
        variant_annotation=(
            ("variants", "annotations"),
            rng.standard_normal((size, 2)).astype(np.float32),
        ),
        annotation_kind=("annotations", np.array(["continuous", "continuous"])),
    ).assign_coords(annotation=("annotations", np.array(["Exon", "TSS ± 2 kb"])))
