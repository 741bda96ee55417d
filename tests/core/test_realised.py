"""Realised over predicted heritability: unbiased whatever the truth is, with honest errors."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from deepwas_app.core.jackknife import jackknife_error
from deepwas_app.core.realised import realised

# Of three sets; the model says 1 of each.
TRUTH = np.array([0.4, 1.0, 2.5])
STUDIES = 60


@pytest.fixture(scope="module")
def sets(world):
    """Which of three sets each variant is in, by its annotation."""
    part = np.digitize(world.annotations[..., 1], [-0.4, 0.6])
    return (part[..., None] == np.arange(3)).astype(np.float32)


def with_sets(batches, sets):
    start = 0
    for batch in batches:
        stop = start + len(batch.index)
        both = jnp.concatenate([batch.annotations, jnp.asarray(sets[start:stop])], axis=-1)
        yield eqx.tree_at(lambda b: b.annotations, batch, both)
        start = stop


@pytest.fixture(scope="module")
def found(world, sets):
    """Ratios and their errors over studies whose truth is not the model's."""
    model = world.model([0.3, 0.0, -0.2, 0.0], level=0.2)
    scale = world.log_scale
    values = []
    for seed in range(STUDIES):
        world.log_scale = scale + np.log(sets @ TRUTH)
        try:
            drawn = world.draw(model, 700 + seed, per_batch=40)
        finally:
            world.log_scale = scale
        excess = jnp.asarray(np.log(sets @ TRUTH), jnp.float32)
        as_predicted = [
            eqx.tree_at(lambda b: b.log_n, batch, batch.log_n - excess) for batch in drawn
        ]
        got = realised(model, with_sets(as_predicted, sets), 3)
        values.append((got.ratio, jackknife_error(got.deleted)))
    return np.array(values)


def test_ratios_are_unbiased_far_from_the_model(found):
    ratio = found[:, 0]
    error = ratio.std(axis=0, ddof=1) / np.sqrt(STUDIES)
    assert (np.abs(ratio.mean(axis=0) - TRUTH) < 3.5 * error).all()
    # The sets are told apart, not only right on average.
    assert (error < 0.15 * TRUTH).all()


def test_jackknife_errors_are_the_spread_over_studies(found):
    ratio, error = found[:, 0], found[:, 1]
    spread = ratio.std(axis=0, ddof=1)
    np.testing.assert_allclose(error.mean(axis=0), spread, rtol=0.3)


def test_a_set_of_nothing_has_no_ratio(world, sets):
    model = world.model(level=0.2)
    empty = sets.copy()
    empty[..., 2] = 0
    found = realised(model, with_sets(world.draw(model, 1, per_batch=40), empty), 3)
    assert np.isnan(found.ratio[2])
    assert np.isnan(found.deleted[:, 2]).all()
    assert np.isfinite(found.ratio[:2]).all()


def test_padded_blocks_say_nothing(world, sets):
    model = world.model(level=0.2)
    (batch,) = with_sets(world.draw(model, 2, per_batch=40), sets)
    padded = eqx.tree_at(lambda b: b.index, batch, batch.index.at[-3:].set(-1))
    found = realised(model, [padded], 3)
    assert len(found.deleted) == 37
