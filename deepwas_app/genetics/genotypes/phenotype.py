"""The people of PLINK 1 genotypes, and their phenotypes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from deepwas_app.errors import InputError
from deepwas_app.genetics.files import UNREADABLE, existing, open_text, read_bare_table, unreadable
from deepwas_app.genetics.genotypes.plink import genotype_files


def read_people(prefix: str | Path) -> pd.DataFrame:
    """The people of PLINK 1 genotypes, as the .fam lists them: FID, IID, father, mother."""
    _, _, fam = genotype_files(prefix)
    names = ["FID", "IID", "father", "mother"]
    return read_bare_table(fam, names, usecols=range(4), dtype=str, keep_default_na=False)


def read_phenotype(
    path: str | Path, people: pd.DataFrame, name: str = "", *, skip_unknown: bool = False
) -> tuple[np.ndarray, str]:
    """Read one phenotype of genotyped people.

    Parameters
    ----------
    path : path
        A table with the columns FID and IID, or IID, then phenotypes; or without a header FID, IID,
        phenotype. NA and -9 are missing.
    people
        From :func:`read_people`.
    name : str
        Which column; the first phenotype by default.
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
        If it cannot be read, has no such column, names a person twice, or holds people who have no
        genotypes or words in place of numbers.
    """
    table = _read(existing(path))
    phenotypes = [c for c in table.columns if c not in ("FID", "IID")]
    if "IID" not in table or not phenotypes or (name and name not in phenotypes):
        wanted = f"no phenotype {name}" if name and phenotypes else "no phenotype of people"
        raise InputError(f"{path}: has {wanted}. Give a table of FID, IID and phenotypes.")
    if table.empty:
        raise InputError(f"{path}: has a header and no people. Give their phenotypes.")
    name = name or phenotypes[0]
    by_person = people["IID"].is_unique
    if not by_person and "FID" not in table:
        raise InputError(f"{path}: has no column FID, and IIDs of the genotypes recur. Add it.")
    key = ["IID"] if by_person else ["FID", "IID"]
    given = pd.MultiIndex.from_frame(table[key].astype(str))
    twice = given.duplicated()
    if twice.any():
        who = table["IID"].to_numpy(str)[twice][0]
        raise InputError(f"{path}: has the person {who} twice. Keep one row a person.")
    places = pd.MultiIndex.from_frame(people[key].astype(str))
    row = places.get_indexer(given)
    unknown = row < 0
    if unknown.all() or (unknown.any() and not skip_unknown):
        who = table["IID"].to_numpy(str)[unknown][0]
        remedy = "Check the names." if unknown.all() else "Take them out, or use --skip-unknown."
        raise InputError(
            f"{path}: {int(unknown.sum())} of {len(table)} people have no genotypes, {who} for "
            f"one. {remedy}"
        )
    numbers = pd.to_numeric(table[name], errors="coerce").to_numpy(np.float64)
    words = np.isnan(numbers) & table[name].notna().to_numpy()
    if words.any():
        what = table[name].to_numpy(str)[words][0]
        raise InputError(
            f"{path}: its phenotype {name} holds {what}, which is no number. Write NA where a "
            "value is missing."
        )
    values = np.full(len(people), np.nan)
    values[row[~unknown]] = np.where(numbers == -9, np.nan, numbers)[~unknown]
    return values, name


def _read(path: Path) -> pd.DataFrame:
    """The table as text, with names for the columns of a file without a header."""
    try:
        with open_text(path) as stream:
            first = stream.readline().lstrip("#").split()
        headed = bool(first) and first[0].upper() in ("FID", "IID")
        columns = first if headed else ["FID", "IID", *(f"PHENO{i}" for i in range(1, 99))]
        columns = columns[: len(first)]
    except UNREADABLE as error:
        raise unreadable(path, error) from error
    table = read_bare_table(path, columns, skiprows=int(headed), dtype=str)
    return table.rename(columns={c: c.upper() for c in columns if c.upper() in ("FID", "IID")})
