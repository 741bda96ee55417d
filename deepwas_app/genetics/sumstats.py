"""GWAS summary statistics: many formats in, one Dataset out."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import ndtri_exp

from deepwas_app.errors import InputError
from deepwas_app.genetics import chromosomes
from deepwas_app.genetics.files import existing, read_header, read_table

TEXT_ROLES = ("id", "chromosome", "effect_allele", "other_allele")


class Format(NamedTuple):
    """A summary-statistics format: which column plays which role.

    Attributes
    ----------
    columns : dict
        Role to column name. Roles: id, chromosome, position, effect_allele, other_allele,
        frequency (of the effect allele), z, beta, odds_ratio, se, p, neg_log10_p, n.
    required : tuple of str
        Roles whose columns must be there for a file to be recognised.
    """

    columns: dict[str, str]
    required: tuple[str, ...]


# A file is of the first format whose required columns it has: the more specific come first.
FORMATS: dict[str, Format] = {
    "fastGWA": Format(
        {
            "id": "SNP",
            "chromosome": "CHR",
            "position": "POS",
            "effect_allele": "A1",
            "other_allele": "A2",
            "frequency": "AF1",
            "beta": "BETA",
            "se": "SE",
            "p": "P",
            "n": "N",
        },
        ("id", "chromosome", "position", "effect_allele", "other_allele", "frequency", "beta"),
    ),
    "GWAS-SSF": Format(
        {
            "id": "rsid",
            "chromosome": "chromosome",
            "position": "base_pair_location",
            "effect_allele": "effect_allele",
            "other_allele": "other_allele",
            "frequency": "effect_allele_frequency",
            "beta": "beta",
            "odds_ratio": "odds_ratio",
            "se": "standard_error",
            "p": "p_value",
            "neg_log10_p": "neg_log_10_p_value",
            "n": "n",
        },
        ("chromosome", "position", "effect_allele", "other_allele"),
    ),
    "COJO": Format(
        {
            "id": "SNP",
            "effect_allele": "A1",
            "other_allele": "A2",
            "frequency": "freq",
            "beta": "b",
            "se": "se",
            "p": "p",
            "n": "N",
        },
        ("id", "effect_allele", "other_allele", "frequency", "beta", "se"),
    ),
    "LDSC": Format(
        {
            "id": "SNP",
            "effect_allele": "A1",
            "other_allele": "A2",
            "frequency": "FRQ",
            "z": "Z",
            "n": "N",
        },
        ("id", "effect_allele", "other_allele", "z"),
    ),
}


def recognise(header: list[str]) -> str | None:
    """Name of the format that a row of column names belongs to, None if unknown."""
    for name, format in FORMATS.items():
        if all(format.columns[role] in header for role in format.required):
            return name
    return None


def read_sumstats(path: str | Path, format: str = "auto", n: float | None = None) -> xr.Dataset:
    """Read GWAS summary statistics.

    Parameters
    ----------
    path : path
        Plain, .gz, .bz2, .zst or .parquet.
    format : str
        A name of :data:`FORMATS`, or "auto" to recognise it by the column names.
    n : float, optional
        Sample size for every row; it goes before a column of the file.

    Returns
    -------
    xarray.Dataset
        Over ``variants``, in the order of the file: variant_id, variant_chromosome,
        variant_position (0 where the format has none), variant_effect_allele,
        variant_other_allele, variant_allele_frequency (NaN where unknown), variant_z,
        variant_sample_size. Attributes: path, format, columns (role to column), rows (in
        the file), dropped (reason to number of rows).

    Raises
    ------
    InputError
        If the file cannot be read, is of no known format, or has no usable row.

    Notes
    -----
    z = BETA/SE, or log(OR)/SE; without a standard error, the sign of the effect with P.
    """
    path = existing(path)
    header = read_header(path)
    name = recognise(header) if format == "auto" else format
    if name is None or name not in FORMATS:
        raise InputError(
            f"{path}: its columns ({', '.join(header[:12])}) are of no known format. "
            f"Known are {', '.join(FORMATS)}."
        )
    columns = {role: c for role, c in FORMATS[name].columns.items() if c in header}
    missing = [FORMATS[name].columns[r] for r in FORMATS[name].required if r not in columns]
    if missing:
        raise InputError(
            f"{path}: has no column {', '.join(missing)}, which {name} files have. "
            "Check the format."
        )
    if n is None and "n" not in columns:
        raise InputError(f"{path}: has no column of sample sizes. Give the sample size (n).")

    text = {columns[role]: str for role in TEXT_ROLES if role in columns}
    frame = read_table(path, list(columns.values()), dtype=text)
    table = pd.DataFrame({role: frame[column] for role, column in columns.items()})
    table = _typed(table)
    table["z"] = _z(table, path)
    if n is not None:
        table["n"] = float(n)
    table, dropped = _usable(table)
    if table.empty:
        reasons = ", ".join(f"{reason}: {count}" for reason, count in dropped.items())
        raise InputError(f"{path}: no row can be used ({reasons}). Check the columns.")
    return _dataset(table).assign_attrs(
        path=str(path), format=name, columns=columns, rows=len(frame), dropped=dropped
    )


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    """Text roles as clean text, the others as float64 (what is no number becomes NaN)."""
    for role in table.columns:
        if role not in TEXT_ROLES:
            table[role] = pd.to_numeric(table[role], errors="coerce").astype(np.float64)
    for role in ("id", "effect_allele", "other_allele"):
        text = table[role].fillna("") if role in table else pd.Series("", index=table.index)
        table[role] = text.str.strip() if role == "id" else text.str.strip().str.upper()
    if "chromosome" in table:
        table["chromosome"] = chromosomes.normalise(table["chromosome"].fillna(""))
    else:
        table["chromosome"] = ""
    if "position" not in table:
        table["position"] = 0.0
    if "frequency" not in table:
        table["frequency"] = np.nan
    return table


def _z(table: pd.DataFrame, path: Path) -> np.ndarray:
    """z-scores by the best columns that are there, in float64."""
    if "z" in table:
        return table["z"].to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        if "beta" in table:
            effect = table["beta"].to_numpy()
        elif "odds_ratio" in table:
            effect = np.log(table["odds_ratio"].to_numpy())
        else:
            raise InputError(f"{path}: has no column of z, beta or odds ratio. Add one of them.")
        if "se" in table:
            return effect / table["se"].to_numpy()
        if "neg_log10_p" in table:
            log_p = -np.log(10.0) * table["neg_log10_p"].to_numpy()
        elif "p" in table:
            log_p = np.log(table["p"].to_numpy())
        else:
            raise InputError(f"{path}: has neither standard errors nor P. Add one of them.")
        size = -ndtri_exp(np.where(log_p <= 0, log_p, np.nan) - np.log(2.0))
    return np.sign(effect) * size


def _usable(table: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Rows that can be used, and how many could not, each counted under its first reason."""
    no_place = (table["id"] == "") & ~((table["chromosome"] != "") & (table["position"] > 0))
    reasons = {
        "standard error not above 0": table["se"] <= 0 if "se" in table else False,
        "no finite z-score": ~np.isfinite(table["z"]),
        "no sample size": ~(np.isfinite(table["n"]) & (table["n"] > 0)),
        "no alleles": (table["effect_allele"] == "") | (table["other_allele"] == ""),
        "no name and no position": no_place,
    }
    left = np.ones(len(table), dtype=bool)
    dropped = {}
    for reason, wrong in reasons.items():
        bad = left & np.asarray(wrong)
        if bad.any():
            dropped[reason] = int(bad.sum())
        left &= ~bad
    return table[left], dropped


def _dataset(table: pd.DataFrame) -> xr.Dataset:
    position = table["position"].where(table["position"] > 0, 0).to_numpy()
    arrays = {
        "id": table["id"].to_numpy(dtype=str),
        "chromosome": table["chromosome"].to_numpy(dtype=str),
        "position": position.astype(np.int32),
        "effect_allele": table["effect_allele"].to_numpy(dtype=str),
        "other_allele": table["other_allele"].to_numpy(dtype=str),
        "allele_frequency": table["frequency"].to_numpy(dtype=np.float32),
        "z": table["z"].to_numpy(dtype=np.float32),
        "sample_size": table["n"].to_numpy(dtype=np.float32),
    }
    return xr.Dataset({f"variant_{name}": ("variants", a) for name, a in arrays.items()})
