"""What people read off a fitted run, with labels."""

import equinox as eqx
import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.core.iterative import UnconvergedError
from deepwas_app.core.moments import expected_squares
from deepwas_app.core.posterior import batch_posterior
from deepwas_app.errors import InputError
from deepwas_app.workflow.results.locus import RunLike, opened
from deepwas_app.workflow.runs.baseline import moment_model
from deepwas_app.workflow.runs.batches import block_slice
from deepwas_app.workflow.runs.heritability import prior_heritability
from deepwas_app.workflow.runs.models import likelihood_of
from deepwas_app.workflow.runs.run_batches import run_batches
from deepwas_app.workflow.runs.split import usable_blocks
from deepwas_app.workflow.studies.builtin import StudyLike, open_study
from deepwas_app.workflow.tables import Column, Table

BINS = 12


def heritability(
    study: StudyLike | None, run: RunLike, rows: np.ndarray | None = None
) -> np.ndarray:
    """Per-variant heritability v_j under a run's prior, (rows,); of every variant by default."""
    study, run = opened(study, run)
    return prior_heritability(study, run.model(), run.settings.alpha, str(run.path), rows)


# Its name in version 0.1.0.
run_heritability = heritability


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


def residual_spectrum(study: StudyLike, run: RunLike | None = None) -> xr.Dataset:
    """Mean of x_i^2 against the eigenvalue, beside what a model expects.

    Parameters
    ----------
    study
        From ``open_study``.
    run
        Whose model. None: the constant model that agrees with the moments.

    Returns
    -------
    Dataset over ``bins``: ``eigenvalue`` (geometric mean of the bin), ``observed``,
    ``observed_se``, ``expected``. Where observed leaves expected at small eigenvalues, the panel's
    LD is not the GWAS's.
    """
    study, fitted = (open_study(study), None) if run is None else opened(study, run)
    batches = run_batches(study, fitted, usable_blocks(study))
    model = moment_model(batches) if fitted is None else fitted.model()
    squares = eqx.filter_jit(expected_squares)
    eigenvalue, observed, expected = [], [], []
    for batch in batches:
        real = np.isfinite(np.asarray(batch.block.eigenvalues))
        eigenvalue.append(np.asarray(batch.block.eigenvalues)[real])
        observed.append(np.asarray(batch.block.x)[real] ** 2)
        expected.append(np.asarray(squares(model, batch))[real])
    lam, obs, exp = (np.concatenate(part) for part in (eigenvalue, observed, expected))
    parts = np.array_split(np.argsort(lam), BINS)
    return xr.Dataset(
        {
            "eigenvalue": ("bins", np.array([np.exp(np.log(lam[p]).mean()) for p in parts])),
            "observed": ("bins", np.array([obs[p].mean() for p in parts])),
            "observed_se": ("bins", np.array([obs[p].std() / np.sqrt(len(p)) for p in parts])),
            "expected": ("bins", np.array([exp[p].mean() for p in parts])),
        },
        attrs={"s2": float(model.s2), "kappa": float(model.kappa)},
    )


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
    """The alignment report of a study, table :data:`ALIGNMENT`."""
    return ALIGNMENT.frame(open_study(study).attrs["alignment"])
