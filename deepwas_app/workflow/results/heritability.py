"""Heritability of each variant under the prior of a run."""

import numpy as np

from deepwas_app.workflow.results.locus import RunLike, opened
from deepwas_app.workflow.runs.folds import parts
from deepwas_app.workflow.runs.heritability import prior_heritability
from deepwas_app.workflow.studies.builtin import StudyLike


def heritability(
    study: StudyLike | None, run: RunLike, rows: np.ndarray | None = None
) -> np.ndarray:
    """Per-variant heritability v_j under a run's prior.

    With folds, that of each variant under the prior that left its chromosome out.

    Parameters
    ----------
    study
        From ``open_study``, or its path; None for the run's own.
    run
        A run, its path, or the last step of a fit.
    rows
        Numbers of the variants; all of the study by default.

    Returns
    -------
    (rows,), in units of the variance of the phenotype.
    """
    study, run = opened(study, run)
    name = str(run.path)
    if not run.folds:
        return prior_heritability(study, run.model(), name, rows)
    rows = np.arange(study.sizes["variants"]) if rows is None else np.asarray(rows)
    own = study["variant_block"].values[rows]
    v = np.full(len(rows), np.nan)
    for part in parts(study, run):
        mine = np.isin(own, part.blocks)
        if mine.any():
            v[mine] = prior_heritability(study, part.model, name, rows[mine])
    return v


# Its name in version 0.1.0.
run_heritability = heritability
