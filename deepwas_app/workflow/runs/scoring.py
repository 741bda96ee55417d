"""Scoring models on the blocks that they were not trained on, always by the full likelihood."""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import numpy as np
import xarray as xr

from deepwas_app.core.fit import FitStep
from deepwas_app.core.held_out import losses_by_block
from deepwas_app.core.priors import Model
from deepwas_app.errors import InputError
from deepwas_app.workflow.runs.batches import Batches
from deepwas_app.workflow.runs.checkpoint import Checkpoint, gain_over_constant
from deepwas_app.workflow.runs.models import likelihood_of
from deepwas_app.workflow.settings import TrainSettings


class Score(NamedTuple):
    """Held-out gain of a model in nats a variant, and what to go on from."""

    held_out_gain: float | None
    held_out_gain_se: float | None
    validation_loss: float | None
    checkpoint: Checkpoint


class Scorer:
    """Scores models on the blocks that they were not trained on, by the full likelihood.

    Parameters
    ----------
    settings
        What is trained.
    test, validation
        The blocks.
    study
        From ``open_study``.
    keeps_best
        Whether to go by the epoch that predicts the validation blocks best, not by the latest.
    scored
        From a model as it is trained, and one that was scored before, to the one that is scored.
    """

    def __init__(
        self,
        settings: TrainSettings,
        test: Batches,
        validation: Batches,
        study: xr.Dataset,
        keeps_best: bool,
        scored: Callable[[Model, Model], Model],
    ):
        self._likelihood = likelihood_of(settings)
        self._test, self._validation = test, validation
        self._early, self._scored = keeps_best, scored
        self._blocks, self._path = study.sizes["blocks"], study.attrs["path"]

    def _losses(self, model: Model, batches: Batches) -> np.ndarray:
        losses = losses_by_block(model, batches, self._blocks, self._likelihood)
        bad = [b for b in batches.blocks if not np.isfinite(losses[b])]
        if bad:
            raise InputError(
                f"{self._path}: the likelihood is not finite in LD block "
                f"{', '.join(map(str, sorted(bad)))}, which is held out: lower the learning rate"
            )
        return losses

    def score(self, step: FitStep, baseline: Model, best: Checkpoint | None) -> Score:
        """Score the model of a step; `best` is what was known an epoch ago.

        Raises
        ------
        InputError
            If the likelihood of a held-out block is not finite.
        """
        model = self._scored(step.state.model, best.best if best else baseline)
        losses = self._losses(model, self._test)
        constant = best.constant_losses if best else self._losses(baseline, self._test)
        if model is baseline:
            constant = losses
        checkpoint = Checkpoint(
            step.state,
            baseline,
            losses,
            constant,
            model,
            np.asarray(np.inf),
            np.asarray(step.epoch),
        )
        validation = None
        if self._validation.scored:
            validation = float(np.nansum(self._losses(model, self._validation)))
            validation /= self._validation.scored
            # Fisher scoring goes to the one maximum; to stop it early would be another model.
            better = not self._early or best is None or validation < float(best.best_loss)
            checkpoint = eqx.tree_at(lambda c: c.best_loss, checkpoint, np.asarray(validation))
            if best is not None and not better:
                checkpoint = Checkpoint(
                    step.state,
                    baseline,
                    best.losses,
                    constant,
                    best.best,
                    best.best_loss,
                    best.best_epoch,
                )
        if not self._test.scored:
            return Score(None, None, validation, checkpoint)
        total = gain_over_constant(losses, constant, self._test.blocks)
        n = self._test.scored
        return Score(total.value / n, total.error / n, validation, checkpoint)
