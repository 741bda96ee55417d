"""Tables whose rows are variants by place and alleles, such as scores of pretrained models.

They may be wider and longer than memory: they are read in pieces, of which only the rows of the
study's variants are kept.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics.alleles import swapped
from deepwas_app.genetics.annotation.filling import Columns
from deepwas_app.genetics.annotation.layout import (
    ALLELES,
    KINDS,
    PLACE,
    annotations_of,
    check_positions,
    counting_note,
    counts_rows,
    first_cells,
    is_text,
    is_truth,
    keys_of,
    numbers,
    variants_of,
)
from deepwas_app.genetics.annotation.sources import check_build
from deepwas_app.genetics.annotation.tables import NAMING
from deepwas_app.genetics.files import existing, read_header
from deepwas_app.genetics.matching import match_variants, names_of, places_of, spelt_variants
from deepwas_app.genetics.pieces import read_pieces
from deepwas_app.genetics.tables import LEVELS, SINGLE

SEVERAL, SIGNS = ("mean", "max"), ("abs", "signed")
"""What becomes of several rows of a variant, and of the sign of scores: words after # in a path."""
# Rows that are looked at to tell what columns hold, and variants that tell the genome build.
_LOOK, _TELLING = 100, 1000


class Read(NamedTuple):
    """What was read: variants that have a row, (variants,) bool; annotations; notes for people."""

    found: np.ndarray
    names: list[str]
    notes: list[str]


def keyed_by_alleles(path: Path, choice: str) -> dict[str, str] | None:
    """Key to column of a table that has place and alleles, or spells them in its names; or None.

    Raises
    ------
    InputError
        If something is chosen (after ``#``) that such tables do not have.
    """
    keys = keys_of(read_header(existing(path)))
    words = choice.split(",") if choice else []
    if not {*PLACE, *ALLELES} <= {*keys}:
        names = [keys["id"]] if "id" in keys else []
        cells = next(iter(first_cells(path, names, _LOOK).values()), [])
        if not cells or (spelt_variants(pd.Series(cells))["effect_allele"] == "").any():
            if {*words} & {*SEVERAL, *SIGNS}:
                raise InputError(
                    f"{path}#{choice}: is for tables with chromosome, position and both alleles, "
                    "which this one has not. Leave it out."
                )
            return None
        keys = {"id": keys["id"]}
    for known in (SEVERAL, SIGNS):
        if len({*words} & {*known}) > 1:
            raise InputError(f"{path}#{choice}: give {' or '.join(known)}, not both.")
    if strange := [word for word in words if word not in SEVERAL + SIGNS]:
        raise InputError(
            f"{path}#{choice}: {strange[0]!r} is none of {', '.join(SEVERAL + SIGNS)}, as in "
            "#abs,max."
        )
    return keys


def read_variant_scores(path: Path, keys: dict[str, str], choice: str, columns: Columns) -> Read:
    """Read a table by place and alleles into the annotations of a study, piece by piece.

    Parameters
    ----------
    path, keys
        The table, and what :func:`keyed_by_alleles` says of it.
    choice
        Words of :data:`SEVERAL` and :data:`SIGNS`, with commas: rows of one variant count as their
        mean (by default) or their largest value; scores are taken as they stand (by default), by
        their size, or signed, so that they are of the study's effect allele.
    columns
        What is filled.

    Raises
    ------
    InputError
        If the file cannot be read, has positions of another genome build, or no annotation.

    Notes
    -----
    A row is of a variant if place and both alleles are, either way round, on either strand; by
    name and alleles where no row is of its place. A score of ref to alt is of the pair of alleles
    by default, whichever of them the study counts: a prior is of the square of an effect, which
    has no direction.

    Memory: 2 or 4 bytes a variant and annotation, one more where variants have several rows, and
    one piece of the table, see :func:`deepwas_app.genetics.pieces.read_pieces`.
    """
    names, others = annotations_of(read_header(path), keys)
    cells = first_cells(path, names, _LOOK)
    text = [name for name in names if any(map(is_text, cells.get(name, ())))]
    names = [name for name in names if name not in text]
    if not names:
        raise InputError(f"{path}: has no annotation column. Add at least one.")
    types = {name: LEVELS if is_truth(cells.get(name, [])) else SINGLE for name in names}
    named = {column: KINDS.get(key, LEVELS) for key, column in keys.items()}
    notes = [f"{path}: no annotations: {', '.join(others)}."] if others else []
    if text:
        notes.append(f"{path}: left out, text: {', '.join(text)}.")
    rows_of = _Rows(path, columns, choice)
    variants = _Places(path, columns.variants)
    counting: set[str] = set()
    for piece in read_pieces(path, named, types):
        rows = _variants(path, {k: piece.keys[name] for k, name in keys.items()}, piece.first)
        found = rows_of.begin(variants.pairs(rows))
        if piece.first and not len(found.row):
            continue
        for start, table in piece.values():
            part, first = found.within(start, table.num_rows), piece.first + start
            given = {name: numbers(path, name, table[name], first) for name in table.column_names}
            if first == 0:
                counting |= {name for name, value in given.items() if counts_rows(value)}
                columns.reserve([name for name in given if name not in counting])
            for name in (name for name in given if name not in counting):
                rows_of.put(name, part, given[name])
    variants.check()
    if counting:
        notes.append(counting_note(path, sorted(counting)))
    if not rows_of.filled:
        raise InputError(f"{path}: has no annotation column. Add at least one.")
    return Read(rows_of.number > 0, [*rows_of.filled], notes + rows_of.notes())


