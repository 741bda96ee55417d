"""Gene tables for locus plots."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import pandas as pd

from deepwas_app.errors import InputError
from deepwas_app.genetics.builtin import data_dir
from deepwas_app.genetics.tables import read_table, whole_numbers


@lru_cache(maxsize=2)
def _genes(build: str) -> pd.DataFrame:
    path = data_dir() / "genes" / f"{build}.tsv.gz"
    table = read_table(path)
    places = {name: whole_numbers(path, table[name], name) for name in ("start", "stop")}
    return table.assign(**{name: place.astype("int64") for name, place in places.items()})


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


@lru_cache(maxsize=2)
def read_exons(build: str) -> pd.DataFrame:
    """The coding parts of the exons of the genes of a genome build, over all transcripts.

    Parameters
    ----------
    build : str
        "hg19" or "hg38"; others have none.

    Returns
    -------
    pandas.DataFrame
        ``chromosome``, ``start`` and ``name`` as of :func:`read_genes`, and ``exons`` for
        :func:`exon_places`; genes without coding parts are not there.
    """
    path = data_dir() / "genes" / f"{build}.exons.tsv.gz"
    if build not in ("hg19", "hg38"):
        return pd.DataFrame({"chromosome": [], "start": [], "name": [], "exons": []})
    table = read_table(path)
    return table.assign(start=whole_numbers(path, table["start"], "start").astype("int64"))


def exon_places(start: int, exons: str) -> Iterator[tuple[int, int]]:
    """First and last base of each exon of a gene that starts at ``start``.

    Parameters
    ----------
    start, exons
        Of a row of :func:`read_exons`: of each exon how far it is from the end of the one before,
        and how many bases follow its first.
    """
    end = start
    for word in exons.split(","):
        gap, length = map(int, word.split("+"))
        first = end + gap
        end = first + length
        yield first, end


def nearest_gene(genes: pd.DataFrame, chromosome: str, position: int) -> tuple[str, int] | None:
    """The gene nearest to a place, and how far its body is from it: 0 bp inside.

    Parameters
    ----------
    genes
        As of :func:`read_genes`.
    chromosome, position
        The place.

    Returns
    -------
    Its name and the distance; None for a chromosome without genes.
    """
    here = genes[genes["chromosome"].astype(str) == chromosome]
    if not len(here):
        return None
    away = (here["start"] - position).clip(lower=0) + (position - here["stop"]).clip(lower=0)
    return str(here.loc[away.idxmin(), "name"]), int(away.min())
