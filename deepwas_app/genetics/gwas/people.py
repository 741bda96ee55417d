"""Sample sizes of the rows of summary statistics."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from deepwas_app.errors import InputError


def sample_size(
    path: Path,
    columns: Mapping[str, np.ndarray],
    facts: Mapping[str, Any],
    rows: int,
    n: float | None = None,
    cases: float | None = None,
    controls: float | None = None,
) -> tuple[np.ndarray, str, bool]:
    """Sample size of every row.

    Parameters
    ----------
    path
        For errors.
    columns
        Of the roles n, cases, controls, effective_n and half_effective_n, those that the file has.
    facts
        n, cases and controls of the whole study, where the file says them.
    rows
        How many rows there are.
    n, cases, controls
        As the user says; these go before all of the file.

    Returns
    -------
    The sizes, in words where they are from, and whether they are effective ones: the N of the
    balanced study that says as much, 4 / (1/cases + 1/controls).

    Raises
    ------
    InputError
        If nothing says a sample size, or too much is given.
    """
    if (cases is None) != (controls is None):
        raise InputError(f"{path}: cases and controls go together. Give both, or the sample size.")
    if n is not None and cases is not None:
        raise InputError(f"{path}: give the sample size, or cases and controls, not both.")
    if n is not None:
        return np.full(rows, float(n)), f"given, {n:g}", False
    if cases is not None and controls is not None:
        whole = _effective(cases, controls)
        return np.full(rows, whole), f"effective, {whole:.0f}, of given cases and controls", True
    size = np.full(rows, np.nan)
    origins: list[str] = []
    effective = False
    # Row by row the first that there is.
    for name, found, balanced in _sources(columns, facts):
        open_ = ~(size > 0)
        new = open_ & np.isfinite(found) & (found > 0)
        if new.any():
            size = np.where(new, found, size)
            origins.append(name)
            effective |= balanced
    if not origins and not columns:
        raise InputError(
            f"{path}: has no column of sample sizes. Give the sample size (--n), or --cases and "
            "--controls."
        )
    return size, "; else ".join(origins), effective


def _sources(
    columns: Mapping[str, np.ndarray], facts: Mapping[str, Any]
) -> list[tuple[str, Any, bool]]:
    """What may say a sample size, the best first: name, sizes, whether they are effective ones."""
    found: list[tuple[str, Any, bool]] = []
    if "effective_n" in columns:
        found.append(("effective, column of the file", columns["effective_n"], True))
    if "half_effective_n" in columns:
        found.append(("effective, twice a column of halves", 2 * columns["half_effective_n"], True))
    cases, controls, total = (columns.get(role) for role in ("cases", "controls", "n"))
    if cases is not None and controls is not None:
        size = _effective(cases, controls)
        found.append(("effective, from the columns of cases and controls", size, True))
    if cases is not None and total is not None:
        size = _effective(cases, total - cases)
        found.append(("effective, from the columns of cases and sample size", size, True))
    if total is not None:
        found.append(("column of the file", total, False))
    if {"cases", "controls"} <= {*facts}:
        whole = _effective(facts["cases"], facts["controls"])
        found.append((f"effective, {whole:.0f}, of the study's cases and controls", whole, True))
    if "n" in facts:
        found.append((f"of the study, {facts['n']:g}", facts["n"], False))
    if cases is not None and controls is not None:
        # Of a quantity, all are controls.
        found.append(("column of controls, without cases", controls, False))
    return found


def _effective(cases: Any, controls: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        both = np.minimum(cases, controls) > 0
        return np.where(both, 4.0 / (1.0 / cases + 1.0 / controls), np.nan)
