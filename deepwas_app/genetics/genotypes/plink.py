"""PLINK 1 genotypes: .bed, .bim, .fam."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics import chromosomes
from deepwas_app.genetics.files import UNREADABLE, existing, unreadable
from deepwas_app.genetics.tables import read_bare_table, whole_numbers

_MAGIC = b"\x6c\x1b\x01"


def genotype_files(prefix: str | Path) -> tuple[Path, Path, Path]:
    """Find the .bed, .bim and .fam of a prefix; one of their own names serves as well."""
    text = str(prefix)
    for suffix in (".bed", ".bim", ".fam"):
        text = text.removesuffix(suffix)
    bed, bim, fam = (existing(text + suffix) for suffix in (".bed", ".bim", ".fam"))
    return bed, bim, fam


def read_genotypes(prefix: str | Path) -> xr.Dataset:
    """Read the variant table of PLINK 1 genotypes; the genotypes stay on disk.

    Parameters
    ----------
    prefix : path
        Path without .bed, .bim, .fam.

    Returns
    -------
    xarray.Dataset
        Over ``variants``, in the order of the .bim: variant_id, variant_chromosome,
        variant_position, variant_effect_allele (A1, which the genotypes count),
        variant_other_allele. Attributes: path (prefix), format, sample_size.

    Raises
    ------
    InputError
        If a file is missing or cannot be read, or the .bed is not of the size that the
        .bim and .fam ask for.
    """
    bed, bim, fam = genotype_files(prefix)
    names = ["chromosome", "id", "cm", "position", "effect_allele", "other_allele"]
    table = read_bare_table(bim, names)
    position = whole_numbers(bim, table["position"], "position")
    try:
        with fam.open() as stream:
            people = sum(1 for line in stream if line.strip())
    except UNREADABLE as error:
        raise unreadable(fam, error) from error
    _check_size(bed, people, len(table))
    arrays = {
        "id": table["id"].to_numpy(dtype=str),
        "chromosome": chromosomes.normalise(table["chromosome"]),
        "position": position,
        "effect_allele": table["effect_allele"].str.upper().to_numpy(dtype=str),
        "other_allele": table["other_allele"].str.upper().to_numpy(dtype=str),
    }
    return xr.Dataset(
        {f"variant_{name}": ("variants", array) for name, array in arrays.items()},
        attrs={"path": str(bed.with_suffix("")), "format": "PLINK 1", "sample_size": people},
    )


def _check_size(bed: Path, people: int, variants: int) -> None:
    with bed.open("rb") as stream:
        magic = stream.read(3)
    if magic != _MAGIC:
        raise InputError(
            f"{bed}: is no PLINK 1 .bed in variant-major order. Make it again with --make-bed."
        )
    expected = 3 + variants * ((people + 3) // 4)
    if bed.stat().st_size != expected:
        raise InputError(
            f"{bed}: has {bed.stat().st_size} bytes, but {variants} variants (.bim) and "
            f"{people} people (.fam) need {expected}. Copy all three files again."
        )


def read_dosages(
    prefix: str | Path, rows: np.ndarray | slice, shape: tuple[int, int] | None = None
) -> np.ndarray:
    """Read the genotypes of some variants.

    Parameters
    ----------
    prefix : path
        Path without .bed, .bim, .fam.
    rows : (variants,) int array or slice
        Rows of the .bim, in any order.
    shape : (int, int), optional
        People and variants of the files; counted by default, which takes longer than reading
        a block of a whole genome.

    Returns
    -------
    (people, variants) float32 array
        Copies of A1: 0, 1, 2, or NaN where the call is missing.

    Raises
    ------
    InputError
        If the genotypes cannot be read.
    """
    from bed_reader import open_bed

    bed, bim, fam = genotype_files(prefix)
    people, variants = shape or (None, None)
    try:
        with open_bed(
            bed,
            iid_count=people,
            sid_count=variants,
            fam_filepath=fam,
            bim_filepath=bim,
            num_threads=1,
        ) as genotypes:
            return genotypes.read(index=np.s_[:, rows], dtype="float32", order="F")
    except (*UNREADABLE, ValueError, IndexError) as error:
        raise unreadable(bed, error) from error
