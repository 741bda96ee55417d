"""Annotations by name: globs, files per chromosome, and what kind of file each is."""

from __future__ import annotations

import re
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
# A chromosome between marks, as in baseline.chr22.annot.gz.
_OF_CHROMOSOME = re.compile(r"(?:^|(?<=[._-]))(?:chr)?(?:\d{1,2}|X|Y|MT)(?=[._-])")


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


def in_folder(source: str | Path, present: Iterable[str]) -> list[str]:
    """Each file that a folder, a path or a glob means, one by one.

    Parameters
    ----------
    source : path
        A folder: all files in it whose names begin with a letter or digit. Those that differ in a
        chromosome of their name only are one, with ``{CHR}`` in its place.
    present : iterable of str
        Chromosomes that ``{CHR}`` stands for.

    Raises
    ------
    InputError
        If a folder has no file, or a glob matches none.
    """
    path = Path(source).expanduser()
    if not path.is_dir():
        return [str(source)] if CHROMOSOME in str(source) else paths_of(source, present)
    names = sorted(p.name for p in path.iterdir() if p.is_file() and p.name[0].isalnum())
    if not names:
        raise InputError(f"{path}: has no file of annotations. Check the path.")
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(_OF_CHROMOSOME.sub(_with_chromosome, name, count=1), []).append(name)
    found = []
    for pattern, members in groups.items():
        found += [pattern] if len(members) > 1 else members
    return [str(path / name) for name in found]


def _with_chromosome(found: re.Match[str]) -> str:
    return ("chr" if found[0].startswith("chr") else "") + CHROMOSOME


def check_build(path: Path, said: str, build: str) -> None:
    """Stop where a file says that it is on another genome build than the study."""
    if said != build:
        raise InputError(f"{path}: is on {said}, the study on {build}. Bring it to {build}.")
