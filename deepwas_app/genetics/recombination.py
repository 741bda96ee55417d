"""Recombination rates along the genome, for locus plots."""

from __future__ import annotations

from functools import lru_cache

import pandas as pd

from deepwas_app.errors import InputError
from deepwas_app.genetics.builtin import data_dir
from deepwas_app.genetics.tables import read_table, whole_numbers


@lru_cache(maxsize=2)
def _rates(build: str) -> pd.DataFrame:
    path = data_dir() / "recombination" / f"{build}.tsv.gz"
    table = read_table(path)
    start = whole_numbers(path, table["start"], "start").astype("int64")
    return table.assign(start=start, rate=pd.to_numeric(table["rate"]))


def read_recombination(build: str) -> pd.DataFrame:
    """Recombination rates of a genome build, over 10 kb each.

    Parameters
    ----------
    build : str
        "hg19" or "hg38".

    Returns
    -------
    pandas.DataFrame
        ``chromosome`` ("22"), ``start`` (1-based; a rate holds up to the next row of the
        chromosome, and 0 beyond the map), ``rate`` (cM/Mb); sorted by position.

    Raises
    ------
    InputError
        If there is no map for this build.
    """
    if build not in ("hg19", "hg38"):
        raise InputError(f"{build}: no recombination map of this genome build. Use hg19 or hg38.")
    return _rates(build)


def rates_of(rates: pd.DataFrame, chromosome: str, start: int, stop: int) -> pd.DataFrame:
    """The rates in a region, from its start to its end.

    Returns
    -------
    pandas.DataFrame
        ``position`` and ``rate`` (cM/Mb) there and after; none for a chromosome without a map.
    """
    here = rates[rates["chromosome"].astype(str) == str(chromosome)]
    if not len(here):
        return pd.DataFrame({"position": [], "rate": []})
    position, rate = here["start"].to_numpy(), here["rate"].to_numpy()
    first = max(int(position.searchsorted(start, side="right")) - 1, 0)
    last = int(position.searchsorted(stop, side="right"))
    found = pd.DataFrame({"position": position[first:last], "rate": rate[first:last]})
    if len(found):
        end = pd.DataFrame({"position": [stop], "rate": [found["rate"].iloc[-1]]})
        found = pd.concat([found, end], ignore_index=True)
        found["position"] = found["position"].clip(lower=start)
    return found
