"""What other tools take from a fitted run: priors for fine-mapping, weights for polygenic scores.

Everywhere A1 is the effect allele, positions are 1-based, and effects are in standard deviations
of the phenotype.
"""

import io

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.genetics.regions import Region
from deepwas_app.genetics.score import checked_weights
from deepwas_app.workflow.fitted import Fitted
from deepwas_app.workflow.results import posterior, run_heritability
from deepwas_app.workflow.tables import tab_separated

# The ratio of largest to smallest prior that PolyFun allows.
FLOOR_RATIO = 100.0
_BUILDS = {"hg19": "GRCh37", "hg38": "GRCh38"}


def floored(heritability: np.ndarray, ratio: float = FLOOR_RATIO) -> np.ndarray:
    """Per-variant heritability with max/min <= ratio and the same total.

    Notes
    -----
    Values below max/ratio are raised to it, and all are then scaled back to the old sum.
    """
    v = np.asarray(heritability, np.float64)
    raised = np.maximum(v, v.max() / ratio)
    return raised * (v.sum() / raised.sum())


def snpvar_table(study: xr.Dataset, run: Fitted, *, floor: bool = False) -> pd.DataFrame:
    """Per-variant heritability of every scored variant, in PolyFun's layout.

    Parameters
    ----------
    study, run
        The run and its study.
    floor
        Keep max/min of SNPVAR within 100, as PolyFun does, in the written digits too.

    Returns
    -------
    Table of CHR, SNP, BP, A1 (effect allele), A2, SNPVAR (v_j, share of the phenotype's variance),
    Z, N (people).
    """
    v = run_heritability(study, run)
    rows = np.flatnonzero(study["variant_scored"].values)
    # A little below, so that the ratio also holds for the five digits that are written.
    v = floored(v[rows], FLOOR_RATIO * (1 - 2e-4)) if floor else v[rows]
    table = identity(study, rows, ("CHR", "SNP", "BP", "A1", "A2"))
    return table.assign(
        SNPVAR=v,
        Z=study["variant_z"].values[rows].astype(np.float64),
        N=np.rint(study["variant_sample_size"].values[rows]).astype(np.int64),
    )


def snpvar_text(table: pd.DataFrame) -> str:
    """The table of :func:`snpvar_table` as PolyFun reads it: tab-separated, .4e."""
    return tab_separated(table, {"SNPVAR": ".4e", "Z": ".4e"})


def prior_weights(study: xr.Dataset, run: Fitted, region: Region) -> pd.DataFrame:
    """Prior weights of the variants of a region, for SuSiE's ``prior_weights``.

    Returns
    -------
    Table of SNP, CHR, BP, A1 (effect allele), A2, PRIOR_WEIGHT (proportional to v_j, sums to 1).
    """
    rows = region.rows(study)
    v = run_heritability(study, run)[rows]
    table = identity(study, rows, ("SNP", "CHR", "BP", "A1", "A2"))
    return table.assign(PRIOR_WEIGHT=v / v.sum())


def prior_weights_text(table: pd.DataFrame) -> str:
    """The table of :func:`prior_weights` as tab-separated text, to ten digits."""
    return tab_separated(table, {"PRIOR_WEIGHT": ".10g"})


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


def pgs_weights(study: xr.Dataset, run: Fitted) -> pd.DataFrame:
    """Posterior mean effects per allele: the weights of a polygenic score.

    Returns
    -------
    Table of SNP, CHR, BP, A1 (effect allele), A2, BETA (phenotype s.d. per copy of A1), and A1_FREQ
    (frequency of A1). Variants in LD blocks without any z-score are left out.
    """
    mean = posterior(study, run)["variant_posterior_mean"].values.astype(np.float64)
    beta = per_allele(study, mean)
    rows = np.flatnonzero(np.isfinite(beta))
    table = identity(study, rows, ("SNP", "CHR", "BP", "A1", "A2"))
    return table.assign(
        BETA=beta[rows],
        A1_FREQ=study["variant_allele_frequency"].values[rows].astype(np.float64),
    )


def weights_text(table: pd.DataFrame) -> str:
    """The weights of :func:`pgs_weights` as text, for ``plink2 --score F 1 4 6 header``."""
    return tab_separated(table.drop(columns="A1_FREQ"), {"BETA": ".8e"})


def run_weights(study: xr.Dataset, run: Fitted) -> pd.DataFrame:
    """The weights of a run as ``score`` reads them from the file of :func:`weights_text`."""
    text = weights_text(pgs_weights(study, run))
    table = pd.read_csv(io.StringIO(text), sep="\t", dtype=str)
    return checked_weights(table, f"weights of {run.name}")


def pgs_catalog_text(table: pd.DataFrame, study: xr.Dataset, run: Fitted) -> str:
    """The table of :func:`pgs_weights` as a scoring file of the PGS Catalog, format 2.0."""
    name = run.name
    head = {
        "format_version": "2.0",
        "pgs_id": "NR",
        "pgs_name": name,
        "trait_reported": study.attrs["title"],
        "weight_type": "beta",
        "genome_build": _BUILDS.get(study.attrs["genome_build"], study.attrs["genome_build"]),
        "variants_number": str(len(table)),
    }
    columns = {
        "SNP": "rsID",
        "CHR": "chr_name",
        "BP": "chr_position",
        "A1": "effect_allele",
        "A2": "other_allele",
        "BETA": "effect_weight",
        "A1_FREQ": "allelefrequency_effect",
    }
    body = tab_separated(
        table[list(columns)].rename(columns=columns),
        {"effect_weight": ".8e", "allelefrequency_effect": ".6g"},
    )
    lines = [f"#{key}={' '.join(value.split())}" for key, value in head.items()]
    return "\n".join(["###PGS CATALOG SCORING FILE", *lines, body])


def identity(study: xr.Dataset, rows: np.ndarray, columns: tuple[str, ...]) -> pd.DataFrame:
    """Which variants: any of CHR, SNP, BP (1-based), A1 (effect allele), A2, in the order asked."""
    names = {
        "CHR": "variant_chromosome",
        "SNP": "variant_id",
        "BP": "variant_position",
        "A1": "variant_effect_allele",
        "A2": "variant_other_allele",
    }
    return pd.DataFrame({column: study[names[column]].values[rows] for column in columns})
