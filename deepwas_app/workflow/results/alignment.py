"""What became of the rows of the GWAS file of a study."""

import pandas as pd

from deepwas_app.workflow.studies.builtin import StudyLike, open_study
from deepwas_app.workflow.tables import Column, Table

ALIGNMENT = Table(
    "alignment",
    "What became of the rows of the GWAS file, one row a step.",
    (
        Column("step", "Step", "what was done, or why variants were lost"),
        Column("variants", "Variants", "how many variants, or rows of the file"),
        Column("kind", "Kind", "in or out (totals), loss, or note (a remark that does not add up)"),
    ),
)


def alignment(study: StudyLike) -> pd.DataFrame:
    """What became of the rows of the GWAS file of a study.

    Parameters
    ----------
    study
        From ``open_study``, or its path.

    Returns
    -------
    Table :data:`ALIGNMENT`, one row a step.
    """
    return ALIGNMENT.frame(open_study(study).attrs["alignment"])
