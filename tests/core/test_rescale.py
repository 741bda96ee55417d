"""The level and the noise that the likelihood finds for a prior whose shape is given."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepwas_app.core.objectives import block_losses, log_prior_variance
from deepwas_app.core.priors import ConstantPrior, Prior
from deepwas_app.core.rescale import rescaled, with_prior
from deepwas_app.core.scoring import fit_scoring, start_scoring, total_information

TRUE = (0.6, -0.4, 0.0, 0.3)


class Shape(Prior):
    """A shape without a level."""

    name = "shape"

    def __call__(self, annotations, tracks=None):
        return 0.5 + 0.3 * annotations[..., 1]


@pytest.fixture(scope="module")
def batches(world):
    return world.draw(world.model(TRUE, level=0.4, s2=1.3), seed=2, per_batch=10)


def loss(model, batches):
    return float(np.sum([np.asarray(block_losses(model, b), np.float64).sum() for b in batches]))


def moved(model, level=0.0, log_s2=0.0):
    prior = model.prior.at_level(model.prior.level + level) if level else model.prior
    return replace(model, prior=prior, log_s2=model.log_s2 + log_s2)


def rescale(model, batches, **more):
    return rescaled(model, [with_prior(model, batch) for batch in batches], **more)


def test_neither_level_nor_noise_could_be_likelier(world, batches):
    """From a regression's: intercept thrice the noise, level a fifth."""
    wrong = world.model((0.3, -0.5, 0.2, 0.0), level=-1.2, s2=4.0)
    found = rescale(wrong, batches)
    best = loss(found, batches)
    for field in ("log_s2", "level"):
        for step in (0.05, -0.05):
            assert loss(moved(found, **{field: step}), batches) > best + 0.05
    # Shape, kappa and alpha are left alone.
    for field in (lambda m: m.prior.coefficients, lambda m: m.log_kappa, lambda m: m.alpha):
        np.testing.assert_array_equal(field(found), field(wrong))
    # Wherever it begins.
    other = rescale(wrong, batches, log_s2=jnp.asarray(0.0))
    assert float(other.s2) == pytest.approx(float(found.s2), rel=0.01)
    assert float(other.prior.level) == pytest.approx(float(found.prior.level), abs=0.01)


def test_of_the_constant_prior_it_is_the_fit_by_the_likelihood(world, batches):
    start = replace(world.model(level=-2.0, s2=3.0), learn_kappa=False)
    *_, step = fit_scoring(start_scoring(start), batches)
    found, fitted = rescale(start, batches), step.state.model
    assert float(found.prior.level) == pytest.approx(float(fitted.prior.level), abs=0.01)
    assert float(found.s2) == pytest.approx(float(fitted.s2), rel=0.01)


def test_the_variance_of_strong_loci_is_not_scaled(world, batches):
    own = jnp.zeros(batches[0].log_n.shape).at[0, 3].set(50.0)
    strong, model = replace(batches[0], own=own), world.model(TRUE)
    shifted = replace(model, prior=ConstantPrior(jnp.asarray(0.7)), alpha=jnp.asarray(0.0))
    d = np.exp(log_prior_variance(model, batches[0]))
    np.testing.assert_allclose(
        np.exp(log_prior_variance(shifted, with_prior(model, strong))),
        np.exp(0.7) * d + np.asarray(own),
        rtol=1e-4,
    )


def test_what_is_fixed_stays(world, batches):
    """s2 where it is not learned, and the scale of a prior that has no level."""
    model = world.model(TRUE, s2=1.1)
    fixed = rescale(replace(model, learn_s2=False), batches, log_s2=jnp.asarray(0.7))
    assert float(fixed.s2) == float(model.s2)
    assert float(fixed.prior.level) != float(model.prior.level)

    shape = replace(model, prior=Shape())
    found = rescale(shape, batches)
    assert float(found.s2) != float(model.s2)
    assert jax.tree.leaves(found.prior) == []
    best = loss(found, batches)
    for change in (1.05, 0.95):
        assert loss(moved(found, log_s2=np.log(change)), batches) > best
    nothing = replace(shape, learn_s2=False)
    assert rescale(nothing, batches) is nothing


def test_padding_stays_without_variance(world, batches):
    padded = replace(batches[0], log_n=batches[0].log_n.at[:, -1].set(-jnp.inf))
    model = world.model(TRUE)
    scaled = with_prior(model, padded)
    assert (np.asarray(scaled.log_n)[:, -1] == -np.inf).all()
    model = replace(world.model(), alpha=jnp.asarray(0.0))
    score = total_information(model, [scaled]).gradient
    assert np.isfinite(score).all()
