"""Summary statistics on the variants and alleles of an LD panel, every loss counted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics.frequency import fill_frequency

SAME, SWAPPED, SAME_STRAND, SWAPPED_STRAND = 1, 2, 3, 4
_COMPLEMENT = {"A": "T", "C": "G", "G": "C", "T": "A"}


def align(
    sumstats: xr.Dataset,
    panel: xr.Dataset,
    *,
    frequency_tolerance: float = 0.2,
    informative_frequency: float = 0.08,
) -> tuple[xr.Dataset, list[dict]]:
    """Put z-scores on the variants of a panel, counted for the panel's effect allele.

    Parameters
    ----------
    sumstats : xarray.Dataset
        From :func:`deepwas_app.genetics.sumstats.read_sumstats`.
    panel : xarray.Dataset
        From :func:`deepwas_app.genetics.panel.open_panel`.
    frequency_tolerance : float
        Rows whose allele frequency is further than this from the panel's are dropped.
    informative_frequency : float
        A/T and C/G variants are resolved by allele frequency where both frequencies are at
        least this far from one half; otherwise they are dropped.

    Returns
    -------
    aligned : xarray.Dataset
        The panel's Dataset with variant_z (NaN where unscored), variant_sample_size (the
        median where unscored) and variant_scored.
    report : list of dict
        ``step``, ``variants``, ``kind``: first the rows of the file ("in"), then what was
        lost and why ("loss", negative), then what is scored ("out"): these add up. Then
        remarks ("note").

    Raises
    ------
    InputError
        If no row matches, or the positions are of another genome build.

    Notes
    -----
    Variants are matched by chromosome, position and the pair of alleles, else by name and
    alleles. Rows that say the same of a variant count once; rows that contradict each other
    are all dropped, so that the order of the file does not matter.
    """
    where = sumstats.attrs.get("path", "summary statistics")
    rows = _frame(sumstats)
    reference = _frame(panel)
    _check_build(rows, reference, where, panel)
    match = _match(rows, reference)
    losses = dict(sumstats.attrs.get("dropped", {}))
    rows_in = len(rows) + sum(losses.values())

    known = _known(rows, reference)
    losses["not in the LD panel"] = int((~known).sum())
    losses["other alleles than the LD panel"] = int(known.sum()) - len(match)
    swapped_labels = int(match["orientation"].isin([SWAPPED, SWAPPED_STRAND]).sum())
    same_labels = len(match) - swapped_labels
    match, ambiguous = _resolve_palindromes(match, informative_frequency)
    losses["strand ambiguous (A/T or C/G)"] = ambiguous
    flip = match["orientation"].isin([SWAPPED, SWAPPED_STRAND])
    match["z"] = match["z"].where(~flip, -match["z"])
    match["frequency"] = match["frequency"].where(~flip, 1 - match["frequency"])
    apart = (match["frequency"] - match["panel_frequency"]).abs() > frequency_tolerance
    losses["allele frequency far from the panel's"] = int(apart.sum())
    match = match[~apart]
    match, repeated, contradictory = _once(match)
    losses["repeated rows"] = repeated
    losses["rows that contradict each other"] = contradictory
    if match.empty:
        raise InputError(
            f"{where}: none of its {rows_in} variants is left after alignment to "
            f"{panel.attrs.get('path', 'the LD panel')} ({_largest(losses)}). "
            "Check the chromosomes, the genome build and the alleles."
        )
    report = [{"step": "In the summary statistics", "variants": rows_in, "kind": "in"}]
    report += [
        {"step": reason[0].upper() + reason[1:], "variants": -count, "kind": "loss"}
        for reason, count in losses.items()
        if count
    ]
    report.append({"step": "Scored", "variants": len(match), "kind": "out"})
    other_strand = match["orientation"].isin([SAME_STRAND, SWAPPED_STRAND]).sum()
    notes = {
        "Matched, same allele order": same_labels,
        "Matched, alleles swapped": swapped_labels,
        "Scored from the other strand": int(other_strand),
        "Panel variants without a z-score": len(reference) - len(match),
    }
    report += [{"step": step, "variants": n, "kind": "note"} for step, n in notes.items()]
    return _on_panel(match, panel), report


def _frame(dataset: xr.Dataset) -> pd.DataFrame:
    names = ("id", "chromosome", "position", "effect_allele", "other_allele")
    frame = pd.DataFrame({name: dataset[f"variant_{name}"].values for name in names})
    frame["frequency"] = dataset["variant_allele_frequency"].values.astype(np.float64)
    if "variant_z" in dataset:
        frame["z"] = dataset["variant_z"].values.astype(np.float64)
        frame["n"] = dataset["variant_sample_size"].values.astype(np.float64)
    frame["row"] = np.arange(len(frame))
    return frame


def _check_build(
    rows: pd.DataFrame, reference: pd.DataFrame, where: str, panel: xr.Dataset
) -> None:
    """Stop when most variants of the same name are elsewhere."""
    columns = ["id", "chromosome", "position"]
    placed = rows.loc[(rows["position"] > 0) & (rows["id"] != ""), columns].drop_duplicates("id")
    shared = placed.merge(reference[columns].drop_duplicates("id"), on="id", suffixes=("", "_p"))
    elsewhere = (shared["position"] != shared["position_p"]).sum()
    if len(shared) >= 20 and elsewhere > len(shared) / 2:
        raise InputError(
            f"{where}: {elsewhere} of {len(shared)} variants of the same name have another "
            f"position than in the LD panel ({panel.attrs.get('genome_build', 'its build')}). "
            "Bring both to the same genome build (liftover)."
        )


def _known(rows: pd.DataFrame, reference: pd.DataFrame) -> np.ndarray:
    """Rows whose position or name the panel has."""
    key = ["chromosome", "position"]
    places = pd.MultiIndex.from_frame(reference[key])
    by_place = pd.MultiIndex.from_frame(rows[key]).isin(places)
    return by_place | ((rows["id"] != "") & rows["id"].isin(reference["id"])).to_numpy()


def _match(rows: pd.DataFrame, reference: pd.DataFrame) -> pd.DataFrame:
    """At most one panel variant for each row: by place and alleles, else by name and alleles."""
    by_place = _candidates(rows, reference, ["chromosome", "position"])
    rest = rows[~rows["row"].isin(by_place["row"]) & (rows["id"] != "")]
    return pd.concat([by_place, _candidates(rest, reference, ["id"])], ignore_index=True)


def _candidates(rows: pd.DataFrame, reference: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    columns = [*key, "effect_allele", "other_allele", "frequency", "row"]
    other = reference[columns].rename(columns={c: f"panel_{c}" for c in columns if c not in key})
    pairs = rows.merge(other, on=key)
    pairs["orientation"] = _orientation(pairs)
    pairs = pairs[pairs["orientation"] > 0]
    # The lower code is the simpler explanation; ties go to the panel's first variant.
    pairs = pairs.sort_values(["row", "orientation", "panel_row"], kind="stable")
    return pairs.drop_duplicates("row")


def _orientation(pairs: pd.DataFrame) -> np.ndarray:
    """How the alleles of a row relate to those of the panel; 0 where they do not."""
    names = ("effect_allele", "other_allele", "panel_effect_allele", "panel_other_allele")
    codes, alleles = pd.factorize(np.concatenate([pairs[name].to_numpy(object) for name in names]))
    effect, other, panel_effect, panel_other = np.split(codes, 4)
    # Only single bases have a complement; the others get -1, which no allele has.
    complement = pd.Index(alleles).get_indexer([_COMPLEMENT.get(a, "-") for a in alleles])
    effect_c, other_c = complement[effect], complement[other]
    conditions = [
        (effect == panel_effect) & (other == panel_other),
        (effect == panel_other) & (other == panel_effect),
        (effect_c == panel_effect) & (other_c == panel_other),
        (effect_c == panel_other) & (other_c == panel_effect),
    ]
    return np.select(conditions, [SAME, SWAPPED, SAME_STRAND, SWAPPED_STRAND], default=0)


def _resolve_palindromes(match: pd.DataFrame, informative: float) -> tuple[pd.DataFrame, int]:
    """Orient A/T and C/G variants by allele frequency; drop those that it cannot tell apart."""
    palindromic = match["panel_other_allele"] == match["panel_effect_allele"].map(_COMPLEMENT)
    frequency, panel_frequency = match["frequency"] - 0.5, match["panel_frequency"] - 0.5
    told = (frequency.abs() >= informative) & (panel_frequency.abs() >= informative)
    same = np.sign(frequency) == np.sign(panel_frequency)
    # Swapped labels with frequencies on opposite sides are an ordinary swap.
    swapped_labels = match["orientation"] == SWAPPED
    orientation = np.select(
        [~swapped_labels & same, ~swapped_labels & ~same, swapped_labels & ~same],
        [SAME, SWAPPED_STRAND, SWAPPED],
        default=SAME_STRAND,
    )
    match = match.assign(orientation=match["orientation"].where(~palindromic, orientation))
    ambiguous = palindromic & ~told
    return match[~ambiguous].copy(), int(ambiguous.sum())


def _once(match: pd.DataFrame) -> tuple[pd.DataFrame, int, int]:
    """One row per panel variant; how many repeated and how many contradictory rows went."""
    several = match[match.duplicated("panel_row", keep=False)]
    values = several.groupby("panel_row")[["z", "n"]]
    agree = (values.transform("max") == values.transform("min")).all(axis=1)
    contradictory = several.index[~agree]
    repeated = several.index[agree & several.duplicated("panel_row")]
    kept = match.drop(index=contradictory.union(repeated))
    return kept, len(repeated), len(contradictory)


def _on_panel(match: pd.DataFrame, panel: xr.Dataset) -> xr.Dataset:
    variants = panel.sizes["variants"]
    row = match["panel_row"].to_numpy()
    z = np.full(variants, np.nan, dtype=np.float32)
    z[row] = match["z"]
    # Unscored variants still need an N for d = N v.
    n = np.full(variants, match["n"].median(), dtype=np.float32)
    n[row] = match["n"]
    arrays = {"variant_z": z, "variant_sample_size": n, "variant_scored": np.isfinite(z)}
    arrays["variant_allele_frequency"] = fill_frequency(panel, row, match["frequency"].to_numpy())
    return panel.assign({name: ("variants", array) for name, array in arrays.items()})


def _largest(losses: dict[str, int]) -> str:
    reason = max(losses, key=lambda name: losses[name])
    return f"{reason}: {losses[reason]}"
