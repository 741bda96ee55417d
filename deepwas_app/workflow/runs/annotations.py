"""What is to be doubted of annotations before anything is fitted to them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr

from deepwas_app.core.dependence import LEAST_OWN, dependent_groups
from deepwas_app.genetics.annotation.outliers import outlier_notes, outlying_annotations
from deepwas_app.workflow.runs.batches import block_slice, standardisation

# So many names are said; tables have all.
_SAID = 8


class AnnotationDoubts(NamedTuple):
    """Annotations of which training blocks say nothing, or less than they seem to.

    Attributes
    ----------
    constant
        The same for every scored variant of the blocks, (annotations,) bool.
    groups
        Annotations, by number, that cannot be told apart there.
    outlying
        Those that a few values decide on, (annotations,) bool.
    """

    constant: np.ndarray
    groups: list[list[int]]
    outlying: np.ndarray


def annotation_doubts(study: xr.Dataset, blocks: Sequence[int] | np.ndarray) -> AnnotationDoubts:
    """What is to be doubted of the annotations over some blocks."""
    along = standardisation(study, blocks)
    varies = np.isfinite(np.asarray(along.deviation))
    mean = np.asarray(along.mean, np.float64)
    values = study["variant_annotation"].values
    covariance, count = np.zeros((len(mean), len(mean))), 0
    for b in blocks:
        away = values[block_slice(study, b)] - mean
        covariance += away.T @ away
        count += len(away)
    groups = dependent_groups(covariance / count, varies) if varies.any() else []
    return AnnotationDoubts(~varies, groups, outlying_annotations(study))


def annotation_warnings(study: xr.Dataset, blocks: Sequence[int] | np.ndarray) -> list[str]:
    """The same, for people."""
    doubts = annotation_doubts(study, blocks)
    names = study["annotation"].values.astype(str)
    said = []
    if doubts.constant.any():
        said.append(
            "annotations that are the same for every scored variant of the training blocks, left "
            f"alone: {listed(names[doubts.constant])}"
        )
    said += [
        f"annotations that cannot be told apart ({_linear(group)}): {listed(names[group])}. Leave "
        "one out to have coefficients of the others"
        for group in doubts.groups
    ]
    return said + [note.rstrip(".") for note in outlier_notes(study)[:_SAID]]


def listed(names: Sequence[str] | np.ndarray) -> str:
    """Names in a row, of many the first few."""
    more = len(names) - _SAID
    return ", ".join(names[:_SAID]) + (f" and {more} more" if more > 0 else "")


def _linear(group: list[int]) -> str:
    explained = f"the others explain more than {1 - LEAST_OWN:.1%} of each"
    return explained if len(group) > 1 else explained.replace("each", "it")
