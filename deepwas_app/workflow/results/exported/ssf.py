"""The study's GWAS, aligned to its LD panel, in the GWAS Catalog's standard format."""

import numpy as np
import pandas as pd

from deepwas_app.genetics.statistics import standardised
from deepwas_app.workflow.results.exports import EXPORTS, Export
from deepwas_app.workflow.results.identity import identity
from deepwas_app.workflow.results.locus import RunLike, opened
from deepwas_app.workflow.ssf import SSF, ssf_frame
from deepwas_app.workflow.studies.builtin import StudyLike


def ssf(study: StudyLike | None, run: RunLike) -> pd.DataFrame:
    """The study's z-scores in GWAS-SSF, aligned to its LD panel, without those not scored.

    Parameters
    ----------
    study, run
        The study; the run only says which.

    Returns
    -------
    Table :data:`SSF`.

    Notes
    -----
    Effects are of a phenotype of variance 1, see :func:`deepwas_app.workflow.ssf.standardised`. P
    is by the normal distribution.
    """
    study, _ = opened(study, run)
    p = study["variant_allele_frequency"].values.astype(np.float64)
    varies = (p > 0) & (p < 1)
    rows = np.flatnonzero(study["variant_scored"].values & varies)
    p, z = p[rows], study["variant_z"].values[rows].astype(np.float64)
    n = study["variant_sample_size"].values[rows].astype(np.float64)
    se = standardised(z, n, p)
    return ssf_frame(
        identity(study, rows, ("CHR", "BP", "A1", "A2", "SNP")),
        beta=z * se,
        se=se,
        frequency=p,
        n=n,
    )


EXPORTS.add(
    Export(
        name="ssf",
        title="GWAS-SSF",
        doc="The study's GWAS, aligned to its LD panel, in the GWAS Catalog's format.",
        purpose="The scored z-scores as the **GWAS Catalog** has them, aligned to the LD panel, "
        "for any tool that reads summary statistics. beta is in phenotype s.d. per copy of "
        "effect_allele.",
        table=SSF,
        compute=ssf,
        ending="ssf.tsv",
        row=47,
        order=50,
    )
)
