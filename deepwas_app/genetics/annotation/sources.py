"""Annotations by name: globs, files per chromosome, and what kind of file each is."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from deepwas_app.errors import InputError
from deepwas_app.genetics.patterns import CHROMOSOME
from deepwas_app.genetics.patterns import expand as paths_of

_BED = (".bed", ".narrowpeak", ".broadpeak")
_BEDGRAPH = (".bedgraph", ".bg", ".bdg")
_BIGWIG = (".bw", ".bigwig")
_GENE_SETS = (".gmt",)
_PACKED = (".gz", ".bgz", ".bz2", ".zst")


class Source(NamedTuple):
    """A file of annotations.

    Attributes
    ----------
    path : Path
        The file.
    choice : str
        What came after ``#``: of a BED "5" (the value of column 5), of a bigWig the window in
        bases, of gene sets the bases around a gene, of a thin .annot the .bim whose rows it has.
        Empty: nothing did.
    """

    path: Path
    choice: str

    @property
    def bare(self) -> str:
        """Name without the packing, in lower case."""
        name = self.path.name.lower()
        return name.removesuffix(next((s for s in _PACKED if name.endswith(s)), ""))

    @property
    def kind(self) -> str:
        """One of "bed", "bedgraph", "bigwig", "gene sets" and "table", by the name."""
        kinds = {"bed": _BED, "bedgraph": _BEDGRAPH, "bigwig": _BIGWIG, "gene sets": _GENE_SETS}
        return next((kind for kind, ends in kinds.items() if self.bare.endswith(ends)), "table")

    @property
    def name(self) -> str:
        """Name of the annotation that a file of one annotation holds."""
        stem = self.path.name[: len(self.bare)].rpartition(".")[0]
        return f"{stem} ({self.choice} bp)" if self.kind == "bigwig" and self.choice else stem


def expand(sources: Iterable[str | Path], present: Iterable[str]) -> list[Source]:
    """Files that some words mean.

    Parameters
    ----------
    sources : iterable of str
        Paths, with ``*``, ``?`` and ``{CHR}`` allowed.
    present : iterable of str
        Chromosomes that ``{CHR}`` stands for.

    Raises
    ------
    InputError
        If a glob matches no file, or no chromosome has its file.
    """
    found: list[Source] = []
    for source in map(str, sources):
        # A file may have the mark in its name.
        pattern, _, choice = (source, "", "") if Path(source).exists() else source.partition("#")
        if CHROMOSOME not in choice:
            found += [
                Source(Path(path).expanduser(), choice) for path in paths_of(pattern, present)
            ]
            continue
        for name in present:
            some = pattern.replace(CHROMOSOME, name), choice.replace(CHROMOSOME, name)
            if Path(some[0]).expanduser().exists():
                found.append(Source(Path(some[0]).expanduser(), some[1]))
    if not found:
        raise InputError("annotations: no file was given. Give at least one.")
    return list(dict.fromkeys(found))


def check_build(path: Path, said: str, build: str) -> None:
    """Stop where a file says that it is on another genome build than the study."""
    if said != build:
        raise InputError(f"{path}: is on {said}, the study on {build}. Bring it to {build}.")
