"""Prior weights of a region for SuSiE."""

import pandas as pd

from deepwas_app.genetics.regions import Region, parse_region
from deepwas_app.workflow.results.exports import EXPORTS, Export
from deepwas_app.workflow.results.identity import VARIANT, identity
from deepwas_app.workflow.results.locus import RunLike, opened
from deepwas_app.workflow.runs.doubted import warn_of
from deepwas_app.workflow.studies.builtin import StudyLike
from deepwas_app.workflow.tables import Column, Table

PRIOR_WEIGHTS = Table(
    "prior-weights",
    "Prior weights of the variants of a region, for SuSiE: one row a variant.",
    (
        *VARIANT.part("SNP", "CHR", "BP", "A1", "A2"),
        Column(
            "PRIOR_WEIGHT",
            "Prior weight",
            "proportional to the prior variance; they sum to 1",
            "",
            ".10g",
            digits=None,
        ),
    ),
)


def prior_weights(study: StudyLike | None, run: RunLike, region: Region | str) -> pd.DataFrame:
    """Prior weights of the variants of a region, for SuSiE's ``prior_weights``.

    Parameters
    ----------
    study
        From ``open_study``, or its path; None for the run's own.
    run
        A run, its path, or the last step of a fit.
    region
        22:30500000-31500000, chr22:30.5-31.5Mb, a gene or a variant.

    Returns
    -------
    Table :data:`PRIOR_WEIGHTS`.
    """
    # Late: a list of what can be exported does not wait for JAX.
    from deepwas_app.workflow.results.heritability import heritability

    study, run = opened(study, run)
    warn_of(run)
    region = parse_region(region, study) if isinstance(region, str) else region
    rows = region.rows(study)
    v = heritability(study, run, rows)
    table = identity(study, rows, ("SNP", "CHR", "BP", "A1", "A2"))
    return table.assign(PRIOR_WEIGHT=v / v.sum())


EXPORTS.add(
    Export(
        name="susie",
        title="SuSiE prior weights",
        doc="Prior weights of a region, summing to 1.",
        purpose="Prior weights of the variants of one region, summing to 1: for prior_weights of "
        "**susieR**.",
        table=PRIOR_WEIGHTS,
        compute=prior_weights,
        ending="prior_weights.tsv",
        region=True,
        order=20,
    )
)
