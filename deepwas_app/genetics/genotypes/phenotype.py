"""The people of genotypes, and their phenotypes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from deepwas_app.errors import InputError
from deepwas_app.genetics.files import (
    UNREADABLE,
    existing,
    fields,
    is_number,
    open_text,
    separator_of,
    unreadable,
)
from deepwas_app.genetics.genotypes.pgen import pgen_files
from deepwas_app.genetics.genotypes.plink import genotype_files
from deepwas_app.genetics.tables import MISSING, read_bare_table


def read_people(prefix: str | Path) -> pd.DataFrame:
    """The people of PLINK 1 genotypes, as the .fam lists them: FID, IID, father, mother."""
    _, _, fam = genotype_files(prefix)
    names = ["FID", "IID", "father", "mother"]
    return read_bare_table(fam, names)


def read_people2(prefix: str | Path) -> pd.DataFrame:
    """The people of PLINK 2 genotypes, as the .psam lists them: FID, IID, father, mother."""
    psam = pgen_files(prefix)[2]
    try:
        with open_text(psam) as stream:
            header = next((line for line in stream if not line.startswith("##")), "")
    except UNREADABLE as error:
        raise unreadable(psam, error) from error
    if header.startswith(("#FID", "#IID")):
        names = header.lstrip("#").split()
        table = read_bare_table(psam, names, comment=rb"#")
        parents = {"PAT": "father", "MAT": "mother"}
        table = table.rename(columns=parents)
    else:
        # Without a header it is a .fam.
        table = read_bare_table(psam, ["FID", "IID", "father", "mother"])
    for name in ("FID", "father", "mother"):
        if name not in table:
            table[name] = "0"
    return table[["FID", "IID", "father", "mother"]]


def read_phenotype(
    path: str | Path,
    people: pd.DataFrame,
    name: str = "",
    *,
    zero: str = "",
    skip_unknown: bool = False,
) -> tuple[np.ndarray, str]:
    """Read one phenotype of genotyped people.

    Parameters
    ----------
    path : path
        A table, parted by commas, tabs or white space, with the columns FID and IID, or IID, then
        phenotypes; or without a header FID, IID, phenotype. NA and -9 are missing.
    people
        From :func:`read_people`.
    name : str
        Which column; the first phenotype by default.
    zero : str
        What 0 is beside 1 and 2, which PLINK takes for a missing value: "missing" or "value".
    skip_unknown : bool
        Leave out people who have no genotypes, rather than stop.

    Returns
    -------
    values : (people,) float64 array
        In the order of `people`, NaN where missing.
    name : str
        The column that was read.

    Raises
    ------
    InputError
        If it cannot be read, has no such column, names a person twice, holds people who have no
        genotypes or words in place of numbers, or 0 beside 1 and 2 of which nothing is said.
    """
    table = _read(existing(path))
    phenotypes = _described(table)
    if "IID" not in table or not phenotypes or (name and name not in phenotypes):
        wanted = f"no phenotype {name}" if name and phenotypes else "no phenotype of people"
        raise InputError(f"{path}: has {wanted}. Give a table of FID, IID and phenotypes.")
    name = name or phenotypes[0]
    row = _people_of(path, table, people, skip_unknown)
    values = _numbers(path, table, name, "phenotype")
    if {*np.unique(values[np.isfinite(values)])} == {0, 1, 2}:
        if not zero:
            raise InputError(
                f"{path}: its phenotype {name} holds 0, 1 and 2, of which PLINK takes 0 for a "
                "missing value, 1 for a control and 2 for a case. Say --zero missing or --zero "
                "value."
            )
        values = np.where((values == 0) & (zero == "missing"), np.nan, values)
    return _laid_on(values, row, len(people)), name


def read_covariates(
    path: str | Path, people: pd.DataFrame, *, skip_unknown: bool = False
) -> np.ndarray:
    """Read every covariate of a table of genotyped people, as :func:`read_phenotype` reads one.

    Returns
    -------
    (people, covariates) float64 array
        In the order of `people`, NaN where missing.
    """
    table = _read(existing(path))
    names = _described(table)
    if "IID" not in table or not names:
        raise InputError(f"{path}: has no covariate. Give a table of FID, IID and covariates.")
    row = _people_of(path, table, people, skip_unknown)
    columns = [_numbers(path, table, name, "covariate") for name in names]
    return np.stack([_laid_on(column, row, len(people)) for column in columns], axis=1)


def _described(table: pd.DataFrame) -> list[str]:
    return [name for name in table.columns if name not in ("FID", "IID")]


def _people_of(
    path: str | Path, table: pd.DataFrame, people: pd.DataFrame, skip_unknown: bool
) -> np.ndarray:
    """Which of the people each row is, -1 for none of them."""
    if table.empty:
        raise InputError(f"{path}: has a header and no people. Give their phenotypes.")
    by_person = people["IID"].is_unique
    if not by_person and "FID" not in table:
        raise InputError(f"{path}: has no column FID, and IIDs of the genotypes recur. Add it.")
    key = ["IID"] if by_person else ["FID", "IID"]
    given = pd.MultiIndex.from_frame(table[key].astype(str))
    twice = given.duplicated()
    if twice.any():
        who = table["IID"].to_numpy(str)[twice][0]
        raise InputError(f"{path}: has the person {who} twice. Keep one row a person.")
    row = pd.MultiIndex.from_frame(people[key].astype(str)).get_indexer(given)
    unknown = row < 0
    if unknown.all() or (unknown.any() and not skip_unknown):
        who = ", ".join(table["IID"].to_numpy(str)[unknown][:3])
        remedy = "Take them out, or use --skip-unknown."
        if unknown.all():
            remedy = f"The genotypes have {', '.join(people['IID'].astype(str)[:3])}."
        raise InputError(
            f"{path}: {int(unknown.sum())} of {len(table)} people have no genotypes: {who}. "
            f"{remedy}"
        )
    return row


def _numbers(path: str | Path, table: pd.DataFrame, name: str, what: str) -> np.ndarray:
    text = table[name].str.strip()
    numbers = pd.to_numeric(text, errors="coerce").to_numpy(np.float64)
    words = np.isnan(numbers) & ~text.isin(MISSING).to_numpy()
    if words.any():
        raise InputError(
            f"{path}: its {what} {name} holds {text.to_numpy(str)[words][0]}, which is no number. "
            "Write NA where a value is missing."
        )
    return np.where(numbers == -9, np.nan, numbers)


def _laid_on(values: np.ndarray, row: np.ndarray, people: int) -> np.ndarray:
    laid = np.full(people, np.nan)
    laid[row[row >= 0]] = values[row >= 0]
    return laid


def _read(path: Path) -> pd.DataFrame:
    """The table as text, with names for the columns of a file without a header."""
    try:
        with open_text(path) as stream:
            lines = enumerate(stream)
            skip, first = next(((i, line) for i, line in lines if line.strip()), (0, ""))
    except UNREADABLE as error:
        raise unreadable(path, error) from error
    separator = separator_of(first)
    columns = fields(first.lstrip("#"), separator)
    if not columns:
        raise InputError(f"{path}: holds no people. Give a table of FID, IID and numbers.")
    headed = bool(columns) and columns[0].upper() in ("FID", "IID")
    if not headed:
        people = ["FID", "IID"] if len(columns) > 2 else ["IID"]
        last = columns[-1].strip()
        if not is_number(last) and last not in MISSING:
            raise InputError(
                f"{path}: its first line has {last} for a phenotype. If it is a header, it begins "
                "with FID or IID: rename them."
            )
        columns = [*people, *(f"PHENO{i}" for i in range(1, len(columns)))][: len(columns)]
    twice = [name for name in columns if columns.count(name) > 1]
    if twice:
        raise InputError(f"{path}: has two columns {twice[0]}. Rename or drop one.")
    table = read_bare_table(path, columns, separator=separator, skip=skip + headed)
    return table.rename(columns={c: c.upper() for c in columns if c.upper() in ("FID", "IID")})
