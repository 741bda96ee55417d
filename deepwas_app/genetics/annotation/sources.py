"""Annotations by name: globs, files per chromosome, and what kind of file each is."""

from __future__ import annotations

import glob
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from deepwas_app.errors import InputError

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


def expand(sources: Iterable[str | Path], chromosomes: Iterable[str]) -> list[Source]:
    """Files that some words mean.

    Parameters
    ----------
    sources : iterable of str
        Paths, with ``*``, ``?`` and ``{CHR}`` allowed.
    chromosomes : iterable of str
        Those that ``{CHR}`` stands for.

    Raises
    ------
    InputError
        If a glob matches no file, or no chromosome has its file.
    """
    found: list[Source] = []
    for source in map(str, sources):
        # A file may have the mark in its name.
        pattern, _, choice = (source, "", "") if Path(source).exists() else source.partition("#")
        if "{CHR}" not in pattern:
            found += [Source(path, choice) for path in _glob(pattern)]
            continue
        several = [
            Source(path, choice.replace("{CHR}", c))
            for c in chromosomes
            for path in _glob(pattern.replace("{CHR}", c), missing_ok=True)
        ]
        if not several:
            raise InputError(f"{pattern}: no chromosome of the study has such a file. Check it.")
        found += several
    if not found:
        raise InputError("annotations: no file was given. Give at least one.")
    return list(dict.fromkeys(found))


def check_build(path: Path, said: str, build: str) -> None:
    """Stop where a file says that it is on another genome build than the study."""
    if said != build:
        raise InputError(f"{path}: is on {said}, the study on {build}. Bring it to {build}.")


def _glob(pattern: str, missing_ok: bool = False) -> list[Path]:
    path = Path(pattern).expanduser()
    if path.exists():
        return [path]
    if not any(mark in pattern for mark in "*?["):
        return [] if missing_ok else [path]
    paths = sorted(map(Path, glob.glob(str(path))))
    if not paths and not missing_ok:
        raise InputError(f"{pattern}: matches no file. Check the path.")
    return paths
