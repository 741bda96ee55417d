"""The study's GWAS, aligned to its LD panel, in the GWAS Catalog's standard format."""

import numpy as np
import pandas as pd
from scipy.special import log_ndtr

from deepwas_app.workflow.results.exports import EXPORTS, Export
from deepwas_app.workflow.results.identity import identity
from deepwas_app.workflow.results.locus import RunLike, opened
from deepwas_app.workflow.studies.builtin import StudyLike
from deepwas_app.workflow.tables import Column, Table

_MISSING = "#NA"
_CHROMOSOMES = {"X": "23", "Y": "24", "MT": "25"}

SSF = Table(
    "ssf",
    "The scored variants of a study in GWAS-SSF, one row a variant.",
    (
        Column("chromosome", "Chromosome", "1 to 22; 23 is X, 24 Y, 25 MT"),
        Column("base_pair_location", "Position", "on the study's genome build, 1-based", "bp"),
        Column("effect_allele", "Effect allele", "the allele that effects are of"),
        Column("other_allele", "Other allele", "the other allele"),
        Column(
            "beta",
            "Effect",
            "marginal effect per copy of the effect allele, from z, N and frequency",
            "phenotype s.d.",
            ".6g",
        ),
        Column("standard_error", "s.e.", "standard error of it", "phenotype s.d.", ".6g"),
        Column("effect_allele_frequency", "Frequency", "of the effect allele", "", ".6g"),
        Column("neg_log_10_p_value", "-log10 P", "-log10 of the two-sided P of z", "", ".6g"),
        Column("rsid", "Variant", "rsID; #NA where a variant has another name"),
        Column("n", "People", "GWAS sample size"),
    ),
)


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
    beta = z / sqrt(2 p (1 - p) (N + z^2)) and se = beta / z, of a phenotype of variance 1 (Zhu et
    al. 2016, doi:10.1038/ng.3538). P is by the normal distribution.
    """
    study, _ = opened(study, run)
    p = study["variant_allele_frequency"].values.astype(np.float64)
    varies = (p > 0) & (p < 1)
    rows = np.flatnonzero(study["variant_scored"].values & varies)
    p, z = p[rows], study["variant_z"].values[rows].astype(np.float64)
    n = study["variant_sample_size"].values[rows].astype(np.float64)
    se = 1 / np.sqrt(2 * p * (1 - p) * (n + z**2))
    names = identity(study, rows, ("CHR", "BP", "A1", "A2", "SNP"))
    return pd.DataFrame(
        {
            "chromosome": names["CHR"].replace(_CHROMOSOMES),
            "base_pair_location": names["BP"],
            "effect_allele": names["A1"],
            "other_allele": names["A2"],
            "beta": z * se,
            "standard_error": se,
            "effect_allele_frequency": p,
            "neg_log_10_p_value": -(log_ndtr(-np.abs(z)) + np.log(2)) / np.log(10),
            "rsid": names["SNP"].where(names["SNP"].str.fullmatch(r"rs\d+"), _MISSING),
            "n": np.rint(n).astype(np.int64),
        }
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
