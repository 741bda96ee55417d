"""z-scores of the rows of summary statistics, and why rows have none."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy.special import ndtri_exp

from deepwas_app.errors import InputError
from deepwas_app.genetics.files import is_number
from deepwas_app.genetics.gwas.plausible import LOOKED_AT, p_and_se, p_range
from deepwas_app.genetics.gwas.vocabulary import EFFECTS, P_ROLES, normal
from deepwas_app.genetics.tables import NUMBER, TEXT

# Factor from a logarithm to ln P.
_LOGS = {"neg_log10_p": -np.log(10.0), "log10_p": np.log(10.0), "ln_p": 1.0}
# Marks of rows that the tool withdrew, by the column's name: values that are, or alone are not.
_WITHDRAWN = {
    "extra": {"testfail", "fail"},
    "testfail": {"1", "true", "testfail"},
    "isspaconverge": {"0", "false"},
    "lowconfidence": {"1", "true"},
    "lowconfidencevariant": {"1", "true"},
}
_SOUND = {"0", "", "false", "none", "ok", "pass"}


def numbers(table: pa.Table, role: str) -> np.ndarray:
    """A role as float64, NaN where it is missing or the table has none."""
    if role not in table.column_names:
        return np.full(table.num_rows, np.nan)
    return table[role].to_numpy()


def _effects(table: pa.Table) -> np.ndarray:
    """Effects; the logarithm of the odds ratio where there is none."""
    effect = numbers(table, "beta")
    if "odds_ratio" not in table.column_names:
        return effect
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.isnan(effect), np.log(numbers(table, "odds_ratio")), effect)


def z_scores(table: pa.Table, path: Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """z-scores in float64 by the best columns that a row has, and why rows have none.

    Parameters
    ----------
    table
        Columns by role.
    path
        For errors.

    Notes
    -----
    z is the column of that name; else BETA/SE or log(OR)/SE; else the statistic; else the sign
    of the effect with P, row by row. A row whose P is missing beside effect and standard error
    was withdrawn by the tool that computed it, unless the whole column is empty.
    """
    z = numbers(table, "z")
    effect, se = _effects(table), numbers(table, "se")
    reasons: dict[str, np.ndarray] = {}
    with np.errstate(divide="ignore", invalid="ignore"):
        reasons["standard error not above 0"] = se <= 0
        reasons["infinite standard error"] = se == np.inf
        z = np.where(np.isnan(z), effect / se, z)
        without = _without_p(table)
        if without is not None:
            reasons["P missing beside effect and standard error"] = without & np.isfinite(
                effect / se
            )
        if "statistic" in table.column_names:
            z = np.where(np.isnan(z), numbers(table, "statistic"), z)
        rest = np.isnan(z) & np.isfinite(effect)
        if rest.any():
            log_p = _log_p(path, table, rest)
            reasons["P of exactly 0 and no standard error"] = _placed(rest, log_p == -np.inf)
            reasons["P outside 0 to 1"] = _placed(rest, log_p > 0)
            size = -ndtri_exp(np.where(log_p <= 0, log_p, np.nan) - np.log(2.0))
            z = np.array(z)
            z[rest] = np.sign(effect[rest]) * size
        reasons["no finite z-score"] = ~np.isfinite(z)
    return z, reasons


def effects(table: pa.Table, path: Path) -> dict[str, np.ndarray]:
    """What the rows themselves say, beside z: effect, standard_error and neg_log10_p, else NaN.

    Parameters
    ----------
    table
        Columns by role; effects are logarithms of odds ratios where these are given.
    path
        For errors.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        log_p = _log_p(path, table, np.ones(table.num_rows, dtype=bool))
    # P of 0 and of more than 1 are none.
    known = (log_p <= 0) & np.isfinite(log_p)
    return {
        "effect": _effects(table),
        "standard_error": numbers(table, "se"),
        "neg_log10_p": np.where(known, np.abs(log_p) / np.log(10.0), np.nan),
    }


