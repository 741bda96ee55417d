"""How probable it is that a variant is causal, if few are."""

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from deepwas_app.workflow.results.values import VALUES, VariantValue

if TYPE_CHECKING:
    from deepwas_app.workflow.runs.fitted import Fitted


def compute(study: xr.Dataset, run: "Fitted", rows: np.ndarray | None) -> np.ndarray:
    """Genome-wide posterior inclusion probability, of the sparse posterior."""
    from deepwas_app.workflow.results.posterior import posterior

    pip = posterior(study, run, posterior="sparse")["variant_pip"].values
    return pip if rows is None else pip[rows]


VALUES.add(VariantValue("inclusion", "Genome-wide PIP", "PIP", compute, order=30))
