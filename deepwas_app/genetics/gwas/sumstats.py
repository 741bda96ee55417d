"""GWAS summary statistics: many formats in, one Dataset out."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import xarray as xr
from scipy.special import ndtri_exp

from deepwas_app.errors import InputError
from deepwas_app.genetics import chromosomes
from deepwas_app.genetics.files import existing, is_number, read_header
from deepwas_app.genetics.gwas.format import FORMATS, LEVEL_ROLES, TEXT_ROLES, mapping
from deepwas_app.genetics.tables import LEVELS, NUMBER, TEXT, read_columns

_SINGLE_BASES = frozenset("ACGT")


def read_sumstats(
    path: str | Path,
    format: str = "auto",
    n: float | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    cases: float | None = None,
    controls: float | None = None,
) -> xr.Dataset:
    """Read GWAS summary statistics.

    Parameters
    ----------
    path : path
        Plain, .gz, .bz2, .zst or parquet.
    format : str
        A name of :data:`deepwas_app.genetics.gwas.format.FORMATS`, or "auto" to recognise it by
        the column names.
    n : float, optional
        Sample size for every row; it goes before a column of the file.
    columns : mapping, optional
        Role (see :data:`deepwas_app.genetics.gwas.format.ROLES`) to column name; these go before
        those of the format.
    cases, controls : float, optional
        The sample size is the effective one, 4 / (1/cases + 1/controls).

    Returns
    -------
    xarray.Dataset
        Over ``variants``, in the order of the file: variant_id, variant_chromosome,
        variant_position (0 where the format has none), variant_effect_allele,
        variant_other_allele, variant_allele_frequency (NaN where unknown), variant_z,
        variant_sample_size. Text is kept as Arrow and categorical arrays, so that ten million
        rows take a gigabyte. Attributes: path, format, columns (role to column), sample_size
        (where it is from), rows (in the file), dropped (reason to number of rows).

    Raises
    ------
    InputError
        If the file cannot be read, is of no known format, or has no usable row.

    Notes
    -----
    z is the column of that name; else BETA/SE or log(OR)/SE; else the statistic; else the sign
    of the effect with P, row by row.
    """
    path = existing(path)
    name, found = mapping(path, read_header(path), format, columns or {})
    packed = FORMATS[name].read if name in FORMATS else None
    if packed:
        table, found, meta = packed(path, found)
        if n is None and cases is None and controls is None:
            n, cases, controls = meta.n, meta.cases, meta.controls
    else:
        # Where all depends on P, its text is kept: 1e-400 is 0 as a number.
        kinds = {c: _type(role) for role, c in found.items()}
        if "p" in found and not {"z", "se", "neg_log10_p", "statistic"} & {*found}:
            kinds[found["p"]] = TEXT
        table = read_columns(path, kinds)
        table = pa.table({role: table[column] for role, column in found.items()})
    size, origin, effective = _sample_size(path, table, n, cases, controls)

    chromosome = _levels(table, "chromosome")
    effect, other = _alleles(table)
    z, reasons = _z(table, path)
    position = _numbers(table, "position")
    named = _has_text(table, "id")
    with np.errstate(invalid="ignore"):
        placed = (chromosome.codes >= 0) & (position > 0) & (position < 2**31)
        reasons |= {
            "no sample size": ~(np.isfinite(size) & (size > 0)),
            "no alleles": (effect.codes < 0) | (other.codes < 0),
            "no name and no position": ~(placed | named),
        }
    keep, dropped = _usable(reasons, table.num_rows)
    if not keep.any():
        counts = ", ".join(f"{reason}: {count}" for reason, count in dropped.items())
        raise InputError(f"{path}: no row can be used ({counts}). Check the columns.")
    arrays = {
        "id": _ids(table),
        "chromosome": chromosome,
        "position": np.where(placed, position, 0).astype(np.int32),
        "effect_allele": effect,
        "other_allele": other,
        "allele_frequency": _numbers(table, "frequency").astype(np.float32),
        "z": z.astype(np.float32),
        "sample_size": np.asarray(size, dtype=np.float32),
    }
    dataset = xr.Dataset(
        {
            f"variant_{k}": ("variants", array if keep.all() else array[keep])
            for k, array in arrays.items()
        }
    )
    return dataset.assign_attrs(
        path=str(path),
        format=name,
        columns=found,
        sample_size=origin,
        **({"case_fraction": 0.5} if effective else {}),
        rows=table.num_rows,
        dropped=dropped,
    )


def _type(role: str) -> pa.DataType:
    return TEXT if role in TEXT_ROLES else LEVELS if role in LEVEL_ROLES else NUMBER


def _numbers(table: pa.Table, role: str) -> np.ndarray:
    """A role as float64, NaN where it is missing or the table has none."""
    if role not in table.column_names:
        return np.full(table.num_rows, np.nan)
    return table[role].to_numpy()


def _levels(table: pa.Table, role: str) -> pd.Categorical:
    """A role of few distinct values, cleaned once per value; missing where it is empty."""
    if role not in table.column_names:
        return pd.Categorical.from_codes(np.full(table.num_rows, -1, dtype=np.int8), [])
    column = table[role].combine_chunks()
    column = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
    codes = column.indices.fill_null(-1).to_numpy()
    text = [level.strip() for level in column.dictionary.to_pylist()]
    if role == "chromosome":
        text = chromosomes.normalise(text).tolist() if text else []
    elif role != "test":
        text = [level.upper() for level in text]
    renamed, levels = pd.factorize(pd.Series(text, dtype=object))
    # One more entry, at the end, for the code -1 of what is missing.
    lookup = np.append(renamed, -1).astype(np.int32)
    if "" in levels:
        empty = list(levels).index("")
        lookup[lookup == empty] = -1
    return pd.Categorical.from_codes(lookup[codes], levels)


def _alleles(table: pa.Table) -> tuple[pd.Categorical, pd.Categorical]:
    """Effect and other allele; the latter may be whichever of two that the former is not."""
    effect, other = _levels(table, "effect_allele"), _levels(table, "other_allele")
    if "other_allele" in table.column_names:
        return effect, other
    reference, alternate = _levels(table, "reference_allele"), _levels(table, "alternate_allele")
    union = pd.api.types.union_categoricals([effect, reference, alternate])
    effect, reference, alternate = np.split(union.codes, 3)
    other = np.select(
        [effect < 0, effect == alternate, effect == reference],
        [-1, reference, alternate],
        default=-1,
    )
    kinds = union.categories
    return pd.Categorical.from_codes(effect, kinds), pd.Categorical.from_codes(other, kinds)


def _has_text(table: pa.Table, role: str) -> np.ndarray:
    if role not in table.column_names:
        return np.zeros(table.num_rows, dtype=bool)
    return table[role].is_valid().to_numpy()


def _ids(table: pa.Table) -> Any:
    """Names as an Arrow array that xarray holds as it is."""
    if "id" not in table.column_names:
        return pd.array(pa.array([""] * table.num_rows), dtype=pd.ArrowDtype(pa.string()))
    ids = pc.fill_null(table["id"], "")
    return pd.array(pc.utf8_trim_whitespace(ids), dtype=pd.ArrowDtype(pa.string()))


def _sample_size(
    path: Path, table: pa.Table, n: float | None, cases: float | None, controls: float | None
) -> tuple[np.ndarray, str, bool]:
    """Sample size of every row, in words where it is from, and whether it is the effective one."""
    rows = table.num_rows
    if (cases is None) != (controls is None):
        raise InputError(f"{path}: cases and controls go together. Give both, or the sample size.")
    if n is not None and cases is not None:
        raise InputError(f"{path}: give the sample size, or cases and controls, not both.")
    if n is not None:
        return np.full(rows, float(n)), f"given, {n:g}", False
    if cases is not None and controls is not None:
        whole = _effective(cases, controls)
        origin = f"effective, {whole:.0f}, of given cases and controls"
        return np.full(rows, whole), origin, True
    if {"cases", "controls"} <= {*table.column_names}:
        size = _effective(_numbers(table, "cases"), _numbers(table, "controls"))
        if np.isfinite(size).any():
            return size, "effective, from the columns of cases and controls", True
    if {"cases", "n"} <= {*table.column_names}:
        total, ill = _numbers(table, "n"), _numbers(table, "cases")
        size = _effective(ill, total - ill)
        if np.isfinite(size).any():
            return size, "effective, from the columns of cases and sample size", True
    if "n" in table.column_names:
        return _numbers(table, "n"), "column of the file", False
    raise InputError(
        f"{path}: has no column of sample sizes. Give the sample size (--n), or --cases and "
        "--controls."
    )


def _effective(cases: Any, controls: Any) -> Any:
    """N of the balanced study that says as much: 4 / (1/cases + 1/controls)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return 4.0 / (1.0 / cases + 1.0 / controls)


