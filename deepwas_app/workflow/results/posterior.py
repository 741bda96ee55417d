"""Posterior of the effects of all variants, with labels."""

from typing import Any

import numpy as np
import xarray as xr

from deepwas_app.core.iterative import UnconvergedError
from deepwas_app.core.posterior import batch_posterior
from deepwas_app.errors import InputError
from deepwas_app.workflow.results.locus import RunLike, opened
from deepwas_app.workflow.results.sparse import Sparse, sparse_posterior, weigh
from deepwas_app.workflow.runs.batches import block_slice
from deepwas_app.workflow.runs.doubted import warn
from deepwas_app.workflow.runs.fitted import Fitted
from deepwas_app.workflow.runs.folds import parts
from deepwas_app.workflow.runs.models import likelihood_of
from deepwas_app.workflow.runs.run_batches import run_batches
from deepwas_app.workflow.runs.split import usable_blocks
from deepwas_app.workflow.settings.keywords import knobs
from deepwas_app.workflow.settings.results import PosteriorKnobs
from deepwas_app.workflow.studies.builtin import StudyLike

# A posterior probability below which one of two posteriors is left out of their mean.
NEGLIGIBLE = 0.01


@knobs(PosteriorKnobs)
def posterior(study: StudyLike | None, run: RunLike, *, settings: PosteriorKnobs) -> xr.Dataset:
    """Posterior of b_j = sqrt(N_j) beta_j for every variant.

    Parameters
    ----------
    study, run
        A fitted run, and the study that it was fitted to; None: where it was then.
    settings
        All knobs at once, in place of the keywords below.

    Returns
    -------
    Dataset over variants, by ``variant_id``: ``variant_posterior_mean`` and
    ``variant_posterior_variance``, in units of z and z squared, and but for the normal posterior
    ``variant_pip``, the probability that the variant is causal if few are. NaN in blocks without a
    scored variant. Attributes: ``normal`` (posterior probability that all variants are causal,
    1/2 before the data), ``polygenicity`` (share of causal variants if not), ``polygenicity_se``
    (of its logarithm), ``sampling_error`` (share of the sum of squared means that is Monte-Carlo
    error), ``doubts`` (that this is more than aimed at, in words, which is warned of as well).

    Raises
    ------
    InputError
        If the run is of another study, or its iterative solver did not converge.

    Notes
    -----
    The normal posterior is exact. The sparse one is sampled; see
    :func:`deepwas_app.core.sparse.spike_and_slab`. *auto* is their mean, by posterior probability.
    """
    study, run = opened(study, run)
    if settings.posterior == "normal":
        mean, variance = _normal(study, run)
        return _dataset(study, mean, variance, None, {})
    weighed = weigh(study, run)
    normal = weighed.polygenicity.normal if settings.posterior == "auto" else 0.0
    facts: dict[str, Any] = {
        "normal": weighed.polygenicity.normal,
        "polygenicity": weighed.polygenicity.share,
        "polygenicity_se": weighed.polygenicity.error,
    }
    if normal > 1 - NEGLIGIBLE:
        return _dataset(study, *_normal(study, run), None, facts)
    sparse = sparse_posterior(study, weighed)
    facts |= {"sampling_error": sparse.sampling_error, "doubts": sparse.doubts}
    for words in sparse.doubts:
        warn(f"{run.name}: {words}")
    mean, second = sparse.mean, sparse.second
    if normal > NEGLIGIBLE:
        mean, second = _averaged(study, run, sparse, normal)
    return _dataset(study, mean, np.maximum(second - mean**2, 0), sparse.inclusion, facts)


def _averaged(
    study: xr.Dataset, run: Fitted, sparse: Sparse, normal: float
) -> tuple[np.ndarray, np.ndarray]:
    mean, variance = _normal(study, run)
    return (
        normal * mean + (1 - normal) * sparse.mean,
        normal * (variance + mean**2) + (1 - normal) * sparse.second,
    )


def _dataset(
    study: xr.Dataset,
    mean: np.ndarray,
    variance: np.ndarray,
    inclusion: np.ndarray | None,
    facts: dict[str, Any],
) -> xr.Dataset:
    variables = {
        "variant_posterior_mean": ("variants", mean),
        "variant_posterior_variance": ("variants", variance),
    }
    if inclusion is not None:
        variables["variant_pip"] = ("variants", inclusion)
    return xr.Dataset(variables, coords={"variant_id": study["variant_id"]}, attrs=facts)


def _normal(study: xr.Dataset, run: Fitted) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of the normal posterior."""
    likelihood = likelihood_of(run.settings)
    mean = np.full(study.sizes["variants"], np.nan, np.float32)
    variance = mean.copy()
    own = study["variant_block"].values
    for model, blocks in parts(study, run):
        for batch in run_batches(study, run, np.intersect1d(blocks, usable_blocks(study))):
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
    return mean, variance
