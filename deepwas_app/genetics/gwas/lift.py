"""Positions of summary statistics brought to another genome build by a chain file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics.alleles import COMPLEMENT
from deepwas_app.genetics.files import UNREADABLE, existing, unreadable


def lift(sumstats: xr.Dataset, chain: str | Path) -> xr.Dataset:
    """Bring positions to another genome build.

    Parameters
    ----------
    sumstats : xarray.Dataset
        From :func:`deepwas_app.genetics.gwas.sumstats.read_sumstats`.
    chain : path
        A UCSC chain file from the build of the GWAS to the wanted one, as
        ``hg38ToHg19.over.chain.gz``.

    Returns
    -------
    xarray.Dataset
        Rows that have no place, or several, on the new build, or land on another chromosome,
        are left out and counted under ``dropped``. Alleles of one base are complemented where
        the strand changes. Rows without a position stay as they are.

    Raises
    ------
    InputError
        If the chain file cannot be read.
    """
    from liftover import ChainFile

    chain = existing(chain)
    try:
        chains: Any = ChainFile(str(chain), one_based=True)
    except (*UNREADABLE, ValueError) as error:
        raise unreadable(chain, error) from error
    if not len(chains):
        raise InputError(f"{chain}: holds no chains. Give a UCSC chain file.")
    names = sumstats["variant_chromosome"].values
    position = sumstats["variant_position"].values.copy()
    placed = np.flatnonzero(position > 0)
    lifted = np.zeros(len(placed), dtype=np.int64)
    reverse = np.zeros(len(placed), dtype=bool)
    spelled = {name: _spelling(name, chains) for name in pd.unique(names)}
    for index, (name, place) in enumerate(
        zip(names[placed], position[placed].tolist(), strict=True)
    ):
        spelling = spelled[name]
        found: Any = chains.convert_coordinate(spelling, place) if spelling else ()
        if len(found) == 1 and _bare(found[0][0]) == name:
            lifted[index], reverse[index] = found[0][1], found[0][2] == "-"
    stays = lifted > 0
    if not stays.any():
        raise InputError(
            f"{chain}: leads none of the {len(placed)} positions of {sumstats.attrs['path']} to "
            "the other build. Check its direction, from the build of the GWAS."
        )
    position[placed] = lifted
    turned = placed[reverse]
    keep = np.ones(len(position), dtype=bool)
    keep[placed[~stays]] = False
    arrays: dict[str, Any] = {"variant_position": ("variants", position)}
    if len(turned):
        for name in ("variant_effect_allele", "variant_other_allele"):
            alleles = sumstats[name].values.astype(object)
            alleles[turned] = [COMPLEMENT.get(allele, allele) for allele in alleles[turned]]
            arrays[name] = ("variants", pd.Categorical(alleles))
    lost = {"no single place on the new build": int((~keep).sum())} if not keep.all() else {}
    moved = sumstats.assign(arrays).isel(variants=keep)
    return moved.assign_attrs(dropped=sumstats.attrs["dropped"] | lost, chain=str(chain))


def _spelling(name: str, chains: Any) -> str | None:
    """How the chain file spells a chromosome; None if it has it not."""
    spellings = (f"chr{name}", name, "chrM" if name == "MT" else name)
    return next((s for s in spellings if name and s in chains), None)


def _bare(name: str) -> str:
    name = name.removeprefix("chr")
    return "MT" if name == "M" else name