def _z(table: pa.Table, path: Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """z-scores in float64 by the best columns that a row has, and why rows have none."""
    z = _numbers(table, "z")
    effect, se = _numbers(table, "beta"), _numbers(table, "se")
    reasons: dict[str, np.ndarray] = {}
    if "test" in table.column_names:
        test = _levels(table, "test")
        additive = [level in ("ADD", "additive") for level in test.categories]
        reasons["another test than ADD"] = ~np.append(additive, False)[test.codes]
    with np.errstate(divide="ignore", invalid="ignore"):
        if "odds_ratio" in table.column_names:
            effect = np.where(np.isnan(effect), np.log(_numbers(table, "odds_ratio")), effect)
        reasons["standard error not above 0"] = se <= 0
        reasons["infinite standard error"] = se == np.inf
        z = np.where(np.isnan(z), effect / se, z)
        if "statistic" in table.column_names:
            z = np.where(np.isnan(z), _numbers(table, "statistic"), z)
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


def _placed(rows: np.ndarray, values: np.ndarray) -> np.ndarray:
    whole = np.zeros(len(rows), dtype=bool)
    whole[rows] = values
    return whole


def _log_p(path: Path, table: pa.Table, rows: np.ndarray) -> np.ndarray:
    """Natural logarithm of P, inf below 0; -log10 P goes first, as it survives P below 1e-308."""
    log_p = -np.log(10.0) * _numbers(table, "neg_log10_p")[rows]
    if "p" in table.column_names and table["p"].type == TEXT:
        return _log_of_text(path, table["p"].filter(pa.array(rows)), np.flatnonzero(rows))
    p = _numbers(table, "p")[rows]
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


def _usable(reasons: Mapping[str, np.ndarray], rows: int) -> tuple[np.ndarray, dict[str, int]]:
    """Rows that can be used, and how many could not, each counted under its first reason."""
    left = np.ones(rows, dtype=bool)
    dropped = {}
    for reason, wrong in reasons.items():
        bad = left & wrong
        if bad.any():
            dropped[reason] = int(bad.sum())
            left &= ~bad
    return left, dropped
