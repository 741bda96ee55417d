"""The loci of a study: their lead variants, and what a prior and fine-mapping say there."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.genetics.genes import nearest_gene
from deepwas_app.genetics.study import lead_variants
from deepwas_app.workflow.results.finemap import FineMapping
from deepwas_app.workflow.results.identity import VARIANT, identity
from deepwas_app.workflow.tables import Column, Table, p_values

HALF_LOCUS = 500_000
LEADS = Table(
    "leads",
    "Lead variants at least 500 kb from each other, the strongest first, one row a locus: all that "
    "are genome-wide significant, up to 100, and others up to 12.",
    (
        *VARIANT,
        Column("GENE", "Nearest gene", "the protein-coding gene nearest to it"),
        Column("GENE_DISTANCE", "Distance", "from that gene, 0 inside", "bp", digits=0),
        Column("P", "P", "two-sided P of the GWAS"),
        Column(
            "PRIOR_FOLD",
            "Prior, fold",
            "its prior heritability over the mean of the study's variants",
            "",
            ".4g",
            digits=2,
        ),
        Column(
            "SIGNALS",
            "Signals",
            "credible sets under the run's prior that are led by a variant at most 500 kb away; "
            "empty where nothing was fine-mapped",
            "",
            ".0f",
            digits=0,
        ),
        Column("BEST_PIP", "Best PIP", "largest PIP of a variant at most 500 kb away", "", ".4g"),
        Column(
            "SET_SIZE",
            "Set size",
            "variants in the set that the best of those leads",
            "",
            ".0f",
            digits=0,
        ),
    ),
)


LOCUS_VARIANTS = Table(
    "locus_variants",
    "The variants of a locus that was not fine-mapped, one row a variant, by place.",
    (
        *VARIANT,
        Column("Z", "z", "z-score of the GWAS", "", ".4g"),
        Column("P", "P", "two-sided P of the GWAS"),
    ),
)


def leads(
    study: xr.Dataset,
    genes: pd.DataFrame,
    prior: np.ndarray | None = None,
    mappings: Sequence[FineMapping] = (),
    rows: np.ndarray | None = None,
) -> tuple[np.ndarray, pd.DataFrame]:
    """The loci of a study.

    Parameters
    ----------
    study
        An open study.
    genes
        ``chromosome``, ``start``, ``stop``, ``name``.
    prior
        Prior heritability of every variant under a run; None for none.
    mappings
        Fine-mappings of regions of the study; the last counts where several say something.
    rows
        Of lead variants in the study, where they are not to be found.

    Returns
    -------
    rows, table
        Of the lead variants in the study; and table :data:`LEADS`.
    """
    rows = np.array(lead_variants(study), dtype=int) if rows is None else rows
    table = identity(study, rows, tuple(VARIANT.names))
    places = [(str(c), int(p)) for c, p in zip(table["CHR"], table["BP"], strict=True)]
    near = [nearest_gene(genes, *place) for place in places]
    table["GENE"] = [found[0] if found else "" for found in near]
    table["GENE_DISTANCE"] = [float(found[1]) if found else np.nan for found in near]
    table["P"] = p_values(study["variant_z"].values[rows])
    fold = np.full(len(rows), np.nan) if prior is None else prior[rows] / np.nanmean(prior)
    table["PRIOR_FOLD"] = fold.astype(float)
    told = [_told(*place, mappings) for place in places]
    for i, name in enumerate(("SIGNALS", "BEST_PIP", "SET_SIZE")):
        table[name] = [float(row[i]) for row in told]
    return rows, LEADS.check(table)


def _told(chromosome: str, position: int, mappings: Sequence[FineMapping]) -> tuple[float, ...]:
    """How many signals fine-mapping found at a locus, the best PIP, and the size of its set."""
    for found in reversed(mappings):
        table = found.table
        near = (table["BP"] - position).abs() <= HALF_LOCUS
        here = table[(table["CHR"].astype(str) == chromosome) & near]
        if not (here["BP"] == position).any():
            continue
        best = here.loc[here["PIP"].idxmax()]
        sets = found.sets[found.sets["PRIOR"] == "model"]
        of_best = sets.loc[sets["CREDIBLE_SET"] == best["CREDIBLE_SET"], "VARIANTS"]
        signals = int(sets["LEAD_SNP"].isin(here["SNP"]).sum())
        return signals, best["PIP"], of_best.iloc[0] if len(of_best) else np.nan
    return np.nan, np.nan, np.nan