def doubts(table: pa.Table, path: Path) -> dict[str, str]:
    """What is implausible about effects, standard errors and P; see :mod:`.plausible`.

    Parameters
    ----------
    table
        Columns by role, of which a part of the rows is looked at.
    path
        For errors.
    """
    step = max(table.num_rows // LOOKED_AT, 1)
    needed = [name for name in (*P_ROLES, *EFFECTS, "se") if name in table.column_names]
    some = table.select(needed).take(np.arange(0, table.num_rows, step))
    everything = np.ones(some.num_rows, dtype=bool)
    found = {}
    with np.errstate(divide="ignore", invalid="ignore"):
        log_p = _log_p(path, some, everything)
    if "p" in some.column_names:
        found["p-range"] = p_range(np.where(log_p == np.inf, -1.0, np.exp(log_p)))
    effect, se = _effects(some), numbers(some, "se")
    if np.isnan(se).all():
        effect, se = numbers(some, "z"), np.ones(some.num_rows)
    return found | {"p-and-se": p_and_se(effect, se, log_p)}


def withdrawn(flag: pd.Categorical, column: str) -> np.ndarray:
    """Rows that the tool itself marked as not to be used.

    Parameters
    ----------
    flag
        The marks.
    column
        Name of their column, which says what they mean.
    """
    name = normal(column)
    known = next((bad for word, bad in _WITHDRAWN.items() if name.startswith(word)), None)
    marks = [normal(str(level).removesuffix(".0")) for level in flag.categories]
    bad = [mark not in _SOUND if known is None else mark in known for mark in marks]
    return np.append(bad, False)[flag.codes].astype(bool)


def _without_p(table: pa.Table) -> np.ndarray | None:
    """Rows without any P, where the file has some; None where no row is."""
    there = [table[role] for role in P_ROLES if role in table.column_names]
    if not there or min(column.null_count for column in there) == 0:
        return None
    missing = np.logical_and.reduce([column.is_null(nan_is_null=True) for column in there])
    return None if missing.all() else missing


def _placed(rows: np.ndarray, values: np.ndarray) -> np.ndarray:
    whole = np.zeros(len(rows), dtype=bool)
    whole[rows] = values
    return whole


def _log_p(path: Path, table: pa.Table, rows: np.ndarray) -> np.ndarray:
    """Ln P, inf for P below 0; logarithms go first, as they survive P below 1e-308."""
    if "p" in table.column_names and table["p"].type == TEXT:
        return _log_of_text(path, table["p"].filter(pa.array(rows)), np.flatnonzero(rows))
    log_p = np.full(int(rows.sum()), np.nan)
    for role, factor in _LOGS.items():
        log_p = np.where(np.isnan(log_p), factor * numbers(table, role)[rows], log_p)
    p = numbers(table, "p")[rows]
    return np.where(np.isnan(log_p), np.where(p < 0, np.inf, np.log(p)), log_p)


def _log_of_text(path: Path, text: pa.ChunkedArray, rows: np.ndarray) -> np.ndarray:
    """Natural logarithm of numbers that may be too small for a float, inf below 0."""
    try:
        value = text.cast(NUMBER).to_numpy()
    except pa.ArrowInvalid as error:
        words = enumerate(text.to_pylist())
        index, word = next((i, w) for i, w in words if w and not is_number(w))
        raise InputError(
            f"{path}: row {rows[index] + 1} has {word[:20]!r} for P, where a number belongs. "
            "Correct it or take it out."
        ) from error
    log = np.where(value < 0, np.inf, np.log(value))
    tiny = np.flatnonzero(np.abs(value) < np.finfo(float).tiny)
    exact = [Decimal(word) for word in text.take(pa.array(tiny)).to_pylist()]
    log[tiny] = [_log_of(number) for number in exact]
    return log


def _log_of(number: Decimal) -> float:
    if number < 0:
        return np.inf
    return float(number.ln()) if number else -np.inf