def _variants(path: Path, keys: dict[str, pa.ChunkedArray], first: int) -> xr.Dataset:
    """Rows by place and alleles, which their names may spell."""
    rows = variants_of(path, keys, first)
    if "variant_effect_allele" in rows:
        return rows
    spelt = spelt_variants(pd.Series(rows["variant_id"].values.astype(str)))
    return rows.assign({f"variant_{key}": ("variants", spelt[key].to_numpy()) for key in spelt})


class _Pairs(NamedTuple):
    """Variants of a study and their rows of a piece, by row.

    Attributes
    ----------
    variant, row : (pairs,) int arrays
        Which are one.
    turned, again, by_place : (pairs,) bool arrays
        Whether the row's second allele is the study's effect allele; whether the variant had a row
        before; whether they are at one place, or have one name.
    """

    variant: np.ndarray
    row: np.ndarray
    turned: np.ndarray
    by_place: np.ndarray
    again: np.ndarray

    def some(self, which: np.ndarray | slice) -> _Pairs:
        """Some of them."""
        return _Pairs(*(array[which] for array in self))

    def within(self, start: int, size: int) -> _Pairs:
        """Those of some rows, which are counted from there."""
        some = self.some(slice(*np.searchsorted(self.row, [start, start + size])))
        return some._replace(row=some.row - start)


class _Places:
    """The variants of a study, to be found by the rows of tables that come in pieces."""

    def __init__(self, path: Path, variants: xr.Dataset):
        self.path = path
        self.variants = variants[[name for name in NAMING if name in variants]].load()
        self.build = variants.attrs.get("genome_build")
        place = places_of(self.variants, self.variants)[1].fill_null(-1).to_numpy()
        self.place = place
        self.order = np.argsort(place, kind="stable")
        self.sorted = place[self.order]
        names = names_of(self.variants["variant_id"]).fill_null("").to_pandas()
        self.rows_by_name = np.flatnonzero(~names.duplicated() & (names != ""))
        self.names = pd.Index(names.iloc[self.rows_by_name])
        # By how much positions differ from those of the same name.
        self.away: list[np.ndarray] = []

    def pairs(self, rows: xr.Dataset) -> _Pairs:
        """Rows of a piece that are variants of the study."""
        if (said := rows.attrs["genome_build"]) and self.build:
            check_build(self.path, said, self.build)
        place = places_of(rows, self.variants)[0].fill_null(-2).to_numpy()
        first = np.searchsorted(self.sorted, place, "left")
        last = np.searchsorted(self.sorted, place, "right")
        wanted = last > first
        starts, one = np.unique(first[wanted], return_index=True)
        panel = self.order[_joined(starts, last[wanted][one])]
        if "variant_id" in rows:
            named = self.names.get_indexer(pd.Index(rows["variant_id"].values.astype(str)))
            known = named >= 0
            of_name = self.rows_by_name[named[known]]
            both = rows["variant_position"].values[known].astype(np.int64)
            both -= self.variants["variant_position"].values[of_name]
            self.away.append(both[rows["variant_position"].values[known] > 0])
            if sum(map(len, self.away)) >= _TELLING:
                self.check()
            wanted |= known
            panel = np.union1d(panel, of_name)
        else:
            rows = rows.assign(variant_id=("variants", np.full(len(place), "", object)))
        row, panel = np.flatnonzero(wanted), np.sort(panel)
        if not len(row):
            nothing = np.zeros(0, bool)
            return _Pairs(row, row, nothing, nothing, nothing)
        match = match_variants(rows.isel(variants=row), self.variants.isel(variants=panel))
        order = np.argsort(match.row, kind="stable")
        variant, row = panel[match.panel_row[order]], row[match.row[order]]
        turned = swapped(match.orientation[order])
        by_place = self.place[variant] == place[row]
        return _Pairs(variant, row, turned, by_place, np.zeros(len(row), bool))

    def check(self) -> None:
        """Refuse positions of another build, by the variants of which the name is known, too."""
        check_positions(self.path, np.concatenate([np.zeros(0, np.int64), *self.away]))


