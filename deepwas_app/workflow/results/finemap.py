"""Fine-mapping a region or all of a study: the run's prior and a uniform one, side by side."""

from collections.abc import Generator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics.regions import Region, parse_region
from deepwas_app.summary_card import card
from deepwas_app.workflow.progress import Progress, job
from deepwas_app.workflow.results.block_fits import (
    PRIORS,
    BlockFit,
    BlockFits,
    BlockTask,
    fit_blocks,
)
from deepwas_app.workflow.results.block_tasks import BlockTasks
from deepwas_app.workflow.results.causal_number import CausalNumber, causal_number
from deepwas_app.workflow.results.credible_sets import (
    CREDIBLE_SETS,
    LOCI,
    PRIOR,
    found_sets,
    joined,
)
from deepwas_app.workflow.results.identity import VARIANT, identity
from deepwas_app.workflow.results.locus import RunLike, opened
from deepwas_app.workflow.runs.batches import block_slice
from deepwas_app.workflow.runs.doubted import warn_of
from deepwas_app.workflow.runs.folds import seen
from deepwas_app.workflow.settings.keywords import knobs
from deepwas_app.workflow.settings.results import FineMapKnobs
from deepwas_app.workflow.studies.builtin import StudyLike
from deepwas_app.workflow.tables import Column, Table, p_values

FINE_MAPPING = Table(
    "fine-mapping",
    "Inclusion probabilities under the run's prior and under a uniform one, one row a variant of "
    "the region.",
    (
        *VARIANT,
        Column("SNPVAR", "Prior", "prior variance of the standardised effect", "", ".5e"),
        Column("Z", "z", "GWAS z-score of A1", "", ".5g"),
        Column("N", "People", "GWAS sample size"),
        Column("P", "P", "two-sided P of the GWAS"),
        Column("PIP", "PIP", "posterior inclusion probability under the run's prior", "", ".5e"),
        Column(
            "BETA_MEAN",
            "Effect",
            "posterior mean effect",
            "phenotype s.d. per genotype s.d.",
            ".5e",
        ),
        Column("BETA_SD", "s.d.", "its s.d.", "phenotype s.d. per genotype s.d.", ".5e"),
        Column("CREDIBLE_SET", "Set", "number of its credible set under the run's prior, or 0"),
        Column("PIP_UNIFORM", "PIP, uniform", "the same under a uniform prior", "", ".5e"),
        Column("CREDIBLE_SET_UNIFORM", "Set, uniform", "its set under a uniform prior, or 0"),
    ),
)
FITS = Table(
    "fits",
    "How the fits of a fine-mapping ended, one row a prior and LD block.",
    (
        PRIOR,
        Column("BLOCK", "LD block", "number of the block in the study, from 0"),
        Column("VARIANTS", "Variants", "variants of the block and its flanks"),
        Column(
            "EXPECTED",
            "Causal variants expected",
            "number of causal variants that was expected beforehand; inf: as many as effects",
            "",
            ".5g",
            digits=2,
        ),
        Column(
            "EFFECTS",
            "Causal variants found",
            "posterior expectation of the number of causal variants",
            "",
            ".5g",
            digits=2,
        ),
        Column(
            "BACKGROUND",
            "Background",
            "share of the prior variance that small effects of all variants were given",
            "",
            ".5g",
            digits=2,
        ),
        Column("SETS", "Sets in the block", "credible sets led by a variant of the block"),
        Column("PASSES", "Passes", "passes over the effects until the fit ended"),
        Column("CONVERGED", "Converged", "whether it converged"),
        Column("ELBO", "ELBO", "evidence lower bound", "nats", ".8g", digits=1),
        Column("PRIOR_TRAINED", "Prior", "whether the run's prior was trained on this locus"),
    ),
)


class FineMapping(NamedTuple):
    """What fine-mapping a region found.

    Attributes
    ----------
    table, sets, fits, loci
        :data:`FINE_MAPPING`, :data:`CREDIBLE_SETS`, :data:`FITS` and :data:`LOCI`, the last
        indexed by the row of the study.
    causal
        How many causal variants were expected in an LD block.
    """

    table: pd.DataFrame
    sets: pd.DataFrame
    fits: pd.DataFrame
    loci: pd.DataFrame
    causal: CausalNumber

    def _repr_html_(self) -> str:
        own = self.sets[self.sets["PRIOR"] == "model"]
        leads = [
            f"{row['LEAD_SNP']} (PIP {row['LEAD_PIP']:.2f} of {row['VARIANTS']})"
            for row in own.head(10).to_dict("records")
        ]
        facts = {
            "Variants": len(self.table),
            "Credible sets": len(own),
            "Led by": ", ".join(leads),
            "Causal variants": self.causal.words.removeprefix("causal variants "),
            "More": "its table, sets and fits",
        }
        return card("Fine-mapping", facts)


