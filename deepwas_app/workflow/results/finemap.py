"""Fine-mapping a region of a study: the run's prior and a uniform one, side by side."""

from collections.abc import Generator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.core.credible_sets import CredibleSet, credible_sets
from deepwas_app.core.finemap import SingleEffects, single_effects
from deepwas_app.core.likelihood import noise_variance
from deepwas_app.errors import InputError
from deepwas_app.genetics.regions import Region, parse_region
from deepwas_app.workflow.progress import Progress, job
from deepwas_app.workflow.results.identity import VARIANT, identity
from deepwas_app.workflow.results.locus import RunLike, opened
from deepwas_app.workflow.runs.batches import block_slice, stored_block
from deepwas_app.workflow.runs.doubted import warn_of
from deepwas_app.workflow.runs.folds import parts, seen
from deepwas_app.workflow.runs.heritability import prior_heritability
from deepwas_app.workflow.settings.keywords import knobs
from deepwas_app.workflow.settings.results import FineMapKnobs
from deepwas_app.workflow.studies.builtin import StudyLike
from deepwas_app.workflow.tables import Column, Table, p_values

PRIORS = ("model", "uniform")

_PRIOR = Column("PRIOR", "Prior", "model (the run's) or uniform")
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
CREDIBLE_SETS = Table(
    "credible-sets",
    "Sets of variants of which one is causal with the coverage asked for, one row a set.",
    (
        _PRIOR,
        Column("CREDIBLE_SET", "Set", "its number under that prior"),
        Column("VARIANTS", "Variants", "how many variants are in it"),
        Column("VARIANTS_IN_REGION", "In region", "how many of them are in the region"),
        Column("COVERAGE", "Coverage", "probability that it holds a causal variant", "", ".5g"),
        Column(
            "PURITY",
            "Purity |r|",
            "smallest absolute correlation between two of its variants",
            "",
            ".5g",
            digits=2,
        ),
        Column("LEAD_SNP", "Lead variant", "its variant with the largest PIP"),
        Column("LEAD_PIP", "Lead PIP", "PIP of that variant", "", ".5g", digits=2),
    ),
)
FITS = Table(
    "fits",
    "How the fits of a fine-mapping ended, one row a prior and LD block.",
    (
        _PRIOR,
        Column("BLOCK", "LD block", "number of the block in the study, from 0"),
        Column("VARIANTS", "Variants", "variants of the block and its flanks"),
        Column(
            "EFFECTS",
            "Causal variants found",
            "posterior expectation of the number of causal variants",
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
    table, sets, fits
        :data:`FINE_MAPPING`, :data:`CREDIBLE_SETS` and :data:`FITS`.
    """

    table: pd.DataFrame
    sets: pd.DataFrame
    fits: pd.DataFrame


@job
@knobs(FineMapKnobs)
def fine_map(
    study: StudyLike | None,
    run: RunLike,
    region: Region | str,
    settings: FineMapKnobs,
) -> Generator[Progress, None, FineMapping]:
    """Inclusion probabilities and credible sets of the variants of a region.

    Parameters
    ----------
    study, run
        The run gives the prior, its exponent of p (1 - p), and the noise (s2, kappa).
    region
        Where: 22:30500000-31500000, chr22:30.5-31.5Mb, a gene or a variant. Each LD block that it
        touches is fitted whole, so that signals just outside are explained by their own variants.
    settings
        All knobs at once, in place of the keywords below.

    Yields
    ------
    Progress

    Returns
    -------
    FineMapping

    Raises
    ------
    InputError
        If the region has no variants, or none of its LD blocks has a z-score.
    """
    study, run = opened(study, run)
    warn_of(run)
    region = parse_region(region, study) if isinstance(region, str) else region
    rows = region.rows(study)
    own = study["variant_block"].values
    blocks = [
        int(b) for b in dict.fromkeys(own[rows]) if study["block_components"].values[int(b)] > 0
    ]
    if not blocks:
        raise InputError(
            f"{region}: no variant of its LD blocks has a z-score. Choose another region."
        )
    size = study.sizes["variants"]
    models = {int(b): part.model for part in parts(study, run) for b in part.blocks}
    v = np.full(size, np.nan)
    # The prior that is used at a block is used at its flanks there, too.
    prior_of: dict[int, np.ndarray] = {}
    for b in np.unique(own[rows]).tolist():
        members = np.arange(size)[block_slice(study, b)] if b in blocks else rows[own[rows] == b]
        prior_of[b] = prior_heritability(study, models[b], str(run.path), members)
        mine = own[members] == b
        v[members[mine]] = prior_of[b][mine]
    columns = {prior: _empty(size) for prior in PRIORS}
    sets: list[dict[str, Any]] = []
    fits: list[dict[str, Any]] = []
    for prior in PRIORS:
        number = 0
        for i, b in enumerate(blocks):
            done = (PRIORS.index(prior) + i / len(blocks)) / len(PRIORS)
            yield Progress(done, f"{prior} prior, LD block {i + 1} of {len(blocks)}")
            members = np.arange(size)[block_slice(study, b)]
            block = stored_block(study, b)
            d = study["variant_sample_size"].values[members] * prior_of[b]
            model = models[b]
            Q = np.asarray(block.Q)
            fit = single_effects(
                Q,
                np.asarray(block.x),
                np.asarray(noise_variance(block, d, model.s2, model.kappa)),
                prior_weights=prior_of[b] if prior == "model" else None,
                effects=settings.effects,
                causal=settings.causal,
            )
            mine = own[members] == b
            # What is led by a variant of the flank is a set of the neighbour, which scores it.
            found = [
                one
                for one in credible_sets(fit, Q, coverage=settings.coverage, purity=settings.purity)
                if mine[one.variants[0]]
            ]
            _fill(columns[prior], fit, members, mine)
            for one in found:
                inside = np.isin(members[one.variants], rows)
                if not inside.any():
                    continue
                number += 1
                columns[prior]["set"][members[one.variants]] = number
                lead = members[one.variants[0]]
                sets.append(
                    _set_row(prior, number, one, int(inside.sum()))
                    | {
                        "LEAD_SNP": str(study["variant_id"].values[lead]),
                        "LEAD_PIP": float(fit.pip[one.variants[0]]),
                    }
                )
            fits.append(_fit_row(prior, b, fit, len(found)) | {"PRIOR_TRAINED": seen(run, [b])})
    return FineMapping(
        _table(study, rows, v, columns),
        CREDIBLE_SETS.frame(sets),
        FITS.frame(fits),
    )


def _empty(size: int) -> dict[str, np.ndarray]:
    nothing = np.full(size, np.nan)
    return {
        "pip": nothing,
        "mean": nothing.copy(),
        "sd": nothing.copy(),
        "set": np.zeros(size, np.int64),
    }


def _fill(
    columns: dict[str, np.ndarray], fit: SingleEffects, members: np.ndarray, mine: np.ndarray
) -> None:
    columns["pip"][members[mine]] = fit.pip[mine]
    columns["mean"][members[mine]] = fit.posterior_mean[mine]
    columns["sd"][members[mine]] = fit.posterior_deviation[mine]


def _set_row(prior: str, number: int, one: CredibleSet, inside: int) -> dict[str, Any]:
    return {
        "PRIOR": prior,
        "CREDIBLE_SET": number,
        "VARIANTS": len(one.variants),
        "VARIANTS_IN_REGION": inside,
        "COVERAGE": one.coverage,
        "PURITY": one.purity,
    }


def _fit_row(prior: str, block: int, fit: SingleEffects, sets: int) -> dict[str, Any]:
    return {
        "PRIOR": prior,
        "BLOCK": block,
        "VARIANTS": fit.alpha.shape[1],
        "EFFECTS": fit.expected,
        "SETS": sets,
        "PASSES": len(fit.elbo),
        "CONVERGED": fit.converged,
        "ELBO": float(fit.elbo[-1]),
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
