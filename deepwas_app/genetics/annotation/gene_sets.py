"""Annotations from gene sets: being in a gene of a set, or near one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics.files import UNREADABLE, open_text, unreadable
from deepwas_app.genetics.genes import read_genes
from deepwas_app.genetics.intervals import cover

WINDOW = 100_000


def gene_set_annotations(
    variants: xr.Dataset, path: Path, build: str, window: int = WINDOW
) -> dict[str, np.ndarray]:
    """Whether each variant lies within a window of a gene of each set.

    Parameters
    ----------
    variants : xarray.Dataset
        With variant_chromosome and variant_position.
    path : Path
        A .gmt file: a set a line, its name, a description and its genes, separated by tabs.
        Genes that are not in the built-in table of protein-coding genes are passed over.
    build : str
        Genome build of the variants.
    window : int
        Bases on either side of a gene; 100,000 is what S-LDSC for gene sets takes.

    Raises
    ------
    InputError
        If the file cannot be read, a line has no gene, or none of its genes is known.

    References
    ----------
    Finucane et al. 2018, doi:10.1038/s41588-018-0081-4.
    """
    genes = read_genes(build)
    chromosome = np.asarray(variants["variant_chromosome"].values, dtype=object)
    position = variants["variant_position"].values.astype(np.int64)
    found, known = {}, False
    for name, members in _read(path):
        own = genes[genes["name"].isin(members)]
        known |= len(own) > 0
        spans = own[["chromosome", "start", "stop"]].assign(
            start=(own["start"] - 1 - window).clip(lower=0), stop=own["stop"] + window
        )
        found[name] = (cover(chromosome, position, spans)[0] > 0).astype(np.float32)
    if not known:
        raise InputError(
            f"{path}: none of its genes is in the {build} gene table. Give gene symbols (HGNC)."
        )
    return found


def _read(path: Path) -> list[tuple[str, set[str]]]:
    try:
        with open_text(path) as stream:
            lines = stream.read().splitlines()
    except (*UNREADABLE, ValueError) as error:
        raise unreadable(path, error) from None
    sets = []
    for number, line in enumerate(lines, 1):
        name, *rest = line.split("\t")
        members = {gene.strip() for gene in rest[1:] if gene.strip()}
        if line.strip() and not members:
            raise InputError(
                f"{path}: row {number} has no gene. A gene set is NAME, DESCRIPTION and genes, "
                "separated by tabs."
            )
        if members:
            sets.append((name, members))
    return sets
