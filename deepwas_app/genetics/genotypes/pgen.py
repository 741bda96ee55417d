"""PLINK 2 genotypes: .pgen, .pvar or .pvar.zst, .psam."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics import chromosomes, foreign
from deepwas_app.genetics.apart import apart
from deepwas_app.genetics.files import (
    UNREADABLE,
    existing,
    open_text,
    unreadable,
)
from deepwas_app.genetics.tables import read_bare_table, read_table, whole_numbers

_MISSING = -9
# Variants that are decoded at a time: the decoder wants one row per variant.
_ROWS = 512


def pgen_files(prefix: str | Path) -> tuple[Path, Path, Path]:
    """Find the .pgen, .pvar (or .pvar.zst) and .psam of a prefix or of one of their names."""
    text = str(prefix)
    for suffix in (".pgen", ".pvar.zst", ".pvar", ".psam"):
        text = text.removesuffix(suffix)
    pvar = Path(text + ".pvar").expanduser()
    packed = Path(text + ".pvar.zst").expanduser()
    pvar = packed if packed.exists() and not pvar.exists() else pvar
    return existing(text + ".pgen"), existing(pvar), existing(text + ".psam")


def read_pgen(prefix: str | Path) -> xr.Dataset:
    """Read the variant table of PLINK 2 genotypes; the genotypes stay on disk.

    Parameters
    ----------
    prefix : path
        Path without .pgen, .pvar, .psam.

    Returns
    -------
    xarray.Dataset
        As :func:`deepwas_app.genetics.genotypes.plink.read_genotypes` gives it; the effect allele
        is ALT, which the dosages count. Variants of several ALT alleles keep their comma.

    Raises
    ------
    InputError
        If a file is missing or cannot be read, or the .pgen has not as many variants and
        people as the .pvar and .psam.
    """
    pgen, pvar, psam = pgen_files(prefix)
    table = _variants(pvar)
    try:
        with open_text(psam) as stream:
            people = sum(1 for line in stream if line.strip() and not line.startswith("#"))
    except UNREADABLE as error:
        raise unreadable(psam, error) from error
    found = apart(foreign.pgen_counts, pgen)
    if found != (len(table), people):
        raise InputError(
            f"{pgen}: has {found[0]} variants and {found[1]} people, but .pvar and .psam have "
            f"{len(table)} and {people}. Copy all three files again."
        )
    text = ("id", "chromosome", "effect_allele", "other_allele")
    arrays = {name: table[name].to_numpy(dtype=str) for name in text}
    arrays["position"] = table["position"].to_numpy(dtype=np.int32)
    path = str(pgen).removesuffix(".pgen")
    return xr.Dataset(
        {f"variant_{name}": ("variants", array) for name, array in arrays.items()},
        attrs={"path": path, "format": "PLINK 2", "sample_size": people},
    )


def _variants(pvar: Path) -> pd.DataFrame:
    """The .pvar: a VCF without genotypes, or a .bim."""
    names = ["CHROM", "POS", "ID", "REF", "ALT"]
    try:
        with open_text(pvar) as stream:
            line = next((line for line in stream if not line.startswith("##")), "")
    except UNREADABLE as error:
        raise unreadable(pvar, error) from error
    if line.startswith("#CHROM"):
        table = read_table(pvar, names)
    else:
        # Without a header it is a .bim, whose first allele is ALT.
        columns = ["CHROM", "ID", "CM", "POS", "ALT", "REF"]
        columns = columns if len(line.split()) == 6 else [c for c in columns if c != "CM"]
        table = read_bare_table(pvar, columns)
    return pd.DataFrame(
        {
            "id": table["ID"],
            "chromosome": chromosomes.normalise(table["CHROM"]),
            "position": whole_numbers(pvar, table["POS"], "position"),
            "effect_allele": table["ALT"].str.upper(),
            "other_allele": table["REF"].str.upper(),
        }
    )


def read_pgen_dosages(prefix: str | Path, rows: np.ndarray, alleles: np.ndarray) -> np.ndarray:
    """Read the dosages of some variants.

    Parameters
    ----------
    prefix : path
        Path without .pgen, .pvar, .psam.
    rows : (variants,) int array
        Rows of the .pvar, in any order.
    alleles : int array
        Number of alleles of every variant of the .pvar.

    Returns
    -------
    (people, variants) float32 array
        Copies of ALT between 0 and 2, or NaN where the call is missing.

    Raises
    ------
    InputError
        If the genotypes cannot be read.
    """
    pgen = pgen_files(prefix)[0]
    offsets = None
    if (alleles > 2).any():
        offsets = np.concatenate([[0], np.cumsum(alleles)]).astype(np.uintp)
    people = apart(foreign.pgen_counts, pgen)[1]
    out = np.empty((len(rows), people), dtype=np.float32)
    for start in range(0, len(rows), _ROWS):
        some = slice(start, start + _ROWS)
        out[some] = apart(foreign.pgen_dosages, pgen, rows[some], offsets)
    out[out == _MISSING] = np.nan
    return out.T
