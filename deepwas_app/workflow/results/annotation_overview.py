"""What a study's annotations hold, and how alike they are."""

import numpy as np
import pandas as pd
import xarray as xr
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from deepwas_app.workflow.studies.builtin import StudyLike, open_study
from deepwas_app.workflow.tables import Column, Table

ANNOTATIONS = Table(
    "annotations",
    "The annotations of a study, one row each, over its scored variants.",
    (
        Column("annotation", "Annotation", "its name"),
        Column("kind", "Kind", "binary or continuous"),
        Column(
            "nonzero", "Not zero", "share of scored variants with another value than 0", "", ".6g"
        ),
        Column("mean", "Mean", "over scored variants; the prevalence of a binary one", "", ".6g"),
        Column("sd", "S.d.", "over scored variants", "", ".6g"),
        Column("closest", "Most like", "the annotation with the largest |correlation| with it"),
        Column("correlation", "Correlation", "Pearson, with that one", "", ".6g", digits=2),
    ),
)
_ROWS = 100_000


def annotation_overview(study: StudyLike) -> tuple[pd.DataFrame, xr.DataArray]:
    """Coverage of every annotation, and the correlations of all pairs.

    Parameters
    ----------
    study
        From ``open_study``, its name or its path.

    Returns
    -------
    table : pandas.DataFrame
        Table ``annotations``; without a closest one where no other varies.
    correlations : xarray.DataArray
        (annotation, other), Pearson over scored variants; NaN where one does not vary. Neighbours
        are alike: the order is that of average-linkage clustering by 1 - ``|correlation|``.
    """
    study = open_study(study)
    names = study["annotation"].values.astype(str)
    values, rows = study["variant_annotation"], np.flatnonzero(study["variant_scored"].values)
    sums, products, nonzero = (
        np.zeros(len(names)),
        np.zeros((len(names),) * 2),
        np.zeros(len(names)),
    )
    # About the first row, so that large values with little spread lose no digits.
    origin = values[rows[:1]].values.astype(np.float64).sum(axis=0)
    for start in range(0, len(rows), _ROWS):
        part = values[rows[start : start + _ROWS]].values.astype(np.float64)
        nonzero += (part != 0).sum(axis=0)
        part -= origin
        sums += part.sum(axis=0)
        products += part.T @ part
    count = max(len(rows), 1)
    mean = sums / count
    covariance = products / count - np.outer(mean, mean)
    sd = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    still = sd <= 1e-7 * np.abs(mean + origin)
    spread = np.where(still, np.nan, sd)
    correlation = np.clip(covariance / np.outer(spread, spread), -1.0, 1.0)
    order = _alike(correlation)
    others = np.abs(correlation)
    np.fill_diagonal(others, np.nan)
    any_other = np.isfinite(others).any(axis=1)
    closest = np.where(any_other, np.argmax(np.nan_to_num(others, nan=-1.0), axis=1), 0)
    table = pd.DataFrame(
        {
            "annotation": names,
            "kind": study["annotation_kind"].values.astype(str),
            "nonzero": nonzero / count,
            "mean": mean + origin,
            "sd": np.where(still, 0.0, sd),
            "closest": np.where(any_other, names[closest], ""),
            "correlation": np.where(any_other, correlation[np.arange(len(names)), closest], np.nan),
        }
    )
    ordered = names[order]
    return table, xr.DataArray(
        correlation[np.ix_(order, order)],
        coords={"annotation": ordered, "other": ordered},
        dims=("annotation", "other"),
    )


def _alike(correlation: np.ndarray) -> np.ndarray:
    """An order in which neighbours are alike; those that do not vary come last."""
    varies = np.flatnonzero(np.isfinite(np.diag(correlation)))
    still = np.setdiff1d(np.arange(len(correlation)), varies)
    if len(varies) < 3:
        return np.concatenate([varies, still])
    distance = 1.0 - np.abs(correlation[np.ix_(varies, varies)])
    np.fill_diagonal(distance, 0.0)
    pairs = squareform(np.maximum(distance, distance.T), checks=False)
    tree = linkage(pairs, "average", optimal_ordering=len(varies) <= 300)
    return np.concatenate([varies[leaves_list(tree)], still])
