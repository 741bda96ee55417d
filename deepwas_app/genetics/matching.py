"""Which row of one table of variants is which of another: by name, by place, by alleles.

A name is a text that both have, such as an rsID; a place is a chromosome and a position; alleles
fit as they are, swapped, or on the other strand. On integers, whatever the number of rows.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import xarray as xr

from deepwas_app.genetics import chromosomes
from deepwas_app.genetics.alleles import COMPLEMENT, SWAPPED_STRAND, Alleles, factorize

# How files say that a variant has no name.
_UNNAMED = ("", ".")
_SPELT = re.compile(r"(?:chr)?([0-9A-Z]+)[:_]([0-9]{1,9})[:_]([ACGT]+)[:_/]([ACGT]+)", re.I)
_PLACE_IN_NAME = r"^(?:chr)?([0-9]{1,2}|[XYM]|MT|XY)[:_]([0-9]{1,9})(?:[:_][A-Za-z<].*)?$"
# Place and alleles, reference first, as in chr22_1000_A_G_b38 and chr22:1000:A>G.
_VARIANT_IN_NAME = (
    r"^(?:chr)?([0-9]{1,2}|[XYM]|MT)[:_-]([0-9]{1,9})[:_-]([ACGT]+)[:_/>-]([ACGT]+)(?:_b3[78])?$"
)
_SAMPLE = 250_000


class Match(NamedTuple):
    """Rows of the GWAS and the panel variant of each.

    Attributes
    ----------
    row, panel_row : (matches,) int arrays
        A row is there at most once; a panel variant may be there more often.
    orientation : (matches,) int array
        SAME, SWAPPED, SAME_STRAND or SWAPPED_STRAND: the alleles of the row as the panel's.
    palindromic : (matches,) bool array
        A/T or C/G.
    indel : (matches,) bool array
        An allele is longer than one base.
    other_alleles : int
        Rows whose place or name the panel has, but not their alleles.
    shared_names, elsewhere : int
        Rows with a place whose name the panel has, and those of them whose place differs,
        in a sample of the rows.
    """

    row: np.ndarray
    panel_row: np.ndarray
    orientation: np.ndarray
    palindromic: np.ndarray
    indel: np.ndarray
    other_alleles: int
    shared_names: int
    elsewhere: int


def match_variants(rows: xr.Dataset, panel: xr.Dataset) -> Match:
    """Match by chromosome, position and the pair of alleles, else by name and alleles.

    Parameters
    ----------
    rows, panel : xarray.Dataset
        With variant_id, variant_chromosome, variant_position, variant_effect_allele and
        variant_other_allele.
    """
    alleles = Alleles(rows, panel)
    place, panel_place = places_of(rows, panel)
    by_place = Groups(place, panel_place)
    row, panel_row, orientation = by_place.best(alleles)
    shared_names, elsewhere = _elsewhere(rows, panel, place, panel_place)

    # Names serve only the rows and the panel variants that have found nothing by place.
    name, panel_name = names_of(rows["variant_id"]), names_of(panel["variant_id"])
    by_name = Groups(without(name, row), without(panel_name, panel_row))
    found = by_name.best(alleles)
    known = int(((by_place.group >= 0) | (by_name.group >= 0)).sum())
    pieces = zip((row, panel_row, orientation), found, strict=True)
    row, panel_row, orientation = (np.concatenate(pair) for pair in pieces)
    effect, other = alleles.panel_effect[panel_row], alleles.panel_other[panel_row]
    return Match(
        row,
        panel_row,
        orientation,
        palindromic=alleles.complement[effect] == other,
        indel=(effect >= len(COMPLEMENT)) | (other >= len(COMPLEMENT)),
        other_alleles=known - len(row),
        shared_names=shared_names,
        elsewhere=elsewhere,
    )


def with_places(variants: xr.Dataset) -> xr.Dataset:
    """Variants with the places that their names spell, as 22:1000:A:G, where they have no other."""
    if "variant_id" not in variants:
        return variants
    count = variants.sizes["variants"]
    position = np.zeros(count, np.int64)
    chromosome = np.full(count, "", dtype=object)
    if "variant_position" in variants:
        position = variants["variant_position"].values.astype(np.int64)
        chromosome = variants["variant_chromosome"].values.astype(object)
    bare = np.flatnonzero(position <= 0)
    names = pd.Series(variants["variant_id"].values[bare].astype(str))
    spelt = names.str.extract(_PLACE_IN_NAME)
    found = spelt[0].notna().to_numpy()
    if not found.any():
        return variants
    rows = bare[found]
    position[rows] = spelt[1][found].astype(np.int64)
    chromosome[rows] = chromosomes.normalise(spelt[0][found])
    return variants.assign(
        variant_position=("variants", position), variant_chromosome=("variants", chromosome)
    )


def spelt_variants(names: pd.Series) -> pd.DataFrame:
    """Place and alleles that names spell, as chr22_1000_A_G does: the effect allele comes last.

    Where a name spells none they are empty, and the position 0.
    """
    spelt = names.str.extract(_VARIANT_IN_NAME, flags=re.IGNORECASE)
    found = spelt[0].notna()
    return pd.DataFrame(
        {
            "chromosome": np.where(found, chromosomes.normalise(spelt[0].fillna("")), "").astype(
                object
            ),
            "position": spelt[1].fillna("0").astype(np.int64),
            "effect_allele": spelt[3].fillna("").str.upper().astype(object),
            "other_allele": spelt[2].fillna("").str.upper().astype(object),
        }
    )


class Groups:
    """Rows and panel variants of the same key; nulls have none (-1)."""

    def __init__(self, values: pa.Array, panel_values: pa.Array):
        distinct = pc.unique(panel_values).drop_null()
        self.group = _index_in(values, distinct)
        panel_group = _index_in(panel_values, distinct)
        self.order = np.argsort(panel_group, kind="stable")
        self.start = np.searchsorted(panel_group[self.order], np.arange(len(distinct) + 1))

    def first(self) -> np.ndarray:
        """First panel variant of each group."""
        return self.order[self.start[:-1]]

    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Every row of a group with each panel variant of it: both, (pairs,) int."""
        row = np.flatnonzero(self.group >= 0)
        first, size = self.start[self.group[row]], np.diff(self.start)[self.group[row]]
        within = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
        return np.repeat(row, size), self.order[np.repeat(first, size) + within]

    def best(self, alleles: Alleles) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """For each row of a group the panel variant whose alleles fit it, if there is one.

        The lower code is the simpler explanation; ties go to the panel's first variant.
        """
        row = np.flatnonzero(self.group >= 0)
        first, size = self.start[self.group[row]], np.diff(self.start)[self.group[row]]
        panel_row = np.zeros(len(row), dtype=np.int64)
        orientation = np.full(len(row), SWAPPED_STRAND + 1, dtype=np.int8)
        for k in range(int(size.max(initial=0))):
            live = np.flatnonzero(size > k)
            candidate = self.order[first[live] + k]
            code = alleles.orientation(row[live], candidate)
            better = (code > 0) & (code < orientation[live])
            panel_row[live[better]], orientation[live[better]] = candidate[better], code[better]
        found = orientation <= SWAPPED_STRAND
        return row[found], panel_row[found], orientation[found]


