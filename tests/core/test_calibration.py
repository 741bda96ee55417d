"""Standard errors over simulated studies: benchmarks/calibration.py at its smallest."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import logit

from deepwas_app.core.effects import (
    Jackknife,
    enrichment,
    enrichment_interval,
    tilt_jackknife,
)
from deepwas_app.core.jackknife import jackknife_error
from deepwas_app.core.scoring import fit_scoring, start_scoring

STUDIES = 40
COEFFICIENTS = [0.5, -0.4, 0.0, 0.3]


class Sets:
    """The members of the binary annotation and the top fifths of the others, and their truth."""

    def __init__(self, world, truth):
        flat = world.annotations.reshape(-1, 4)
        self.world = world
        self.sets = flat > np.r_[0.5, np.quantile(flat[:, 1:], 0.8, axis=0)]
        self.standardised = np.asarray(world.standardise(jnp.asarray(flat)), np.float64)
        v = self.variance(truth)
        self.enrichment = v @ self.sets / v.sum() / self.sets.mean(axis=0)

    def variance(self, model):
        log_v = (
            np.asarray(model.prior(jnp.asarray(self.world.annotations)), np.float64)
            + self.world.log_scale
        )
        return np.exp(log_v).ravel()

    def found(self, model, jackknife):
        return enrichment(self.variance(model), self.sets, self.standardised, jackknife)


@pytest.fixture(scope="module")
def studies(many_blocks):
    """Sets, and model and jackknife of each study."""
    truth = many_blocks.model(COEFFICIENTS, level=0.3)
    fits = []
    for seed in range(300, 300 + STUDIES):
        batches = many_blocks.draw(truth, seed, per_batch=80)
        for step in fit_scoring(start_scoring(many_blocks.model([0.0] * 4, level=0.3)), batches):
            model = step.state.model
        fits.append((model, tilt_jackknife(model, many_blocks.standardise, batches)))
    return Sets(many_blocks, truth), fits


def calibration(sets, fits, factor=1.0):
    """s.d. of the scores on the log odds of the share, and share of intervals with the truth."""
    scores, covered = [], []
    for model, moves in fits:
        found = sets.found(model, Jackknife(moves.level, factor * moves.coefficients))
        low, high = enrichment_interval(found)
        covered.append((low < sets.enrichment) & (sets.enrichment < high))
        odds = logit(found.share) - logit(sets.enrichment * found.variants)
        scores.append(odds * found.share * (1 - found.share) / found.share_error)
    return np.std(scores), np.mean(covered)


def test_standard_errors_of_coefficients_cover_over_simulated_studies(studies):
    """(estimate - truth) / s.e. over 40 studies and 4 annotations has s.d. 1.

    The s.d. of 160 scores has a relative error of 6%; were standard errors wrong by 1.6 either
    way, it would be 0.62 or 1.6.
    """
    scores = []
    for model, moves in studies[1]:
        difference = np.asarray(model.prior.coefficients) - COEFFICIENTS
        scores.append(difference / jackknife_error(moves.coefficients))
    assert 0.82 < np.std(scores) < 1.22
    assert np.abs(np.mean(scores)) < 4 / np.sqrt(np.size(scores))


def test_enrichment_intervals_cover_over_simulated_studies(studies):
    """Of 160 intervals 95% hold the truth, give or take 1.7%; the s.d. of scores is within 6%."""
    spread, covered = calibration(*studies)
    assert 0.82 < spread < 1.22
    assert covered > 0.89


def test_errors_too_small_by_a_third_would_be_seen(studies):
    spread, covered = calibration(*studies, factor=2 / 3)
    assert spread > 1.22
    assert covered < 0.89
