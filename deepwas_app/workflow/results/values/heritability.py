"""What the prior of a run expects of each variant."""

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from deepwas_app.workflow.results.values import VALUES, VariantValue

if TYPE_CHECKING:
    from deepwas_app.workflow.runs.fitted import Fitted


def compute(study: xr.Dataset, run: "Fitted", rows: np.ndarray | None) -> np.ndarray:
    """Heritability v_j under the prior."""
    # Late: runs bring JAX, which a look at the data should not wait for.
    from deepwas_app.workflow.results.heritability import heritability

    return heritability(study, run, rows)


VALUES.add(VariantValue("heritability", "Prior heritability", "Prior h²", compute, order=10))
