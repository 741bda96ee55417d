"""Polygenic scores of genotyped people, a few hundred variants in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics.alleles import SAME, SAME_STRAND, SWAPPED_STRAND
from deepwas_app.genetics.genotypes.several import dosage_reader, people_of
from deepwas_app.genetics.genotypes.weights import called, weight_shares
from deepwas_app.genetics.matching import (
    Groups,
    Match,
    match_variants,
    names_of,
    places_of,
    shown_variants,
    with_places,
)

# Above this share of weights whose alleles are not those of the genotypes, nothing is scored.
_MISMATCHED = 0.1
# Above this share on the other strand, the strand of A/T and C/G variants is not known.
_OTHER_STRAND = 0.05
_CHUNK = 8_000_000
# Why weights are not scored.
_ABSENT, _WRONG = "not in the genotypes", "other alleles"
_UNSURE = "strand ambiguous (A/T or C/G)"


class MatchedWeights(NamedTuple):
    """Weights laid on the variants of some genotypes.

    Attributes
    ----------
    rows
        Rows of the genotypes, in ascending order, (variants,) int.
    weights
        What the first copy of the effect allele adds, (variants,), in the weights' own unit.
    bend
        What the second copy adds beyond that, (variants,); 0 where weights are additive.
    base
        What no copy has, (variants,); 0 where weights are additive.
    counts_a1
        Whether the effect allele is the .bim's A1, which genotypes count, (variants,) bool.
    report
        What became of the weights: reason to number.
    notes
        Weights that are not scored, the first few of each reason, one line each.
    share
        Of the total weight, of each of the variants, (variants,).
    lost
        Share of the total weight of what is not scored, by reason, as in the report.
    share_of
        What the total weight is the sum of: see
        :func:`deepwas_app.genetics.genotypes.weights.weight_shares`.
    """

    rows: np.ndarray
    weights: np.ndarray
    bend: np.ndarray
    base: np.ndarray
    counts_a1: np.ndarray
    report: dict[str, int]
    notes: list[str]
    share: np.ndarray
    lost: dict[str, float]
    share_of: str


class Scores(NamedTuple):
    """Polygenic scores.

    Attributes
    ----------
    total
        Sum over variants of weight times copies of the effect allele, (people,). In the unit of
        the weights: phenotype s.d. for those that this software exports.
    alleles
        Alleles that were called, (people,) int.
    called
        Which variants were scored, (variants,) bool: those without a single call are left out.
    """

    total: np.ndarray
    alleles: np.ndarray
    called: np.ndarray

    @property
    def variants(self) -> int:
        """How many variants were scored."""
        return int(self.called.sum())


def match_weights(weights: pd.DataFrame, genotypes: xr.Dataset) -> MatchedWeights:
    """Lay weights on genotypes, as :func:`deepwas_app.genetics.matching.match_variants` does.

    Parameters
    ----------
    weights
        From :func:`deepwas_app.genetics.genotypes.weights.read_weights`.
    genotypes
        From ``open_genotypes``.

    Raises
    ------
    InputError
        If no variant is shared, one has two weights, or more than a tenth of the shared ones have
        other alleles.

    Notes
    -----
    Where most variants of the same name have another position, those of the weights are of
    another genome build, and names alone count. A/T and C/G variants are taken to be on the strand
    of the genotypes, and left out where many of the others are on the other one.
    """
    where, path = genotypes.attrs["path"], weights.attrs["path"]
    rows = _variants(weights)
    match = _match(rows, genotypes)
    if match.elsewhere > match.shared_names / 2:
        rows = rows.assign(variant_position=("variants", np.zeros(len(weights), np.int64)))
        match = _match(rows, genotypes)
    if not len(match.row) + match.other_alleles:
        raise InputError(
            f"{path}: none of its {len(weights)} variants is in the genotypes {where}. It has "
            f"{shown_variants(rows)}; they have {shown_variants(genotypes)}. "
            "Check that names or genome builds agree."
        )
    if match.other_alleles > _MISMATCHED * (len(match.row) + match.other_alleles):
        raise _other_alleles(weights, rows, genotypes, match)
    order = np.argsort(match.panel_row, kind="stable")
    used, variant, orientation = (
        array[order] for array in (match.row, match.panel_row, match.orientation)
    )
    twice = used[1:][np.diff(variant) == 0]
    if len(twice):
        raise InputError(
            f"{path}: {called(weights, twice[0])} is there twice. Keep one weight a variant."
        )
    other_strand = np.isin(orientation, (SAME_STRAND, SWAPPED_STRAND))
    palindromic = match.palindromic[order]
    unclear = palindromic & (other_strand.sum() > _OTHER_STRAND * (~palindromic).sum())
    unsure = used[unclear]
    used, variant, orientation = (array[~unclear] for array in (used, variant, orientation))
    report = {
        "weights": len(weights),
        _ABSENT: len(weights) - len(match.row) - match.other_alleles,
        _WRONG: match.other_alleles,
        _UNSURE: len(unsure),
        "scored from the other strand": int(other_strand.sum()),
        "scored": len(used),
    }
    always = ("weights", _ABSENT, _WRONG, "scored")
    absent, wrong = _unmatched(rows, genotypes, match)
    share, share_of = weight_shares(weights)
    lost = {_ABSENT: absent, _WRONG: wrong, _UNSURE: unsure}
    weight, bend, base = (
        weights[name].to_numpy(np.float64)[used] if name in weights else np.zeros(len(used))
        for name in ("BETA", "BEND", "BASE")
    )
    return MatchedWeights(
        rows=variant,
        weights=weight,
        bend=bend,
        base=base,
        counts_a1=np.isin(orientation, (SAME, SAME_STRAND)),
        report={reason: n for reason, n in report.items() if n or reason in always},
        notes=_notes(rows, genotypes, absent, wrong),
        share=share[used],
        lost={reason: float(share[which].sum()) for reason, which in lost.items() if len(which)},
        share_of=share_of,
    )


def _unmatched(
    rows: xr.Dataset, genotypes: xr.Dataset, match: Match
) -> tuple[np.ndarray, np.ndarray]:
    """Weights that are not in the genotypes, and those that have other alleles there."""
    known = _known(rows, genotypes)
    unmatched = np.setdiff1d(np.arange(rows.sizes["variants"]), match.row)
    return unmatched[~known[unmatched]], unmatched[known[unmatched]]


def _notes(
    rows: xr.Dataset, genotypes: xr.Dataset, absent: np.ndarray, wrong: np.ndarray
) -> list[str]:
    """Which weights are not there, or have other alleles."""
    notes = []
    if len(absent):
        notes.append(
            f"Not in the genotypes: {shown_variants(rows.isel(variants=absent))}; these have "
            f"{shown_variants(genotypes)}."
        )
    if len(wrong):
        notes.append(f"Of other alleles: {shown_variants(rows.isel(variants=wrong))}.")
    return notes


def _known(rows: xr.Dataset, genotypes: xr.Dataset) -> np.ndarray:
    """Weights whose place or name the genotypes have, (weights,) bool."""
    return np.max([group.group >= 0 for group in _groups(rows, genotypes)], axis=0)


def _groups(rows: xr.Dataset, genotypes: xr.Dataset) -> list[Groups]:
    names = names_of(rows["variant_id"]), names_of(genotypes["variant_id"])
    return [Groups(*places_of(rows, genotypes)), Groups(*names)]


def _match(rows: xr.Dataset, genotypes: xr.Dataset) -> Match:
    """Rows that lack the other allele fit by their effect allele alone."""
    blank = np.zeros(rows.sizes["variants"], dtype=bool)
    if "variant_other_allele" in rows:
        blank = rows["variant_other_allele"].values == ""
    if not blank.any():
        return match_variants(rows, genotypes)
    lacking = rows.drop_vars("variant_other_allele")
    parts = []
    for whole, some in ((rows, ~blank), (lacking, blank)):
        found = match_variants(whole.isel(variants=some), genotypes)
        parts.append(found._replace(row=np.flatnonzero(some)[found.row]))
    joined: list[Any] = [
        np.concatenate(both) if np.ndim(both[0]) else sum(both) for both in zip(*parts, strict=True)
    ]
    return Match(*joined)


def _other_alleles(
    weights: pd.DataFrame, rows: xr.Dataset, genotypes: xr.Dataset, match: Match
) -> InputError:
    """The error for weights of which too many have other alleles, with one of them."""
    groups = _groups(rows, genotypes)
    one = np.setdiff1d(np.flatnonzero(_known(rows, genotypes)), match.row)[0]
    group = next(group for group in groups if group.group[one] >= 0)
    there = genotypes.isel(variants=group.first()[group.group[one]])
    return InputError(
        f"{weights.attrs['path']}: the alleles of {match.other_alleles} of "
        f"{len(match.row) + match.other_alleles} variants are not those of the genotypes "
        f"{genotypes.attrs['path']} ({called(weights, one)} is {_alleles(rows.isel(variants=one))} "
        f"here, {_alleles(there)} there). Bring both to the same genome build."
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
    rows = xr.Dataset({f"variant_{name}": ("variants", array) for name, array in arrays.items()})
    return with_places(rows)


def _alleles(variant: xr.Dataset) -> str:
    both = (f"variant_{name}_allele" for name in ("effect", "other"))
    return "/".join(str(variant[name].item()) for name in both if name in variant)


def score(genotypes: xr.Dataset, matched: MatchedWeights) -> Iterator[float | Scores]:
    """Score every person of genotypes; missing calls count as the mean of the others.

    Parameters
    ----------
    genotypes
        From ``open_genotypes``.
    matched
        From :func:`match_weights`.

    Yields
    ------
    float
        How far it is, 0 to 1, after every chunk; last of all the :class:`Scores`.

    Notes
    -----
    Means are those of the founders among the genotyped people: of additive weights twice the
    allele's frequency, as in ``plink2 --score``.
    """
    people = people_of(genotypes)
    read = dosage_reader(genotypes)
    founders = (people[["father", "mother"]].isin(("0", "NA", ""))).all(axis=1).to_numpy()
    founders = founders if founders.any() else np.ones(len(people), bool)
    total, alleles = np.zeros(len(people)), np.zeros(len(people), np.int64)
    known = np.zeros(len(matched.rows), dtype=bool)
    step = max(_CHUNK // max(len(people), 1), 1)
    for i in range(0, len(matched.rows), step):
        part = slice(i, i + step)
        sums, called, known[part] = _chunk(
            read(matched.rows[part]).astype(np.float64),
            matched.weights[part],
            matched.counts_a1[part],
            founders,
            matched.bend[part],
            matched.base[part],
        )
        total += sums
        alleles += 2 * called
        yield min((i + step) / len(matched.rows), 1.0)
    yield Scores(total, alleles, known)


def _chunk(
    dosages: np.ndarray,
    weights: np.ndarray,
    counts_a1: np.ndarray,
    founders: np.ndarray,
    bend: np.ndarray | None = None,
    base: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    missing = np.isnan(dosages)
    called = founders[:, None] & ~missing
    number = called.sum(axis=0)
    # A variant without a single call has no frequency to stand in for it.
    known = number > 0
    total = _filled(dosages, called, number) @ np.where(
        known, np.where(counts_a1, weights, -weights), 0.0
    )
    total += 2 * weights[known & ~counts_a1].sum()
    if bend is not None and base is not None and (bend.any() or base.any()):
        bent = np.flatnonzero(known & (bend != 0))
        copies = np.where(counts_a1[bent], dosages[:, bent], 2 - dosages[:, bent])
        second = _filled(np.maximum(copies - 1, 0), called[:, bent], number[bent])
        total += second @ bend[bent] + base[known].sum()
    return total, (~missing).sum(axis=1), known


def _filled(values: np.ndarray, called: np.ndarray, number: np.ndarray) -> np.ndarray:
    """The values with the mean of those that are called where they are missing."""
    mean = np.where(called, values, 0.0).sum(axis=0) / np.maximum(number, 1)
    return np.where(np.isnan(values), mean, values)
