"""What people read off a fitted run, with labels."""

import json
from collections.abc import Iterable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import norm

from deepwas_app.core.effects import (
    average_partial_effects,
    enrichment,
    enrichment_interval,
    tilt_jackknife,
)
from deepwas_app.core.jackknife import jackknife_error
from deepwas_app.core.moments import expected_squares
from deepwas_app.core.posterior import batch_posterior
from deepwas_app.core.priors import LinearPrior
from deepwas_app.errors import InputError
from deepwas_app.workflow.batching import block_batches, block_slice, standardisation
from deepwas_app.workflow.run import Run, heritability
from deepwas_app.workflow.split import usable_blocks
from deepwas_app.workflow.tables import tab_separated
from deepwas_app.workflow.train import moment_model

QUANTILES = 5
BINS = 12
_BATCH = 4


def run_heritability(study: xr.Dataset, run: Run) -> np.ndarray:
    """Per-variant heritability v_j under a run's prior, (variants,)."""
    run.check_study(study)
    return heritability(study, run.model(), run.settings.alpha)


def posterior(study: xr.Dataset, run: Run) -> xr.Dataset:
    """Posterior of b_j = sqrt(N_j) beta_j for every variant.

    Returns
    -------
    Dataset over variants: ``variant_posterior_mean`` and ``variant_posterior_variance``, in units
    of z and z squared. NaN in blocks without a scored variant.
    """
    run.check_study(study)
    model = run.model()
    mean = np.full(study.sizes["variants"], np.nan, np.float32)
    variance = mean.copy()
    own = study["variant_block"].values
    for batch in block_batches(
        study, usable_blocks(study), alpha=run.settings.alpha, batch_blocks=_BATCH
    ):
        result = batch_posterior(model, batch)
        for i, b in enumerate(np.asarray(batch.index)):
            if b < 0:
                continue
            rows = np.arange(study.sizes["variants"])[block_slice(study, b)]
            mine = own[rows] == b
            n = len(rows)
            mean[rows[mine]] = np.asarray(result.mean[i, :n])[mine]
            variance[rows[mine]] = np.asarray(result.variance[i, :n])[mine]
    return xr.Dataset(
        {
            "variant_posterior_mean": ("variants", mean),
            "variant_posterior_variance": ("variants", variance),
        }
    )


def annotation_effects(study: xr.Dataset, run: Run) -> xr.Dataset:
    """Effects of every annotation in a run, with block-jackknife standard errors.

    Returns
    -------
    Dataset over ``annotations`` (and ``quantiles``):

    coefficient, coefficient_se
        Linear prior: change of log variance per s.d. of the annotation; NaN for other priors.
    unit_coefficient, unit_coefficient_se
        The same per unit of the annotation.
    partial_effect, partial_effect_se
        Average change of log variance per s.d., the other annotations as they are.
    proportion_variants, proportion_heritability, proportion_heritability_se
        Shares of a binary annotation; NaN for continuous ones.
    enrichment, enrichment_se, enrichment_low, enrichment_high, enrichment_p
        Share of heritability over share of variants, its standard error and 95% interval (which is
        not symmetric); P (two-sided) that heritability per variant is the same inside as outside.
    quantile_enrichment, quantile_enrichment_se
        The same for the fifths of a continuous annotation, lowest first; NaN for binary ones.

    Notes
    -----
    Standard errors are one-step block jackknives along the log-linear direction of each annotation
    (for the linear prior these are the prior's own parameters); see ``core.effects``.
    """
    run.check_study(study)
    model, alpha = run.model(), run.settings.alpha
    annotations = study["variant_annotation"].values
    binary = study["annotation_kind"].values == "binary"
    standardise = standardisation(study, run.train_blocks)
    batches = block_batches(study, run.train_blocks, alpha=alpha, batch_blocks=_BATCH)
    jackknife = tilt_jackknife(model, standardise, batches)
    error = jackknife_error(jackknife.coefficients)
    deviation = np.asarray(standardise.deviation, np.float64)
    linear = model.prior if isinstance(model.prior, LinearPrior) else None
    missing = np.full(len(binary), np.nan)
    coefficient = np.asarray(linear.coefficients, np.float64) if linear else missing
    partial = average_partial_effects(model.prior, annotations, standardise, binary)

    standardised = np.asarray(standardise(jnp.asarray(annotations)), np.float64)
    v = heritability(study, model, alpha)
    fifths = _fifths(annotations, binary)
    sets = np.concatenate([annotations == 1, fifths.reshape(len(annotations), -1)], axis=1)
    shares = enrichment(v, sets, standardised, jackknife)
    low, high = enrichment_interval(shares)
    count = len(binary)

    def per_annotation(values):
        return ("annotations", np.where(binary, values[:count], np.nan))

    def per_quantile(values):
        table = values[count:].reshape(QUANTILES, count).T
        return (("annotations", "quantiles"), np.where(binary[:, None], np.nan, table))

    return xr.Dataset(
        {
            "annotation_kind": ("annotations", study["annotation_kind"].values),
            "coefficient": ("annotations", coefficient),
            "coefficient_se": ("annotations", error if linear else missing),
            "unit_coefficient": ("annotations", coefficient / deviation),
            "unit_coefficient_se": ("annotations", error / deviation if linear else missing),
            "partial_effect": ("annotations", partial),
            "partial_effect_se": ("annotations", error),
            "proportion_variants": per_annotation(shares.variants),
            "proportion_heritability": per_annotation(shares.share),
            "proportion_heritability_se": per_annotation(shares.share_error),
            "enrichment": per_annotation(shares.value),
            "enrichment_se": per_annotation(shares.error),
            "enrichment_low": per_annotation(low),
            "enrichment_high": per_annotation(high),
            "enrichment_p": per_annotation(2 * norm.sf(np.abs(shares.z))),
            "quantile_enrichment": per_quantile(shares.value),
            "quantile_enrichment_se": per_quantile(shares.error),
        },
        coords={
            "annotation": ("annotations", study["annotation"].values),
            "quantile": ("quantiles", np.arange(1, QUANTILES + 1)),
        },
        attrs={
            "run": run.name_on_disk,
            "prior": run.settings.prior,
            "blocks": len(run.train_blocks),
            "h2": float(v.sum()),
        },
    )


