"""Per-variant heritability in PolyFun's layout."""

import numpy as np
import pandas as pd
import param

from deepwas_app.workflow.results.exports import EXPORTS, Export
from deepwas_app.workflow.results.identity import VARIANT, identity
from deepwas_app.workflow.results.locus import RunLike, opened
from deepwas_app.workflow.runs.doubted import warn_of
from deepwas_app.workflow.settings.base import Settings
from deepwas_app.workflow.studies.builtin import StudyLike
from deepwas_app.workflow.tables import Column, Table

# The ratio of largest to smallest prior that PolyFun allows.
FLOOR_RATIO = 100.0

SNPVAR = Table(
    "snpvar",
    "Per-variant heritability of every scored variant, in PolyFun's layout: one row a variant.",
    (
        *VARIANT,
        Column("SNPVAR", "Prior", "prior variance: a share of the phenotype's variance", "", ".4e"),
        Column("Z", "z", "GWAS z-score of A1", "", ".4e"),
        Column("N", "People", "GWAS sample size"),
    ),
)


class SnpvarOptions(Settings):
    """What can be chosen about SNPVAR."""

    floor = param.Boolean(default=False, doc="Keep max/min of SNPVAR within 100, as PolyFun does.")


def floored(heritability: np.ndarray, ratio: float = FLOOR_RATIO) -> np.ndarray:
    """Per-variant heritability with max/min <= ratio and the same total.

    Notes
    -----
    Values below max/ratio are raised to it, and all are then scaled back to the old sum.
    """
    v = np.asarray(heritability, np.float64)
    raised = np.maximum(v, v.max() / ratio)
    return raised * (v.sum() / raised.sum())


def snpvar(
    study: StudyLike | None, run: RunLike, *, floor: bool = SnpvarOptions.floor
) -> pd.DataFrame:
    """Per-variant heritability of every scored variant, in PolyFun's layout.

    Parameters
    ----------
    study, run
        The run and its study.
    floor
        Keep max/min of SNPVAR within 100, as PolyFun does, in the written digits too.

    Returns
    -------
    Table :data:`SNPVAR`.
    """
    # Late: a list of what can be exported does not wait for JAX.
    from deepwas_app.workflow.results.heritability import heritability

    study, run = opened(study, run)
    warn_of(run)
    v = heritability(study, run)
    rows = np.flatnonzero(study["variant_scored"].values)
    # A little below, so that the ratio also holds for the five digits that are written.
    v = floored(v[rows], FLOOR_RATIO * (1 - 2e-4)) if floor else v[rows]
    table = identity(study, rows, ("CHR", "SNP", "BP", "A1", "A2"))
    return table.assign(
        SNPVAR=v,
        Z=study["variant_z"].values[rows].astype(np.float64),
        N=np.rint(study["variant_sample_size"].values[rows]).astype(np.int64),
    )


# Its name in version 0.1.0.
snpvar_table = snpvar

EXPORTS.add(
    Export(
        name="snpvar",
        title="Per-variant heritability",
        doc="Per-variant heritability, PolyFun's layout.",
        purpose="The prior variance of each scored variant, for **PolyFun** and its fine-mapping. "
        "SNPVAR is a share of the phenotype's variance; Z is of A1, the effect allele.",
        table=SNPVAR,
        compute=snpvar,
        ending="snpvar.tsv",
        options=SnpvarOptions,
        row=32,
        order=10,
    )
)
