"""Annotations from a gene table: distance to the nearest gene start, and being in a gene."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics import chromosomes
from deepwas_app.genetics.columns import find_columns
from deepwas_app.genetics.files import read_header
from deepwas_app.genetics.genes import read_genes
from deepwas_app.genetics.intervals import cover
from deepwas_app.genetics.tables import read_table, whole_numbers

GENES = "genes"
_COLUMNS = ("chromosome", "start", "stop", "strand")
_DISTANCE = "Distance to gene start (log10(1 + bp))"
_WITHIN = "Within a gene"


def is_gene_table(path: Path) -> bool:
    """Whether a table has a start, a stop and a strand in each row."""
    return len(find_columns(read_header(path), _COLUMNS)) == len(_COLUMNS)


def gene_annotations(variants: xr.Dataset, table: str | Path, build: str) -> dict[str, np.ndarray]:
    """Distance to the nearest gene start, and whether a variant lies in a gene.

    Parameters
    ----------
    variants : xarray.Dataset
        With variant_chromosome and variant_position.
    table : path
        Chromosome, start and stop (1-based, both included) and strand; or "genes", for the
        built-in protein-coding genes of a build.
    build : str
        Genome build of the built-in genes.

    Raises
    ------
    InputError
        If the table cannot be read or has no gene on the chromosomes of the study.
    """
    genes = read_genes(build) if table == GENES else _read(Path(table))
    chromosome = np.asarray(variants["variant_chromosome"].values, dtype=object)
    position = variants["variant_position"].values.astype(np.int64)
    start = np.where(genes["strand"] == "-", genes["stop"], genes["start"])
    distance = np.full(len(position), np.nan)
    for name in dict.fromkeys(chromosome):
        edges = np.sort(start[(genes["chromosome"] == name).to_numpy()])
        if not len(edges):
            continue
        rows = np.flatnonzero(chromosome == name)
        right = np.searchsorted(edges, position[rows]).clip(1, max(len(edges) - 1, 1))
        near = edges[np.stack([right - 1, np.minimum(right, len(edges) - 1)])]
        distance[rows] = np.abs(near - position[rows]).min(axis=0)
    if np.isnan(distance).all():
        raise InputError(f"{table}: has no gene on the study's chromosomes. Check their names.")
    # Genes count from 1 and include their last base; intervals count from 0 and leave it out.
    spans = genes[["chromosome", "start", "stop"]].assign(start=genes["start"] - 1)
    within = cover(chromosome, position, spans)[0] > 0
    return {
        _DISTANCE: np.log10(1 + distance).astype(np.float32),
        _WITHIN: within.astype(np.float32),
    }


def _read(path: Path) -> pd.DataFrame:
    table = read_table(path)
    found = find_columns(table.columns, _COLUMNS)
    genes = pd.DataFrame({what: table[name] for what, name in found.items()})
    for name in ("start", "stop"):
        genes[name] = whole_numbers(path, genes[name], name).astype(np.int64)
    if (turned := genes["stop"] < genes["start"]).any():
        row = int(turned.idxmax()) + 1
        raise InputError(f"{path}: row {row} stops before it starts. Swap the two.")
    genes["chromosome"] = chromosomes.normalise(genes["chromosome"])
    return genes
