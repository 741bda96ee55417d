"""LD panels: from genotypes, and on disk as NAME.ld.zarr."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics import chromosomes
from deepwas_app.genetics.blocks import assign_blocks
from deepwas_app.genetics.ld import ld_scores, low_rank_factor, standardise
from deepwas_app.genetics.plink import read_dosages
from deepwas_app.genetics.store import StoreFolder, open_store, read_array, store_folder
from deepwas_app.genetics.variables import validate

TABLE = (
    "variant_id",
    "variant_chromosome",
    "variant_position",
    "variant_effect_allele",
    "variant_other_allele",
    "variant_allele_frequency",
    "variant_ld_score",
)
PANEL_VARIABLES = (
    *TABLE,
    "variant_block",
    "block_chromosome",
    "block_start",
    "block_stop",
    "block_offset",
    "block_variants",
)


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
    """

    genotypes: xr.Dataset
    blocks: pd.DataFrame
    rows: list[np.ndarray]
    dropped: dict[str, int]


class PanelBlock(NamedTuple):
    """One LD block of a panel, from any source.

    Attributes
    ----------
    chromosome, start, stop
        Where it lies; start is 0-based, stop is not included.
    variants : xarray.Dataset
        The variables of :data:`TABLE`.
    factor : (variants, components) float32 array
        W, with R = W Wᵀ.
    dropped : dict
        Reason to number of variants that were left out.
    """

    chromosome: str
    start: int
    stop: int
    variants: xr.Dataset
    factor: np.ndarray
    dropped: dict[str, int]


def plan_panel(genotypes: xr.Dataset, blocks: pd.DataFrame) -> PanelPlan:
    """Sort the variants of genotypes into LD blocks.

    Parameters
    ----------
    genotypes : xarray.Dataset
        From :func:`deepwas_app.genetics.plink.read_genotypes`.
    blocks : pandas.DataFrame
        From :func:`deepwas_app.genetics.blocks.read_blocks`.

    Raises
    ------
    InputError
        If no variant lies in any block.
    """
    chromosome = genotypes["variant_chromosome"].values
    position = genotypes["variant_position"].values
    block = assign_blocks(chromosome, position, blocks)
    repeated = _repeated(genotypes)
    dropped = {
        "outside the LD blocks": int((block < 0).sum()),
        "repeated variant": int((repeated & (block >= 0)).sum()),
    }
    order = chromosomes.sort_order(chromosome, position)
    order = order[(block[order] >= 0) & ~repeated[order]]
    if not len(order):
        raise InputError(
            f"{genotypes.attrs.get('path', 'genotypes')}: no variant lies in the LD blocks. "
            "Check the chromosomes and the genome build of both."
        )
    # Blocks are disjoint and sorted as the variants are, so each is one run of rows.
    used, first = np.unique(block[order], return_index=True)
    kept = blocks.iloc[used].reset_index(drop=True)
    rows = np.split(order, first[1:])
    return PanelPlan(genotypes, kept, rows, {r: count for r, count in dropped.items() if count})


def _repeated(genotypes: xr.Dataset) -> np.ndarray:
    """Variants whose place and pair of alleles came before in the file."""
    effect = genotypes["variant_effect_allele"].values
    other = genotypes["variant_other_allele"].values
    later = effect > other
    return (
        pd.DataFrame(
            {
                "chromosome": genotypes["variant_chromosome"].values,
                "position": genotypes["variant_position"].values,
                "first": np.where(later, other, effect),
                "second": np.where(later, effect, other),
            }
        )
        .duplicated()
        .to_numpy()
    )


def genotype_factor(prefix: str | Path, rows: np.ndarray, variance: float) -> np.ndarray:
    """Factor W (variants, components) of some variants of PLINK 1 genotypes."""
    return low_rank_factor(standardise(read_dosages(prefix, rows))[0], variance)


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
    standardised, frequency = standardise(read_dosages(plan.genotypes.attrs["path"], rows))
    varies = standardised.any(axis=0)
    common = np.minimum(frequency, 1 - frequency) >= maf
    keep = varies & common
    dropped = {
        "does not vary in the panel": int((~varies).sum()),
        f"minor allele rarer than {maf:g}": int((varies & ~common).sum()),
    }
    standardised = standardised[:, keep]
    whole = low_rank_factor(standardised, 1.0)
    scores = ld_scores(whole, len(standardised))
    variants = plan.genotypes.isel(variants=rows[keep]).assign(
        variant_allele_frequency=("variants", frequency[keep].astype(np.float32)),
        variant_ld_score=("variants", scores.astype(np.float32)),
    )
    place = plan.blocks.iloc[block]
    return PanelBlock(
        chromosome=place["chromosome"],
        start=int(place["start"]),
        stop=int(place["stop"]),
        variants=variants,
        factor=whole if variance >= 1 else low_rank_factor(standardised, variance),
        dropped={reason: count for reason, count in dropped.items() if count},
    )


