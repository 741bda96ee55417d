"""Annotations from gene sets: being in a gene of a set, or near one."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics.files import UNREADABLE, open_text, unreadable
from deepwas_app.genetics.genes import read_genes
from deepwas_app.genetics.intervals import cover

WINDOW = 100_000
# Sets that are named one by one where not all of their genes are known.
_NOTED = 10
_ENSEMBL = re.compile(r"ENSG\d{11}(\.\d+)?", re.I)
_ENTREZ = re.compile(r"\d{1,9}")
# SEPTIN5 and MARCHF1 under their old names, SEPT5 and MARCH1.
_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec)"
_DATE = re.compile(rf"\d{{1,2}}-{_MONTH}|{_MONTH}-\d{{1,2}}|\d{{4}}-\d\d-\d\d", re.I)


def gene_set_annotations(
    variants: xr.Dataset, path: Path, build: str, window: int = WINDOW
) -> tuple[dict[str, np.ndarray], list[str]]:
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

    Returns
    -------
    The annotations by name, and a line for each set of which genes are not known, at most so many.

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
    symbols = {*genes["name"]}
    found, notes = {}, []
    sets = _read(path)
    for name, members in sets:
        own = genes[genes["name"].isin(members)]
        if unknown := sorted(members - symbols):
            notes.append((len(own) / len(members), name, len(own), len(members), unknown))
        spans = own[["chromosome", "start", "stop"]].assign(
            start=(own["start"] - 1 - window).clip(lower=0), stop=own["stop"] + window
        )
        found[name] = (cover(chromosome, position, spans)[0] > 0).astype(np.float32)
    if len(notes) == len(sets) and not any(known for _, _, known, _, _ in notes):
        one = notes[0][-1]
        raise InputError(
            f"{path}: none of its genes is in the {build} gene table: {_some(one, symbols)}. Give "
            "gene symbols (HGNC)."
        )
    notes.sort()
    lines = [
        f"{name}: {known} of its {size} genes are known protein-coding genes; not "
        f"{_some(rest, symbols)}."
        for _, name, known, size, rest in notes[:_NOTED]
    ]
    if len(notes) > _NOTED:
        lines.append(f"Genes of {len(notes) - _NOTED} further sets are not known, smaller shares.")
    return found, lines


def _some(unknown: list[str], symbols: set[str]) -> str:
    """The first few names, and what they are where that can be told."""
    shown = ", ".join(unknown[:3]) + (", ..." if len(unknown) > 3 else "")
    kinds = {
        "Ensembl identifiers, not symbols": _ENSEMBL,
        "dates that a spreadsheet made of symbols": _DATE,
        "Entrez identifiers, not symbols": _ENTREZ,
    }
    counts = {what: sum(map(bool, map(kind.fullmatch, unknown))) for what, kind in kinds.items()}
    counts["symbols in other letters, as genes of mice have"] = sum(
        gene.upper() in symbols for gene in unknown
    )
    told = [f"{count} are {what}" for what, count in counts.items() if count]
    return shown + (f" ({'; '.join(told)})" if told else "")


def _read(path: Path) -> list[tuple[str, set[str]]]:
    try:
        with open_text(path) as stream:
            # Descriptions may hold what splitlines() takes for the end of a line.
            lines = [line.rstrip("\r\n") for line in stream]
    except (*UNREADABLE, ValueError) as error:
        raise unreadable(path, error) from None
    sets: list[tuple[str, set[str]]] = []
    for number, line in enumerate(lines, 1):
        name, *rest = line.split("\t")
        members = {gene.strip() for gene in rest[1:] if gene.strip()}
        if line.strip() and not members:
            raise InputError(
                f"{path}: row {number} has no gene. A gene set is NAME, DESCRIPTION and genes, "
                "separated by tabs."
            )
        if members and any(name == other for other, _ in sets):
            raise InputError(f"{path}: row {number} has the set {name} again. Rename one of them.")
        if members:
            sets.append((name, members))
    if not sets:
        raise InputError(f"{path}: holds no gene set. A gene set is NAME, DESCRIPTION and genes.")
    return sets
