"""Whether the signs of z-scores are as the LD of a panel asks."""

import numpy as np
import xarray as xr

from deepwas_app.genetics.gwas.checks import judge
from deepwas_app.genetics.gwas.plausible import STRONG, ld_signs, sign_agreement
from deepwas_app.genetics.ld.panel import read_factor
from deepwas_app.workflow.settings import GwasSettings

# LD blocks whose signs are looked at.
LOOKED_AT_BLOCKS = 50


def check_signs(settings: GwasSettings, where: str, aligned: xr.Dataset) -> list[str]:
    """Stop where the signs of z-scores contradict LD, looking at the LD blocks with the largest.

    Parameters
    ----------
    settings
        Which checks are overruled.
    where
        What is doubted, for the error.
    aligned
        The LD panel with z-scores.
    """
    z, first = aligned["variant_z"].values, aligned["block_offset"].values
    rows = [slice(a, a + n) for a, n in zip(first, aligned["block_variants"].values, strict=True)]
    largest = np.array([np.nanmax(np.abs(z[r]), initial=0.0) for r in rows])
    strongest = np.argsort(-largest, kind="stable")[:LOOKED_AT_BLOCKS]
    found = (
        sign_agreement(read_factor(aligned, int(b)), z[rows[b]])
        for b in strongest
        if largest[b] >= STRONG
    )
    return judge(where, {"ld-signs": ld_signs(found)}, settings.accept)
