"""The constant prior of some blocks: what gains are over, and what objectives may need first."""

import dataclasses
from collections.abc import Iterable
from functools import partial

import jax.numpy as jnp

from deepwas_app.core.batch import BlockBatch
from deepwas_app.core.fit import fit_scoring, start_scoring
from deepwas_app.core.moments import moment_estimate
from deepwas_app.core.objectives import Objective
from deepwas_app.core.priors import ALPHA, ConstantPrior, Model
from deepwas_app.workflow.runs.batches import Batches
from deepwas_app.workflow.runs.fitters import SCORING_STEPS
from deepwas_app.workflow.runs.models import noisy_model
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


def prepared(batches: Batches, objective: Objective, baseline: Model) -> Batches:
    """The batches with what an objective needs of the constant prior."""
    return batches.map(partial(objective.prepare, baseline)) if objective.marginal else batches
