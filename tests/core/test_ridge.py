"""The s.d. of coefficients from the data."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import multivariate_normal

from deepwas_app.core.objectives import block_losses
from deepwas_app.core.priors import Standardisation, make_prior, ridge_precision
from deepwas_app.core.ridge import TAIL, USUAL_DEVIATION, dispersion, learned_precision
from deepwas_app.core.scoring import fit_scoring, start_scoring


class Quadratic(NamedTuple):
    """A loss 1/2 (x - best)^T I (x - best) of one free number and some coefficients."""

    information: np.ndarray
    best: np.ndarray

    def precision(self, at: np.ndarray) -> float:
        gradient = self.information @ (at - self.best)
        return learned_precision(at, gradient, self.information, np.arange(len(at)) > 0)


def quadratic(count: int, deviation: float, seed: int, size: float = 100.0) -> Quadratic:
    """With coefficients drawn from their prior, and data drawn given these."""
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((count + 1, 3 * (count + 1)))
    information = root @ root.T * size / (3 * (count + 1))
    truth = np.append(2.0, deviation * rng.standard_normal(count))
    return Quadratic(information, rng.multivariate_normal(truth, np.linalg.inv(information)))


def test_the_precision_is_where_the_marginal_likelihood_is_greatest():
    """Against the density of the estimates, and the same from wherever it is asked for."""
    loss = quadratic(30, 0.3, seed=0)
    found = loss.precision(np.zeros(31))
    covariance = np.linalg.inv(loss.information)[1:, 1:]

    def density(deviation):
        marginal = multivariate_normal(cov=covariance + deviation**2 * np.eye(30))
        together = 30 * (deviation / USUAL_DEVIATION) ** 2
        prior = np.log(deviation) - TAIL * np.log1p(together)
        return marginal.logpdf(loss.best[1:]) + prior

    deviation = found**-0.5
    assert density(deviation) > max(density(0.99 * deviation), density(1.01 * deviation))
    at = np.random.default_rng(1).standard_normal(31)
    assert loss.precision(at) == pytest.approx(found, rel=1e-4)


@pytest.mark.parametrize("deviation", [0.1, 0.5])
def test_the_deviation_of_many_coefficients_is_found(deviation):
    found = [quadratic(80, deviation, seed).precision(np.zeros(81)) ** -0.5 for seed in range(3)]
    np.testing.assert_allclose(found, deviation, rtol=0.35)


def test_coefficients_that_are_nothing_are_pulled_there_and_one_alone_is_not_lost():
    nothing = [quadratic(80, 0.0, seed).precision(np.zeros(81)) for seed in range(5)]
    # Units of information that are left to each of 80: 1 / sqrt(80), and what chance adds.
    assert np.median(100 / np.array(nothing)) < 0.4
    alone = np.array([[50.0]])
    known = learned_precision(np.zeros(1), np.zeros(1), alone, np.array([True]))
    # Even an estimate of just 0 leaves most of the weight to the data.
    assert 1 < 50 / known < 20


def widened(world, batches, count: int):
    """The batches with as many annotations as that, of noise, in place of their own."""
    rng = np.random.default_rng(0)
    batches = [
        eqx.tree_at(
            lambda b: b.annotations,
            batch,
            jnp.asarray(rng.standard_normal((*batch.annotations.shape[:2], count)), jnp.float32),
        )
        for batch in batches
    ]
    return batches, Standardisation(jnp.zeros(count), jnp.ones(count))


def test_many_useless_annotations_cost_little_and_a_fit_of_them_resumes(world):
    constant = world.model(level=0.3)
    batches, standardise = widened(world, world.draw(constant, seed=2, per_batch=20), 100)
    prior = make_prior("linear", standardise, level=0.3)
    start = start_scoring(eqx.tree_at(lambda m: m.prior, constant, prior))
    training, held_out = batches[:1], batches[1]

    def fitted(state, precision):
        return [step.state for step in fit_scoring(state, training, precision=precision)]

    def cost(model):
        return float((block_losses(model, held_out) - block_losses(constant, held_out)).sum())

    steps = fitted(start, "learned")
    assert len(steps) < 15
    loose = fitted(start, np.asarray(ridge_precision(start.model, 0.5)))
    # Of chance, this many units of information in 100 coefficients are worth up to some nats.
    assert cost(steps[-1].model) < 0.4 * cost(loose[-1].model)
    for stop in (1, 2):
        rest = fitted(steps[stop - 1], "learned")
        assert len(rest) == len(steps) - stop
        for a, b in zip(jax.tree.leaves(steps[-1]), jax.tree.leaves(rest[-1]), strict=True):
            np.testing.assert_array_equal(a, b)
    assert not fitted(steps[-1], "learned")


def test_a_gradient_that_varies_more_than_its_information_is_trusted_less():
    """Four times the variance: the same posterior as with a quarter of the information."""
    loss = quadratic(80, 0.3, seed=1)
    at, shrunk = np.zeros(81), np.arange(81) > 0
    gradient = -loss.information @ loss.best
    quarter = learned_precision(at, gradient / 4, loss.information / 4, shrunk)
    trusted_less = learned_precision(at, gradient, loss.information, shrunk, 4.0)
    assert trusted_less == pytest.approx(4 * quarter, rel=1e-4)


@pytest.mark.parametrize("factor", [1.0, 3.0])
def test_dispersion_is_the_variance_of_scores_over_their_information(factor):
    rng = np.random.default_rng(0)
    root = rng.standard_normal((20, 40))
    information = root @ root.T
    shift = rng.standard_normal(20)
    found = []
    for _ in range(20):
        own = rng.multivariate_normal(np.zeros(20), factor * information / 50, size=50)
        found.append(dispersion(own + shift, information))
    assert np.mean(found) == pytest.approx(factor, rel=0.1)
    assert min(found) >= 1.0


def test_dispersion_of_one_block_and_of_a_direction_without_information():
    assert dispersion(np.ones((1, 2)), np.eye(2)) == 1.0
    scores = np.random.default_rng(0).standard_normal((400, 2)) * [np.sqrt(2 / 400), 0]
    assert dispersion(scores, np.diag([1.0, 0.0])) == pytest.approx(2, rel=0.2)
