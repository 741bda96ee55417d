"""A small study of the right shape, without files, models or fitting."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

BLOCK, BLOCKS = 60, 6


def make_study(seed: int = 0) -> xr.Dataset:
    """Two chromosomes, six LD blocks, one strong locus in block 1."""
    rng = np.random.default_rng(seed)
    variants = BLOCK * BLOCKS
    chromosome = np.repeat(["21", "22"], variants // 2)
    position = np.concatenate([np.sort(rng.integers(1, 3_000_000, variants // 2)) for _ in "ab"])
    z = rng.normal(size=variants) * 1.3
    z[BLOCK + 30] = 12.0
    z[5] = np.nan
    annotation = np.column_stack(
        [
            rng.random(variants) < 0.1,
            rng.random(variants) < 0.4,
            rng.normal(size=variants),
        ]
    ).astype("f4")
    report = [
        {"step": "rows in the file", "variants": 400, "kind": "in"},
        {"step": "not in the LD panel", "variants": -35, "kind": "loss"},
        {"step": "ambiguous strand", "variants": -6, "kind": "loss"},
        {"step": "alleles swapped", "variants": 120, "kind": "note"},
        {"step": "scored", "variants": 359, "kind": "out"},
    ]
    block = np.repeat(np.arange(BLOCKS), BLOCK).astype("i4")
    return xr.Dataset(
        {
            "variant_id": ("variants", np.array([f"rs{i}" for i in range(variants)])),
            "variant_chromosome": ("variants", chromosome),
            "variant_position": ("variants", position.astype("i4")),
            "variant_effect_allele": ("variants", rng.choice(list("AC"), variants)),
            "variant_other_allele": ("variants", rng.choice(list("GT"), variants)),
            "variant_allele_frequency": ("variants", rng.uniform(0.05, 0.95, variants)),
            "variant_z": ("variants", z.astype("f4")),
            "variant_sample_size": ("variants", np.full(variants, 1e5, "f4")),
            "variant_block": ("variants", block),
            "variant_ld_score": ("variants", rng.uniform(1, 30, variants).astype("f4")),
            "variant_scored": ("variants", np.isfinite(z)),
            "variant_annotation": (("variants", "annotations"), annotation),
            "annotation_kind": ("annotations", np.array(["binary", "binary", "continuous"])),
            "block_chromosome": ("blocks", np.repeat(["21", "22"], BLOCKS // 2)),
            "block_start": ("blocks", np.tile([0, 1_000_000, 2_000_000], 2).astype("i4")),
            "block_stop": ("blocks", np.tile([1_000_000, 2_000_000, 3_000_000], 2).astype("i4")),
            "block_offset": ("blocks", (np.arange(BLOCKS) * BLOCK).astype("i4")),
            "block_variants": ("blocks", np.full(BLOCKS, BLOCK, "i4")),
            "block_scored": ("blocks", np.full(BLOCKS, BLOCK, "i4")),
            "block_components": ("blocks", np.full(BLOCKS, 20, "i4")),
        },
        coords={"annotation": ("annotations", np.array(["coding", "enhancer", "TSS distance"]))},
        attrs={
            "kind": "study",
            "title": "Tiny",
            "path": "tiny.study.zarr",
            "genome_build": "hg19",
            "content_hash": "0" * 64,
            "variance": 0.99,
            "alignment": report,
            "provenance": [],
        },
    )


def make_effects(study: xr.Dataset, seed: int = 0) -> xr.Dataset:
    """Annotation effects of one imagined run."""
    rng = np.random.default_rng(seed)
    n = study.sizes["annotations"]
    binary = study["annotation_kind"].values == "binary"
    data = {}
    for name in ("coefficient", "unit_coefficient", "partial_effect"):
        data[name] = ("annotations", rng.normal(size=n))
        data[f"{name}_se"] = ("annotations", np.full(n, 0.2))
    for name in ("enrichment", "proportion_variants", "proportion_heritability"):
        data[name] = ("annotations", np.where(binary, rng.uniform(0.5, 3, n), np.nan))
        data[f"{name}_se"] = ("annotations", np.where(binary, 0.3, np.nan))
    quantiles = np.where(binary[:, None], np.nan, rng.uniform(0.5, 2, (n, 5)))
    data["quantile_enrichment"] = (("annotations", "quantiles"), quantiles)
    data["quantile_enrichment_se"] = (("annotations", "quantiles"), quantiles * 0.1)
    for end, factor in (("low", 0.8), ("high", 1.3)):
        data[f"quantile_enrichment_{end}"] = (("annotations", "quantiles"), quantiles * factor)
        data[f"enrichment_{end}"] = ("annotations", data["enrichment"][1] * factor)
    for name in ("quantile_lower", "quantile_upper"):
        data[name] = (("annotations", "quantiles"), np.where(np.isnan(quantiles), np.nan, 1.0))
    for name in ("coefficient", "partial_effect"):
        data[f"unit_{name}"] = data[name]
        data[f"unit_{name}_se"] = data[f"{name}_se"]
    return xr.Dataset(data, coords={"annotation": study["annotation"]})


@pytest.fixture
def study() -> xr.Dataset:
    """A fresh copy for every test."""
    return make_study()


@pytest.fixture
def effects(study: xr.Dataset) -> dict[str, xr.Dataset]:
    """Two imagined runs."""
    return {"linear": make_effects(study, 1), "mlp": make_effects(study, 2)}


@pytest.fixture
def genes() -> pd.DataFrame:
    """Two overlapping genes, one far away, one on another chromosome."""
    rows = [
        ("22", 100_000, 400_000, "+", "LEFT1"),
        ("22", 350_000, 600_000, "-", "OVER2"),
        ("22", 2_500_000, 2_600_000, "+", "FAR3"),
        ("21", 100_000, 200_000, "+", "ELSE4"),
    ]
    return pd.DataFrame(rows, columns=["chromosome", "start", "stop", "strand", "name"])