def _fifths(annotations: np.ndarray, binary: np.ndarray) -> np.ndarray:
    """Membership of each fifth of each continuous annotation, (variants, fifths, annotations)."""
    out = np.zeros((len(annotations), QUANTILES, len(binary)), bool)
    for j in np.flatnonzero(~binary):
        edges = np.quantile(annotations[:, j], np.linspace(0, 1, QUANTILES + 1)[1:-1])
        fifth = np.searchsorted(edges, annotations[:, j], "right")
        out[np.arange(len(annotations)), fifth, j] = True
    return out


def effects_table(effects: xr.Dataset) -> pd.DataFrame:
    """The effects in the layout of S-LDSC's results, one row an annotation.

    The coefficient is the change of log variance per s.d. of the annotation: for a linear prior
    its coefficient, for others the average partial effect.
    """
    coefficient, error = effects["partial_effect"].values, effects["partial_effect_se"].values
    if np.isfinite(effects["coefficient"].values).all():
        coefficient = effects["coefficient"].values
    return pd.DataFrame(
        {
            "Category": effects["annotation"].values,
            "Prop._SNPs": effects["proportion_variants"].values,
            "Prop._h2": effects["proportion_heritability"].values,
            "Prop._h2_std_error": effects["proportion_heritability_se"].values,
            "Enrichment": effects["enrichment"].values,
            "Enrichment_std_error": effects["enrichment_se"].values,
            "Enrichment_p": effects["enrichment_p"].values,
            "Coefficient": coefficient,
            "Coefficient_std_error": error,
            "Coefficient_z-score": coefficient / error,
        }
    )


def residual_spectrum(study: xr.Dataset, run: Run | None = None) -> xr.Dataset:
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
    alpha = 0.7 if run is None else run.settings.alpha
    batches = block_batches(study, usable_blocks(study), alpha=alpha, batch_blocks=_BATCH)
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


def evaluate(runs: Iterable[Run]) -> pd.DataFrame:
    """Held-out gain of finished runs over the constant prior fitted on the same blocks.

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
    for run in runs:
        if not run.finished:
            raise InputError(f"{run.path}: is not finished. Go on with deepwas train --resume.")
        rows.append({"run": run.name_on_disk} | {c: run.summary[c] for c in columns})
    return pd.DataFrame(rows, columns=["run", *columns])


def evaluation_text(table: pd.DataFrame) -> str:
    """The table of :func:`evaluate` as tab-separated text."""
    return tab_separated(table)


def alignment(study: xr.Dataset) -> pd.DataFrame:
    """The alignment report of a study: step, variants, kind ("in", "loss", "out" or "note")."""
    return pd.DataFrame(json.loads(study.attrs["alignment"]))
