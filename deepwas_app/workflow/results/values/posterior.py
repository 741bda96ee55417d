"""What the data then say of each variant."""

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from deepwas_app.workflow.results.values import VALUES, VariantValue

if TYPE_CHECKING:
    from deepwas_app.workflow.runs.fitted import Fitted


def compute(study: xr.Dataset, run: "Fitted", rows: np.ndarray | None) -> np.ndarray:
    """Posterior mean of sqrt(N_j) beta_j."""
    from deepwas_app.workflow.results.posterior import posterior

    mean = posterior(study, run, posterior="normal")["variant_posterior_mean"].values
    return mean if rows is None else mean[rows]


VALUES.add(VariantValue("posterior", "Posterior mean effect", "Posterior √N β", compute, order=20))