def _index_in(values: pa.Array, distinct: pa.Array) -> np.ndarray:
    if not len(distinct):
        return np.full(len(values), -1, dtype=np.int32)
    return pc.index_in(values, value_set=distinct).fill_null(-1).to_numpy()


def find_variant(variants: xr.Dataset, text: str) -> int | None:
    """Row of the variant that a text names, None if there is none.

    Parameters
    ----------
    variants : xarray.Dataset
        A study or an LD panel.
    text : str
        The variant's name, or chromosome:position:allele:allele, the alleles in either order.
    """
    rows = np.flatnonzero(variants["variant_id"].values.astype(str) == text)
    if not len(rows) and (spelt := _SPELT.fullmatch(text)):
        chromosome, position, *alleles = spelt.groups()
        effect, other = (allele.upper() for allele in alleles)
        one = {
            "variant_id": "",
            "variant_chromosome": chromosomes.normalise([chromosome])[0],
            "variant_position": int(position),
            "variant_effect_allele": effect,
            "variant_other_allele": other,
        }
        wanted = xr.Dataset({name: ("variants", [value]) for name, value in one.items()})
        rows = match_variants(wanted, variants).panel_row
    return int(rows[0]) if len(rows) else None


def shown_variants(variants: xr.Dataset, number: int = 3) -> str:
    """The first few variants as their table spells them: "rs1 (22:100), rs2 (22:200), ..."."""
    some = variants.isel(variants=slice(number))
    names = some["variant_id"].values.astype(str) if "variant_id" in some else [""] * number
    places = [""] * number
    if "variant_position" in some:
        both = zip(some["variant_chromosome"].values, some["variant_position"].values, strict=True)
        places = [f"{name}:{position}" if position > 0 else "" for name, position in both]
    shown = []
    for name, place in zip(names, places, strict=False):
        known = "" if name in _UNNAMED else str(name)
        shown.append(f"{known} ({place})" if known and place and known != place else known or place)
    return ", ".join(shown) + (", ..." if variants.sizes["variants"] > number else "")


