"""LD panels: from genotypes, and on disk as NAME.ld.zarr."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics import chromosomes
from deepwas_app.genetics.genotypes.pgen import read_pgen_dosages
from deepwas_app.genetics.genotypes.plink import read_dosages
from deepwas_app.genetics.ld.blocks import assign_blocks
from deepwas_app.genetics.ld.factor import decompose, standardise
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
    read : callable
        Dosages (people, variants) of some rows of the genotypes.
    """

    genotypes: xr.Dataset
    blocks: pd.DataFrame
    rows: list[np.ndarray]
    dropped: dict[str, int]
    read: Callable[[np.ndarray], np.ndarray]


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
    owned : (variants,) bool array, optional
        Variants that this block scores; the others are flanks, which only contribute signal
        and which a neighbour scores. All of them by default.
    offset : int, optional
        Row of the panel that the block begins at: before the end of the panel so far where it
        overlaps its neighbours. Right after the blocks before it by default.
    clipped : float
        Most negative eigenvalue of the LD matrix, where there was one worth telling of.
    """

    chromosome: str
    start: int
    stop: int
    variants: xr.Dataset
    factor: np.ndarray
    dropped: dict[str, int]
    owned: np.ndarray | None = None
    offset: int | None = None
    clipped: float = 0.0


def plan_panel(genotypes: xr.Dataset, blocks: pd.DataFrame) -> PanelPlan:
    """Sort the variants of genotypes into LD blocks.

    Parameters
    ----------
    genotypes : xarray.Dataset
        From :func:`deepwas_app.genetics.genotypes.plink.read_genotypes` or
        :func:`deepwas_app.genetics.genotypes.pgen.read_pgen`.
    blocks : pandas.DataFrame
        From :func:`deepwas_app.genetics.ld.blocks.read_blocks`.

    Raises
    ------
    InputError
        If no variant lies in any block.
    """
    chromosome = genotypes["variant_chromosome"].values
    position = genotypes["variant_position"].values
    block = assign_blocks(chromosome, position, blocks)
    inside = block >= 0
    several = _alleles(genotypes) > 2
    names = ("chromosome", "position", "effect_allele", "other_allele")
    again = repeated(pd.DataFrame({name: genotypes[f"variant_{name}"].values for name in names}))
    dropped = {
        "outside the LD blocks": int((~inside).sum()),
        "more than two alleles": int((inside & several).sum()),
        "repeated variant": int((inside & ~several & again).sum()),
    }
    order = chromosomes.sort_order(chromosome, position)
    order = order[(inside & ~several & ~again)[order]]
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
    return PanelPlan(genotypes, kept, rows, dropped, dosage_reader(genotypes))


def repeated(table: pd.DataFrame) -> np.ndarray:
    """Rows whose place and pair of alleles came before, in either order of the alleles."""
    effect, other = table["effect_allele"].to_numpy(str), table["other_allele"].to_numpy(str)
    later = effect > other
    pairs = {"first": np.where(later, other, effect), "second": np.where(later, effect, other)}
    return table[["chromosome", "position"]].assign(**pairs).duplicated().to_numpy()


def _alleles(genotypes: xr.Dataset) -> np.ndarray:
    """Number of alleles of each variant; PLINK 2 separates those beyond two by commas."""
    effect = genotypes["variant_effect_allele"].values
    return 2 + np.char.count(effect.astype(str), ",")


def dosage_reader(genotypes: xr.Dataset) -> Callable[[np.ndarray], np.ndarray]:
    """Give a function that reads dosages (people, variants) of rows of a whole variant table."""
    path = genotypes.attrs["path"]
    if genotypes.attrs["format"] == "PLINK 2":
        alleles = _alleles(genotypes)
        return lambda rows: read_pgen_dosages(path, rows, alleles)
    shape = (genotypes.attrs["sample_size"], genotypes.sizes["variants"])
    return lambda rows: read_dosages(path, rows, shape)


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
    )


class PanelWriter:
    """Writes a panel block by block; made by :func:`panel_writer`."""

    def __init__(self, folder: StoreFolder, attrs: Mapping[str, Any], dropped: Mapping[str, int]):
        self._folder = folder
        self._attrs = dict(attrs)
        self._dropped = dict(dropped)
        self._tables: list[xr.Dataset] = []
        self._places: list[tuple[str, int, int]] = []
        self._rows: list[np.ndarray] = []
        self._owned: list[np.ndarray] = []
        self._scores: list[np.ndarray] = []
        self._total = 0
        self._clipped: list[float] = []

    def add(self, block: PanelBlock) -> None:
        """Write the next block; one that lost all its variants is left out."""
        for reason, count in block.dropped.items():
            self._dropped[reason] = self._dropped.get(reason, 0) + count
        size = block.variants.sizes["variants"]
        if not size:
            return
        offset = self._total if block.offset is None else block.offset
        fresh = offset + size - self._total
        if offset > self._total:
            raise ValueError(f"a block begins at row {offset}, but there are {self._total} rows")
        self._folder.write_block(len(self._rows), {"W": block.factor})
        if fresh > 0:
            self._tables.append(block.variants[list(TABLE)].isel(variants=slice(-fresh, None)))
            self._total += fresh
        owned = np.ones(size, dtype=bool) if block.owned is None else block.owned
        self._rows.append(np.array([offset, size]))
        self._owned.append(offset + np.flatnonzero(owned))
        # A flank's LD score is that of the block which sees its neighbours on both sides.
        self._scores.append(block.variants["variant_ld_score"].values[owned])
        self._places.append((block.chromosome, block.start, block.stop))
        if block.clipped < 0:
            self._clipped.append(block.clipped)

    def finish(self) -> None:
        """Write the variants once every block was added."""
        if not self._tables:
            raise InputError(
                f"{self._attrs.get('source', 'LD source')}: no variant is left "
                f"({self._dropped}). Check the genotypes."
            )
        variants = xr.concat(self._tables, dim="variants", combine_attrs="drop")
        owner = np.full(self._total, -1, dtype=np.int32)
        scores = np.full(self._total, np.nan, dtype=np.float32)
        for block, (rows, values) in enumerate(zip(self._owned, self._scores, strict=True)):
            if (owner[rows] >= 0).any():
                raise ValueError(f"block {block} owns variants that another block owns")
            owner[rows], scores[rows] = block, values
        if (owner < 0).any():
            raise ValueError(f"{(owner < 0).sum()} variants are owned by no block")
        offset, sizes = np.stack(self._rows, axis=1).astype(np.int32)
        chromosome, start, stop = zip(*self._places, strict=True)
        dataset = variants.assign(
            variant_block=("variants", owner),
            variant_ld_score=("variants", scores),
            block_chromosome=("blocks", np.asarray(chromosome, dtype=str)),
            block_start=("blocks", np.asarray(start, dtype=np.int32)),
            block_stop=("blocks", np.asarray(stop, dtype=np.int32)),
            block_offset=("blocks", offset),
            block_variants=("blocks", sizes),
        )
        attrs = self._attrs | {"kind": "panel", "report": self._report(), "notes": self._notes()}
        self._folder.write_dataset(validate(dataset, PANEL_VARIABLES), attrs)

    def _report(self) -> list[dict[str, Any]]:
        """Variants in and out by reason; it adds up."""
        losses = [
            {"step": reason[0].upper() + reason[1:], "variants": -count, "kind": "loss"}
            for reason, count in self._dropped.items()
        ]
        everything = self._total + sum(self._dropped.values())
        return [
            {"step": "In the LD source", "variants": everything, "kind": "in"},
            *losses,
            {"step": "In the LD panel", "variants": self._total, "kind": "out"},
        ]

    def _notes(self) -> list[str]:
        notes = list(self._attrs.get("notes", []))
        if self._clipped:
            notes.append(
                f"The LD of {len(self._clipped)} of {len(self._rows)} blocks was not positive "
                f"semi-definite (smallest eigenvalue {min(self._clipped):.3g}): the nearest "
                "matrix that is was taken, by setting negative eigenvalues to zero."
            )
        return notes


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
        title, genome_build, sample_size, variance, source, provenance. ``kind``, ``report``
        (variants in and out by reason) and ``notes`` (for people) are added.
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
