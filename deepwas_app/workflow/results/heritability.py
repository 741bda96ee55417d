"""Heritability of each variant under the prior of a run."""

import numpy as np

from deepwas_app.workflow.results.locus import RunLike, opened
from deepwas_app.workflow.runs.heritability import prior_heritability
from deepwas_app.workflow.studies.builtin import StudyLike


def heritability(
    study: StudyLike | None, run: RunLike, rows: np.ndarray | None = None
) -> np.ndarray:
    """Per-variant heritability v_j under a run's prior, (rows,); of every variant by default."""
    study, run = opened(study, run)
    return prior_heritability(study, run.model(), str(run.path), rows)


# Its name in version 0.1.0.
run_heritability = heritability
