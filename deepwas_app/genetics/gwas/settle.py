"""What a file does not say of its alleles, told by an LD panel: which one counts, and the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.counting import counted
from deepwas_app.errors import InputError
from deepwas_app.genetics.alleles import SAME, turned
from deepwas_app.genetics.gwas.plausible import TELLING, minor_frequencies
from deepwas_app.genetics.matching import match_variants, places_of

# A weaker correlation tells nothing.
CLEAR = 0.5


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
    said += counted(count, "variant")
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
    ours = panel["variant_allele_frequency"].values[match.panel_row].astype(float)
    ours = turned(ours, match.orientation)
    clear = np.isfinite(theirs) & np.isfinite(ours) & ~match.palindromic
    theirs, ours = theirs[clear], ours[clear]
    if len(theirs) < TELLING:
        raise InputError(
            f"{doubt} ({len(theirs)} variants with a frequency match the LD panel; from {TELLING} "
            "on they tell.)"
        )
    spread = min(theirs.std(), ours.std()) > 0
    correlation = float(np.corrcoef(theirs, ours)[0, 1]) if spread else 0.0
    # A minor allele's frequency belongs now to the one, now to the other.
    minor = minor_frequencies(theirs, ours if correlation > 0 else 1 - ours)
    if minor or abs(correlation) < CLEAR:
        cause = "minor alleles' frequencies" if minor else f"a correlation of {correlation:.2f}"
        raise InputError(f"{doubt} (Its frequencies do not tell: {cause}.)")
    return correlation, len(theirs)


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
