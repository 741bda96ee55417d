"""Which variant a row of a result table is of."""

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.workflow.tables import Column, Table

VARIANT = Table(
    "variant",
    "One row a variant.",
    (
        Column("CHR", "Chromosome", "1 to 22, X, Y or MT"),
        Column("SNP", "Variant", "rsID or other name"),
        Column("BP", "Position", "on the study's genome build, 1-based", "bp"),
        Column("A1", "Effect allele", "the allele that effects are of"),
        Column("A2", "Other allele", "the other allele"),
    ),
)
_VARIABLES = {
    "CHR": "variant_chromosome",
    "SNP": "variant_id",
    "BP": "variant_position",
    "A1": "variant_effect_allele",
    "A2": "variant_other_allele",
}


def identity(study: xr.Dataset, rows: np.ndarray, columns: tuple[str, ...]) -> pd.DataFrame:
    """Which variants: any of CHR, SNP, BP (1-based), A1 (effect allele), A2, in the order asked."""
    return pd.DataFrame({column: study[_VARIABLES[column]].values[rows] for column in columns})
