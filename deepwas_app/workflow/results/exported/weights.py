"""Posterior mean effects per allele: the weights of a polygenic score."""

import io
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.genetics.genotypes.weights import checked_weights
from deepwas_app.workflow.results.exports import EXPORTS, Export
from deepwas_app.workflow.results.identity import VARIANT, identity
from deepwas_app.workflow.results.locus import RunLike, opened
from deepwas_app.workflow.runs.doubted import warn_of
from deepwas_app.workflow.settings.keywords import knobs
from deepwas_app.workflow.settings.results import PosteriorKnobs
from deepwas_app.workflow.studies.builtin import StudyLike
from deepwas_app.workflow.tables import Column, Table

if TYPE_CHECKING:
    from deepwas_app.workflow.runs.fitted import Fitted

WEIGHTS = Table(
    "weights",
    "Weights of a polygenic score, one row a variant.",
    (
        *VARIANT.part("SNP", "CHR", "BP", "A1", "A2"),
        Column(
            "BETA",
            "Weight",
            "posterior mean effect per copy of A1",
            "phenotype s.d.",
            ".8e",
            digits=None,
        ),
        Column("A1_FREQ", "Frequency", "frequency of A1", "", ".6g"),
    ),
)


def per_allele(study: xr.Dataset, b: np.ndarray) -> np.ndarray:
    """Effects per copy of the effect allele, in phenotype s.d., from b = sqrt(N) beta.

    Notes
    -----
    b_j / (sqrt(N_j) sqrt(2 p_j (1 - p_j))). NaN where a variant does not vary.
    """
    n = study["variant_sample_size"].values.astype(np.float64)
    p = study["variant_allele_frequency"].values.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        effect = b / np.sqrt(n * 2 * p * (1 - p))
    return np.where((p > 0) & (p < 1), effect, np.nan)


@knobs(PosteriorKnobs)
def pgs_weights(study: StudyLike | None, run: RunLike, *, settings: PosteriorKnobs) -> pd.DataFrame:
    """Posterior mean effects per allele: the weights of a polygenic score.

    Parameters
    ----------
    study, run
        A fitted run, and the study that it was fitted to; None: where it was then.
    settings
        All knobs at once, in place of the keywords below.

    Returns
    -------
    Table :data:`WEIGHTS`. Variants in LD blocks without any z-score are left out.
    """
    # Late: a list of what can be exported does not wait for JAX.
    from deepwas_app.workflow.results.posterior import posterior

    study, run = opened(study, run)
    warn_of(run)
    effects = posterior(study, run, settings=settings)
    mean = effects["variant_posterior_mean"].values.astype(np.float64)
    beta = per_allele(study, mean)
    rows = np.flatnonzero(np.isfinite(beta))
    table = identity(study, rows, ("SNP", "CHR", "BP", "A1", "A2"))
    table = table.assign(
        BETA=beta[rows],
        A1_FREQ=study["variant_allele_frequency"].values[rows].astype(np.float64),
    )
    table.attrs["doubts"] = effects.attrs.get("doubts", [])
    return table


PLINK = EXPORTS.add(
    Export(
        name="weights",
        title="Polygenic score weights",
        doc="Polygenic score weights per allele.",
        purpose="Posterior mean effects, for **plink2**. BETA is in phenotype s.d. per copy of A1, "
        "the effect allele.",
        table=WEIGHTS,
        compute=pgs_weights,
        options=PosteriorKnobs,
        ending="weights.tsv",
        then="plink2 --bfile PEOPLE --score FILE 1 4 6 header",
        row=25,
        order=30,
    )
)


def run_weights(study: xr.Dataset, run: "Fitted", posterior: str = "auto") -> pd.DataFrame:
    """The weights of a run as ``score`` reads them from the exported file."""
    text = PLINK.written(pgs_weights(study, run, posterior=posterior), study, run)
    table = pd.read_csv(io.StringIO(text), sep="\t", dtype=str)
    return checked_weights(table, f"weights of {run.name}")
