"""Lists of variants and of people: those to keep."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics import chromosomes
from deepwas_app.genetics.columns import COLUMNS, find_columns
from deepwas_app.genetics.files import (
    UNREADABLE,
    existing,
    fields,
    is_number,
    open_text,
    packing,
    separator_of,
    unreadable,
)
from deepwas_app.genetics.matching import names_of, places_of, shown_variants, with_places
from deepwas_app.genetics.patterns import expand
from deepwas_app.genetics.tables import read_bare_table, read_table

_BIM = ["CHR", "SNP", "CM", "BP"]


def read_variant_list(path: str | Path) -> xr.Dataset:
    """Read which variants are wanted.

    Parameters
    ----------
    path : path
        A name a line, such as an rsID or 22:1000:A:G; a .bim; or a table with a header that has
        names, or chromosomes and positions. Globs and ``{CHR}`` work.

    Raises
    ------
    InputError
        If it cannot be read or says nothing of variants.
    """
    parts = [_listed(file) for file in expand(path)]
    names, where, place = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    listed = {"id": names, "chromosome": where, "position": place}
    return with_places(
        xr.Dataset(
            {f"variant_{name}": ("variants", array) for name, array in listed.items()},
            attrs={"path": str(path)},
        )
    )


def _listed(file: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Names, chromosomes and positions of one list; empty, or 0, where it has none."""
    path = existing(file)
    if packing(path) == "parquet":
        table = read_table(path)
    else:
        first = _first(path)
        if len(first) == 1:
            table = read_bare_table(path, ["SNP"])
            table = table[~table["SNP"].str.lower().isin(COLUMNS["id"])]
        elif len(first) >= len(_BIM) and is_number(first[3]):
            table = read_bare_table(path, _BIM)
        elif any(map(is_number, first)):
            raise InputError(
                f"{path}: has no header, and is no .bim. Give a name a line, or a table with a "
                "header that has SNP, or CHR and BP."
            )
        else:
            table = read_table(path)
    found = find_columns(table.columns, ("id", "chromosome", "position"))
    if "id" not in found and not {"chromosome", "position"} <= set(found):
        raise InputError(
            f"{path}: does not say which variants. Give a name a line, or columns SNP, or CHR and "
            "BP."
        )
    count = len(table)
    names = table[found["id"]].to_numpy(object) if "id" in found else np.full(count, "", object)
    place = np.zeros(count, np.int64)
    where = np.full(count, "", dtype=object)
    if {"chromosome", "position"} <= set(found):
        number = pd.to_numeric(table[found["position"]], errors="coerce").to_numpy(np.float64)
        place = np.where((number > 0) & (number < 2**31), number, 0).astype(np.int64)
        where = chromosomes.normalise(table[found["chromosome"]]).astype(object)
    return names, where, place


def _first(path: Path) -> list[str]:
    """Fields of the first line."""
    try:
        with open_text(path) as stream:
            line = next((line for line in stream if line.strip()), "")
    except UNREADABLE as error:
        raise unreadable(path, error) from error
    return fields(line, separator_of(line))


def is_listed(variants: xr.Dataset, listed: xr.Dataset) -> np.ndarray:
    """Which variants are in a list, by name or by place, (variants,) bool."""
    place, wanted_place = places_of(variants, listed)
    pairs = ((names_of(variants["variant_id"]), names_of(listed["variant_id"])),)
    found = np.zeros(variants.sizes["variants"], dtype=bool)
    for have, want in (*pairs, (place, wanted_place)):
        want = want.drop_null()
        if len(want):
            found |= pc.is_in(have, value_set=want).to_numpy(zero_copy_only=False)
    return found


def check_listed(kept: int, variants: xr.Dataset, listed: xr.Dataset) -> None:
    """Stop where a list has none of the variants.

    Raises
    ------
    InputError
        Shows how either side spells them.
    """
    if not kept:
        raise InputError(
            f"{listed.attrs['path']}: has none of the variants of the LD source. It has "
            f"{shown_variants(listed)}; the source has {shown_variants(variants)}. Check that "
            "names or genome builds agree."
        )


def unlisted_note(found: np.ndarray, listed: xr.Dataset) -> str:
    """A line on those of a list that are nowhere, given which are somewhere; empty for none."""
    if found.all():
        return ""
    return (
        f"{int((~found).sum())} of {len(found)} variants of {listed.attrs['path']} are not in the "
        f"panel: {shown_variants(listed.isel(variants=~found))}."
    )


def read_people_list(path: str | Path, people: pd.DataFrame) -> np.ndarray:
    """Which people are in a list, (people,) int, in their own order.

    Parameters
    ----------
    path : path
        FID and IID a line, or IID, with a header or without. Globs and ``{CHR}`` work.
    people : pandas.DataFrame
        FID and IID of those that have genotypes.

    Raises
    ------
    InputError
        If it cannot be read, or has none of them.
    """
    wanted = np.zeros(len(people), dtype=bool)
    for file in map(existing, expand(path)):
        columns = ["FID", "IID"] if len(_first(file)) > 1 else ["IID"]
        table = read_bare_table(file, columns, comment=rb"#[FI]ID|[FI]ID\b")
        given = pd.MultiIndex.from_frame(table[columns].astype(str))
        wanted |= pd.MultiIndex.from_frame(people[columns].astype(str)).isin(given)
    if not wanted.any():
        raise InputError(
            f"{path}: has none of the people: {', '.join(table['IID'][:3])} here, "
            f"{', '.join(people['IID'].astype(str)[:3])} in the genotypes. Give FID and IID."
        )
    return np.flatnonzero(wanted)
