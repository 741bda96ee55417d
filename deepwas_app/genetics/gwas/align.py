"""Summary statistics on the variants and alleles of an LD panel, every loss counted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics.alleles import SAME, SAME_STRAND, SWAPPED, SWAPPED_STRAND, swapped, turned
from deepwas_app.genetics.excluded import excluded
from deepwas_app.genetics.gwas.checks import judge
from deepwas_app.genetics.gwas.clean import alignment_report, largest_loss, only_once, signs
from deepwas_app.genetics.gwas.extreme import contradicted
from deepwas_app.genetics.gwas.frequency import fill_frequency
from deepwas_app.genetics.gwas.plausible import (
    few_matches,
    frequencies,
    matches,
    minor_frequencies,
)
from deepwas_app.genetics.matching import Match, match_variants

# The model is of two copies in everybody: dosages of men, and so LD, frequencies and effects, are
# coded in several ways there.
UNMODELLED = ("X", "Y", "MT")
# Fewer variants than this say nothing certain about a whole file.
_TELLING = 20


def align(
    sumstats: xr.Dataset,
    panel: xr.Dataset,
    *,
    max_frequency_difference: float = 0.2,
    informative_frequency: float = 0.08,
    exclude: pd.DataFrame | None = None,
    keep_extreme: bool = False,
    accept: Iterable[str] = (),
    with_rows: bool = False,
) -> tuple[xr.Dataset, list[dict[str, Any]]]:
    """Put z-scores on the variants of a panel, counted for the panel's effect allele.

    Parameters
    ----------
    sumstats : xarray.Dataset
        From :func:`deepwas_app.genetics.gwas.sumstats.read_sumstats`.
    panel : xarray.Dataset
        From :func:`deepwas_app.genetics.ld.panel.open_panel`.
    max_frequency_difference : float
        Rows whose allele frequency is further than this from the panel's are dropped.
    informative_frequency : float
        A/T and C/G variants are resolved by allele frequency where both frequencies are at
        least this far from one half; otherwise they are dropped.
    exclude : pandas.DataFrame, optional
        Regions that are not scored; see :func:`deepwas_app.genetics.excluded.read_regions`.
    keep_extreme : bool
        Keep z-scores that their LD contradicts; see
        :func:`deepwas_app.genetics.gwas.extreme.contradicted`.
    accept : iterable of str
        Checks of :data:`deepwas_app.genetics.gwas.checks.CHECKS` that are overruled.
    with_rows : bool
        Say of each variant which row is of it: variant_row (-1 where unscored), variant_swapped
        (whether its alleles are), and variant_row_frequency (NaN where that is not known).

    Returns
    -------
    aligned : xarray.Dataset
        The panel's Dataset with variant_z (NaN where unscored), variant_sample_size (the
        median where unscored) and variant_scored. Attribute ``doubts``: what is to be said of
        the summary statistics, in words.
    report : list of dict[str, Any]
        ``step``, ``variants``, ``kind``: first the rows of the file ("in"), then what was
        lost and why ("loss", negative), then what is scored ("out"): these add up. Then
        remarks ("note").

    Raises
    ------
    InputError
        If no row matches, the positions are of another genome build, or the file is not plausible.

    Notes
    -----
    Variants are matched by chromosome, position and the pair of alleles, else by name and
    alleles. Rows that say the same of a variant count once; rows that contradict each other
    are all dropped, so that the order of the file does not matter.
    """
    where = sumstats.attrs.get("path", "summary statistics")
    match = match_variants(sumstats, panel)
    _check_build(match, where, panel)
    losses = dict(sumstats.attrs.get("dropped", {}))
    rows = sumstats.sizes["variants"]
    matched = (len(match.row), match.other_alleles, rows, panel.sizes["variants"])
    found = {"matches": matches(*matched), "one-sign": signs(sumstats)}
    said = judge(where, sumstats.attrs.get("doubts", {}) | found, accept)
    said += few_matches(*matched)
    rows_in = rows + sum(losses.values())
    losses["not in the LD panel"] = rows - match.other_alleles - len(match.row)
    losses["other alleles than the LD panel"] = match.other_alleles
    pairs = _pairs(match, sumstats, panel)
    swapped_labels = int(swapped(pairs.orientation).sum())
    same_labels = len(pairs.row) - swapped_labels

    unmodelled = np.isin(
        panel["variant_chromosome"].values[pairs.panel_row].astype(str), UNMODELLED
    )
    losses["on X, Y or MT, which the model leaves out"] = int(unmodelled.sum())
    pairs = pairs.keep(~unmodelled)
    if exclude is not None:
        inside = excluded(panel, exclude)[pairs.panel_row]
        losses["in an excluded region"] = int(inside.sum())
        pairs = pairs.keep(~inside)
    if minor := _minor(pairs):
        said.append(minor)
        pairs = pairs._replace(frequency=np.full(len(pairs.row), np.nan))
    pairs, ambiguous = _resolve_palindromes(pairs, informative_frequency)
    losses["strand ambiguous (A/T or C/G)"] = ambiguous
    pairs = _flip(pairs)
    # Frequencies have told which allele of the others is which.
    plain = pairs.keep(~pairs.palindromic)
    far = frequencies(plain.frequency, plain.panel_frequency, max_frequency_difference)
    said += judge(where, {"frequencies": far}, accept)
    apart = np.abs(pairs.frequency - pairs.panel_frequency) > max_frequency_difference
    losses["allele frequency far from the panel's"] = int(apart.sum())
    pairs = pairs.keep(~apart)
    once, counts = only_once(pairs.panel_row, pairs.z, pairs.n)
    pairs = pairs.keep(once)
    losses |= counts
    if not keep_extreme:
        bad = contradicted(panel, pairs.panel_row, pairs.z, pairs.n)
        losses["extreme z-scores that their LD contradicts"] = int(bad.sum())
        pairs = pairs.keep(~bad)
    if not len(pairs.row):
        raise InputError(
            f"{where}: none of its {rows_in} variants is left after alignment to "
            f"{panel.attrs.get('path', 'the LD panel')} ({largest_loss(losses)}). "
            "Check the chromosomes, the genome build and the alleles."
        )
    other_strand = np.isin(pairs.orientation, (SAME_STRAND, SWAPPED_STRAND))
    aligned = _on_panel(pairs, panel).assign_attrs(doubts=said)
    if with_rows:
        aligned = aligned.assign(_rows(pairs, panel.sizes["variants"]))
    notes = {
        "Matched, same allele order": same_labels,
        "Matched, alleles swapped": swapped_labels,
        "Scored from the other strand": int(other_strand.sum()),
        "Scored, A/T or C/G told by frequency": int(pairs.palindromic.sum()),
        "Scored insertions and deletions": int(pairs.indel.sum()),
        "Panel variants without a z-score": panel.sizes["variants"] - len(pairs.row),
    }
    return aligned, alignment_report(rows_in, losses, "Scored", len(pairs.row), notes)


class _Pairs(NamedTuple):
    """Matched rows, one array entry each."""

    row: np.ndarray
    panel_row: np.ndarray
    orientation: np.ndarray
    palindromic: np.ndarray
    indel: np.ndarray
    z: np.ndarray
    n: np.ndarray
    frequency: np.ndarray
    panel_frequency: np.ndarray

    def keep(self, which: np.ndarray) -> _Pairs:
        return _Pairs(*(array[which] for array in self))


def _pairs(match: Match, sumstats: xr.Dataset, panel: xr.Dataset) -> _Pairs:
    def values(dataset: xr.Dataset, name: str, rows: np.ndarray) -> np.ndarray:
        return dataset[f"variant_{name}"].values[rows].astype(np.float64)

    return _Pairs(
        match.row,
        match.panel_row,
        match.orientation,
        match.palindromic,
        match.indel,
        z=values(sumstats, "z", match.row),
        n=values(sumstats, "sample_size", match.row),
        frequency=values(sumstats, "allele_frequency", match.row),
        panel_frequency=values(panel, "allele_frequency", match.panel_row),
    )


def _check_build(match: Match, where: str, panel: xr.Dataset) -> None:
    """Stop when most variants of the same name are elsewhere."""
    build = panel.attrs.get("genome_build", "its build")
    remedy = "Bring both to the same genome build: liftover, with a chain file (--chain)."
    if match.shared_names >= _TELLING and match.elsewhere > match.shared_names / 2:
        raise InputError(
            f"{where}: {match.elsewhere} of {match.shared_names} variants of the same name have "
            f"another position than in the LD panel ({build}). {remedy}"
        )


def _minor(pairs: _Pairs) -> str:
    """What to say of frequencies that are those of the minor allele; nothing of others."""
    plain = pairs.keep(~pairs.palindromic)
    if not minor_frequencies(plain.frequency, turned(plain.panel_frequency, plain.orientation)):
        return ""
    return (
        "no frequency is above one half, where many of the panel's are: they are taken for those "
        "of the minor allele, and serve neither to tell strands nor to drop variants"
    )


def _resolve_palindromes(pairs: _Pairs, informative: float) -> tuple[_Pairs, int]:
    """Orient A/T and C/G variants by allele frequency; drop those that it cannot tell apart."""
    frequency, panel_frequency = pairs.frequency - 0.5, pairs.panel_frequency - 0.5
    told = (np.abs(frequency) >= informative) & (np.abs(panel_frequency) >= informative)
    same = np.sign(frequency) == np.sign(panel_frequency)
    # Swapped labels with frequencies on opposite sides are an ordinary swap.
    swapped_labels = pairs.orientation == SWAPPED
    orientation = np.select(
        [
            ~pairs.palindromic,
            ~swapped_labels & same,
            ~swapped_labels & ~same,
            swapped_labels & ~same,
        ],
        [pairs.orientation, SAME, SWAPPED_STRAND, SWAPPED],
        default=SAME_STRAND,
    )
    ambiguous = pairs.palindromic & ~told
    return pairs._replace(orientation=orientation).keep(~ambiguous), int(ambiguous.sum())


def _flip(pairs: _Pairs) -> _Pairs:
    """The same statements about the panel's effect allele."""
    return pairs._replace(
        z=np.where(swapped(pairs.orientation), -pairs.z, pairs.z),
        frequency=turned(pairs.frequency, pairs.orientation),
    )


