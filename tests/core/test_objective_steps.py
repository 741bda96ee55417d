"""Objectives and batches by hand: what reaches a solve, what is stacked, what is refused."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepwas_app.core import Iterative, UnconvergedError, WhitenedBlock
from deepwas_app.core.batch import BlockBatch, Marginal, pad_stack, put, stack_blocks
from deepwas_app.core.iterative import Report
from deepwas_app.core.likelihood import Likelihood
from deepwas_app.core.objectives import (
    FULL_LIKELIHOOD,
    BlockLosses,
    FullLikelihood,
    LDScoreRegression,
    block_losses,
    flatten,
    full_likelihood,
    log_prior_variance,
)
from deepwas_app.core.objectives.ld_score_regression import prior_variance
from deepwas_app.core.priors import LinearPrior, Model, Prior, Standardisation

BLOCKS, VARIANTS, COMPONENTS = 3, 9, 4


def model_of(link="exp", **learned) -> Model:
    standardise = Standardisation(jnp.array([0.2, -0.1]), jnp.array([1.5, 0.5]))
    prior = LinearPrior(standardise, jnp.asarray(-0.4), jnp.array([0.3, -0.2]), link)
    return Model(prior, jnp.asarray(0.2), jnp.asarray(-1.0), **learned)


@pytest.fixture(scope="module")
def arrays():
    rng = np.random.default_rng(0)
    return {
        "Q": rng.standard_normal((BLOCKS, VARIANTS, COMPONENTS)) / 2,
        "x": rng.standard_normal((BLOCKS, COMPONENTS)),
        "eigenvalues": rng.uniform(0.5, 3.0, (BLOCKS, COMPONENTS)),
        "annotations": rng.standard_normal((BLOCKS, VARIANTS, 2)),
        "log_n": rng.standard_normal((BLOCKS, VARIANTS)),
        "z": rng.standard_normal((BLOCKS, VARIANTS)) * 2,
        "weight": rng.uniform(0.1, 1.0, (BLOCKS, VARIANTS)),
        "people": np.array([50.0, np.inf, 300.0]),
    }


def batch_of(arrays) -> BlockBatch:
    a = {name: jnp.asarray(value) for name, value in arrays.items()}
    return BlockBatch(
        block=WhitenedBlock(a["Q"], a["x"], a["eigenvalues"]),
        annotations=a["annotations"],
        log_n=a["log_n"],
        log_heterozygosity=0 * a["log_n"],
        counted=jnp.ones((BLOCKS, VARIANTS), bool),
        index=jnp.array([4, 0, 7]),
        marginal=Marginal(a["z"], a["weight"], a["people"]),
    )


def variances(arrays) -> np.ndarray:
    eta = (arrays["annotations"] - [0.2, -0.1]) / [1.5, 0.5] @ [0.3, -0.2]
    return np.exp(-0.4 + arrays["log_n"]), eta


def test_what_reaches_the_solve_of_each_block(arrays, monkeypatch):
    """Its variances and noise, the solver, and the key folded with its number in the study."""
    options = Iterative(probes=3)

    def solve(block, log_d, noise, *, solver, options, key):
        said = jax.random.uniform(key) + 100 * log_d @ jnp.arange(1.0, 10) + 1e4 * noise[1]
        report = Report(options.tolerance * noise[0], jnp.asarray(options.probes), block.x[2])
        return Likelihood(said, report if solver == "iterative" else None)

    monkeypatch.setattr(full_likelihood, "likelihood_with_report", solve)
    key = jax.random.key(11)
    found = FullLikelihood("iterative", options).losses(model_of(), batch_of(arrays), key)
    scale, eta = variances(arrays)
    noise = np.exp(0.2) + np.exp(-1.0) / arrays["eigenvalues"]
    drawn = [float(jax.random.uniform(jax.random.fold_in(key, index))) for index in (4, 0, 7)]
    log_d = np.log(scale) + eta
    expected = drawn + 100 * log_d @ np.arange(1.0, 10) + 1e4 * noise[:, 1]
    np.testing.assert_allclose(found.loss, expected, rtol=1e-6, atol=0.01)
    np.testing.assert_allclose(found.residual, 1e-4 * noise[:, 0], rtol=1e-5)
    np.testing.assert_array_equal(found.iterations, 3)
    np.testing.assert_allclose(found.error, arrays["x"][:, 2], rtol=1e-5)


def test_losses_are_by_key_0_where_none_is_given(arrays):
    class Keyed(FullLikelihood):
        def losses(self, model, batch, key):
            zero = jnp.zeros(BLOCKS)
            drawn = jax.random.uniform(key, (BLOCKS,))
            return BlockLosses(drawn, zero, zero, jnp.zeros(BLOCKS, jnp.int32))

    found = block_losses(model_of(), batch_of(arrays), Keyed())
    np.testing.assert_array_equal(found, jax.random.uniform(jax.random.key(0), (BLOCKS,)))


def test_solves_that_went_wrong_are_told_by_their_blocks_and_the_worst():
    residual = jnp.array([0.5e-3, 0.02, 1e-3, 0.3])
    found = BlockLosses(jnp.zeros(4), jnp.zeros(4), residual, jnp.array([99, 7, 50, 5]))
    with pytest.raises(UnconvergedError) as e:
        FULL_LIKELIHOOD.check_converged(found, np.array([10, 11, 12, 13]))
    # Ten times the tolerance is trusted; of the others the largest of each.
    assert (e.value.iterations, e.value.blocks) == (7, (11, 13))
    assert e.value.residual == pytest.approx(0.3)
    FULL_LIKELIHOOD.check_converged(found._replace(residual=jnp.full(4, 1e-3)), np.arange(4))
    LDScoreRegression().check_converged(found, np.arange(4))


@pytest.mark.usefixtures("x64")
def test_regression_by_hand(arrays):
    """Loss, score and normal matrix of weighted squares, from dense corrected r^2."""
    batch, model = batch_of(arrays), model_of("relu", learn_kappa=False)
    objective = LDScoreRegression()
    flat, unravel = flatten(model)
    found = jax.jit(lambda p: objective.information(p, unravel, batch))(flat)
    scale, eta = variances(arrays)
    d = (1 + eta) * scale
    s2, kappa = np.exp(0.2), np.exp(-1.0)
    standard = (arrays["annotations"] - [0.2, -0.1]) / [1.5, 0.5]
    fisher = np.zeros((4, 4))
    for b in range(BLOCKS):
        Q = arrays["Q"][b]
        squared = (Q @ Q.T) ** 2
        squared = squared - (1 - squared) / (arrays["people"][b] - 2)
        h = (Q**2 / arrays["eigenvalues"][b]).sum(axis=1)
        left = arrays["z"][b] ** 2 - s2 - kappa * h - squared @ d[b]
        w = arrays["weight"][b]
        # In the level, the two coefficients and log s2.
        slope = scale[b][:, None] * standard[b]
        jacobian = np.column_stack([squared @ d[b], squared @ slope, np.full(VARIANTS, s2)])
        assert found.loss[b] == pytest.approx(0.5 * w @ left**2, rel=1e-9)
        np.testing.assert_allclose(found.score[b], -(jacobian.T * w) @ left, rtol=1e-8)
        fisher += (jacobian.T * w) @ jacobian
    np.testing.assert_allclose(found.fisher, fisher, rtol=1e-8)
    losses = objective.losses(model, batch, jax.random.key(0))
    np.testing.assert_allclose(losses.loss, found.loss, rtol=1e-9)
    for nothing in losses[1:]:
        np.testing.assert_array_equal(nothing, np.zeros(BLOCKS))


class Outside(Prior):
    """A prior that is asked one block at a time, and reads tracks."""

    by_block = True
    level: jax.Array

    def __call__(self, annotations, tracks=None):
        assert annotations.ndim == 2
        return self.level * annotations[:, 0] + tracks.sum(axis=(1, 2))


def test_priors_that_are_asked_by_block_are_asked_by_block(arrays):
    tracks = np.random.default_rng(1).standard_normal((BLOCKS, VARIANTS, 5, 2))
    batch = eqx.tree_at(
        lambda b: b.tracks, batch_of(arrays), jnp.asarray(tracks), is_leaf=lambda x: x is None
    )
    model = Model(Outside(jnp.asarray(0.5)), jnp.asarray(0.0), jnp.asarray(0.0))
    expected = 0.5 * arrays["annotations"][..., 0] + tracks.sum(axis=(2, 3)) + arrays["log_n"]
    np.testing.assert_allclose(log_prior_variance(model, batch), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(prior_variance(model, batch), np.exp(expected), rtol=1e-4)


def single(number: int, variants: int, components: int, rng) -> BlockBatch:
    """A block without the leading axis, with tracks and what regression looks at."""
    return BlockBatch(
        block=WhitenedBlock(
            rng.standard_normal((variants, components)),
            rng.standard_normal(components),
            rng.uniform(1, 2, components),
        ),
        annotations=rng.standard_normal((variants, 3)),
        log_n=rng.standard_normal(variants),
        log_heterozygosity=rng.standard_normal(variants),
        counted=np.ones(variants, bool),
        index=np.array(number),
        tracks=rng.standard_normal((variants, 4, 2)),
        marginal=Marginal(
            rng.standard_normal(variants), rng.uniform(size=variants), np.array(100.0 + number)
        ),
    )


@pytest.mark.usefixtures("x64")
def test_everything_is_stacked_and_padded_with_what_counts_for_nothing():
    rng = np.random.default_rng(2)
    parts = [single(5, 3, 2, rng), single(0, 4, 1, rng)]
    found = stack_blocks(parts, variants=6, components=3, blocks=3)
    fills = {
        "annotations": 0, "log_n": -np.inf, "log_heterozygosity": 0, "counted": False, "index": -1,
        "tracks": 0,
    }  # fmt: skip
    stacked = {name: getattr(found, name) for name in fills}
    single_parts = {name: [getattr(p, name) for p in parts] for name in fills}
    for name, fill in (("Q", 0), ("x", 0), ("eigenvalues", np.inf)):
        fills[name], stacked[name] = fill, getattr(found.block, name)
        single_parts[name] = [getattr(p.block, name) for p in parts]
    for name, fill in (("z", 0), ("weight", 0), ("people", np.inf)):
        fills[name], stacked[name] = fill, getattr(found.marginal, name)
        single_parts[name] = [getattr(p.marginal, name) for p in parts]
    for name, fill in fills.items():
        rest = np.array(stacked[name])
        for i, part in enumerate(single_parts[name]):
            corner = (i, *(slice(n) for n in part.shape))
            np.testing.assert_array_equal(rest[corner], part, err_msg=name)
            rest[corner] = fill
        np.testing.assert_array_equal(rest, np.full(rest.shape, fill), err_msg=name)
    assert found.block.Q.shape == (3, 6, 3)
    assert found.tracks.shape == (3, 6, 4, 2)
    moved = put(found)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(moved), strict=True):
        assert isinstance(b, jax.Array)
        np.testing.assert_array_equal(a, b)
    plain = eqx.tree_at(lambda p: (p.tracks, p.marginal), parts[0], (None, None))
    alone = stack_blocks([plain], 3, 2, 1)
    assert alone.tracks is alone.marginal is None
    np.testing.assert_array_equal(pad_stack([np.ones(1)], (2, 2)), [[1, 0], [0, 0]])
