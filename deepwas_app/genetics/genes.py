"""Gene tables for locus plots."""

from __future__ import annotations

from functools import lru_cache

import pandas as pd

from deepwas_app.errors import InputError
from deepwas_app.genetics.builtin import data_dir
from deepwas_app.genetics.files import read_table


@lru_cache(maxsize=2)
def _genes(build: str) -> pd.DataFrame:
    path = data_dir() / "genes" / f"{build}.tsv.gz"
    return read_table(path, dtype={"chromosome": str}, keep_default_na=False)


def read_genes(build: str) -> pd.DataFrame:
    """Protein-coding genes of a genome build.

    Parameters
    ----------
    build : str
        "hg19" or "hg38".

    Returns
    -------
    pandas.DataFrame
        ``chromosome`` ("22"), ``start`` and ``stop`` (1-based, both included), ``strand``
        ("+" or "-"), ``name``; sorted by position.

    Raises
    ------
    InputError
        If there is no table for this build.
    """
    if build not in ("hg19", "hg38"):
        raise InputError(f"{build}: no gene table for this genome build. Use hg19 or hg38.")
    return _genes(build).copy()
