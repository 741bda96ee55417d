"""A strong variant with a variance of its own leaves annotations and noise to all others."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

from deepwas_app.core.moments import moment_estimate
from deepwas_app.core.objectives import log_prior_variance
from deepwas_app.core.objectives.ld_score_regression import prior_variance
from deepwas_app.core.scoring import fit_scoring, start_scoring, total_information

TRUE = (0.4, 0.2, 0.0, -0.3)
STRONG = 60.0


def with_strong(world, batch, own: bool):
    """One variant of the batch, outside the first annotation, with an effect of `STRONG`."""
    batch_annotations = np.asarray(batch.annotations)
    j = int(np.flatnonzero(batch_annotations[0, :, 0] == 0)[3])
    x = batch.block.x.at[0].add(STRONG * batch.block.Q[0, j])
    variance = jnp.zeros(batch.log_n.shape).at[0, j].set(STRONG**2)
    return replace(batch, block=replace(batch.block, x=x), own=variance if own else None)


def coefficients(world, batches):
    start = start_scoring(world.model(np.zeros(4), s2=1.0))
    *_, last = fit_scoring(start, batches)
    return np.asarray(last.state.model.prior.coefficients), float(last.state.model.s2)


def test_what_the_prior_learns_is_what_it_learns_without_the_strong_variant(world):
    batches = world.draw(world.model(TRUE, level=0.5), seed=4, per_batch=40)
    without, plain = coefficients(world, batches)
    own, s2 = coefficients(world, [with_strong(world, batches[0], own=True)])
    np.testing.assert_allclose(own, without, atol=0.05)
    assert s2 == pytest.approx(plain, abs=0.05)
    # And this is what it is spared.
    shared, _ = coefficients(world, [with_strong(world, batches[0], own=False)])
    assert np.abs(shared - without).max() > 0.3


def test_it_adds_to_the_variance_of_the_prior(world):
    model = world.model(TRUE)
    (batch,) = world.draw(model, seed=4, per_batch=40)
    strong = with_strong(world, batch, own=True)
    d = np.exp(log_prior_variance(model, batch))
    np.testing.assert_allclose(
        np.exp(log_prior_variance(model, strong)), d + np.asarray(strong.own), rtol=1e-5
    )
    # Nothing of its own is as if there were no strong loci.
    none = replace(batch, own=jnp.zeros(batch.log_n.shape))
    np.testing.assert_array_equal(log_prior_variance(model, none), log_prior_variance(model, batch))


def test_padding_has_no_slope_of_its_own(world):
    model = world.model(TRUE)
    (batch,) = world.draw(model, seed=4, per_batch=40)
    padded = replace(with_strong(world, batch, own=True), log_n=batch.log_n.at[:, -1].set(-jnp.inf))
    _, score, fisher = total_information(model, [padded])[:3]
    assert np.isfinite(score).all()
    assert np.isfinite(fisher).all()


def test_the_first_estimate_knows_of_it(world):
    (batch,) = world.draw(world.model(level=0.5), seed=4, per_batch=40)
    without = moment_estimate([batch])
    own = moment_estimate([with_strong(world, batch, own=True)])
    shared = moment_estimate([with_strong(world, batch, own=False)])
    assert own.level == pytest.approx(without.level, abs=0.1)
    assert abs(shared.level - without.level) + abs(shared.s2 - without.s2) > 0.2


def test_regression_expects_its_chi_squares(world):
    """LD score regression of blocks with a strong locus does not take it for a steeper slope."""
    model = world.model(TRUE)
    (batch,) = world.draw(model, seed=4, per_batch=40)
    strong = with_strong(world, batch, own=True)
    np.testing.assert_allclose(
        prior_variance(model, strong) - prior_variance(model, batch), strong.own, atol=1e-3
    )
