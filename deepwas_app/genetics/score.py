"""Polygenic scores of genotyped people, a few hundred variants in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics import chromosomes
from deepwas_app.genetics.files import UNREADABLE, existing, open_text, unreadable
from deepwas_app.genetics.plink import genotype_files

# The PGS Catalog's names for the columns of a weights file.
_CATALOG = {
    "rsID": "SNP",
    "effect_allele": "A1",
    "other_allele": "A2",
    "effect_weight": "BETA",
    "chr_name": "CHR",
    "chr_position": "BP",
}
_NUMBERS = ("BETA", "BP")
# Above this share of weights whose alleles are not those of the genotypes, nothing is scored.
_MISMATCHED = 0.1
_CHUNK = 8_000_000


class MatchedWeights(NamedTuple):
    """Weights laid on the variants of some genotypes.

    Attributes
    ----------
    rows
        Rows of the .bim, in ascending order, (variants,) int.
    weights
        Per copy of the effect allele, (variants,), in the weights' own unit.
    counts_a1
        Whether the effect allele is the .bim's A1, which genotypes count, (variants,) bool.
    report
        What became of the weights: reason to number.
    """

    rows: np.ndarray
    weights: np.ndarray
    counts_a1: np.ndarray
    report: dict[str, int]


class Scores(NamedTuple):
    """Polygenic scores.

    Attributes
    ----------
    total
        Sum over variants of weight times copies of the effect allele, (people,). In the unit of
        the weights: phenotype s.d. for those that this software exports.
    alleles
        Alleles that were called, (people,) int.
    variants
        How many variants were scored, those without a single call left out.
    """

    total: np.ndarray
    alleles: np.ndarray
    variants: int


def read_weights(path: str | Path) -> pd.DataFrame:
    """Read the weights of a polygenic score.

    Parameters
    ----------
    path : path
        A table with the columns SNP, A1 (effect allele) and BETA; A2, CHR and BP (1-based) serve
        to match variants where they are there. A scoring file of the PGS Catalog serves as well.

    Raises
    ------
    InputError
        If it cannot be read, lacks a column, names a variant twice, or holds weights that are not
        numbers.
    """
    path = existing(path)
    try:
        with open_text(path) as stream:
            skip = 0
            while stream.readline().startswith("#"):
                skip += 1
        with open_text(path) as stream:
            table = pd.read_csv(stream, sep=r"\s+", skiprows=skip, dtype=str, na_values=["NA"])
    except (*UNREADABLE, ValueError) as error:
        raise unreadable(path, error) from error
    table = table.rename(columns=_CATALOG)
    for name in ("SNP", "A1", "BETA"):
        if name not in table:
            raise InputError(
                f"{path}: has no column {name}. A weights file has SNP, A1 (effect allele), BETA."
            )
    for name in _NUMBERS:
        if name in table:
            table[name] = pd.to_numeric(table[name], errors="coerce")
    bad = ~np.isfinite(table["BETA"].to_numpy(np.float64))
    if len(table) == 0:
        raise InputError(f"{path}: has a header and no weights. Export the weights again.")
    if bad.any():
        who = table["SNP"][bad].iloc[0]
        raise InputError(f"{path}: the weight of {who} is no number. Export the weights again.")
    twice = table["SNP"][table["SNP"].duplicated() & (table["SNP"] != ".")]
    if len(twice):
        raise InputError(f"{path}: {twice.iloc[0]} is there twice. Keep one weight a variant.")
    for name in ("A1", "A2"):
        if name in table:
            table[name] = table[name].str.upper()
    if "CHR" in table:
        table["CHR"] = chromosomes.normalise(table["CHR"])
    table.attrs["path"] = str(path)
    return table


def match_weights(weights: pd.DataFrame, genotypes: xr.Dataset) -> MatchedWeights:
    """Lay weights on genotypes: by name, else by chromosome and position.

    Parameters
    ----------
    weights
        From :func:`read_weights`.
    genotypes
        From ``read_genotypes``.

    Raises
    ------
    InputError
        If no variant is shared, or more than a tenth of the shared ones have other alleles.
    """
    names = pd.Index(genotypes["variant_id"].values.astype(str))
    first = pd.Series(np.arange(len(names)), index=names)
    first = first[~first.index.duplicated()]
    row = first.reindex(weights["SNP"].astype(str)).to_numpy(np.float64)
    if {"CHR", "BP"} <= set(weights):
        places = pd.MultiIndex.from_arrays(
            [
                genotypes["variant_chromosome"].values.astype(str),
                genotypes["variant_position"].values.astype(np.float64),
            ]
        )
        at = pd.Series(np.arange(len(places)), index=places)
        at = at[~at.index.duplicated()]
        wanted = pd.MultiIndex.from_arrays([weights["CHR"].astype(str), weights["BP"]])
        row = np.where(np.isnan(row), at.reindex(wanted).to_numpy(np.float64), row)
    shared = np.isfinite(row)
    where, path = genotypes.attrs["path"], weights.attrs["path"]
    if not shared.any():
        raise InputError(
            f"{path}: none of its {len(weights)} variants is in the genotypes {where}. "
            "Check that names or genome builds agree."
        )
    rows = row[shared].astype(np.int64)
    a1 = genotypes["variant_effect_allele"].values.astype(str)[rows]
    a2 = genotypes["variant_other_allele"].values.astype(str)[rows]
    effect = weights["A1"].to_numpy(str)[shared]
    other = weights["A2"].to_numpy(str)[shared] if "A2" in weights else None
    straight = (effect == a1) & (True if other is None else other == a2)
    swapped = (effect == a2) & (True if other is None else other == a1)
    fits = straight | swapped
    if (~fits).mean() > _MISMATCHED:
        i = int(np.flatnonzero(~fits)[0])
        name = weights["SNP"].to_numpy(str)[shared][i]
        mine = effect[i] if other is None else f"{effect[i]}/{other[i]}"
        raise InputError(
            f"{path}: the alleles of {int((~fits).sum())} of {len(rows)} variants are not those of "
            f"the genotypes {where} ({name} is {mine} here, {a1[i]}/{a2[i]} there). "
            "Bring both to the same strand and build."
        )
    order = np.argsort(rows[fits], kind="stable")
    return MatchedWeights(
        rows=rows[fits][order],
        weights=weights["BETA"].to_numpy(np.float64)[shared][fits][order],
        counts_a1=straight[fits][order],
        report={
            "weights": len(weights),
            "not in the genotypes": int((~shared).sum()),
            "other alleles": int((~fits).sum()),
            "scored": int(fits.sum()),
        },
    )


def score(prefix: str | Path, matched: MatchedWeights) -> Iterator[float | Scores]:
    """Score every person of PLINK 1 genotypes; missing calls count twice the allele's frequency.

    Parameters
    ----------
    prefix : path
        Path without .bed, .bim, .fam.
    matched
        From :func:`match_weights`.

    Yields
    ------
    float
        How far it is, 0 to 1, after every chunk; last of all the :class:`Scores`.

    Notes
    -----
    Frequencies are those of the founders among the genotyped people, as in ``plink2 --score``.
    """
    from bed_reader import open_bed

    bed, bim, fam = genotype_files(prefix)
    people = read_people(prefix)
    founders = ((people["father"] == "0") & (people["mother"] == "0")).to_numpy()
    founders = founders if founders.any() else np.ones(len(people), bool)
    total, alleles = np.zeros(len(people)), np.zeros(len(people), np.int64)
    scored = 0
    step = max(_CHUNK // max(len(people), 1), 1)
    try:
        with open_bed(
            bed, fam_filepath=fam, bim_filepath=bim, iid_count=len(people), num_threads=1
        ) as file:
            for i in range(0, len(matched.rows), step):
                part = slice(i, i + step)
                dosages = file.read(index=np.s_[:, matched.rows[part]], dtype="float64", order="F")
                sums, called, used = _chunk(
                    dosages, matched.weights[part], matched.counts_a1[part], founders
                )
                total += sums
                alleles += 2 * called
                scored += used
                yield min((i + step) / len(matched.rows), 1.0)
    except (*UNREADABLE, ValueError, IndexError) as error:
        raise unreadable(bed, error) from error
    yield Scores(total, alleles, scored)


def _chunk(dosages, weights, counts_a1, founders) -> tuple[np.ndarray, np.ndarray, int]:
    missing = np.isnan(dosages)
    called = founders[:, None] & ~missing
    number = called.sum(axis=0)
    mean = np.where(called, dosages, 0.0).sum(axis=0) / np.maximum(number, 1)
    filled = np.where(missing, mean, dosages)
    # A variant without a single call has no frequency to stand in for it.
    known = number > 0
    weights = np.where(known, weights, 0.0)
    signed = np.where(counts_a1, weights, -weights)
    total = filled @ signed + 2 * weights[~counts_a1].sum()
    return total, (~missing).sum(axis=1), int(known.sum())


def read_people(prefix: str | Path) -> pd.DataFrame:
    """The people of PLINK 1 genotypes, as the .fam lists them: FID, IID, father, mother."""
    _, _, fam = genotype_files(prefix)
    try:
        return pd.read_csv(
            fam,
            sep=r"\s+",
            header=None,
            names=["FID", "IID", "father", "mother"],
            usecols=[0, 1, 2, 3],
            dtype=str,
            keep_default_na=False,
        )
    except (*UNREADABLE, ValueError) as error:
        raise unreadable(fam, error) from error


def read_phenotype(
    path: str | Path, people: pd.DataFrame, name: str = "", *, skip_unknown: bool = False
) -> tuple[np.ndarray, str]:
    """Read one phenotype of genotyped people.

    Parameters
    ----------
    path : path
        A table with the columns FID and IID, or IID, then phenotypes; or without a header FID, IID,
        phenotype. NA and -9 are missing.
    people
        From :func:`read_people`.
    name : str
        Which column; the first phenotype by default.
    skip_unknown : bool
        Leave out people who have no genotypes, rather than stop.

    Returns
    -------
    values : (people,) float64 array
        In the order of `people`, NaN where missing.
    name : str
        The column that was read.

    Raises
    ------
    InputError
        If it cannot be read, has no such column, or holds people who have no genotypes.
    """
    path = existing(path)
    try:
        with open_text(path) as stream:
            first = stream.readline().lstrip("#").split()
        headed = bool(first) and first[0].upper() in ("FID", "IID")
        columns = first if headed else ["FID", "IID", *(f"PHENO{i}" for i in range(1, 99))]
        columns = columns[: len(first)]
        with open_text(path) as stream:
            table = pd.read_csv(
                stream, sep=r"\s+", header=None, names=columns, skiprows=int(headed), dtype=str
            )
    except (*UNREADABLE, ValueError) as error:
        raise unreadable(path, error) from error
    table.columns = [c.upper() if c.upper() in ("FID", "IID") else c for c in table.columns]
    phenotypes = [c for c in table.columns if c not in ("FID", "IID")]
    if "IID" not in table or not phenotypes or (name and name not in phenotypes):
        wanted = f"no phenotype {name}" if name and phenotypes else "no phenotype of people"
        raise InputError(f"{path}: has {wanted}. Give a table of FID, IID and phenotypes.")
    name = name or phenotypes[0]
    by_person = people["IID"].is_unique or "FID" not in table
    key = ["IID"] if by_person else ["FID", "IID"]
    places = pd.MultiIndex.from_frame(people[key].astype(str))
    row = places.get_indexer(pd.MultiIndex.from_frame(table[key].astype(str)))
    unknown = row < 0
    if unknown.all() or (unknown.any() and not skip_unknown):
        who = table["IID"].to_numpy(str)[unknown][0]
        remedy = "Check the names." if unknown.all() else "Take them out, or use --skip-unknown."
        raise InputError(
            f"{path}: {int(unknown.sum())} of {len(table)} people have no genotypes, {who} for "
            f"one. {remedy}"
        )
    given = pd.to_numeric(table[name], errors="coerce").to_numpy(np.float64)
    values = np.full(len(people), np.nan)
    values[row[~unknown]] = np.where(given == -9, np.nan, given)[~unknown]
    return values, name
