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
from deepwas_app.genetics.alleles import SAME, Alleles
from deepwas_app.genetics.columns import find_columns
from deepwas_app.genetics.files import UNREADABLE, unreadable
from deepwas_app.genetics.genotypes.phenotype import read_people
from deepwas_app.genetics.genotypes.plink import genotype_files
from deepwas_app.genetics.matching import Groups, names_of, places_of, without
from deepwas_app.genetics.tables import read_table

# What a weights file is called upon to have, by the names that exported files have.
_COLUMNS = {
    "id": "SNP",
    "chromosome": "CHR",
    "position": "BP",
    "effect_allele": "A1",
    "other_allele": "A2",
    "weight": "BETA",
}
_NUMBERS = ("BETA", "BP")
_NO_NAME = "."
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


def read_weights(path: str | Path | pd.DataFrame) -> pd.DataFrame:
    """Read the weights of a polygenic score.

    Parameters
    ----------
    path : path or pandas.DataFrame
        A table with the columns SNP, A1 (effect allele) and BETA (per copy of A1); A2, CHR and BP
        (1-based) serve to match variants where they are there. A scoring file of the PGS Catalog
        serves as well, with rsID or with chr_name and chr_position.

    Raises
    ------
    InputError
        If it cannot be read, lacks a column, or holds weights that are not numbers.
    """
    if isinstance(path, pd.DataFrame):
        return checked_weights(path, path.attrs.get("path", "weights"))
    # Cells of scoring files may be empty or hold spaces.
    return checked_weights(read_table(path), str(path))


def checked_weights(table: pd.DataFrame, where: str) -> pd.DataFrame:
    """The weights of a table of text as :func:`read_weights` gives them; `where` names it.

    Raises
    ------
    InputError
        If it lacks a column, or holds weights that are not numbers.
    """
    found = find_columns(table.columns, _COLUMNS)
    table = table[list(found.values())].set_axis([_COLUMNS[key] for key in found], axis="columns")
    if "SNP" not in table and {"CHR", "BP"} <= set(table):
        table["SNP"] = _NO_NAME
    for name in ("SNP", "A1", "BETA"):
        if name not in table:
            raise InputError(
                f"{where}: has no column {name}. A weights file has SNP, A1 (effect allele), BETA."
            )
    if len(table) == 0:
        raise InputError(f"{where}: has a header and no weights. Export the weights again.")
    for name in _NUMBERS:
        if name in table:
            table[name] = pd.to_numeric(table[name], errors="coerce")
    table["SNP"] = table["SNP"].fillna(_NO_NAME)
    for name in ("A1", "A2"):
        if name in table:
            table[name] = table[name].fillna("").str.upper()
    if "CHR" in table:
        table["CHR"] = chromosomes.normalise(table["CHR"])
    bad = np.flatnonzero(~np.isfinite(table["BETA"].to_numpy(np.float64)))
    if len(bad):
        who = _name(table, bad[0])
        raise InputError(f"{where}: the weight of {who} is no number. Export the weights again.")
    table.attrs["path"] = where
    return table


def _name(weights: pd.DataFrame, row: int) -> str:
    """What to call a variant: its name, else its place."""
    variant = weights.iloc[row]
    if variant["SNP"] != _NO_NAME or "BP" not in weights:
        return str(variant["SNP"])
    return f"{variant['CHR']}:{variant['BP']:.0f}"


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
        If no variant is shared, one has two weights, or more than a tenth of the shared ones have
        other alleles.
    """
    where, path = genotypes.attrs["path"], weights.attrs["path"]
    rows = _variants(weights)
    by_name = Groups(names_of(rows["variant_id"]), names_of(genotypes["variant_id"]))
    named = np.flatnonzero(by_name.group >= 0)
    place, genotyped = places_of(rows, genotypes)
    # Places serve the weights whose name is not there.
    by_place = Groups(without(place, named), genotyped)
    known = np.sort(np.append(named, np.flatnonzero(by_place.group >= 0)))
    if not len(known):
        raise InputError(
            f"{path}: none of its {len(weights)} variants is in the genotypes {where}. "
            "Check that names or genome builds agree."
        )
    # Of several variants of one name or place, the one with the weight's alleles.
    alleles = Alleles(rows, genotypes, strands=False)
    pairs = zip(by_name.best(alleles), by_place.best(alleles), strict=True)
    used, variant, orientation = (np.concatenate(pair) for pair in pairs)
    wrong = np.setdiff1d(known, used)
    if len(wrong) > _MISMATCHED * len(known):
        one = wrong[0]
        groups = by_name if by_name.group[one] >= 0 else by_place
        there = genotypes.isel(variants=groups.first()[groups.group[one]])
        raise InputError(
            f"{path}: the alleles of {len(wrong)} of {len(known)} variants are not those of the "
            f"genotypes {where} ({_name(weights, one)} is {_alleles(rows.isel(variants=one))} "
            f"here, {_alleles(there)} there). Bring both to the same strand and build."
        )
    order = np.argsort(variant, kind="stable")
    used, variant, orientation = used[order], variant[order], orientation[order]
    twice = used[1:][np.diff(variant) == 0]
    if len(twice):
        raise InputError(
            f"{path}: {_name(weights, twice[0])} is there twice. Keep one weight a variant."
        )
    return MatchedWeights(
        rows=variant,
        weights=weights["BETA"].to_numpy(np.float64)[used],
        counts_a1=orientation == SAME,
        report={
            "weights": len(weights),
            "not in the genotypes": len(weights) - len(known),
            "other alleles": len(wrong),
            "scored": len(used),
        },
    )


def _variants(weights: pd.DataFrame) -> xr.Dataset:
    """The variants that have a weight; without a place where the table says none."""
    blank = pd.Series("", index=weights.index)
    position = weights["BP"].to_numpy(np.float64) if "BP" in weights else np.zeros(len(weights))
    whole = np.isfinite(position) & (position % 1 == 0)
    arrays = {
        "id": weights["SNP"].to_numpy(object),
        "chromosome": weights.get("CHR", blank).to_numpy(object),
        "position": np.where(whole, position, 0).astype(np.int64),
        "effect_allele": weights["A1"].to_numpy(object),
    }
    if "A2" in weights:
        arrays["other_allele"] = weights["A2"].to_numpy(object)
    return xr.Dataset({f"variant_{name}": ("variants", array) for name, array in arrays.items()})


def _alleles(variant: xr.Dataset) -> str:
    both = (f"variant_{name}_allele" for name in ("effect", "other"))
    return "/".join(str(variant[name].item()) for name in both if name in variant)


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


def _chunk(
    dosages: np.ndarray, weights: np.ndarray, counts_a1: np.ndarray, founders: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int]:
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
