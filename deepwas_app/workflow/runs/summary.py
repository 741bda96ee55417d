"""What a finished run says of itself."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from deepwas_app.core.effects import tilt_jackknife
from deepwas_app.core.jackknife import jackknife_error
from deepwas_app.core.priors import ALPHA_RANGE, KAPPA_RANGE, S2_RANGE, parameter_count
from deepwas_app.counting import counted
from deepwas_app.workflow.runs.annotations import annotation_warnings
from deepwas_app.workflow.runs.batches import log_heterozygosity, standardisation
from deepwas_app.workflow.runs.checkpoint import Checkpoint, gain_over_constant
from deepwas_app.workflow.runs.heritability import prior_heritability, strong_heritability
from deepwas_app.workflow.runs.models import blank_standardisation
from deepwas_app.workflow.runs.training import Training
from deepwas_app.workflow.studies.ld_fit import ld_warnings
from deepwas_app.workflow.tables import Column, Table

# Noise further out than this is said, and fewer LD blocks than this to take errors from.
INFLATED, DEFLATED, MISMATCHED, FEW_BLOCKS = 1.2, 0.8, 0.1, 30

# Of a trait that some people have, where its prevalence is given.
LIABILITY = (
    Column(
        "h2_liability", "h² of liability", "h² on the scale of liability", digits=4, optional=True
    ),
    Column("h2_liability_se", "s.e.", "standard error of it", digits=4, optional=True),
)

EVALUATION = Table(
    "evaluation",
    "Held-out gain of finished runs over the constant prior fitted on the same LD blocks, one row "
    "a run.",
    (
        Column("run", "Run", "name of the run"),
        Column("prior", "Prior", "how heritability depends on annotations"),
        Column("objective", "Objective", "what training maximised"),
        Column("parameters", "Parameters", "trained parameters of the prior", digits=0),
        Column("variants", "Held-out variants", "scored variants of the held-out LD blocks"),
        Column("gain", "Gain", "held-out log-likelihood over the constant prior", "nats"),
        Column("gain_se", "s.e.", "block-jackknife standard error of the gain", "nats"),
        Column("h2", "h²", "heritability of the study's variants", digits=4),
        Column("h2_se", "s.e.", "block-jackknife standard error of h²", digits=4),
        Column(
            "h2_strong",
            "Of strong loci",
            "part of h² that lead variants of strong loci have beside the prior",
            digits=4,
            optional=True,
        ),
        Column("s2", "s²", "noise scale; 1 where nothing inflates the z-scores"),
        Column("kappa", "κ", "mismatch between the LD of panel and GWAS", digits=4),
        Column("alpha", "α", "heritability goes with the power alpha of p (1 - p)", digits=2),
        Column("alpha_se", "s.e.", "block-jackknife standard error of a learned alpha", digits=2),
        *LIABILITY,
    ),
)


def summarise(name: str, task: Training, checkpoint: Checkpoint) -> dict[str, Any]:
    """What a fit has found: parameters, heritability, noise, held-out gain (nats), and warnings."""
    study, settings, split, model = task.study, task.settings, task.split, checkpoint.best
    scored_in = study["variant_block"].values[study["variant_scored"].values]
    variants = int(np.isin(scored_in, split.test).sum())
    gain = gain_over_constant(checkpoint.losses, checkpoint.constant_losses, split.test)
    v = prior_heritability(study, model, name)
    h2_se, alpha_se = _errors(v, task, checkpoint)
    strong = strong_heritability(study)
    found = {
        "run": name,
        "prior": settings.prior,
        "objective": settings.objective,
        "parameters": parameter_count(model.prior),
        "h2": float(v.sum()) + strong.value,
        "h2_se": float(np.hypot(h2_se, strong.error)),
        "s2": float(model.s2),
        "kappa": float(model.kappa),
        "alpha": float(model.alpha) if model.learn_alpha else settings.alpha,
        "alpha_se": alpha_se if model.learn_alpha else None,
        "blocks": len(split.train),
        "variants": variants,
        "gain": gain.value if variants else None,
        "gain_se": gain.error if variants else None,
    }
    validation = task.validation_gain(checkpoint)
    if validation is not None:
        found |= {"validation_gain": validation.value, "validation_gain_se": validation.error}
    if strong.value:
        found["h2_strong"] = strong.value
    learned = {"s2": model.learn_s2, "kappa": model.learn_kappa, "alpha": model.learn_alpha}
    said = ld_warnings(study) + warnings(found, learned)
    if not task.kind.constant:
        said += annotation_warnings(study, split.train)
    return found | {"warnings": said}


def _errors(v: np.ndarray, task: Training, checkpoint: Checkpoint) -> tuple[float, float]:
    """Block-jackknife standard errors of the sum of v and of alpha, by one step of the parameters.

    Of a prior that is not log-linear only the level moves: how it spreads heritability over
    variants is taken as given.
    """
    model, batches = checkpoint.best, task.prepared_batches(checkpoint.baseline)
    h2, annotations = v.sum(), task.study["variant_annotation"].values
    if model.prior.log_coefficients() is None:
        along, mean = blank_standardisation(0), np.zeros(0)
    else:
        along = standardisation(task.study, task.split.train)
        # Column by column: of half precision numpy would widen all of them.
        weighted = np.array([v @ column for column in annotations.T])
        mean = (weighted / h2 - np.asarray(along.mean)) / np.asarray(along.deviation)
    moves = tilt_jackknife(model, along, batches, task.objective)
    frequencies = v @ (log_heterozygosity(task.study) - model.reference) / h2
    relative = moves.level + moves.coefficients @ mean + moves.alpha * frequencies
    return float(h2 * jackknife_error(relative)), float(jackknife_error(moves.alpha))


def warnings(found: dict[str, Any], learned: dict[str, bool]) -> list[str]:
    """What to doubt of a fit, for people, the gravest first.

    Parameters
    ----------
    found
        With ``h2``, ``h2_se`` (if known), ``s2``, ``kappa``, ``blocks`` and what is learned.
    learned
        Whether ``s2``, ``kappa`` and ``alpha`` were learned.
    """
    h2, s2, kappa, blocks = (found[name] for name in ("h2", "s2", "kappa", "blocks"))
    said = []
    if h2 > 1:
        said.append(
            f"heritability {h2:.3g} is above 1: check N, the z-scores, and whether a few strong "
            "loci or LD of another ancestry drive it"
        )
    ranges = {"s2": S2_RANGE, "kappa": KAPPA_RANGE, "alpha": ALPHA_RANGE}
    for name in (name for name, is_learned in learned.items() if is_learned):
        ends = ranges[name]
        # No mismatch is where kappa belongs.
        reached = [end for end in ends if np.isclose(found[name], end, rtol=1e-3)]
        if reached and (name, *reached) != ("kappa", KAPPA_RANGE[0]):
            said.append(
                f"{name} was learned up to the end of its range, {reached[0]:g}: heritability and "
                "errors cannot be relied on"
            )
    if s2 > INFLATED:
        said.append(
            f"s2 {s2:.3g} is above {INFLATED}: z-scores are inflated (stratification, relatives), "
            "a few loci are very strong, or the LD is not that of the GWAS"
        )
    if s2 < DEFLATED:
        said.append(
            f"s2 {s2:.3g} is below {DEFLATED}: z-scores are deflated (genomic control, N "
            "overstated)"
        )
    if kappa > MISMATCHED:
        said.append(f"kappa {kappa:.3g} is above {MISMATCHED}: the LD is not that of the GWAS")
    if "h2_se" in found and not told_from_zero(found):
        said.append(
            "heritability is not told from 0: what is said of annotations is chance, and their "
            "errors may be very large"
        )
    return said + few_blocks(blocks)


def told_from_zero(summary: Mapping[str, Any]) -> bool:
    """Whether the heritability that a prior shares out is more than two standard errors from 0.

    What lead variants of strong loci have beside the prior does not count.
    """
    of_prior = summary["h2"] - summary.get("h2_strong", 0.0)
    return bool(of_prior > 2 * summary.get("h2_se", np.nan))


def is_null(summary: Mapping[str, Any]) -> bool:
    """Whether a run's heritability is not told from 0; without an error it is not known to be."""
    return bool(np.isfinite(summary.get("h2_se", np.nan))) and not told_from_zero(summary)


def few_blocks(blocks: int) -> list[str]:
    """What to say of errors that rest on so many LD blocks; nothing where these are enough."""
    return [f"{counted(blocks, 'LD block')}: errors are rough"] if blocks < FEW_BLOCKS else []
