"""Genotypes of PLINK 1 or 2, in one set of files or one for each chromosome."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics.genotypes.pgen import pgen_files, read_pgen, read_pgen_dosages
from deepwas_app.genetics.genotypes.phenotype import read_people, read_people2
from deepwas_app.genetics.genotypes.plink import genotype_files, read_dosages, read_genotypes
from deepwas_app.genetics.patterns import expand


def open_genotypes(bfile: str | Path = "", pfile: str | Path = "") -> xr.Dataset:
    """The variants of PLINK 1 or PLINK 2 genotypes, of all files that a pattern means.

    Parameters
    ----------
    bfile, pfile : path
        PLINK 1 or PLINK 2 genotypes, without the suffixes, one of them; globs and ``{CHR}`` work.

    Returns
    -------
    xarray.Dataset
        As :func:`deepwas_app.genetics.genotypes.plink.read_genotypes` gives it, of several files
        one after another; the attributes ``prefixes`` and ``starts`` tell where each begins.

    Raises
    ------
    InputError
        If a file cannot be read, or files are of other people.
    """
    if bool(bfile) == bool(pfile):
        raise InputError("genotypes: name them with --bfile or with --pfile, one of the two.")
    read, ending = (read_genotypes, ".bed") if bfile else (read_pgen, ".pgen")
    prefixes = expand(bfile or pfile, ending=ending)
    parts = [read(prefix) for prefix in prefixes]
    sizes = [part.sizes["variants"] for part in parts]
    attrs = {"prefixes": prefixes, "starts": [0, *np.cumsum(sizes).tolist()]}
    if len(parts) == 1:
        return parts[0].assign_attrs(attrs)
    first = people_of(parts[0].assign_attrs(prefixes=prefixes[:1]))
    for part, prefix in zip(parts[1:], prefixes[1:], strict=True):
        if not people_of(part.assign_attrs(prefixes=[prefix])).equals(first):
            raise InputError(
                f"{prefix}: is of other people than {prefixes[0]}, or in another order. Give files "
                "of the same people."
            )
    whole = xr.concat(parts, "variants", combine_attrs="override")
    return whole.assign_attrs(attrs, path=str(bfile or pfile))


def files_of(genotypes: xr.Dataset) -> list[Path]:
    """Every file that genotypes were read from."""
    find = pgen_files if genotypes.attrs["format"] == "PLINK 2" else genotype_files
    return [file for prefix in genotypes.attrs["prefixes"] for file in find(prefix)]


def people_of(genotypes: xr.Dataset) -> pd.DataFrame:
    """The people of genotypes: FID, IID, father, mother ("0" where there is none)."""
    read = read_people2 if genotypes.attrs["format"] == "PLINK 2" else read_people
    return read(genotypes.attrs["prefixes"][0])


def alleles_of(genotypes: xr.Dataset) -> np.ndarray:
    """Number of alleles of each variant; PLINK 2 separates those beyond two by commas."""
    effect = genotypes["variant_effect_allele"].values
    return 2 + np.char.count(effect.astype(str), ",")


def dosage_reader(genotypes: xr.Dataset) -> Callable[[np.ndarray], np.ndarray]:
    """Give a function that reads dosages (people, variants) of rows of a whole variant table."""
    starts = genotypes.attrs.get("starts", [0, genotypes.sizes["variants"]])
    readers = [
        _reader(genotypes, prefix, slice(start, stop))
        for prefix, start, stop in zip(
            genotypes.attrs.get("prefixes", [genotypes.attrs["path"]]),
            starts[:-1],
            starts[1:],
            strict=True,
        )
    ]
    if len(readers) == 1:
        return readers[0]

    def read(rows: np.ndarray) -> np.ndarray:
        file = np.searchsorted(starts, rows, side="right") - 1
        dosages = np.empty((genotypes.attrs["sample_size"], len(rows)), dtype=np.float32, order="F")
        for one in np.unique(file):
            mine = np.flatnonzero(file == one)
            dosages[:, mine] = readers[one](rows[mine] - starts[one])
        return dosages

    return read


def _reader(genotypes: xr.Dataset, prefix: str, part: slice) -> Callable[[np.ndarray], np.ndarray]:
    if genotypes.attrs["format"] == "PLINK 2":
        alleles = alleles_of(genotypes.isel(variants=part))
        return lambda rows: read_pgen_dosages(prefix, rows, alleles)
    shape = (genotypes.attrs["sample_size"], part.stop - part.start)
    return lambda rows: read_dosages(prefix, rows, shape)
