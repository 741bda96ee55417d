"""Regions of the genome that a study leaves out: the MHC, long-range LD, or one's own."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics.intervals import cover, read_beds

# The extended major histocompatibility complex on chromosome 6, 25 to 34 Mb on both builds.
_MHC = (("6", 25.0, 34.0),)
# Regions of long-range LD in Europeans (Price et al. 2008, doi:10.1016/j.ajhg.2008.06.005;
# Anderson et al. 2010, doi:10.1038/nprot.2010.116), lifted from hg18; Mb, rounded outwards.
_LONG_RANGE = {
    "hg19": (
        *(("1", 48.22, 52.23), ("2", 86.14, 101.14), ("2", 134.78, 138.29), ("2", 183.29, 190.30)),
        *(("3", 47.52, 50.03), ("3", 83.41, 86.92), ("3", 88.91, 96.02), ("5", 44.46, 50.47)),
        *(("5", 97.97, 100.48), ("5", 128.97, 131.98), ("5", 135.47, 138.48), ("6", 25.0, 34.0)),
        *(("6", 56.89, 63.95), ("6", 139.95, 142.46), ("7", 55.03, 66.37), ("8", 7.96, 11.97)),
        *(("8", 42.88, 49.84), ("8", 111.93, 114.94), ("10", 36.95, 43.68), ("11", 46.04, 57.25)),
        *(("11", 87.86, 90.87), ("12", 33.10, 41.72), ("12", 111.01, 113.52)),
        ("20", 32.53, 35.07),
    ),
    "hg38": (
        *(("1", 47.76, 51.77), ("2", 85.91, 100.52), ("2", 134.02, 137.53), ("2", 182.42, 189.43)),
        *(("3", 47.48, 49.99), ("3", 83.36, 86.87), ("3", 88.86, 96.31), ("5", 44.46, 51.17)),
        *(("5", 98.63, 101.14), ("5", 129.63, 132.64), ("5", 136.13, 139.14), ("6", 25.0, 34.0)),
        *(("6", 57.02, 63.24), ("6", 139.63, 142.14), ("7", 54.96, 66.90), ("8", 8.10, 12.11)),
        *(("8", 43.02, 48.93), ("8", 110.91, 113.92), ("10", 36.67, 43.19), ("11", 46.02, 57.48)),
        *(("11", 88.12, 91.13), ("12", 32.95, 41.32), ("12", 110.57, 113.08)),
        ("20", 33.94, 36.44),
    ),
}
NAMES = ("mhc", "long-range")


def read_regions(sources: Iterable[str], build: str) -> pd.DataFrame:
    """Regions by name or from BED files.

    Parameters
    ----------
    sources : iterable of str
        "mhc", "long-range" (which has the MHC in it), or paths of BED
        files; globs and ``{CHR}`` work.
    build : str
        Genome build of the named regions: "hg19" or "hg38".

    Returns
    -------
    pandas.DataFrame
        ``chromosome``, ``start``, ``stop`` (0-based, stop not included).

    Raises
    ------
    InputError
        If a file cannot be read, or a name is not known for this build.
    """
    tables = []
    for source in sources:
        if source not in NAMES:
            tables.append(read_beds(source))
            continue
        if build not in _LONG_RANGE:
            raise InputError(f"{source}: not known on {build}. Give the regions as a BED file.")
        spans = _MHC if source == "mhc" else _LONG_RANGE[build]
        rows = [(c, round(start * 1e6), round(stop * 1e6)) for c, start, stop in spans]
        tables.append(pd.DataFrame(rows, columns=["chromosome", "start", "stop"]))
    return pd.concat(tables, ignore_index=True)


def excluded(variants: xr.Dataset, regions: pd.DataFrame) -> np.ndarray:
    """Which variants lie in one of the regions, as bool."""
    chromosome = variants["variant_chromosome"].values
    return cover(chromosome, variants["variant_position"].values, regions)[0] > 0