@job
@knobs(FineMapKnobs)
def fine_map(
    study: StudyLike | None,
    run: RunLike,
    region: Region | str | None,
    settings: FineMapKnobs,
    kept: Path | None = None,
) -> Generator[Progress, None, FineMapping]:
    """Inclusion probabilities and credible sets of the variants of a region, or of all.

    Parameters
    ----------
    study, run
        The run gives the prior, its exponent of p (1 - p), and the noise (s2, kappa).
    region
        Where: 22:30500000-31500000, chr22:30.5-31.5Mb, a gene or a variant. Each LD block that it
        touches is fitted whole, so that signals just outside are explained by their own variants.
        None: the whole study.
    settings
        All knobs at once, in place of the keywords below.
    kept
        A folder that keeps the LD blocks that are done, for a later call with the same arguments
        to go on from. It stays for the caller to remove.

    Returns
    -------
    FineMapping

    Yields
    ------
    Progress

    Raises
    ------
    InputError
        If the region has no variants, or none of its LD blocks has a z-score.
    """
    study, run = opened(study, run)
    warn_of(run)
    region = parse_region(region, study) if isinstance(region, str) else region
    rows = np.arange(study.sizes["variants"]) if region is None else region.rows(study)
    own = study["variant_block"].values
    touched = np.unique(own[rows])
    blocks = touched[study["block_components"].values[touched] > 0].tolist()
    if not blocks:
        where = study.attrs.get("path", "the study") if region is None else region
        raise InputError(
            f"{where}: no variant of its LD blocks has a z-score. Choose another region."
        )
    tasks = BlockTasks(study, run, touched, settings)
    number = yield from causal_number(study, run, settings)

    def task(b: int) -> BlockTask:
        return tasks.task(b, number.expected(tasks.d(b)))

    made_of = tasks.made_of(number=number) if kept else ""
    found = yield from fit_blocks(blocks, task, settings.workers, kept, made_of)
    columns = {prior: _columns(study, found, prior) for prior in PRIORS}
    sets = [found_sets(study, found, prior, rows, columns[prior]) for prior in PRIORS]
    fits = [
        _fit_row(prior, b, len(tasks.priors[b].v), found[b][prior], seen(run, [b]))
        for prior in PRIORS
        for b in blocks
    ]
    return FineMapping(
        _table(study, rows, tasks.v, columns),
        joined(CREDIBLE_SETS, [one.sets for one in sets]).reset_index(drop=True),
        FITS.frame(fits),
        joined(LOCI, [one.loci for one in sets]),
        number,
    )


def _columns(study: xr.Dataset, found: dict[int, BlockFits], prior: str) -> dict[str, np.ndarray]:
    """What is known of each variant under a prior, (variants,) each; NaN where nothing is."""
    size, own = study.sizes["variants"], study["variant_block"].values
    columns = {name: np.full(size, np.nan) for name in ("pip", "mean", "sd")}
    for b, fits in found.items():
        rows = block_slice(study, b)
        mine = own[rows] == b
        for name, column in columns.items():
            column[rows][mine] = getattr(fits[prior], name)
    return columns | {"set": np.zeros(size, np.int64)}


def _fit_row(prior: str, block: int, variants: int, fit: BlockFit, trained: str) -> dict[str, Any]:
    return {
        "PRIOR": prior,
        "BLOCK": block,
        "VARIANTS": variants,
        "EXPECTED": float(fit.before),
        "EFFECTS": float(fit.expected),
        "BACKGROUND": float(fit.background),
        "SETS": len(fit.sizes),
        "PASSES": int(fit.passes),
        "CONVERGED": bool(fit.converged),
        "ELBO": float(fit.elbo),
        "PRIOR_TRAINED": trained,
    }


def _table(
    study: xr.Dataset, rows: np.ndarray, v: np.ndarray, columns: dict[str, dict[str, np.ndarray]]
) -> pd.DataFrame:
    z = study["variant_z"].values[rows].astype(np.float64)
    n = study["variant_sample_size"].values[rows].astype(np.float64)
    ours, uniform = (columns[prior] for prior in PRIORS)
    return identity(study, rows, ("CHR", "SNP", "BP", "A1", "A2")).assign(
        SNPVAR=v[rows],
        Z=z,
        N=np.rint(n).astype(np.int64),
        P=p_values(z),
        PIP=ours["pip"][rows],
        BETA_MEAN=ours["mean"][rows] / np.sqrt(n),
        BETA_SD=ours["sd"][rows] / np.sqrt(n),
        CREDIBLE_SET=ours["set"][rows],
        PIP_UNIFORM=uniform["pip"][rows],
        CREDIBLE_SET_UNIFORM=uniform["set"][rows],
    )
