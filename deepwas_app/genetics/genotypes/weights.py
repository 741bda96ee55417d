"""Weights of polygenic scores: many layouts in, one table out."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from deepwas_app.errors import InputError
from deepwas_app.genetics import chromosomes
from deepwas_app.genetics.columns import find_columns
from deepwas_app.genetics.files import (
    UNREADABLE,
    fields,
    is_number,
    open_text,
    packing,
    separator_of,
    unreadable,
)
from deepwas_app.genetics.patterns import expand
from deepwas_app.genetics.tables import MISSING, read_bare_table, read_table

# What a weights file is called upon to have, by the names that exported files have.
_COLUMNS = {
    "id": "SNP",
    "chromosome": "CHR",
    "position": "BP",
    "effect_allele": "A1",
    "other_allele": "A2",
    "weight": "BETA",
    "frequency": "FREQ",
}
_NUMBERS = ("BETA", "BP", "FREQ")
NO_NAME = "."
# Files without a header, by their number of columns: of PRS-CS, and what PLINK takes by default.
_BARE = {6: ["CHR", "SNP", "BP", "A1", "A2", "BETA"], 3: ["SNP", "A1", "BETA"]}
_ALLELE = re.compile(r"[ACGTacgt]+")
# Columns of PGS Catalog files. Those of the harmonised places go before the authors', which may be
# of another genome build.
_HARMONISED = {"hm_chr": "CHR", "hm_pos": "BP"}
_DOSAGES = ("dosage_0_weight", "dosage_1_weight", "dosage_2_weight")
_REFUSED = ("is_interaction", "is_haplotype", "is_diplotype")
_RATIOS = ("OR", "HR", "ODDS RATIO", "HAZARD RATIO")
_TRUE = ("TRUE", "T", "1", "YES")


def read_weights(path: str | Path | pd.DataFrame) -> pd.DataFrame:
    """Read the weights of a polygenic score.

    Parameters
    ----------
    path : path or pandas.DataFrame
        A table with the columns SNP, A1 (effect allele) and BETA (per copy of A1); A2, CHR and BP
        (1-based) serve to match variants where they are there. A scoring file of the PGS Catalog
        serves as well, by its harmonised columns where it has them; its dominant, recessive and
        dosage weights are kept. Without a header: CHR SNP BP A1 A2 BETA, as PRS-CS writes them, or
        SNP A1 BETA. Files per chromosome by a glob or ``{CHR}``.

    Returns
    -------
    pandas.DataFrame
        SNP, A1, BETA; CHR, BP, A2, FREQ where they are known. FREQ may be that of either allele.
        Of a weight that is not additive BETA is
        what the first copy adds, BEND what the second one adds beyond that, BASE what none has.

    Raises
    ------
    InputError
        If it cannot be read, lacks a column, or holds weights that are not numbers or of
        combinations of variants.
    """
    if isinstance(path, pd.DataFrame):
        return checked_weights(path, path.attrs.get("path", "weights"))
    # Cells of scoring files may be empty or hold spaces.
    tables = [checked_weights(_read(Path(file)), file) for file in expand(path)]
    whole = pd.concat(tables, ignore_index=True) if len(tables) > 1 else tables[0]
    if len(tables) > 1:
        parts = [name for name in ("BEND", "BASE") if name in whole]
        whole[parts] = whole[parts].fillna(0.0)
        whole.attrs["path"] = str(path)
    return whole


def _read(path: Path) -> pd.DataFrame:
    if path.is_file() and packing(path) != "parquet" and path.stat().st_size:
        try:
            with open_text(path) as stream:
                lines = [line for line, _ in zip(stream, range(200), strict=False) if line.strip()]
        except UNREADABLE as error:
            raise unreadable(path, error) from error
        said = dict(re.findall(r"^#(\w+)=(.*)$", "".join(lines), re.M))
        kind = said.get("weight_type", "").strip()
        if kind.upper() in _RATIOS:
            raise InputError(
                f"{path}: its weights are ratios (#weight_type={kind}), which are not added. Take "
                "their logarithms."
            )
        first = next((line for line in lines if not line.startswith("#")), "")
        cells = fields(first, separator_of(first))
        names = _BARE.get(len(cells), [])
        row = dict(zip(names, cells, strict=False))
        if names and is_number(row["BETA"]) and _ALLELE.fullmatch(row["A1"]):
            return read_bare_table(path, names, separator=separator_of(first))
    return read_table(path)


def checked_weights(table: pd.DataFrame, where: str) -> pd.DataFrame:
    """The weights of a table of text as :func:`read_weights` gives them; `where` names it.

    Raises
    ------
    InputError
        If it lacks a column, or holds weights that are not numbers.
    """
    given = table.set_axis([str(name).lower() for name in table.columns], axis=1)
    given = given.loc[:, ~given.columns.duplicated()]
    found = find_columns(table.columns, _COLUMNS)
    table = table[list(found.values())].set_axis([_COLUMNS[key] for key in found], axis="columns")
    table = _other_of_two(_harmonised(table, given), given)
    if "allelefrequency_effect" in given:
        table["FREQ"] = given["allelefrequency_effect"]
    if set(_DOSAGES) <= set(given) and "BETA" not in table:
        table["BETA"] = given[_DOSAGES[1]]
    if "SNP" not in table and {"CHR", "BP"} <= set(table):
        table["SNP"] = NO_NAME
    for name in ("SNP", "A1", "BETA"):
        if name not in table:
            raise InputError(
                f"{where}: has no column {name}. A weights file has SNP, A1 (effect allele), BETA."
            )
    if len(table) == 0:
        raise InputError(f"{where}: has a header and no weights. Export the weights again.")
    written = table["BETA"]
    for name in _NUMBERS:
        if name in table:
            table[name] = pd.to_numeric(table[name], errors="coerce")
    names = table["SNP"].astype(object).fillna("").astype(str).str.strip()
    table["SNP"] = names.where(~names.isin(MISSING), NO_NAME)
    for name in ("A1", "A2"):
        if name in table:
            table[name] = table[name].fillna("").str.strip().str.upper()
            table[name] = table[name].where(~table[name].isin(MISSING), "")
    if "CHR" in table:
        table["CHR"] = chromosomes.normalise(table["CHR"])
    table = _not_additive(table, given, where)
    effects = [name for name in ("BETA", "BEND", "BASE") if name in table]
    bad = np.flatnonzero(~np.isfinite(table[effects].to_numpy(np.float64)).all(axis=1))
    if len(bad):
        who = called(table, bad[0])
        raise InputError(
            f"{where}: the weight of {who} is no number ({written.iloc[bad[0]]}). Correct it or "
            "take it out; numbers have a decimal point."
        )
    table.attrs["path"] = where
    return table


def _harmonised(table: pd.DataFrame, given: pd.DataFrame) -> pd.DataFrame:
    """The table with the places and names of the harmonised columns, if there are any."""
    if set(_HARMONISED) <= set(given):
        table = table.assign(**{name: given[column] for column, name in _HARMONISED.items()})
    if "hm_rsid" in given:
        name = given["hm_rsid"]
        known = ~name.isin(MISSING) & name.notna()
        table["SNP"] = name.where(known, table.get("SNP", NO_NAME))
    return table


def _other_of_two(table: pd.DataFrame, given: pd.DataFrame) -> pd.DataFrame:
    """The other allele is whichever of REF and ALT the effect allele is not."""
    if {"a1", "ref", "alt"} <= set(given) and "a2" not in given:
        table["A2"] = given["ref"].where(given["a1"] != given["ref"], given["alt"])
    return table


def _not_additive(table: pd.DataFrame, given: pd.DataFrame, where: str) -> pd.DataFrame:
    """What the first and the second copy of the effect allele add, where they differ."""

    def said(name: str) -> np.ndarray:
        if name not in given:
            return np.zeros(len(table), dtype=bool)
        return given[name].astype(str).str.strip().str.upper().isin(_TRUE).to_numpy()

    for name in _REFUSED:
        if (rows := np.flatnonzero(said(name))).size:
            who = ", ".join(called(table, row) for row in rows[:3])
            raise InputError(
                f"{where}: {len(rows)} of {len(table)} weights ({who}) have {name}: they are of "
                "several variants together, and are not scored. Take them out."
            )
    dominant, recessive = said("is_dominant"), said("is_recessive")
    if (dominant & recessive).any():
        who = called(table, int((dominant & recessive).argmax()))
        raise InputError(f"{where}: the weight of {who} is dominant and recessive. Correct it.")
    weight = table["BETA"].to_numpy(np.float64)
    base, first, second = np.zeros(len(table)), weight.copy(), weight.copy()
    second[dominant], first[recessive] = 0.0, 0.0
    if set(_DOSAGES) <= set(given):
        numbers = (pd.to_numeric(given[name], errors="coerce") for name in _DOSAGES)
        none, one, two = (column.to_numpy(np.float64) for column in numbers)
        by_dosage = np.isfinite(none) & np.isfinite(one) & np.isfinite(two)
        base = np.where(by_dosage, none, base)
        first, second = (
            np.where(by_dosage, one - none, first),
            np.where(by_dosage, two - one, second),
        )
    if np.array_equal(first, second, equal_nan=True) and not base.any():
        return table
    return table.assign(BETA=first, BEND=second - first, BASE=base)


def weight_shares(weights: pd.DataFrame) -> tuple[np.ndarray, str]:
    """Share of the total weight that each variant has, (weights,), and of what it is a share.

    Notes
    -----
    By abs(w) sqrt(2 p (1 - p)), the s.d. of what the variant adds to a score; where the
    frequency p of some is not known, by abs(w). Of weights that are not additive w is half of what
    two copies add, each by its size.
    """
    first = weights["BETA"].to_numpy(np.float64)
    size = (np.abs(first) + np.abs(first + weights.get("BEND", 0.0))) / 2
    size, of = np.asarray(size, np.float64), "|weight|"
    if "FREQ" in weights:
        p = weights["FREQ"].to_numpy(np.float64)
        if ((p >= 0) & (p <= 1)).all():
            size, of = size * np.sqrt(2 * p * (1 - p)), "|weight| × s.d."
    return size / (size.sum() or 1.0), of


def called(weights: pd.DataFrame, row: int) -> str:
    """What to call a variant: its name, else its place."""
    variant = weights.iloc[row]
    if variant["SNP"] != NO_NAME or "BP" not in weights:
        return str(variant["SNP"])
    return f"{variant['CHR']}:{variant['BP']:.0f}"
