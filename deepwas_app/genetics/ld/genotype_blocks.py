"""LD blocks from genotypes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics import chromosomes
from deepwas_app.genetics.genotypes.several import alleles_of, dosage_reader
from deepwas_app.genetics.ld.blocks import assign_blocks
from deepwas_app.genetics.ld.factor import decompose, standardise
from deepwas_app.genetics.ld.panel import NO_ALLELE, UNKNOWN_ALLELE, UNPLACED, PanelBlock
from deepwas_app.genetics.ld.structure import sample_of
from deepwas_app.genetics.matching import repeated


class PanelPlan(NamedTuple):
    """Which rows of the genotypes make which LD block.

    Attributes
    ----------
    genotypes : xarray.Dataset
        The variant table, in the order of the file.
    blocks : pandas.DataFrame
        chromosome, start, stop of the blocks that hold variants.
    rows : list of int arrays
        For each block its rows of the genotypes, sorted by position.
    dropped : dict
        Reason to number of variants that are in no block.
    read : callable
        Dosages (people, variants) of some rows of the genotypes.
    """

    genotypes: xr.Dataset
    blocks: pd.DataFrame
    rows: list[np.ndarray]
    dropped: dict[str, int]
    read: Callable[[np.ndarray], np.ndarray]


def plan_panel(
    genotypes: xr.Dataset,
    blocks: pd.DataFrame,
    read: Callable[[np.ndarray], np.ndarray] | None = None,
) -> PanelPlan:
    """Sort the variants of genotypes into LD blocks.

    Parameters
    ----------
    genotypes : xarray.Dataset
        From :func:`deepwas_app.genetics.genotypes.plink.read_genotypes` or
        :func:`deepwas_app.genetics.genotypes.pgen.read_pgen`.
    blocks : pandas.DataFrame
        From :func:`deepwas_app.genetics.ld.blocks.read_blocks`.
    read : callable, optional
        Dosages (people, variants) of some rows of the genotypes, where these are not as on disk.

    Raises
    ------
    InputError
        If no variant lies in any block.
    """
    chromosome = genotypes["variant_chromosome"].values
    position = genotypes["variant_position"].values
    block = assign_blocks(chromosome, position, blocks)
    placed = chromosomes.placed(chromosome, position)
    inside = (block >= 0) & placed
    alleles = (genotypes[f"variant_{which}_allele"].values for which in ("effect", "other"))
    unknown = np.isin(next(alleles), NO_ALLELE) | np.isin(next(alleles), NO_ALLELE)
    several = alleles_of(genotypes) > 2
    names = ("chromosome", "position", "effect_allele", "other_allele")
    again = repeated(pd.DataFrame({name: genotypes[f"variant_{name}"].values for name in names}))
    dropped = {
        UNPLACED: int((~placed).sum()),
        "outside the LD blocks": int((placed & ~inside).sum()),
        UNKNOWN_ALLELE: int((inside & unknown).sum()),
        "more than two alleles": int((inside & ~unknown & several).sum()),
        "repeated variant": int((inside & ~unknown & ~several & again).sum()),
    }
    order = chromosomes.sort_order(chromosome, position)
    order = order[(inside & ~unknown & ~several & ~again)[order]]
    if not len(order):
        raise InputError(
            f"{genotypes.attrs.get('path', 'genotypes')}: no variant lies in the LD blocks. "
            "Check the chromosomes and the genome build of both."
        )
    # Blocks are disjoint and sorted as the variants are, so each is one run of rows.
    used, first = np.unique(block[order], return_index=True)
    kept = blocks.iloc[used].reset_index(drop=True)
    rows = np.split(order, first[1:])
    dropped = {reason: count for reason, count in dropped.items() if count}
    return PanelPlan(genotypes, kept, rows, dropped, read or dosage_reader(genotypes))


def genotype_block(
    plan: PanelPlan, block: int, *, variance: float = 1.0, maf: float = 0.0
) -> PanelBlock:
    """Make one LD block from genotypes; no more than its own genotypes are in memory.

    Parameters
    ----------
    plan : PanelPlan
        From :func:`plan_panel`.
    block : int
        Which block of the plan.
    variance : float
        Share of the variance to keep; 1 keeps all of it.
    maf : float
        Variants with a rarer minor allele are dropped, as are those that do not vary.
    """
    rows = plan.rows[block]
    standardised, frequency = standardise(plan.read(rows))
    varies = standardised.any(axis=0)
    common = np.minimum(frequency, 1 - frequency) >= maf
    keep = varies & common
    dropped = {
        "does not vary in the panel": int((~varies).sum()),
        f"minor allele rarer than {maf:g}": int((varies & ~common).sum()),
    }
    standardised = standardised[:, keep]
    ld = decompose(standardised, variance)
    variants = plan.genotypes.isel(variants=rows[keep]).assign(
        variant_allele_frequency=("variants", frequency[keep].astype(np.float32)),
        variant_ld_score=("variants", ld.scores.astype(np.float32)),
    )
    place = plan.blocks.iloc[block]
    return PanelBlock(
        chromosome=place["chromosome"],
        start=int(place["start"]),
        stop=int(place["stop"]),
        variants=variants,
        factor=ld.factor,
        dropped={reason: count for reason, count in dropped.items() if count},
        sample=sample_of(place["chromosome"], variants["variant_position"].values, standardised),
    )
