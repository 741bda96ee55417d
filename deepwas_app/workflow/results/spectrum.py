"""What is left of the z-scores along the eigenvectors of LD, beside what a model expects."""

import equinox as eqx
import numpy as np
import xarray as xr

from deepwas_app.core.moments import expected_squares
from deepwas_app.workflow.results.locus import RunLike, opened
from deepwas_app.workflow.runs.baseline import moment_model
from deepwas_app.workflow.runs.run_batches import run_batches
from deepwas_app.workflow.runs.split import usable_blocks
from deepwas_app.workflow.studies.builtin import StudyLike, open_study

BINS = 12


def residual_spectrum(study: StudyLike, run: RunLike | None = None) -> xr.Dataset:
    """Mean of x_i^2 over its noise against the eigenvalue, beside what a model expects.

    Parameters
    ----------
    study
        From ``open_study``.
    run
        Whose model. None: the constant model that agrees with the moments.

    Returns
    -------
    Dataset over ``bins``: ``eigenvalue`` (geometric mean of the bin), ``observed``,
    ``observed_se``, ``expected``, all in units of the variance that the null with s2 = 1 gives to
    a component. Where observed leaves expected at small eigenvalues, the panel's
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
        null = np.asarray(batch.block.noise)[real]
        observed.append(np.asarray(batch.block.x)[real] ** 2 / null)
        expected.append(np.asarray(squares(model, batch))[real] / null)
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
