"""Annotation tables: read, and joined to the variants of a study."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics import chromosomes
from deepwas_app.genetics.files import read_header, read_table

_KEYS = {
    "id": ("SNP", "variant_id", "rsid", "ID", "SNPID"),
    "chromosome": ("CHR", "chromosome", "CHROM", "chrom", "chr", "Chrom"),
    "position": ("BP", "POS", "position", "pos", "base_pair_location"),
}
_IGNORED = ("CM", "A1", "A2", "REF", "ALT", "effect_allele", "other_allele")
_PLACE = ["chromosome", "position"]


class JoinedAnnotations(NamedTuple):
    """Annotations on the variants of a study.

    Attributes
    ----------
    values : (variants, annotations) float32 array
        Without missing values.
    names, kinds : list of str
        Name, and "binary" or "continuous", of each annotation.
    notes : list of str
        What was filled in or left out, one line each.
    """

    values: np.ndarray
    names: list[str]
    kinds: list[str]
    notes: list[str]


def read_annotations(paths: str | Path | Iterable[str | Path]) -> xr.Dataset:
    """Read annotation tables.

    Parameters
    ----------
    paths : path or several
        CSV, TSV, parquet or LDSC .annot, compressed or not, with a header: SNP, or
        chromosome and position, or all three; every other column is an annotation.
        Files with the same annotations are put under each other (one per chromosome);
        files with different ones are joined by variant.

    Returns
    -------
    xarray.Dataset
        variant_annotation (variants, annotations) float32, NaN where missing; annotation;
        variant_id, variant_chromosome and variant_position as far as the files have them.
        Attribute ``path``: the files.

    Raises
    ------
    InputError
        If a file cannot be read, does not say which variants its rows are, or has a column
        that is not numbers.
    """
    files = [paths] if isinstance(paths, str | Path) else list(paths)
    if not files:
        raise InputError("annotations: no file was given. Give at least one.")
    tables: dict[frozenset[str], list[pd.DataFrame]] = {}
    for file in files:
        table = _read(Path(file))
        tables.setdefault(frozenset(table.columns), []).append(table)
    frame, *others = (pd.concat(group, ignore_index=True) for group in tables.values())
    for other in others:
        frame = _join_tables(frame, other, files)
    keys = [name for name in _KEYS if name in frame]
    names = [name for name in frame.columns if name not in _KEYS]
    dataset = xr.Dataset(
        {"variant_annotation": (("variants", "annotations"), _values(frame[names]))},
        coords={"annotation": ("annotations", np.asarray(names, dtype=str))},
        attrs={"path": ", ".join(map(str, files))},
    )
    return dataset.assign({f"variant_{k}": ("variants", _plain(frame[k])) for k in keys})


def _values(frame: pd.DataFrame) -> np.ndarray:
    return frame.to_numpy(dtype=np.float32, na_value=np.nan)


def _plain(column: pd.Series) -> np.ndarray:
    if column.name == "position":
        return column.to_numpy(dtype=np.int32)
    return column.fillna("").to_numpy(dtype=str)


def _read(path: Path) -> pd.DataFrame:
    header = read_header(path)
    found = {
        key: next((name for name in names if name in header), None) for key, names in _KEYS.items()
    }
    keys = {name: key for key, name in found.items() if name is not None}
    if "id" not in keys.values() and not {*_PLACE} <= {*keys.values()}:
        raise InputError(
            f"{path}: does not say which variants its rows are. Add a column SNP, or CHR and BP."
        )
    if "position" in keys.values() and "chromosome" not in keys.values():
        keys = {name: key for name, key in keys.items() if key != "position"}
    text = {name: str for name, key in keys.items() if key != "position"}
    table = read_table(path, dtype=text).rename(columns=keys)
    known = {name for names in _KEYS.values() for name in names}
    table = table.drop(columns=[c for c in table if c in _IGNORED or c in known - {*_KEYS}])
    names = [name for name in table.columns if name not in _KEYS]
    if not names:
        raise InputError(f"{path}: has no annotation column. Add at least one.")
    for name in names:
        try:
            table[name] = pd.to_numeric(table[name]).astype(np.float32)
        except (ValueError, TypeError) as error:
            raise InputError(
                f"{path}: column {name} holds values that are not numbers. "
                "Code them as 0 and 1, or take the column out."
            ) from error
    if "chromosome" in table:
        table["chromosome"] = chromosomes.normalise(table["chromosome"].fillna(""))
    if "position" in table:
        position = pd.to_numeric(table["position"], errors="coerce")
        if position.isna().any():
            row = int(np.flatnonzero(position.isna())[0]) + 1
            raise InputError(f"{path}: row {row} has no position. Take the row out.")
        table["position"] = position.astype(np.int32)
    return table


def _join_tables(frame: pd.DataFrame, other: pd.DataFrame, files: list) -> pd.DataFrame:
    keys = [key for key in _KEYS if key in frame and key in other]
    if "id" not in keys and not {*_PLACE} <= {*keys}:
        raise InputError(
            f"{files[-1]}: names its variants in another way than {files[0]}. "
            "Give both SNP, or both CHR and BP."
        )
    repeated = [name for name in other if name in frame and name not in _KEYS]
    if repeated:
        raise InputError(
            f"{files[-1]}: annotation {repeated[0]} is in another file too. Rename one of them."
        )
    return frame.merge(other.drop_duplicates(keys), on=keys, how="outer", sort=False)


def join_annotations(variants: xr.Dataset, annotations: xr.Dataset) -> JoinedAnnotations:
    """Bring annotations onto the variants of a study.

    Parameters
    ----------
    variants : xarray.Dataset
        With variant_id, variant_chromosome, variant_position.
    annotations : xarray.Dataset
        From :func:`read_annotations`.

    Raises
    ------
    InputError
        If no variant is in the table, its positions are of another genome build, or no
        annotation varies.

    Notes
    -----
    By name, else by chromosome and position. A missing value becomes the mean of a
    continuous annotation and 0 of a binary one.
    """
    where = annotations.attrs.get("path", "annotations")
    rows = _rows(variants, annotations, where)
    names = [str(name) for name in annotations["annotation"].values]
    values = annotations["variant_annotation"].values[rows]
    absent = rows < 0
    values[absent] = np.nan
    notes = []
    if absent.any():
        notes.append(
            f"{int(absent.sum())} of {len(rows)} variants are not in the annotation table."
        )
    kinds = []
    for index, name in enumerate(names):
        column = values[:, index]
        missing = ~np.isfinite(column)
        present = column[~missing]
        kind = "binary" if np.isin(present, (0, 1)).all() else "continuous"
        kinds.append(kind)
        fill = 0.0 if kind == "binary" or not len(present) else float(present.mean(dtype=float))
        column[missing] = fill
        unexplained = int((missing & ~absent).sum())
        if unexplained:
            word = "0" if kind == "binary" else f"the mean, {fill:.4g}"
            notes.append(f"{name}: {unexplained} missing values became {word}.")
    keep, dropped = _informative(values, names)
    if not keep:
        raise InputError(f"{where}: no annotation varies between the variants of the study.")
    return JoinedAnnotations(
        np.ascontiguousarray(values[:, keep]),
        [names[i] for i in keep],
        [kinds[i] for i in keep],
        notes + dropped,
    )


def _rows(variants: xr.Dataset, annotations: xr.Dataset, where: str) -> np.ndarray:
    """Row of the annotation table for each variant, -1 where there is none."""
    rows = np.full(variants.sizes["variants"], -1, dtype=np.int64)
    if "variant_id" in annotations:
        ids = pd.Index(annotations["variant_id"].values)
        first = ~ids.duplicated() & (ids != "")
        found = ids[first].get_indexer(variants["variant_id"].values)
        rows = np.where(found >= 0, np.flatnonzero(first)[found], -1) if first.any() else rows
    if "variant_position" in annotations:
        place = ["variant_chromosome", "variant_position"]
        if (rows >= 0).any():
            _check_build(variants, annotations, rows, where)
        table = pd.MultiIndex.from_arrays([annotations[name].values for name in place])
        first = ~table.duplicated()
        wanted = pd.MultiIndex.from_arrays([variants[name].values for name in place])
        found = table[first].get_indexer(wanted)
        rows = np.where((rows < 0) & (found >= 0), np.flatnonzero(first)[found], rows)
    if (rows < 0).all():
        raise InputError(
            f"{where}: none of the study's variants is in the table. "
            "Check the names, the chromosomes and the genome build."
        )
    return rows


def _check_build(
    variants: xr.Dataset, annotations: xr.Dataset, rows: np.ndarray, where: str
) -> None:
    shared = np.flatnonzero(rows >= 0)
    ours = variants["variant_position"].values[shared]
    elsewhere = int((annotations["variant_position"].values[rows[shared]] != ours).sum())
    if elsewhere > len(shared) / 2:
        raise InputError(
            f"{where}: {elsewhere} of {len(shared)} variants have another position than in the "
            "study. Bring both to the same genome build, and positions to 1-based."
        )


def _informative(values: np.ndarray, names: list[str]) -> tuple[list[int], list[str]]:
    """Columns to keep, and a note for each constant or repeated one."""
    keep: list[int] = []
    notes = []
    seen: dict[bytes, str] = {}
    for index, name in enumerate(names):
        column = np.ascontiguousarray(values[:, index])
        if (column == column[0]).all():
            notes.append(f"{name}: left out, the same for every variant.")
        elif (content := column.tobytes()) in seen:
            notes.append(f"{name}: left out, the same as {seen[content]}.")
        else:
            seen[content] = name
            keep.append(index)
    return keep, notes
