"""What people type to say where on the genome, and where a study's strongest loci are."""

import re

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.workflow import locus

FLANK = 250_000
WIDEST = 10_000_000
_PLACE = re.compile(r"^(?:chr)?([0-9]{1,2}|X|Y|MT):([0-9,]+)$", re.I)


class Region(locus.Region):
    """A stretch of a chromosome: 1-based base pairs, both ends included."""

    __slots__ = ()

    def __str__(self) -> str:
        return f"{self.chromosome}:{self.start:,}-{self.stop:,}"

    def scaled(self, factor: float) -> "Region":
        """The region around the same middle, ``factor`` times as wide."""
        middle = (self.start + self.stop) / 2
        half = min(max((self.stop - self.start) / 2 * factor, 5_000), WIDEST / 2)
        return Region(self.chromosome, max(1, int(middle - half)), int(middle + half))


def parse_region(text: str, study: xr.Dataset, genes: pd.DataFrame) -> Region:
    """Read ``22:30,500,000-31,500,000``, ``22:30500000``, a gene name or an rsID.

    Parameters
    ----------
    text
        What was typed.
    study
        The open study; variants are looked up in it.
    genes
        ``chromosome``, ``start``, ``stop``, ``name``.

    Returns
    -------
    Region
        A gene or a variant comes with 250 kb on either side.

    Raises
    ------
    InputError
        If it is none of these, or the study has no variants there.
    """
    text = text.strip()
    place = _PLACE.match(text)
    if place:
        middle = int(place[2].replace(",", ""))
        region = Region(place[1].upper(), max(1, middle - FLANK), middle + FLANK)
    elif re.match(r"^[^:]+:\s*[0-9,_]+\s*[-–]", text):
        region = Region(*locus.parse_region(text))
    else:
        region = _named(text, study, genes)
    if region.stop - region.start > WIDEST:
        raise InputError(f"{text}: wider than {WIDEST // 1_000_000} Mb. Choose a narrower region.")
    known = list(dict.fromkeys(study["variant_chromosome"].values.astype(str)))
    if region.chromosome not in known:
        raise InputError(
            f"{text}: this study has no chromosome {region.chromosome}. It has {', '.join(known)}."
        )
    return region


def _named(text: str, study: xr.Dataset, genes: pd.DataFrame) -> Region:
    found = np.flatnonzero(study["variant_id"].values.astype(str) == text)
    if len(found):
        chromosome = str(study["variant_chromosome"].values[found[0]])
        position = int(study["variant_position"].values[found[0]])
        return Region(chromosome, max(1, position - FLANK), position + FLANK)
    gene = genes[genes["name"].astype(str).str.upper() == text.upper()]
    if len(gene):
        row = gene.iloc[0]
        return Region(
            str(row["chromosome"]), max(1, int(row["start"]) - FLANK), int(row["stop"]) + FLANK
        )
    raise InputError(
        f"{text or 'Nothing'}: neither a region such as 22:30,500,000-31,500,000, nor a gene, nor "
        "a variant of this study. Check the spelling."
    )


def strongest_loci(study: xr.Dataset, count: int = 12, apart: int = 500_000) -> list[int]:
    """Rows of the strongest variants, far enough from each other to be separate loci.

    Parameters
    ----------
    study
        A study.
    count
        At most this many.
    apart
        Least distance between two, base pairs.

    Returns
    -------
    list of int
        Rows of the dimension ``variants``, strongest first.
    """
    strength = np.abs(np.nan_to_num(study["variant_z"].values))
    chromosome = study["variant_chromosome"].values.astype(str)
    position = study["variant_position"].values
    chosen: list[int] = []
    for row in np.argsort(-strength, kind="stable")[:5000]:
        if strength[row] == 0 or len(chosen) == count:
            break
        near = [
            c
            for c in chosen
            if chromosome[c] == chromosome[row] and abs(int(position[c]) - position[row]) < apart
        ]
        if not near:
            chosen.append(int(row))
    return chosen
