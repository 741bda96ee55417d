"""LD panels on disk, as NAME.ld.zarr."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics.ld.structure import Sample, ancestry_notes, distant_ld
from deepwas_app.genetics.store import StoreFolder, open_store, read_array, store_folder
from deepwas_app.genetics.variables import validate

UNPLACED = "on chromosome 0 or below position 1"
"""Why variants without a place are in no panel: what their LD is with is not known."""
UNKNOWN_ALLELE = "an allele is not known"
NO_ALLELE = ("0", ".", "", "N", "NA")
"""Alleles, in upper case, that are none: arrays have 0 where everybody has the other one."""
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
    sample : Sample, optional
        Genotypes of some of its variants, from sources that have them: whether people are of one
        ancestry shows across blocks.
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
    sample: Sample | None = None


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
        self._samples: list[Sample] = []

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
        if block.sample is not None:
            self._samples.append(block.sample)

    def note(self, text: str) -> None:
        """Add a line for people."""
        self._attrs["notes"] = [*self._attrs.get("notes", []), text]

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
        distant = distant_ld(self._samples)
        attrs = self._attrs | {"kind": "panel", "report": self._report()}
        attrs |= {"notes": self._notes() + ancestry_notes(distant), "distant_ld": distant}
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
        (variants in and out by reason), ``notes`` (for people) and ``distant_ld`` (see
        :func:`deepwas_app.genetics.ld.structure.distant_ld`) are added.
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

    Parameters
    ----------
    path
        A folder, NAME.ld.zarr.

    Returns
    -------
    xarray.Dataset
        Its variants and blocks; see ``deepwas_app.genetics.variables``.

    Raises
    ------
    InputError
        If there is none at this path, or it is damaged.
    """
    return open_store(path, "panel", PANEL_VARIABLES)


def read_factor(panel: xr.Dataset, block: int) -> np.ndarray:
    """Read the factor W (variants, components) of one block, with R = W Wᵀ."""
    return read_array(panel, block, "W")
