"""What one asks of a study."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics.half import check_rounding, halved
from deepwas_app.genetics.statistics import (
    GENOME_WIDE,
    genomic_inflation,
    marginal_correlation_z,
    minus_log10_p,
)


class Summary(NamedTuple):
    """The most telling numbers of a study's z-scores.

    Attributes
    ----------
    scored
        Variants with a z-score after alignment.
    people
        Median sample size; NaN where it is not known.
    inflation
        Genomic inflation factor, lambda GC; NaN without z-scores.
    mean_chi_square
        Mean of z squared; NaN without z-scores.
    hits
        Genome-wide significant variants.
    """

    scored: int
    people: float
    inflation: float
    mean_chi_square: float
    hits: int


def summarise(study: xr.Dataset) -> Summary:
    """The most telling numbers of a study's z-scores."""
    z = study["variant_z"].values
    z = z[np.isfinite(z)].astype(float)
    people = study["variant_sample_size"].values
    people = people[np.isfinite(people)]
    return Summary(
        len(z),
        float(np.median(people)) if len(people) else np.nan,
        genomic_inflation(z),
        float(np.mean(z**2)) if len(z) else np.nan,
        int((minus_log10_p(z) > GENOME_WIDE).sum()),
    )


def whitened_z(variants: xr.Dataset) -> np.ndarray:
    """z-scores as the LD blocks of a study are made of them, see :func:`marginal_correlation_z`.

    Parameters
    ----------
    variants : xarray.Dataset
        A study, or the aligned variants of one.

    Returns
    -------
    numpy.ndarray
        (variants,), float64; NaN where a variant has none.
    """
    n = variants["variant_sample_size"].values.astype(np.float64)
    return marginal_correlation_z(variants["variant_z"].values, n)


def strongest_loci(study: xr.Dataset, count: int = 12, apart: int = 500_000) -> list[int]:
    """Rows of the strongest variants, far enough from each other to be separate loci.

    Parameters
    ----------
    study : xarray.Dataset
        A study.
    count : int
        At most this many.
    apart : int
        Least distance between two, base pairs.

    Returns
    -------
    list of int
        Rows of the dimension ``variants``, strongest first.
    """
    strength = np.abs(np.nan_to_num(study["variant_z"].values))
    chromosome = pd.factorize(study["variant_chromosome"].values)[0]
    position = study["variant_position"].values.astype(np.int64)
    left = np.flatnonzero(strength > 0)
    chosen: list[int] = []
    while len(left) and len(chosen) < count:
        row = left[np.argmax(strength[left])]
        chosen.append(int(row))
        near = np.abs(position[left] - position[row]) < apart
        # Itself too, where nothing is to be apart.
        left = left[~(near & (chromosome[left] == chromosome[row])) & (left != row)]
    return chosen


def lead_variants(study: xr.Dataset, most: int = 100, least: int = 12) -> list[int]:
    """Rows of the lead variants of a study's loci, strongest first.

    Parameters
    ----------
    study : xarray.Dataset
        A study.
    most : int
        At most this many.
    least : int
        So many are there also if they are not genome-wide significant.

    Returns
    -------
    list of int
        Rows of the dimension ``variants``, at least half a megabase from each other.
    """
    rows = strongest_loci(study, count=most)
    heights = minus_log10_p(study["variant_z"].values[rows])
    strong = int((heights > GENOME_WIDE).sum())
    return rows[: max(strong, least)]


def add_annotation(
    study: xr.Dataset, name: str, values: pd.Series | np.ndarray | Sequence[float]
) -> xr.Dataset:
    """A study with one more annotation; the one that is given stays as it is.

    Parameters
    ----------
    study : xarray.Dataset
        An open study.
    name : str
        What to call the annotation.
    values : pandas.Series or array
        A Series whose index names variants is brought into their order; an array has one value
        for each variant of the study, in its order.

    Returns
    -------
    xarray.Dataset
        Its content is another: runs that were trained without the annotation do not go with it.

    Raises
    ------
    InputError
        If there is an annotation of this name, or not exactly one finite value for each variant.
    """
    names = study["annotation"].values.astype(str)
    if name in names:
        raise InputError(f"{name}: the study has an annotation of this name. Choose another.")
    ids = study["variant_id"].values.astype(str)
    if isinstance(values, pd.Series):
        if not values.index.is_unique:
            twice = values.index[values.index.duplicated()][0]
            raise InputError(f"{name}: has several values for {twice}. Keep one.")
        values = values.set_axis(values.index.astype(str)).reindex(ids)
    column = np.asarray(values, dtype=np.float32)
    if column.shape != ids.shape:
        raise InputError(
            f"{name}: has the shape {column.shape}, but the study has {len(ids)} variants. Give "
            "one value for each, or a pandas Series by variant name."
        )
    missing = ~np.isfinite(column)
    if missing.any():
        raise InputError(
            f"{name}: {missing.sum()} variants have no value, such as {ids[missing.argmax()]}. "
            "Say what they have, 0 or the mean for instance."
        )
    kind = "binary" if np.isin(column, (0, 1)).all() else "continuous"
    known = study["variant_annotation"].values
    if known.dtype == np.float16:
        where = study.attrs.get("path", "study")
        column, rounding = halved(column, where, name)
        check_rounding(rounding, where, name)
    return (
        study.drop_dims("annotations")
        .assign(
            variant_annotation=(
                ("variants", "annotations"),
                np.concatenate([known, column[:, None]], axis=1, dtype=known.dtype),
            ),
            annotation_kind=("annotations", np.append(study["annotation_kind"].values, kind)),
        )
        .assign_coords(annotation=("annotations", np.append(names, name)))
    )