def _joined(start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """The numbers from each start to its stop, one after the other."""
    size = stop - start
    return np.repeat(start - np.cumsum(size) + size, size) + np.arange(size.sum())


class _Rows:
    """Puts rows into annotations; several of one variant become one value.

    Attributes
    ----------
    number
        Rows of each variant so far, (variants,).
    """

    def __init__(self, path: Path, columns: Columns, choice: str):
        words = choice.split(",")
        self.path, self.columns = path, columns
        self.largest = "max" in words
        self.signed, self.size = "signed" in words, "abs" in words
        size = columns.variants.sizes["variants"]
        self.number = np.zeros(size, np.int32)
        self.by_name, self.differ = np.zeros(size, bool), np.zeros(size, bool)
        # How many values each mean is of, by annotation; up to one each where there is none.
        self.counts: dict[str, np.ndarray] = {}
        self.filled: dict[str, None] = {}
        self.alike = 1e-3 if columns.dtype == np.float16 else 1e-6

    def begin(self, found: _Pairs) -> _Pairs:
        """Take up the rows of a piece: those by name give way to those by place."""
        v = found.variant
        placed = np.isin(v, v[found.by_place]) | ((self.number[v] > 0) & ~self.by_name[v])
        found = found.some(found.by_place | ~placed)
        v = found.variant
        displaced = np.unique(v[found.by_place & self.by_name[v]])
        if len(displaced):
            self.number[displaced], self.differ[displaced] = 0, False
            for name in self.filled:
                self.columns.values[name][displaced] = np.nan
                if name in self.counts:
                    self.counts[name][displaced] = 0
        self.by_name[v] = ~found.by_place
        again = np.ones(len(v), bool)
        again[np.unique(v, return_index=True)[1]] = False
        again |= self.number[v] > 0
        np.add.at(self.number, v, 1)
        return found._replace(again=again)

    def put(self, name: str, part: _Pairs, value: np.ndarray) -> None:
        """Values of some rows of a piece, (rows,)."""
        self.filled.setdefault(name)
        value = value[part.row]
        if self.size:
            value = np.abs(value)
        elif self.signed:
            value = np.where(part.turned, -value, value)
        column = self.columns.column(self.path, name, part.variant[~part.again])
        if not part.again.any():
            self.columns.put(self.path, name, part.variant, value)
            return
        variant, of = np.unique(part.variant, return_inverse=True)
        value, old = value.astype(np.float64), column[variant].astype(np.float64)
        known = np.isfinite(value)
        if self.largest:
            new = old.copy()
            np.fmax.at(new, of[known], value[known])
        else:
            new = self._mean(name, column, variant, old, of[known], value[known])
        away = known & (np.abs(value - new[of]) > self.alike * np.abs(value))
        self.differ[part.variant[away]] = True
        self.differ[variant[np.abs(old - new) > self.alike * np.abs(old)]] = True
        self.columns.put(self.path, name, variant, new)

    def _mean(
        self,
        name: str,
        column: np.ndarray,
        variant: np.ndarray,
        old: np.ndarray,
        of: np.ndarray,
        value: np.ndarray,
    ) -> np.ndarray:
        counts = self.counts.setdefault(name, np.zeros(0, np.uint8))
        if not len(counts):
            counts = self.counts[name] = np.isfinite(column).astype(np.uint8)
        before = counts[variant].astype(np.int64)
        total = before + np.bincount(of, minlength=len(variant))
        counts[variant] = np.minimum(total, 255)
        sums = np.nan_to_num(old) * before + np.bincount(of, value, len(variant))
        return np.where(total > 0, sums / np.maximum(total, 1), np.nan)

    def notes(self) -> list[str]:
        """That rows of one variant differ, where they do."""
        if not self.differ.any():
            return []
        return [
            f"{self.path}: {int(self.differ.sum())} variants have several rows of their place, name"
            f" and alleles that differ: their {'largest value' if self.largest else 'mean'} was "
            "taken."
        ]
