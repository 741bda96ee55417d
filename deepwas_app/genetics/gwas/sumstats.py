"""GWAS summary statistics: whatever their layout, one Dataset out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics import chromosomes
from deepwas_app.genetics.gwas.format import FORMATS
from deepwas_app.genetics.gwas.key import split_keys
from deepwas_app.genetics.gwas.meaning import Meaning, understand
from deepwas_app.genetics.gwas.people import sample_size
from deepwas_app.genetics.gwas.scores import doubts, effects, numbers, withdrawn, z_scores
from deepwas_app.genetics.tables import LEVELS, NUMBER, TEXT, read_columns

_TEXT_ROLES = ("id",)
_LEVEL_ROLES = (
    *("chromosome", "effect_allele", "other_allele", "reference_allele", "alternate_allele"),
    *("frequency_allele", "test", "flag", "population"),
)
_PEOPLE = ("n", "cases", "controls", "effective_n", "half_effective_n")
# Shown to people, and not read.
_UNREAD = ("info", "minor_frequency")


def read_sumstats(
    path: str | Path,
    format: str = "auto",
    n: float | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    cases: float | None = None,
    controls: float | None = None,
    population: str = "",
    build: str = "",
) -> xr.Dataset:
    """Read GWAS summary statistics.

    Parameters
    ----------
    path : path
        Plain, .gz, .bz2, .zst or parquet.
    format : str
        A name of :data:`deepwas_app.genetics.gwas.format.FORMATS`, or "auto": by the names of the
        columns and what is known of formats.
    n : float, optional
        Sample size for every row; it goes before a column of the file.
    columns : mapping, optional
        Role (see :data:`deepwas_app.genetics.gwas.vocabulary.ROLES`) to column name; these go
        before all else.
    cases, controls : float, optional
        The sample size is the effective one, 4 / (1/cases + 1/controls).
    population : str
        Of a file with columns per population, such as beta_EUR.
    build : str
        Genome build that is preferred where a file has positions on several.

    Returns
    -------
    xarray.Dataset
        Over ``variants``, in the order of the file: variant_id, variant_chromosome,
        variant_position (0 where the format has none), variant_effect_allele,
        variant_other_allele (not there where the file names one allele),
        variant_allele_frequency (NaN where unknown), variant_z, variant_sample_size. Text is
        kept as Arrow and categorical arrays, so that ten million rows take a gigabyte.
        Attributes: path, format, understood (role, column, why and first values, one a row),
        genome_build (where the file says it), sample_size (where it is from), rows (in the
        file), dropped (reason to number of rows).

    Raises
    ------
    InputError
        If the file cannot be read, does not tell what is needed, or has no usable row.
    """
    meaning = understand(path, format, columns, population=population, build=build)
    if meaning.doubt:
        raise InputError(meaning.doubt)
    return read_rows(meaning, n, cases=cases, controls=controls, population=population)


def read_rows(
    meaning: Meaning,
    n: float | None = None,
    *,
    cases: float | None = None,
    controls: float | None = None,
    population: str = "",
    with_effects: bool = False,
) -> xr.Dataset:
    """Read the rows of summary statistics whose columns are understood.

    Parameters
    ----------
    meaning
        From :func:`deepwas_app.genetics.gwas.meaning.understand`.
    n, cases, controls, population
        See :func:`read_sumstats`.
    with_effects
        Give variant_effect, variant_standard_error and variant_neg_log10_p as well, NaN where the
        file has none.

    Returns
    -------
    xarray.Dataset
        As of :func:`read_sumstats`; the attribute ``doubt`` is the meaning's, and ``doubts`` what
        checks of :mod:`deepwas_app.genetics.gwas.checks` find, which stop a study.

    Raises
    ------
    InputError
        If something must be said by hand, or the rows cannot be read.
    """
    if meaning.asks:
        raise InputError(meaning.asks[0])
    path = meaning.path
    table = _table(meaning)
    people = {role: numbers(table, role) for role in _PEOPLE if role in table.column_names}
    rows = table.num_rows
    size, origin, effective = sample_size(path, people, meaning.facts, rows, n, cases, controls)

    chromosome = _levels(table, "chromosome")
    effect, other = _alleles(table)
    reasons = _left_out(path, table, meaning.roles, population)
    z, without = z_scores(table, path)
    position = numbers(table, "position")
    named = _has_text(table, "id")
    one_allele = not {"other_allele", "reference_allele"} & {*table.column_names}
    with np.errstate(invalid="ignore"):
        placed = (chromosome.codes >= 0) & (position > 0) & (position < 2**31)
        broken = placed & (position != np.floor(position))
        reasons |= without
        reasons |= {
            "no sample size": ~(np.isfinite(size) & (size > 0)),
            "no alleles": (effect.codes < 0) | ((other.codes < 0) & (not one_allele)),
            "no name and no position": ~(placed | named),
        }
    if broken.any():
        row = int(broken.argmax())
        raise InputError(
            f"{path}: row {row + 1} has {position[row]:g} as position, not a whole number. Write "
            "numbers without marks between the thousands."
        )
    keep, dropped = _usable(reasons, rows)
    if not keep.any():
        counts = ", ".join(f"{reason}: {count}" for reason, count in dropped.items())
        raise InputError(f"{path}: no row can be used ({counts}). Check the columns.")
    arrays = {
        "id": _ids(table),
        "chromosome": chromosome,
        "position": np.where(placed, position, 0).astype(np.int32),
        "effect_allele": effect,
        **({} if one_allele else {"other_allele": other}),
        "allele_frequency": _frequency(table, meaning.facts | people, effect, other).astype(
            np.float32
        ),
        "z": z.astype(np.float32),
        "sample_size": np.asarray(size, dtype=np.float32),
        **(effects(table, path) if with_effects else {}),
    }
    dataset = xr.Dataset(
        {
            f"variant_{k}": ("variants", array if keep.all() else array[keep])
            for k, array in arrays.items()
        }
    )
    return dataset.assign_attrs(
        path=str(path),
        format=meaning.format,
        understood=meaning.rows,
        sample_size=origin,
        **({"genome_build": meaning.facts["build"]} if "build" in meaning.facts else {}),
        **({"case_fraction": 0.5} if effective else {}),
        rows=rows,
        dropped=dropped,
        doubt=meaning.doubt,
        doubts=doubts(table, path),
    )


def _table(meaning: Meaning) -> pa.Table:
    """The columns that are read, by role."""
    roles = {role: column for role, column in meaning.roles.items() if role not in _UNREAD}
    format = FORMATS.get(meaning.format)
    if format is not None and format.read:
        return format.read(meaning.path, roles)
    # A key is several roles in one column.
    split = [role for role, column in roles.items() if role in meaning.split]
    kinds = {column: _type(role) for role, column in roles.items()}
    kinds |= {roles[role]: TEXT for role in split}
    # Where all depends on P, its text is kept: 1e-400 is 0 as a number.
    others = {"z", "se", "neg_log10_p", "log10_p", "ln_p", "statistic"}
    if "p" in roles and not others & {*roles}:
        kinds[roles["p"]] = TEXT
    read = read_columns(meaning.path, kinds)
    columns = {role: read[column] for role, column in roles.items() if role not in split}
    parts: dict[str, dict[str, Any]] = {}
    for role in split:
        column = roles[role]
        if column not in parts:
            parts[column] = split_keys(read[column])
        columns[role] = parts[column][meaning.split[role]]
    return pa.table(columns)


def _type(role: str) -> pa.DataType:
    return TEXT if role in _TEXT_ROLES else LEVELS if role in _LEVEL_ROLES else NUMBER


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
    elif role.endswith("_allele"):
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
    if "other_allele" in table.column_names or "reference_allele" not in table.column_names:
        return effect, other
    reference, alternate = _levels(table, "reference_allele"), _levels(table, "alternate_allele")
    union = pd.api.types.union_categoricals([effect, reference, alternate])
    effect, reference, alternate = np.split(union.codes, 3)
    other = np.select(
        [effect < 0, effect == alternate, effect == reference],
        [-1, reference, alternate],
        default=-1,
    )
    kinds = union.categories.astype(object)
    return pd.Categorical.from_codes(effect, kinds), pd.Categorical.from_codes(other, kinds)


def _frequency(
    table: pa.Table,
    people: Mapping[str, Any],
    effect: pd.Categorical,
    other: pd.Categorical,
) -> np.ndarray:
    """Frequency of the effect allele, NaN where it is not known."""
    if "frequency" in table.column_names:
        frequency = numbers(table, "frequency")
        if "frequency_allele" not in table.column_names:
            return frequency
        whose = _levels(table, "frequency_allele")
        union = pd.api.types.union_categoricals([whose, effect, other])
        whose, effect, other = np.split(union.codes, 3)
        either = [(whose == effect) & (whose >= 0), (whose == other) & (whose >= 0)]
        return np.select(either, [frequency, 1 - frequency], default=np.nan)
    if "frequency_other" in table.column_names:
        return 1 - numbers(table, "frequency_other")
    cases, controls = numbers(table, "frequency_cases"), numbers(table, "frequency_controls")
    if not {"frequency_cases", "frequency_controls"} <= {*table.column_names}:
        return np.where(np.isnan(controls), cases, controls)
    ill = people.get("cases", 1.0)
    well = people.get("controls", 1.0)
    with np.errstate(invalid="ignore"):
        share = np.asarray(ill / (ill + well))
    share = np.where(np.isfinite(share), share, 0.5)
    return share * cases + (1 - share) * controls


def _left_out(
    path: Path, table: pa.Table, roles: Mapping[str, str], population: str
) -> dict[str, np.ndarray]:
    """Rows that are sound and not meant, or that the tool withdrew, by the reason."""
    reasons: dict[str, np.ndarray] = {}
    if "test" in table.column_names:
        test = _levels(table, "test")
        additive = [level.upper() in ("ADD", "ADDITIVE") for level in test.categories]
        reasons["another test than ADD"] = ~np.append(additive, False)[test.codes]
    if "flag" in table.column_names:
        column = roles["flag"]
        bad = withdrawn(_levels(table, "flag"), column)
        reasons[f"withdrawn by the tool ({column})"] = bad
    if "population" in table.column_names:
        whose = _levels(table, "population")
        there = [*map(str, whose.categories)]
        if len(there) > 1 and population not in there:
            raise InputError(
                f"{path}: has rows of several populations in column {roles['population']} "
                f"({', '.join(there[:12])}). Choose one with --population, or say "
                "--column population=- to take all rows."
            )
        if len(there) > 1:
            reasons["of another population"] = whose.codes != there.index(population)
    return reasons


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