def _rows(pairs: _Pairs, size: int) -> dict[str, tuple[str, np.ndarray]]:
    """Which row each variant of the panel is from, and what was made of it."""
    row, other = np.full(size, -1), np.zeros(size, dtype=bool)
    frequency = np.full(size, np.nan)
    row[pairs.panel_row], other[pairs.panel_row] = pairs.row, swapped(pairs.orientation)
    frequency[pairs.panel_row] = pairs.frequency
    arrays = {"row": row, "swapped": other, "row_frequency": frequency}
    return {f"variant_{name}": ("variants", array) for name, array in arrays.items()}


def _on_panel(pairs: _Pairs, panel: xr.Dataset) -> xr.Dataset:
    variants = panel.sizes["variants"]
    z = np.full(variants, np.nan, dtype=np.float32)
    z[pairs.panel_row] = pairs.z
    # Unscored variants still need an N for d = N v.
    n = np.full(variants, np.median(pairs.n), dtype=np.float32)
    n[pairs.panel_row] = pairs.n
    arrays = {"variant_z": z, "variant_sample_size": n, "variant_scored": np.isfinite(z)}
    own = np.full(variants, np.nan, dtype=np.float32)
    own[pairs.panel_row] = pairs.frequency
    # Where the panel has none, the GWAS's is taken for it: nothing is to be compared there.
    own[np.isnan(panel["variant_allele_frequency"].values)] = np.nan
    if np.isfinite(own).any():
        arrays["variant_gwas_frequency"] = own
    arrays["variant_allele_frequency"] = fill_frequency(panel, pairs.panel_row, pairs.frequency)
    return panel.assign({name: ("variants", array) for name, array in arrays.items()})
