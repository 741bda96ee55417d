"""The variants of a locus as points: which are drawn, in which colours, and the crowd as image."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.genetics.statistics import GENOME_WIDE, minus_log10_p, p_text, standardised
from deepwas_app.plots.manhattan import thin
from deepwas_app.plots.theme import HUES, LD_COLOURS, LD_EDGES, LD_UNKNOWN, shades
from deepwas_app.plots.track import Other

MOST_VARIANTS = 5000
"""Of a region; beyond, those that lie on each other are drawn once."""
MOST_MARKS = 900
"""Of these, so many of the smallest P are marks of their own; the others are an image."""
# -log10 P from which the direction of an effect is drawn: below, the sign is mostly chance.
SUGGESTIVE = 5.0
# Columns and rows of the image, and the radius of a dot in it.
PIXELS = (1000, 300)
_RADIUS = 3.5
_OF_EFFECT = ("allele_frequency", "sample_size")
_BINS = len(LD_COLOURS)
PALETTE = np.array([LD_UNKNOWN, *LD_COLOURS, *(c for hue in HUES for c in shades(hue, _BINS))])
"""Grey, the five colours of LD with a single reference, and five of each of several."""


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
        ``minus_log10_p``, ``people``, ``effect`` (s.d. per allele), ``block``, ``marker`` (which
        way a strong effect goes), ``size``, ``p`` (text), ``mark`` (whether it is
        drawn by itself) and ``colour``. Unscored variants are left out; of more than 5,000, those
        that lie on a stronger one are.
    """
    z = study["variant_z"].values[rows].astype(float)
    rows, z = rows[np.isfinite(z)], z[np.isfinite(z)]
    position, height = study["variant_position"].values[rows], minus_log10_p(z)
    mark = np.ones(len(rows), bool)
    if len(rows) > MOST_MARKS:
        keep = _spread(position, height, MOST_VARIANTS)
        rows, z, position, height = rows[keep], z[keep], position[keep], height[keep]
        mark = np.zeros(len(rows), bool)
        mark[_strongest(position, height)] = True
    part = study.isel(variants=rows)
    p, n = (part[f"variant_{of}"].values.astype(float) for of in _OF_EFFECT)
    with np.errstate(invalid="ignore", divide="ignore"):
        effect = z * standardised(z, n, p)
    alleles = [part[f"variant_{of}_allele"].values.astype(str) for of in ("effect", "other")]
    table = pd.DataFrame(
        {
            "row": rows,
            "variant": part["variant_id"].values.astype(str),
            "x": position / 1e6,
            "position": position,
            "alleles": [f"{effect}/{other}" for effect, other in zip(*alleles, strict=True)],
            "frequency": part["variant_allele_frequency"].values,
            "z": z,
            "minus_log10_p": height,
            "people": part["variant_sample_size"].values,
            "block": part["variant_block"].values,
            "effect": effect,
            "mark": mark,
        }
    )
    directed = np.where(table["z"] > 0, "triangle", "inverted_triangle")
    suggestive = table["minus_log10_p"] >= SUGGESTIVE
    table["marker"] = np.where(suggestive, directed, "circle")
    # A triangle of a size is smaller than a circle of that size.
    table["size"] = np.where(suggestive, 11, 8)
    table["p"] = p_text(table["minus_log10_p"].to_numpy())
    table["colour"] = LD_UNKNOWN
    return table


def _spread(position: np.ndarray, height: np.ndarray, most: int) -> np.ndarray:
    """At most so many variants, the strongest of each cell of as fine a grid as that allows."""
    columns, rows = 1000, 250
    keep = np.arange(len(position))
    while len(keep) > most:
        keep = thin(position[keep].astype(float), height[keep], (columns, rows))
        if len(keep) > most:
            keep = np.arange(len(position))
            columns, rows = columns * 3 // 4, rows * 3 // 4
        else:
            return keep
    return keep


def _strongest(position: np.ndarray, height: np.ndarray) -> np.ndarray:
    """Variants to mark: the smallest P, but of those that lie on each other the strongest."""
    apart = thin(position.astype(float), height, (360, 90))
    return apart[np.argsort(-height[apart], kind="stable")[:MOST_MARKS]]


def leads_of(table: pd.DataFrame, leads: Sequence[int]) -> tuple[int, ...]:
    """Which of the drawn variants lead a locus with genome-wide significance.

    Parameters
    ----------
    table
        From :func:`locus_table`.
    leads
        Rows in the study of the lead variants of its loci.
    """
    strong = table["minus_log10_p"].to_numpy() > GENOME_WIDE
    return tuple(np.flatnonzero(np.isin(table["row"].to_numpy(), leads) & strong).tolist())


def r2_of(rows: np.ndarray, first: int, known: np.ndarray) -> np.ndarray:
    """The r² of some variants with a reference, NaN outside its LD block.

    Parameters
    ----------
    rows
        Of the variants, in the study.
    first, known
        First row of the block, and the r² of its variants.
    """
    inside = rows - first
    here = (inside >= 0) & (inside < len(known))
    r2 = np.full(len(rows), np.nan)
    r2[here] = known[inside[here]]
    return r2


def shade_by_ld(
    r2: np.ndarray, others: Sequence[Other] = ()
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which colour each variant has by its LD to the reference that it is most correlated with.

    Parameters
    ----------
    r2
        Squared correlations with the reference variant; NaN is unknown.
    others
        More references, each with a hue of its own.

    Returns
    -------
    shade, r2, reference
        Place in `PALETTE` of each variant: grey where the LD is unknown, else of five usual bins;
        the largest r²; and which reference it is with, 0 for the first.
    """
    found = [r2, *(np.full(len(r2), np.nan) if o.r2 is None else o.r2 for o in others)]
    every = np.array(found).reshape(len(found), len(r2))
    known = np.isfinite(every).any(axis=0)
    nearest = np.argmax(np.nan_to_num(every, nan=-1.0), axis=0) if len(r2) else np.zeros(0, int)
    best = every[nearest, np.arange(len(r2))]
    bins = np.digitize(np.where(known, best, 0.0), LD_EDGES) - 1
    first = 1 + (_BINS * (1 + nearest) if others else 0)
    return np.where(known, first + bins, 0), best, nearest


def crowd_image(
    x: np.ndarray, y: np.ndarray, shade: np.ndarray, span: tuple[float, float], top: float
) -> np.ndarray:
    """Dots as an image, because a browser draws thousands of marks slowly and an image at once.

    Parameters
    ----------
    x, y
        Where they are.
    shade
        Their places in `PALETTE`; the last of it are drawn over the others.
    span, top
        Ends of the x axis, and of the y axis, which begins at 0.

    Returns
    -------
    numpy.ndarray
        (rows, columns) uint8: 0 for nothing, else one more than the place in the palette.
    """
    columns, rows = PIXELS
    image = np.zeros((rows, columns), np.uint8)
    order = np.argsort(shade, kind="stable")
    across = ((x[order] - span[0]) / max(span[1] - span[0], 1e-9) * columns).astype(int)
    up = (y[order] / top * rows).astype(int)
    reach = int(_RADIUS)
    steps = range(-reach, reach + 1)
    disc = [(i, j) for i in steps for j in steps if i * i + j * j < _RADIUS**2]
    offsets = np.array(disc)
    # All pixels of a dot before those of the next, so that no dot is drawn over half of another.
    at_row = np.clip(up[:, None] + offsets[:, 0], 0, rows - 1)
    at_column = np.clip(across[:, None] + offsets[:, 1], 0, columns - 1)
    image[at_row, at_column] = (shade[order] + 1).astype(np.uint8)[:, None]
    return image
