"""What people read off a fitted run, with labels."""

from collections.abc import Iterable

import equinox as eqx
import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.core.iterative import UnconvergedError
from deepwas_app.core.moments import expected_squares
from deepwas_app.core.posterior import batch_posterior
from deepwas_app.errors import InputError
from deepwas_app.workflow.baseline import moment_model
from deepwas_app.workflow.batching import block_slice
from deepwas_app.workflow.fitted import Fitted, run_batches
from deepwas_app.workflow.heritability import heritability
from deepwas_app.workflow.models import likelihood_of
from deepwas_app.workflow.split import usable_blocks
from deepwas_app.workflow.tables import tab_separated

BINS = 12


def run_heritability(study: xr.Dataset, run: Fitted) -> np.ndarray:
    """Per-variant heritability v_j under a run's prior, (variants,)."""
    run.check_study(study)
    return heritability(study, run.model(), run.settings.alpha, str(run.path))


def posterior(study: xr.Dataset, run: Fitted) -> xr.Dataset:
    """Posterior of b_j = sqrt(N_j) beta_j for every variant.

    Returns
    -------
    Dataset over variants: ``variant_posterior_mean`` and ``variant_posterior_variance``, in units
    of z and z squared. NaN in blocks without a scored variant.

    Raises
    ------
    InputError
        If the run is of another study, or its iterative solver did not converge.
    """
    run.check_study(study)
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
        }
    )


def residual_spectrum(study: xr.Dataset, run: Fitted | None = None) -> xr.Dataset:
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
    if run is not None:
        run.check_study(study)
    batches = run_batches(study, run, usable_blocks(study))
    model = moment_model(batches) if run is None else run.model()
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


def evaluate(runs: Fitted | Iterable[Fitted]) -> pd.DataFrame:
    """Held-out gain of one or more fits over the constant prior fitted on the same blocks.

    Returns
    -------
    Table of run, prior, objective, parameters, variants (held out), gain (nats), gain_se (block
    jackknife), and of the fitted model h2 (heritability of the study's variants), s2 (noise scale)
    and kappa (LD mismatch). No gain where nothing was held out.

    Raises
    ------
    InputError
        If a run is not finished.
    """
    columns = ["prior", "objective", "parameters", "variants", "gain", "gain_se"]
    columns += ["h2", "s2", "kappa"]
    rows = []
    for run in runs if isinstance(runs, Iterable) else [runs]:
        if not run.finished:
            raise InputError(f"{run.path}: is not finished. Go on with deepwas train --resume.")
        rows.append({"run": run.name} | {c: run.summary[c] for c in columns})
    # What a run could not tell is null in its record.
    return pd.DataFrame(rows, columns=["run", *columns]).astype({"gain": float, "gain_se": float})


def evaluation_text(table: pd.DataFrame) -> str:
    """The table of :func:`evaluate` as tab-separated text."""
    return tab_separated(table)


def alignment(study: xr.Dataset) -> pd.DataFrame:
    """The alignment report of a study: step, variants, kind ("in", "loss", "out" or "note")."""
    return pd.DataFrame(study.attrs["alignment"])