def without(values: pa.Array, rows: np.ndarray) -> pa.Array:
    """The same values with nulls at some rows."""
    keep = np.ones(len(values), dtype=bool)
    keep[rows] = False
    return pc.if_else(pa.array(keep), values, pa.scalar(None, values.type))


def places_of(rows: xr.Dataset, panel: xr.Dataset) -> tuple[pa.Array, pa.Array]:
    """Chromosome and position in one integer; null where either is not known."""
    panel_codes, levels = factorize(panel["variant_chromosome"])
    ranks = {level: code for code, level in enumerate(levels)} | {"": -1}
    codes, levels = factorize(rows["variant_chromosome"])
    # Chromosomes that the panel has not are no place of the panel's, but a place.
    lookup = [ranks.setdefault(level, len(ranks)) for level in levels]
    codes = np.append(lookup, -1).astype(np.int64)[codes]
    return _keys(codes, rows), _keys(panel_codes.astype(np.int64), panel)


def _keys(codes: np.ndarray, dataset: xr.Dataset) -> pa.Array:
    position = dataset["variant_position"].values
    return pa.array((codes << 32) | position, mask=(codes < 0) | (position <= 0))


def names_of(array: xr.DataArray) -> pa.Array:
    """Names of variants; null where there is none."""
    data = array.data
    if isinstance(data, pd.api.extensions.ExtensionArray):
        names = pa.array(data)
    else:
        names = pa.array(np.asarray(data, dtype=object), pa.string())
    if isinstance(names, pa.ChunkedArray):
        names = names.combine_chunks()
    unnamed = pc.is_in(names, value_set=pa.array(_UNNAMED, names.type))
    return pc.if_else(unnamed, pa.scalar(None, names.type), names)


def _elsewhere(
    rows: xr.Dataset, panel: xr.Dataset, place: pa.Array, panel_place: pa.Array
) -> tuple[int, int]:
    """Rows whose name the panel has, and how many of them are at another place.

    Every so many rows tell enough of a large file.
    """
    some = slice(None, None, max(rows.sizes["variants"] // _SAMPLE, 1))
    by_name = Groups(names_of(rows["variant_id"][some]), names_of(panel["variant_id"]))
    key = place.fill_null(-1).to_numpy()[some]
    panel_key = panel_place.fill_null(-1).to_numpy()
    shared = np.flatnonzero((by_name.group >= 0) & (key >= 0))
    panel_row = by_name.first()[by_name.group[shared]]
    return len(shared), int((panel_key[panel_row] != key[shared]).sum())


def repeated(table: pd.DataFrame) -> np.ndarray:
    """Rows whose place and pair of alleles came before, in either order of the alleles."""
    effect, other = table["effect_allele"].to_numpy(str), table["other_allele"].to_numpy(str)
    later = effect > other
    pairs = {"first": np.where(later, other, effect), "second": np.where(later, effect, other)}
    return table[["chromosome", "position"]].assign(**pairs).duplicated().to_numpy()