class PanelWriter:
    """Writes a panel block by block; made by :func:`panel_writer`."""

    def __init__(self, folder: StoreFolder, attrs: Mapping[str, Any], dropped: Mapping[str, int]):
        self._folder = folder
        self._attrs = dict(attrs)
        self._dropped = dict(dropped)
        self._tables: list[xr.Dataset] = []
        self._places: list[tuple[str, int, int]] = []

    def add(self, block: PanelBlock) -> None:
        """Write the next block; one that lost all its variants is left out."""
        for reason, count in block.dropped.items():
            self._dropped[reason] = self._dropped.get(reason, 0) + count
        if block.variants.sizes["variants"]:
            self._folder.write_block(len(self._tables), {"W": block.factor})
            self._tables.append(block.variants[list(TABLE)])
            self._places.append((block.chromosome, block.start, block.stop))

    def finish(self) -> None:
        """Write the variants once every block was added."""
        if not self._tables:
            raise InputError(
                f"{self._attrs.get('source', 'LD source')}: no variant is left "
                f"({self._dropped}). Check the genotypes."
            )
        variants = xr.concat(self._tables, dim="variants", combine_attrs="drop")
        sizes = np.asarray([table.sizes["variants"] for table in self._tables], dtype=np.int32)
        chromosome, start, stop = zip(*self._places, strict=True)
        dataset = variants.assign(
            variant_block=("variants", np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)),
            block_chromosome=("blocks", np.asarray(chromosome, dtype=str)),
            block_start=("blocks", np.asarray(start, dtype=np.int32)),
            block_stop=("blocks", np.asarray(stop, dtype=np.int32)),
            block_offset=("blocks", (np.cumsum(sizes) - sizes).astype(np.int32)),
            block_variants=("blocks", sizes),
        )
        kept = int(sizes.sum())
        report = [
            {
                "step": "In the LD source",
                "variants": kept + sum(self._dropped.values()),
                "kind": "in",
            },
            *(
                {"step": reason[0].upper() + reason[1:], "variants": -count, "kind": "loss"}
                for reason, count in self._dropped.items()
            ),
            {"step": "In the LD panel", "variants": kept, "kind": "out"},
        ]
        attrs = self._attrs | {"kind": "panel", "report": report}
        self._folder.write_dataset(validate(dataset, PANEL_VARIABLES), attrs)


@contextmanager
def panel_writer(
    path: str | Path, attrs: Mapping[str, Any], dropped: Mapping[str, int] | None = None
) -> Iterator[PanelWriter]:
    """Write a panel one block at a time; it appears whole at the end or not at all.

    Parameters
    ----------
    path : path
        NAME.ld.zarr; an older panel of this name is replaced.
    attrs : mapping
        title, genome_build, sample_size, variance, source, provenance; lists are stored as
        JSON text. ``kind`` and ``report`` (variants in and out by reason) are added.
    dropped : mapping, optional
        Reason to number of variants that are in no block (``plan.dropped``).
    """
    with store_folder(path) as folder:
        writer = PanelWriter(folder, attrs, dropped or {})
        yield writer
        writer.finish()


def write_panel(
    path: str | Path,
    blocks: Iterable[PanelBlock],
    attrs: Mapping[str, Any],
    dropped: Mapping[str, int] | None = None,
) -> None:
    """Write a panel at one go; see :func:`panel_writer`."""
    with panel_writer(path, attrs, dropped) as writer:
        for block in blocks:
            writer.add(block)


def open_panel(path: str | Path) -> xr.Dataset:
    """Open an LD panel lazily.

    Raises
    ------
    InputError
        If there is none at this path, or it is damaged.
    """
    return open_store(path, "panel", PANEL_VARIABLES)


def read_factor(panel: xr.Dataset, block: int) -> np.ndarray:
    """Read the factor W (variants, components) of one block, with R = W Wᵀ."""
    return read_array(panel, block, "W")
