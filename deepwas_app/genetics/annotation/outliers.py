"""Values of annotations that are far out: how they are found, and how they are pulled in."""

import math

import numpy as np
import xarray as xr

# So small a share of the variants, three at least, must not carry so much of the variance.
FEW_VARIANTS, FEWEST, MOST_VARIANCE = 1e-3, 3, 0.5


def outlying(values: np.ndarray) -> bool:
    """Whether a few values carry most of the variance of a continuous annotation.

    Parameters
    ----------
    values : (variants,) array
        Of the annotation, without missing ones.

    Notes
    -----
    A thousandth of the variants (three at least) that has more than half of the sum of squares
    around the median decides alone on what is found of the annotation: the rest is all alike on
    the scale of its s.d.
    """
    if not len(values):
        return False
    squares = (values - np.median(values).astype(np.float64)) ** 2
    few = min(max(math.ceil(FEW_VARIANTS * len(squares)), FEWEST), len(squares))
    most = np.partition(squares, len(squares) - few)[len(squares) - few :].sum()
    return bool(most > MOST_VARIANCE * squares.sum())


def outlying_annotations(study: xr.Dataset) -> np.ndarray:
    """Which continuous annotations a few values decide on, (annotations,) bool.

    Parameters
    ----------
    study : xarray.Dataset
        With ``variant_annotation`` and ``annotation_kind``. All variants count: what a prior says
        of those that are held out, and the heritability of all, hang on such values too.
    """
    values = study["variant_annotation"].values
    kinds = study["annotation_kind"].values.astype(str)
    return np.array(
        [kind == "continuous" and outlying(values[:, a]) for a, kind in enumerate(kinds)], bool
    )


def outlier_notes(study: xr.Dataset) -> list[str]:
    """The same for people, a line an annotation."""
    names = study["annotation"].values.astype(str)
    return [
        f"{name}: {FEW_VARIANTS:.1%} of the variants, or as few as {FEWEST}, carry more than "
        f"{MOST_VARIANCE:.0%} of the variance. Look at its extreme values, or pull them in with "
        "deepwas study --winsorise 0.001."
        for name in names[outlying_annotations(study)]
    ]


def winsorise_annotations(study: xr.Dataset, share: float) -> list[str]:
    """Pull values of continuous annotations in to their quantiles at `share` and 1 - `share`.

    Parameters
    ----------
    study : xarray.Dataset
        Whose ``variant_annotation`` is changed in place.
    share : float
        Below 0.5.

    Returns
    -------
    list of str
        What was done, a line an annotation. One that would not vary any more is left as it is.
    """
    names, kinds = (study[name].values.astype(str) for name in ("annotation", "annotation_kind"))
    values = study["variant_annotation"].values
    notes = []
    for a in np.flatnonzero(kinds == "continuous"):
        low, high = np.quantile(values[:, a], [share, 1 - share])
        if low == high:
            notes.append(f"{names[a]}: not winsorised, its quantiles there are the same.")
            continue
        moved = int(((values[:, a] < low) | (values[:, a] > high)).sum())
        values[:, a] = np.clip(values[:, a], low, high)
        if moved:
            notes.append(f"{names[a]}: {moved} values winsorised to {low:.4g} and {high:.4g}.")
    return notes
