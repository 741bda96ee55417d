"""The constant prior of some blocks: what gains are over, and what objectives may need first."""

import dataclasses
from collections.abc import Iterable
from functools import partial

import jax.numpy as jnp
import xarray as xr

from deepwas_app.core.batch import BlockBatch
from deepwas_app.core.moments import moment_estimate
from deepwas_app.core.objectives import Objective
from deepwas_app.core.priors import ALPHA, ConstantPrior, Model
from deepwas_app.core.scoring import fit_scoring, start_scoring
from deepwas_app.genetics.content import content_hash
from deepwas_app.workflow.runs.batches import Batches
from deepwas_app.workflow.runs.fitters import SCORING_STEPS
from deepwas_app.workflow.runs.models import noisy_model, settled
from deepwas_app.workflow.settings import TrainSettings


def moment_model(batches: Iterable[BlockBatch], settings: TrainSettings | None = None) -> Model:
    """The constant model that agrees with the moments of the training blocks."""
    settings = settings or TrainSettings()
    alpha = ALPHA if settings.alpha is None else settings.alpha
    level, s2, kappa = moment_estimate(batches, alpha)
    prior = ConstantPrior(jnp.asarray(level))
    model = noisy_model(settings, prior, s2, kappa, trained=False)
    at = prior.at_level(level + alpha * model.reference)
    return dataclasses.replace(model, prior=at)


def constant_model(batches: Batches, settings: TrainSettings, start: Model | None = None) -> Model:
    """The constant prior fitted to some blocks by the likelihood, with the settings' noise.

    It starts from the moments of the blocks, unless a better start is known.
    """
    model = start or moment_model(batches, settings)
    for step in fit_scoring(start_scoring(model), batches, steps=SCORING_STEPS):
        model = step.state.model
    return model


# The newest of each process, by the study's contents and the blocks.
_KNOWN: dict[tuple[str, tuple[int, ...]], Model] = {}
_MOST_KNOWN = 32


def baseline_settings(study: xr.Dataset) -> TrainSettings:
    """Settings of the constant prior that the gains of all runs of a study are over."""
    return settled(study, TrainSettings(prior="constant"))


def has_common_noise(study: xr.Dataset, settings: TrainSettings) -> bool:
    """Whether noise and alpha are as in the baseline, fixed or learned."""
    own = settled(study, settings)
    return frequency_and_noise(own) == frequency_and_noise(baseline_settings(study))


def frequency_and_noise(settings: TrainSettings) -> tuple[float | None, ...]:
    """What the settings fix beside the prior; None for what is learned."""
    return settings.alpha, settings.s2, settings.kappa


def baseline_model(study: xr.Dataset, batches: Batches) -> Model:
    """The constant prior of the training blocks that gains are over, whatever a run's settings.

    It is fitted once for all runs of a process that have the same training blocks.
    """
    key = content_hash(study), tuple(sorted(batches.blocks))
    if key not in _KNOWN:
        while len(_KNOWN) >= _MOST_KNOWN:
            del _KNOWN[next(iter(_KNOWN))]
        _KNOWN[key] = constant_model(batches, baseline_settings(study))
    return _KNOWN[key]


def own_constant(study: xr.Dataset, batches: Batches, settings: TrainSettings) -> Model:
    """The constant prior with the noise and alpha of some settings, from which training starts."""
    if has_common_noise(study, settings):
        return baseline_model(study, batches)
    return constant_model(batches, settings)


def prepared(batches: Batches, objective: Objective, baseline: Model) -> Batches:
    """The batches with what an objective needs of the constant prior."""
    return batches.map(partial(objective.prepare, baseline)) if objective.marginal else batches
