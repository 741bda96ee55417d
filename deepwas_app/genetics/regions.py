"""Regions of the genome: what people type to say where, and the variants that are there."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics import chromosomes
from deepwas_app.genetics.genes import read_genes
from deepwas_app.genetics.matching import find_variant

FLANK = 250_000
_NUMBER = r"([0-9][0-9,_]*(?:\.[0-9]+)?)\s*([kmg]b|bp|[kmg])?"
_PLACE = re.compile(rf"([0-9A-Za-z]+)\s*:\s*{_NUMBER}(?:\s*[-–]\s*{_NUMBER})?", re.I)
_UNITS = {"b": 1, "k": 1_000, "m": 1_000_000, "g": 1_000_000_000}
_EXAMPLES = "chromosome:start-stop, such as 22:30500000-31500000 or 22:30.5-31.5Mb"


class Region(NamedTuple):
    """A stretch of a chromosome: 1-based base pairs, both ends included.

    Examples
    --------
    >>> str(Region("22", 30_500_000, 31_500_000))
    '22:30500000-31500000'
    >>> f"{Region('22', 30_500_000, 31_500_000):,}"
    '22:30,500,000-31,500,000'
    """

    chromosome: str
    start: int
    stop: int

    def __str__(self) -> str:
        return format(self)

    def __format__(self, spec: str) -> str:
        return f"{self.chromosome}:{self.start:{spec}}-{self.stop:{spec}}"

    @classmethod
    def around(cls, chromosome: str, start: int, stop: int, flank: int = FLANK) -> Region:
        """A stretch with as many bases on either side, as far as the chromosome has them."""
        return cls(str(chromosome), max(1, int(start) - flank), int(stop) + flank)

    def rows(self, variants: xr.Dataset) -> np.ndarray:
        """Rows of the variants of a study or LD panel that lie here, (variants,) int.

        Raises
        ------
        InputError
            If there are none.
        """
        position = variants["variant_position"].values
        inside = (position >= self.start) & (position <= self.stop)
        near = np.flatnonzero(inside)
        rows = near[variants["variant_chromosome"].values[near].astype(str) == self.chromosome]
        if not len(rows):
            raise InputError(
                f"{self}: no variant of {variants.attrs.get('path', 'the study')} is in this "
                f"region. {_where(variants, self.chromosome)}"
            )
        return rows


def parse_region(
    text: str, study: xr.Dataset | None = None, genes: pd.DataFrame | None = None
) -> Region:
    """Read what people type to say where.

    Parameters
    ----------
    text : str
        ``22:30500000-31500000``, ``chr22:30,500,000-31,500,000``, ``22:30.5-31.5Mb``,
        ``22:500kb-1Mb``; one position, such as ``22:30.5Mb``; and with a study one of its
        variants, by name or as ``22:30500000:A:G``, or the name of a gene.
    study : xarray.Dataset, optional
        Where variants are looked up.
    genes : pandas.DataFrame, optional
        ``chromosome``, ``start``, ``stop``, ``name``; by default the genes of the study's build.

    Returns
    -------
    Region
        A position, a variant or a gene comes with 250 kb on either side.

    Raises
    ------
    InputError
        If it is none of these, or ends before it starts.
    """
    text = text.strip()
    found = _PLACE.fullmatch(text)
    if found:
        return _place(text, *found.groups())
    if study is None:
        raise InputError(f"{text or 'Nothing'}: not a region. Write {_EXAMPLES}.")
    return _named(text, study, genes)


def _place(text: str, name: str, first: str, unit: str, last: str | None, units: str) -> Region:
    chromosome = str(chromosomes.normalise([name])[0])
    if last is None:
        position = _bases(text, first, unit)
        return Region.around(chromosome, position, position)
    # 30.5-31.5Mb: the unit that ends the text is that of both numbers.
    start, stop = _bases(text, first, unit or units), _bases(text, last, units)
    if stop < start:
        raise InputError(f"{text}: ends before it starts. Write the smaller position first.")
    return Region(chromosome, start, stop)


def _bases(text: str, number: str, unit: str | None) -> int:
    bases = Decimal(re.sub("[,_]", "", number)) * _UNITS[(unit or "b")[0].lower()]
    if bases != int(bases):
        raise InputError(f"{text}: {number} is not a whole base pair. Write kb or Mb after it.")
    return int(bases)


def _named(text: str, study: xr.Dataset, genes: pd.DataFrame | None) -> Region:
    row = find_variant(study, text)
    if row is not None:
        position = study["variant_position"].values[row]
        return Region.around(study["variant_chromosome"].values[row], position, position)
    if genes is None:
        genes = read_genes(str(study.attrs.get("genome_build", "")))
    gene = genes[genes["name"].astype(str).str.upper() == text.upper()]
    if not len(gene):
        raise InputError(
            f"{text or 'Nothing'}: not a region ({_EXAMPLES}), nor a gene, nor a variant of "
            "this study. Check the spelling."
        )
    return Region.around(*gene.iloc[0][["chromosome", "start", "stop"]])


def _where(variants: xr.Dataset, chromosome: str) -> str:
    """One sentence on which positions there are."""
    names = variants["variant_chromosome"].values.astype(str)
    position = variants["variant_position"].values[names == chromosome]
    if len(position):
        build = variants.attrs.get("genome_build", "of its build")
        return (
            f"Its chromosome {chromosome} goes from {position.min()} to {position.max()} ({build})."
        )
    return f"It has the chromosomes {', '.join(dict.fromkeys(names.tolist()))}."
