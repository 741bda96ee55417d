"""What a file does not say of its alleles, told by an LD panel: which one counts, and the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics.alleles import SAME, SAME_STRAND
from deepwas_app.genetics.matching import Match, match_variants, places_of

# Fewer variants than this, or a weaker correlation, tell nothing.
ENOUGH, CLEAR = 100, 0.5
# Of a minor allele's frequency, whichever that is, at most this share may be beyond this one.
_HALF, _BEYOND = 0.55, 0.01


def settle_alleles(sumstats: xr.Dataset, panel: xr.Dataset) -> xr.Dataset:
    """Decide by the panel what the file leaves open.

    Parameters
    ----------
    sumstats : xarray.Dataset
        From :func:`deepwas_app.genetics.gwas.sumstats.read_rows`, on the panel's genome build.
    panel : xarray.Dataset
        From :func:`deepwas_app.genetics.ld.panel.open_panel`.

    Returns
    -------
    xarray.Dataset
        With both alleles; the effect counts variant_effect_allele. What was decided is said in
        the attribute understood.

    Raises
    ------
    InputError
        If the effect allele is in doubt and the frequencies do not tell it.

    Notes
    -----
    The frequency of a file is that of the allele that its effect counts. Where the file names two
    alleles and not which of them counts, the correlation of its frequencies with the panel's, over
    variants whose alleles are not A/T or C/G, is near 1 for the one and near -1 for the other.
    """
    if "variant_other_allele" not in sumstats:
        sumstats = _with_other_allele(sumstats, panel)
    doubt = sumstats.attrs.get("doubt", "")
    if not doubt:
        return sumstats
    correlation, count = _correlation(sumstats, panel, doubt)
    said = f"told by its frequencies: correlation {correlation:.2f} with the panel's over "
    said += f"{count:,} variants"
    effect, other = "variant_effect_allele", "variant_other_allele"
    understood = [dict(row) for row in sumstats.attrs["understood"]]
    rows = [row for row in understood if row["role"] in ("effect_allele", "other_allele")]
    if correlation < 0:
        sumstats = sumstats.assign({effect: sumstats[other], other: sumstats[effect]})
        for name in ("column", "values"):
            rows[0][name], rows[1][name] = rows[1][name], rows[0][name]
    for row in rows:
        row["why"] = said
    return sumstats.assign_attrs(doubt="", understood=understood)


def _correlation(sumstats: xr.Dataset, panel: xr.Dataset, doubt: str) -> tuple[float, int]:
    """Of the file's frequencies with the panel's for the same allele; and over how many."""
    match = match_variants(sumstats, panel)
    theirs = sumstats["variant_allele_frequency"].values[match.row].astype(float)
    ours = _frequency_of_taken(match, panel)
    clear = np.isfinite(theirs) & np.isfinite(ours) & ~match.palindromic
    theirs, ours = theirs[clear], ours[clear]
    if len(theirs) < ENOUGH:
        raise InputError(
            f"{doubt} ({len(theirs)} variants with a frequency match the LD panel; from {ENOUGH} "
            "on they tell.)"
        )
    spread = min(theirs.std(), ours.std()) > 0
    correlation = float(np.corrcoef(theirs, ours)[0, 1]) if spread else 0.0
    expected = ours if correlation > 0 else 1 - ours
    # A minor allele's frequency belongs now to the one, now to the other.
    minor = theirs.max() <= 0.5 and (expected > _HALF).mean() > _BEYOND
    if minor or abs(correlation) < CLEAR:
        cause = "minor alleles' frequencies" if minor else f"a correlation of {correlation:.2f}"
        raise InputError(f"{doubt} (Its frequencies do not tell: {cause}.)")
    return correlation, len(theirs)


def _frequency_of_taken(match: Match, panel: xr.Dataset) -> np.ndarray:
    frequency = panel["variant_allele_frequency"].values[match.panel_row].astype(float)
    same = np.isin(match.orientation, (SAME, SAME_STRAND))
    return np.where(same, frequency, 1 - frequency)


def _with_other_allele(sumstats: xr.Dataset, panel: xr.Dataset) -> xr.Dataset:
    """The other allele from the panel, where one variant of it has the effect allele."""
    match = match_variants(sumstats, panel)
    place = places_of(sumstats, panel)[1].to_pandas()
    several = (place.duplicated(keep=False) & place.notna()).to_numpy()[match.panel_row]
    row, panel_row = match.row[~several], match.panel_row[~several]
    effect, other = (
        panel[f"variant_{which}_allele"].values.astype(str)[panel_row]
        for which in ("effect", "other")
    )
    found: Any = np.full(sumstats.sizes["variants"], None, dtype=object)
    found[row] = np.where(match.orientation[~several] == SAME, other, effect)
    return sumstats.assign(variant_other_allele=("variants", pd.Categorical(found)))
