"""Annotations that fill up file by file, and what becomes of values that no file has."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics.half import Rounding, check_rounding, halved
from deepwas_app.genetics.matching import shown_variants

MISSING = ("", "zero", "mean", "drop")
"""What becomes of variants of which a table says nothing: see ``join_annotations``."""
# A table that knows a smaller share of the variants says nothing of most of them.
_COVERED = 0.5


class JoinedAnnotations(NamedTuple):
    """Annotations on the variants of a study.

    Attributes
    ----------
    values : (variants, annotations) float32 or float16 array
        Without missing values.
    names, kinds : list of str
        Name, and "binary" or "continuous", of each annotation.
    notes : list of str
        What was filled in or left out, one line each.
    files : list of Path
        The files that were read.
    """

    values: np.ndarray
    names: list[str]
    kinds: list[str]
    notes: list[str]
    files: list[Path]


class Columns:
    """Annotations that fill up, file by file, in the order in which they come.

    Attributes
    ----------
    values
        Annotation to (variants,) array, float32 or float16; NaN where there is no value yet.
    origin
        Which file was the last to fill it.
    of_tables
        Annotations that are from tables, of which values may be missing.
    """

    def __init__(self, variants: xr.Dataset, half: bool = False):
        self.variants = variants
        self.dtype = np.dtype(np.float16 if half else np.float32)
        self.values: dict[str, np.ndarray] = {}
        self.origin: dict[str, Path] = {}
        self.of_tables: set[str] = set()
        self._rounding: dict[str, Rounding] = {}

    def reserve(self, names: list[str]) -> None:
        """Make annotations that there are not yet; those of one call lie beside each other."""
        new = [name for name in names if name not in self.values]
        size = self.variants.sizes["variants"]
        self.values.update(zip(new, np.full((len(new), size), np.nan, self.dtype), strict=True))

    def column(self, path: Path, name: str, new: np.ndarray | slice = slice(0)) -> np.ndarray:
        """The array of an annotation, for a file to fill; no other must have filled these rows."""
        self.reserve([name])
        if np.isfinite(self.values[name][new]).any():
            raise InputError(
                f"{path}: annotation {name} is in another file too, {self.origin[name]}. "
                "Rename one of them."
            )
        return self.values[name]

    def put(self, path: Path, name: str, rows: np.ndarray | slice, value: np.ndarray) -> None:
        """Write values to rows of an annotation that there is; what is infinite is missing."""
        if self.dtype == np.float16:
            value, noise = halved(value, path, name)
            self._rounding[name] = self._rounding.get(name, Rounding()) + noise
        self.values[name][rows] = value
        self.origin[name] = path

    def add(self, path: Path, name: str, value: np.ndarray, rows: np.ndarray | None = None) -> None:
        """Put values at some variants, all by default; two files must not fill the same ones."""
        where = slice(None) if rows is None else rows
        self.column(path, name, where)
        self.put(path, name, where, value)

    def take_few(self, missing: str) -> dict[str, str]:
        """Take out annotations of tables that cover few variants, and say how many each does.

        Raises
        ------
        InputError
            If there are such, and it is not said what becomes of them.
        """
        if missing not in MISSING:
            raise InputError(f"missing {missing}: give zero, mean or drop")
        counted = np.ones(self.variants.sizes["variants"], dtype=bool)
        if "variant_scored" in self.variants:
            counted = self.variants["variant_scored"].values
        total, few = int(counted.sum()), {}
        for name in (name for name in self.values if name in self.of_tables):
            known = int((np.isfinite(self.values[name]) & counted).sum())
            if known < _COVERED * total and missing in ("", "drop"):
                few[name] = f"covers {known:,} of {total:,} variants"
        if few and not missing:
            one = next(iter(few))
            others = f" ({len(few) - 1} further annotations cover as few)" if len(few) > 1 else ""
            raise InputError(
                f"{self.origin[one]}: annotation {one} {few[one]}{others}. Say what it is for the "
                "others with --missing zero or mean, or leave out such annotations with "
                "--missing drop."
            )
        for name in few:
            del self.values[name]
        return few

    def check_rounding(self) -> None:
        """Refuse annotations of which float16 would keep too little."""
        for name in self.values:
            if name in self._rounding:
                check_rounding(self._rounding[name], self.origin[name], name)


def absent(found: np.ndarray, read: list[Path], variants: xr.Dataset) -> list[str]:
    """How many variants are in no table, as a note."""
    if not read or found.all():
        return []
    if not found.any():
        shown = ", ".join(map(str, read[:3])) + (", ..." if len(read) > 3 else "")
        raise InputError(
            f"{shown}: none of the study's variants is in the table. The study has "
            f"{shown_variants(variants)}. Check the names, the chromosomes and the genome build."
        )
    lacking = int((~found).sum())
    return [f"{lacking} of {len(found)} variants are not in the annotation table."]


def complete(
    columns: Columns,
    notes: list[str],
    covered: np.ndarray | None,
    files: list[Path],
    rule: str,
) -> JoinedAnnotations:
    """Fill in what is missing, and leave out what says nothing; `columns` are used up."""
    columns.check_rounding()
    kinds = []
    # Which variants have no value, a bit each, and what the annotation that tells it is called.
    flags: dict[bytes, str] = {}
    for name, column in columns.values.items():
        missing = ~np.isfinite(column)
        present = column[~missing]
        kind = "binary" if ((present == 0) | (present == 1)).all() else "continuous"
        kinds.append(kind)
        if not missing.any() or not len(present):
            column[missing] = 0
            continue
        zero = kind == "binary"
        if rule in ("zero", "mean") and name in columns.of_tables:
            zero = rule == "zero"
        fill = 0.0 if zero else float(present.mean(dtype=float))
        column[missing] = fill
        word = "0" if zero else f"the mean, {fill:.4g}"
        unread = ~covered if covered is not None and name in columns.of_tables else False
        if unexplained := int((missing & ~np.asarray(unread)).sum()):
            notes.append(f"{name}: {unexplained} missing values became {word}.")
        if not zero:
            kinds[-1] = "continuous"
            flags.setdefault(np.packbits(missing).tobytes(), f"{name} (missing)")
    size = columns.variants.sizes["variants"]
    bits = [np.frombuffer(which, np.uint8) for which in flags]
    extra = [np.unpackbits(one, count=size).astype(columns.dtype) for one in bits]
    values = [*columns.values.values(), *extra]
    names, kinds = [*columns.values, *flags.values()], kinds + ["binary"] * len(extra)
    columns.values.clear()
    keep, dropped = _informative(values, names)
    if not keep:
        where = ", ".join(map(str, files[:3]))
        raise InputError(f"{where}: no annotation varies between the variants of the study.")
    whole = np.empty((size, len(keep)), columns.dtype, order="F")
    for place, index in enumerate(keep):
        whole[:, place] = values[index]
    return JoinedAnnotations(
        whole, [names[i] for i in keep], [kinds[i] for i in keep], notes + dropped, files
    )


def _informative(values: list[np.ndarray], names: list[str]) -> tuple[list[int], list[str]]:
    """Columns to keep, and a note for each constant or repeated one."""
    keep: list[int] = []
    notes = []
    seen: dict[int, list[int]] = {}
    for index, (name, column) in enumerate(zip(names, values, strict=True)):
        if (column == column[0]).all():
            notes.append(f"{name}: left out, the same for every variant.")
            continue
        alike = seen.setdefault(hash(column.tobytes()), [])
        same = next((i for i in alike if np.array_equal(values[i], column)), None)
        if same is not None:
            notes.append(f"{name}: left out, the same as {names[same]}.")
        else:
            alike.append(index)
            keep.append(index)
    return keep, notes
