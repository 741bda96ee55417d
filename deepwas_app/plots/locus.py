"""The numbers of a locus plot: variants, LD to a reference, annotations and stacked genes."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.plots.study import minus_log10_p, thin
from deepwas_app.plots.theme import (
    GENOME_WIDE,
    LD_COLOURS,
    LD_EDGES,
    LD_UNKNOWN,
    PALE_BLUE,
    series_colour,
)

MOST_VARIANTS = 6000
HEAT = ("#440154", "#414487", "#2a788e", "#22a884", "#7ad151", "#fde725")


def locus_table(study: xr.Dataset, rows: np.ndarray) -> pd.DataFrame:
    """The variants of a region as points.

    Parameters
    ----------
    study
        A study.
    rows
        Rows of the region.

    Returns
    -------
    pandas.DataFrame
        ``row``, ``variant``, ``x`` (Mb), ``position``, ``alleles``, ``frequency``, ``z``,
        ``minus_log10_p``, ``block``, ``r2`` (NaN: unknown) and ``colour``. Unscored variants are
        left out; beyond 6,000 variants the crowd near the axis is thinned, hits never are.
    """
    part = study.isel(variants=rows)
    z = part["variant_z"].values.astype(float)
    table = pd.DataFrame(
        {
            "row": rows,
            "variant": part["variant_id"].values.astype(str),
            "x": part["variant_position"].values / 1e6,
            "position": part["variant_position"].values,
            "alleles": [
                f"{effect}/{other}"
                for effect, other in zip(
                    part["variant_effect_allele"].values.astype(str),
                    part["variant_other_allele"].values.astype(str),
                    strict=True,
                )
            ],
            "frequency": part["variant_allele_frequency"].values,
            "z": z,
            "minus_log10_p": minus_log10_p(z),
            "block": part["variant_block"].values,
        }
    )
    table = table[np.isfinite(table["z"])].reset_index(drop=True)
    if len(table) > MOST_VARIANTS:
        height = table["minus_log10_p"].to_numpy()
        keep = np.union1d(
            thin(table["x"].to_numpy(), height, (900, 240)), np.flatnonzero(height > GENOME_WIDE)
        )
        table = table.iloc[keep].reset_index(drop=True)
    table["r2"] = np.nan
    table["colour"] = LD_UNKNOWN
    return table


def ld_to_reference(block: xr.Dataset, index: int) -> np.ndarray:
    """Squared correlation of every variant of an LD block with one of them.

    Parameters
    ----------
    block
        An LD block with ``Q`` (variants, components); R is close to Q Qᵀ.
    index
        The reference variant, counted from the block's first variant.

    Returns
    -------
    numpy.ndarray
        r², between 0 and 1, float32; NaN where a variant does not vary in the panel.
    """
    q = np.asarray(block["Q"].values, dtype=np.float32)
    # Not by norm, which makes a copy as large as the block.
    length = np.sqrt(np.einsum("ij,ij->i", q, q))
    length[length == 0] = np.nan
    return np.clip((q @ q[index]) / (length * length[index]), -1.0, 1.0) ** 2


def colour_by_ld(r2: np.ndarray) -> np.ndarray:
    """Colours of the five usual LD bins; grey where the LD is unknown.

    Parameters
    ----------
    r2
        Squared correlations with the reference variant; NaN is unknown.

    Returns
    -------
    numpy.ndarray
        Hex colours.
    """
    known = np.isfinite(r2)
    bins = np.digitize(np.where(known, r2, 0.0), LD_EDGES) - 1
    return np.where(known, np.array(LD_COLOURS)[bins], LD_UNKNOWN)


def annotation_ticks(study: xr.Dataset, rows: np.ndarray, names: Sequence[str]) -> pd.DataFrame:
    """One row of marks per annotation: where a binary one applies, how large a continuous one is.

    Parameters
    ----------
    study
        A study.
    rows
        Rows of the region.
    names
        Annotations to show, top first.

    Returns
    -------
    pandas.DataFrame
        ``x`` (Mb), ``y`` (row, 0 at the bottom), ``low``, ``high``, ``annotation``, ``variant``,
        ``value``, ``colour``.
    """
    known = list(study["annotation"].values.astype(str))
    shown = [name for name in names if name in known]
    columns = ["x", "y", "low", "high", "annotation", "variant", "value", "colour"]
    if not shown or not len(rows):
        return pd.DataFrame(columns=columns)
    index = [known.index(name) for name in shown]
    part = study.isel(variants=rows, annotations=index)
    values = part["variant_annotation"].values.astype(float)
    kinds = part["annotation_kind"].values.astype(str)
    x, variant = part["variant_position"].values / 1e6, part["variant_id"].values.astype(str)
    tables = []
    for a, name in enumerate(shown):
        y = float(len(shown) - 1 - a)
        if kinds[a] == "binary":
            here = np.flatnonzero(values[:, a] > 0.5)
            colour = np.full(len(here), series_colour(0) if a % 2 == 0 else PALE_BLUE)
        else:
            here = np.flatnonzero(np.isfinite(values[:, a]))
            colour = _heat(values[here, a])
        tables.append(
            pd.DataFrame(
                {
                    "x": x[here],
                    "y": y,
                    "low": y - 0.34,
                    "high": y + 0.34,
                    "annotation": name,
                    "variant": variant[here],
                    "value": values[here, a],
                    "colour": colour,
                }
            )
        )
    return pd.concat(tables, ignore_index=True)[columns]


def _heat(values: np.ndarray) -> np.ndarray:
    """Colour by rank, because distances and LD scores span orders of magnitude."""
    if len(values) == 0:
        return np.zeros(0, dtype=str)
    rank = pd.Series(values).rank(method="average", pct=True).to_numpy()
    return np.array(HEAT)[np.minimum((rank * len(HEAT)).astype(int), len(HEAT) - 1)]


def stack_genes(
    genes: pd.DataFrame, chromosome: str, start: int, stop: int, view: float | None = None
) -> pd.DataFrame:
    """Genes of a region in rows, so that neither bodies nor names overlap.

    Parameters
    ----------
    genes
        ``chromosome``, ``start``, ``stop``, ``strand``, ``name``.
    chromosome
        Name such as ``"22"``.
    start, stop
        Region, base pairs.
    view
        Width in base pairs that is on screen at once; the region by default. Names need room on
        the screen, not on the chromosome.

    Returns
    -------
    pandas.DataFrame
        ``left``, ``right``, ``middle`` (Mb), ``row`` (0 at the top), ``y`` (= -row), ``name``,
        ``label`` (the name with an arrow for the strand), ``strand``, ``start``, ``stop``.
    """
    columns = ["left", "right", "middle", "row", "y", "name", "label", "strand", "start", "stop"]
    here = genes[
        (genes["chromosome"].astype(str) == str(chromosome))
        & (genes["stop"] >= start)
        & (genes["start"] <= stop)
    ].sort_values("start")
    letter = (view or max(stop - start, 1)) * 0.0098
    ends: list[float] = []
    rows = []
    for gene in here.itertuples(index=False):
        label = f"{gene.name} →" if gene.strand == "+" else f"← {gene.name}"
        half = len(label) * letter / 2
        middle = (max(gene.start, start) + min(gene.stop, stop)) / 2
        middle = min(max(middle, start + half), max(stop - half, start + half))
        left, right = min(gene.start, middle - half), max(gene.stop, middle + half)
        row = next((i for i, end in enumerate(ends) if left > end), len(ends))
        if row == len(ends):
            ends.append(0.0)
        ends[row] = right + letter
        rows.append(
            (
                gene.start / 1e6,
                gene.stop / 1e6,
                middle / 1e6,
                row,
                -float(row),
                gene.name,
                label,
                gene.strand,
                gene.start,
                gene.stop,
            )
        )
    return pd.DataFrame(rows, columns=columns)
