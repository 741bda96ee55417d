"""Posterior of the effects of all variants, with labels."""

import numpy as np
import xarray as xr

from deepwas_app.core.iterative import UnconvergedError
from deepwas_app.core.posterior import batch_posterior
from deepwas_app.errors import InputError
from deepwas_app.workflow.results.locus import RunLike, opened
from deepwas_app.workflow.runs.batches import block_slice
from deepwas_app.workflow.runs.models import likelihood_of
from deepwas_app.workflow.runs.run_batches import run_batches
from deepwas_app.workflow.runs.split import usable_blocks
from deepwas_app.workflow.studies.builtin import StudyLike


def posterior(study: StudyLike | None, run: RunLike) -> xr.Dataset:
    """Posterior of b_j = sqrt(N_j) beta_j for every variant.

    Returns
    -------
    Dataset over variants, by ``variant_id``: ``variant_posterior_mean`` and
    ``variant_posterior_variance``, in units of z and z squared. NaN in blocks without a scored
    variant.

    Raises
    ------
    InputError
        If the run is of another study, or its iterative solver did not converge.
    """
    study, run = opened(study, run)
    model, likelihood = run.model(), likelihood_of(run.settings)
    mean = np.full(study.sizes["variants"], np.nan, np.float32)
    variance = mean.copy()
    own = study["variant_block"].values
    for batch in run_batches(study, run, usable_blocks(study)):
        try:
            result = batch_posterior(model, batch, likelihood)
        except UnconvergedError as problem:
            raise InputError(f"{run.path}: {problem}") from None
        for i, b in enumerate(np.asarray(batch.index)):
            if b < 0:
                continue
            rows = block_slice(study, b)
            mine = own[rows] == b
            mean[rows][mine] = np.asarray(result.mean[i])[: len(mine)][mine]
            variance[rows][mine] = np.asarray(result.variance[i])[: len(mine)][mine]
    return xr.Dataset(
        {
            "variant_posterior_mean": ("variants", mean),
            "variant_posterior_variance": ("variants", variance),
        },
        coords={"variant_id": study["variant_id"]},
    )
