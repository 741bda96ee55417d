"""Rows of summary statistics as they are: each variant once, with a place, every loss counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics import chromosomes
from deepwas_app.genetics.gwas.checks import judge
from deepwas_app.genetics.gwas.plausible import LOOKED_AT, one_sign


def clean(
    sumstats: xr.Dataset, *, accept: Iterable[str] = ()
) -> tuple[xr.Dataset, list[dict[str, Any]]]:
    """Rows in the order of the genome, each variant once, where there is no panel to align them to.

    Parameters
    ----------
    sumstats, accept
        As for :func:`deepwas_app.genetics.gwas.align.align`.

    Returns
    -------
    The rows that are left, with attribute ``doubts``, and the report, both as of ``align``.

    Raises
    ------
    InputError
        If the rows have no places, or the file is not plausible.
    """
    where = sumstats.attrs.get("path", "summary statistics")
    doubts = sumstats.attrs.get("doubts", {}) | {"one-sign": signs(sumstats)}
    said = judge(where, doubts, accept)
    chromosome, position = sumstats["variant_chromosome"].values, sumstats["variant_position"]
    known = np.isin(chromosome.astype(str), [*chromosomes.ORDER])
    reasons = {
        "no position": position.values <= 0,
        "on no chromosome of 1 to 22, X, Y and MT": ~known,
    }
    keep, losses = np.ones(len(known), dtype=bool), dict(sumstats.attrs.get("dropped", {}))
    for reason, wrong in reasons.items():
        losses[reason] = int((keep & wrong).sum())
        keep &= ~wrong
    rows = np.flatnonzero(keep)
    variant, turned = _variants_of(sumstats.isel(variants=rows))
    z = sumstats["variant_z"].values[rows]
    once, counts = only_once(
        variant, np.where(turned, -z, z), sumstats["variant_sample_size"].values[rows]
    )
    rows = rows[once]
    losses |= counts
    rows_in = sumstats.sizes["variants"] + sum(sumstats.attrs.get("dropped", {}).values())
    if not len(rows):
        raise InputError(
            f"{where}: none of its {rows_in} rows is left ({largest_loss(losses)}). Give an LD "
            "panel that has their places (--ld)."
        )
    order = chromosomes.sort_order(chromosome[rows], position.values[rows])
    cleaned = sumstats.isel(variants=rows[order]).assign_attrs(doubts=said)
    return cleaned, alignment_report(rows_in, losses, "Left", len(rows), {})


def _variants_of(sumstats: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Which variant each row is of, as a number; and whether it counts the second allele of it."""
    pair = [sumstats[f"variant_{which}_allele"].values.astype(str) for which in ("effect", "other")]
    codes = pd.factorize(np.concatenate(pair), sort=True)[0].reshape(2, -1)
    keys = {
        "chromosome": pd.factorize(sumstats["variant_chromosome"].values)[0],
        "position": sumstats["variant_position"].values,
        "first": codes.min(axis=0),
        "second": codes.max(axis=0),
    }
    variant = pd.DataFrame(keys).groupby([*keys], sort=False).ngroup().to_numpy()
    return variant, codes[0] > codes[1]


def signs(sumstats: xr.Dataset) -> str:
    """What :func:`deepwas_app.genetics.gwas.plausible.one_sign` says of the rows."""
    # Millions of chromosomes as texts are slow to make.
    step = max(sumstats.sizes["variants"] // LOOKED_AT, 1)
    some = sumstats.isel(variants=slice(None, None, step))
    place = [some[f"variant_{name}"].values for name in ("chromosome", "position")]
    return one_sign(some["variant_z"].values, *place)


def only_once(
    variant: np.ndarray, z: np.ndarray, n: np.ndarray
) -> tuple[np.ndarray, dict[str, int]]:
    """Which rows to keep so that each variant (by number) has one, and how many go, by reason."""
    several = np.flatnonzero(np.bincount(variant)[variant] > 1)
    columns = {"variant": variant, "z": z, "n": n}
    frame = pd.DataFrame({k: array[several] for k, array in columns.items()}, index=several)
    values = frame.groupby("variant")[["z", "n"]]
    agree = (values.transform("max") == values.transform("min")).all(axis=1)
    contradictory = frame.index[~agree]
    repeated = frame.index[agree & frame.duplicated("variant")]
    keep = np.ones(len(variant), dtype=bool)
    keep[contradictory] = keep[repeated] = False
    counts = {
        "repeated rows": len(repeated),
        "rows that contradict each other": len(contradictory),
    }
    return keep, counts


def alignment_report(
    rows_in: int, losses: Mapping[str, int], left: str, out: int, notes: Mapping[str, int]
) -> list[dict[str, Any]]:
    """The steps from the rows of a file to those that are left, as ``align`` gives them."""
    steps = [("In the summary statistics", rows_in, "in")]
    steps += [(r[0].upper() + r[1:], -count, "loss") for r, count in losses.items() if count]
    steps.append((left, out, "out"))
    steps += [(step, count, "note") for step, count in notes.items()]
    return [{"step": step, "variants": count, "kind": kind} for step, count, kind in steps]


def largest_loss(losses: Mapping[str, int]) -> str:
    """The reason that most rows are lost by, with their number."""
    reason = max(losses, key=lambda name: losses[name])
    return f"{reason}: {losses[reason]}"
