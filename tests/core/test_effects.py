"""Annotation effects: one-step jackknife against refits and simulation, enrichment, slopes."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import t

from deepwas_app.core.batch import Marginal
from deepwas_app.core.effects import (
    Jackknife,
    enrichment,
    enrichment_interval,
    score_test,
    tilt_fisher,
    tilt_jackknife,
)
from deepwas_app.core.held_out import losses_by_block
from deepwas_app.core.jackknife import jackknife_error, jackknife_sum
from deepwas_app.core.ldsr import with_weights
from deepwas_app.core.objectives import FULL_LIKELIHOOD, LDScoreRegression, block_losses, flatten
from deepwas_app.core.priors import Model, Standardisation, make_prior, ridge_precision
from deepwas_app.core.response import average_partial_effects
from deepwas_app.core.scoring import fit_scoring, start_scoring, total_information

COEFFICIENTS = [0.5, -0.4, 0.0, 0.3]


@pytest.fixture(scope="module")
def truth(world):
    return world.model(COEFFICIENTS, level=0.3)


def fit(world, batches, start=None, **options):
    start = start or world.model([0.0] * 4)
    for step in fit_scoring(start_scoring(start), batches, **options):
        model = step.state.model
    return model


def test_one_step_jackknife_agrees_with_refitting_without_each_block(world, truth):
    batches = world.draw(truth, seed=0, per_batch=1)
    model = fit(world, batches, tolerance=1e-4)
    moves = tilt_jackknife(model, world.standardise, batches)
    left_out = range(0, 40, 2)
    refits = [
        fit(world, batches[:b] + batches[b + 1 :], start=model, tolerance=1e-5).prior
        for b in left_out
    ]
    full = np.asarray(model.prior.coefficients)
    explicit = np.array([np.asarray(prior.coefficients) - full for prior in refits])
    level = np.array([float(prior.level) for prior in refits]) - float(model.prior.level)
    chosen = moves.coefficients[list(left_out)]
    # First order in one block of 40: the sizes agree to a few per cent of a standard error.
    np.testing.assert_allclose(chosen.std(axis=0), explicit.std(axis=0), rtol=0.15)
    for a in range(4):
        assert np.corrcoef(chosen[:, a], explicit[:, a])[0, 1] > 0.98
    assert np.corrcoef(moves.level[list(left_out)], level)[0, 1] > 0.98


def test_one_step_undoes_the_pull_of_a_normal_prior(world, truth):
    batches = world.draw(truth, seed=0, per_batch=1)
    free = fit(world, batches, tolerance=1e-4)
    model = fit(world, batches, tolerance=1e-4, precision=np.asarray(ridge_precision(free, 0.15)))
    own, pulled = (np.asarray(m.prior.coefficients, np.float64) for m in (free, model))
    assert np.abs(pulled - own).max() > 0.1
    moves = tilt_jackknife(model, world.standardise, batches)
    error = jackknife_error(moves.coefficients)
    np.testing.assert_allclose(pulled + moves.unpulled, own, atol=0.25 * np.abs(pulled - own).max())
    settled = tilt_jackknife(free, world.standardise, batches).unpulled
    assert (np.abs(settled) < 0.02 * error).all()


def regression(world, batches):
    """The batches with z-scores of the kept components, and regression's weights of them all."""
    found = []
    for batch in batches:
        z = jnp.einsum("bmr,br->bm", batch.block.Q, batch.block.x)
        marginal = Marginal(jnp.zeros_like(z), jnp.zeros_like(z), jnp.full(len(z), jnp.inf))
        batch = eqx.tree_at(lambda b: b.marginal, batch, marginal, is_leaf=lambda x: x is None)
        batch = with_weights(batch, jnp.full(z.shape, 1.3), jnp.asarray(1.2))
        found.append(eqx.tree_at(lambda b: b.marginal.z, batch, z))
    return found


# A regression's normal matrix is its curvature in expectation only: its one step goes less far.
@pytest.mark.parametrize(
    ("objective", "spread", "correlation"),
    [(FULL_LIKELIHOOD, 0.2, 0.97), (LDScoreRegression(), 0.3, 0.9)],
    ids=["likelihood", "ldsr"],
)
def test_one_step_jackknife_is_of_the_objective_and_leaves_fixed_noise_alone(
    world, truth, objective, spread, correlation
):
    batches = regression(world, world.draw(truth, seed=6, per_batch=1))

    def fixed(model):
        return Model(model.prior, truth.log_s2, truth.log_kappa, learn_s2=False, learn_kappa=False)

    start = fixed(world.model([0.0] * 4, level=0.3))
    model = fit(world, batches, start=start, objective=objective, tolerance=1e-5)
    moves = tilt_jackknife(model, world.standardise, batches, objective)
    full = np.asarray(model.prior.coefficients)
    left_out = range(0, 40, 2)
    explicit = [
        np.asarray(
            fit(
                world,
                batches[:b] + batches[b + 1 :],
                start=model,
                objective=objective,
                tolerance=1e-6,
            ).prior.coefficients
        )
        - full
        for b in left_out
    ]
    chosen = moves.coefficients[list(left_out)]
    np.testing.assert_allclose(chosen.std(axis=0), np.std(explicit, axis=0), rtol=spread)
    for a in range(4):
        assert np.corrcoef(chosen[:, a], np.array(explicit)[:, a])[0, 1] > correlation


def test_errors_of_regression_cover_over_simulated_studies(many_blocks, truth):
    """As below, for the weaker of the two objectives; its errors are the larger ones."""
    start = Model(
        many_blocks.model([0.0] * 4, level=0.3).prior,
        truth.log_s2,
        truth.log_kappa,
        learn_s2=False,
        learn_kappa=False,
    )
    objective, scores, ratio = LDScoreRegression(), [], []
    for seed in range(200, 230):
        batches = regression(many_blocks, many_blocks.draw(truth, seed, per_batch=80))
        model = fit(many_blocks, batches, start, objective=objective)
        moves = tilt_jackknife(model, many_blocks.standardise, batches, objective)
        error = jackknife_error(moves.coefficients)
        scores.append((np.asarray(model.prior.coefficients) - COEFFICIENTS) / error)
        other = tilt_jackknife(truth, many_blocks.standardise, batches)
        ratio.append(error / jackknife_error(other.coefficients))
    assert 0.75 < np.std(scores) < 1.3
    assert np.median(ratio) > 1.1


def test_tilt_of_a_collinear_annotation_stays_finite(world, truth):
    """Two equal annotations share one effect; the pseudo-inverse splits it evenly."""
    batches = world.draw(truth, seed=1, per_batch=40)
    twice = [
        eqx.tree_at(
            lambda b: b.annotations, b, jnp.concatenate([b.annotations, b.annotations[..., :1]], -1)
        )
        for b in batches
    ]
    s = world.standardise
    standardise = Standardisation(
        jnp.append(s.mean, s.mean[0]), jnp.append(s.deviation, s.deviation[0])
    )
    constant = world.model(level=0.3)
    alone = tilt_jackknife(constant, s, batches).coefficients
    shared = tilt_jackknife(constant, standardise, twice).coefficients
    np.testing.assert_allclose(shared[:, 0], shared[:, 4], rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(shared[:, 0] + shared[:, 4], alone[:, 0], rtol=1e-2, atol=1e-5)


def test_errors_of_dependent_annotations_do_not_hang_on_rounding(world, truth):
    """A fifth annotation is a sum of two others: float32 and float64 must say the same."""
    columns = jnp.asarray([0.0, 0.7, -1.3, 0.0])

    def errors(dtype):
        def cast(leaf):
            return leaf.astype(dtype) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf

        def dependent(batch):
            fifth = batch.annotations @ columns.astype(batch.annotations.dtype)
            annotations = jnp.concatenate([batch.annotations, fifth[..., None]], -1)
            return eqx.tree_at(lambda b: b.annotations, batch, annotations)

        batches = [
            dependent(jax.tree.map(cast, b)) for b in world.draw(truth, seed=1, per_batch=40)
        ]
        flat = np.concatenate([np.asarray(b.annotations, np.float64) for b in batches])
        flat = flat.reshape(-1, 5)
        standardise = Standardisation(
            jnp.asarray(flat.mean(0), dtype), jnp.asarray(flat.std(0), dtype)
        )
        constant = jax.tree.map(cast, world.model(level=0.3))
        return jackknife_error(tilt_jackknife(constant, standardise, batches).coefficients)

    single = errors(jnp.float32)
    with jax.enable_x64(True):
        double = errors(jnp.float64)
    np.testing.assert_allclose(single, double, rtol=0.02)


@pytest.fixture(scope="module")
def sets_of_known_enrichment():
    rng = np.random.default_rng(0)
    a = (rng.random(5_000) < 0.2).astype(float)
    v = np.exp(np.log(4.0) * a) / 1e4
    standardised = np.column_stack([(a - a.mean()) / a.std(), rng.normal(size=5_000)])
    sets = np.column_stack([a == 1, a == 0, np.ones(5_000, bool)])
    moves = Jackknife(rng.normal(size=30), rng.normal(size=(30, 2)) * 0.02)
    return a, v, standardised, sets, moves


def test_enrichment_of_known_sets(sets_of_known_enrichment):
    a, v, standardised, sets, moves = sets_of_known_enrichment
    found = enrichment(v, sets, standardised, moves)
    share = 4 * a.mean() / (4 * a.mean() + 1 - a.mean())
    np.testing.assert_allclose(found.share, [share, 1 - share, 1.0], rtol=1e-12)
    np.testing.assert_allclose(found.variants, [a.mean(), 1 - a.mean(), 1.0], rtol=1e-12)
    np.testing.assert_allclose(found.value, found.share / found.variants, rtol=1e-12)


def test_enrichment_errors_are_those_of_recomputed_shares(sets_of_known_enrichment):
    _, v, standardised, sets, moves = sets_of_known_enrichment
    found = enrichment(v, sets, standardised, moves)
    deleted = []
    for move in moves.coefficients:
        tilted = v * np.exp(standardised @ move)
        deleted.append(tilted @ sets / tilted.sum())
    expected = jackknife_error(np.array(deleted))
    np.testing.assert_allclose(found.share_error[:2], expected[:2], rtol=0.05)
    np.testing.assert_allclose(found.error, found.share_error / found.variants, rtol=1e-12)
    assert found.share_error[2] == pytest.approx(0.0, abs=1e-12)


def test_enrichment_z_is_the_log_odds_ratio_over_its_error(sets_of_known_enrichment):
    """Inside against outside heritability per variant is 4 to 1, whatever the set's size."""
    _, v, standardised, sets, moves = sets_of_known_enrichment
    found = enrichment(v, sets, standardised, moves)
    deviation = sets[:, 0].std()
    # log odds move by the coefficient per unit of the annotation: c / deviation.
    error = jackknife_error(moves.coefficients[:, :1] / deviation)
    np.testing.assert_allclose(found.z[0], np.log(4.0) / error[0], rtol=0.05)
    assert found.z[1] == pytest.approx(-found.z[0])
    none = enrichment(np.ones(5_000), sets, standardised, moves)
    assert none.z[0] == pytest.approx(0.0, abs=1e-9)
    np.testing.assert_allclose(none.value, 1.0, rtol=1e-12)


def test_enrichment_interval_stays_between_its_ends(sets_of_known_enrichment):
    _, v, standardised, sets, moves = sets_of_known_enrichment
    found = enrichment(v, sets, standardised, moves)
    low, high = enrichment_interval(found)
    assert (low[:2] > 0).all()
    assert (low[:2] < found.value[:2]).all()
    assert (found.value[:2] < high[:2]).all()
    assert (high[:2] < 1 / found.variants[:2]).all()
    # Symmetric on the log-odds scale, where the z-score is; near the estimate as wide as
    # +- t se, with a degree of freedom less than there are blocks.
    width = t.ppf(0.975, len(moves.coefficients) - 1)
    np.testing.assert_allclose((high - low)[:2], 2 * width * found.error[:2], rtol=0.1)
    excludes = (low > 1) | (high < 1)
    np.testing.assert_array_equal(excludes[:2], np.abs(found.z[:2]) > width)


def test_information_of_the_tilt_is_that_of_a_linear_prior(world, truth):
    """Whose own level and coefficients are the tilt's."""
    batches = world.draw(truth, seed=11, per_batch=10)
    _, _, expected = total_information(truth, batches)[:3]
    found = tilt_fisher(truth, world.standardise, batches)
    scale = np.sqrt(np.diag(expected))
    np.testing.assert_allclose(
        found / np.outer(scale, scale), expected / np.outer(scale, scale), atol=1e-4
    )


def test_average_partial_effects_of_a_linear_prior_are_its_coefficients(world, truth):
    flat = world.annotations.reshape(-1, 4)
    binary = np.array([True, False, False, False])
    found = average_partial_effects(truth.prior, flat, world.standardise, binary)
    np.testing.assert_allclose(found, COEFFICIENTS, atol=1e-5)


def test_average_partial_effects_of_a_curved_prior_are_averaged_differences(world):
    prior = make_prior("mlp", world.standardise, level=0.0, width=5, depth=1)
    prior = eqx.tree_at(
        lambda p: p.network.layers[-1].weight,
        prior,
        jax.random.normal(jax.random.key(1), prior.network.layers[-1].weight.shape),
    )
    flat = world.annotations.reshape(-1, 4)[:500]
    binary = np.array([True, False, False, False])
    found = average_partial_effects(prior, flat, world.standardise, binary)
    deviation = np.asarray(world.standardise.deviation)

    def mean_at(column, values):
        moved = flat.copy()
        moved[:, column] = values
        return float(np.asarray(prior(jnp.asarray(moved)), np.float64).mean())

    expected = [(mean_at(0, 1.0) - mean_at(0, 0.0)) * deviation[0]]
    for j in (1, 2, 3):
        half = 0.5 * deviation[j]
        expected.append(mean_at(j, flat[:, j] + half) - mean_at(j, flat[:, j] - half))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert np.abs(found).max() > 0.05


def test_losses_by_block_are_filed_under_their_block(world, truth):
    batches = world.draw(truth, seed=2, per_batch=10)
    found = losses_by_block(truth, [batches[3], batches[0]], 41)
    assert np.isnan(found[10:30]).all()
    assert np.isnan(found[40])
    np.testing.assert_allclose(found[:10], block_losses(truth, batches[0]), rtol=1e-6)
    np.testing.assert_allclose(found[30:40], block_losses(truth, batches[3]), rtol=1e-6)


def test_score_test_is_one_step_from_no_effects_over_its_spread(world, truth):
    """By hand from the information of a linear prior without effects."""
    batches = world.draw(truth, seed=1, per_batch=20)
    constant = fit(world, batches, world.model(level=0.3), tolerance=1e-6)
    nothing = make_prior("linear", world.standardise, level=float(constant.prior.level))
    flat, unravel = flatten(eqx.tree_at(lambda m: m.prior, constant, nothing))
    parts = [FULL_LIKELIHOOD.information(flat, unravel, batch) for batch in batches]
    scores = -np.concatenate([part.score for part in parts]).astype(np.float64)
    steps = scores @ np.linalg.inv(sum(np.asarray(part.fisher, np.float64) for part in parts))
    expected = [total.value / total.error for total in map(jackknife_sum, steps[:, 1:5].T)]
    found = score_test(constant, world.standardise, batches)
    np.testing.assert_allclose(found.z, expected, rtol=1e-3)
    np.testing.assert_allclose(found.p, 2 * t.sf(np.abs(expected), 39), rtol=1e-2)
    assert np.sign(found.z[[0, 1, 3]]).tolist() == [1, -1, 1]
    assert (found.p[[0, 1, 3]] < 0.05).all()


def test_score_test_has_its_level_where_nothing_is_there(world):
    """z of 4 annotations in 60 studies: their s.d. is known to 5%."""
    truth = world.model(level=-1.0)
    z = []
    for seed in range(60):
        batches = world.draw(truth, seed, per_batch=40)
        constant = fit(world, batches, truth)
        z.append(score_test(constant, world.standardise, batches).z)
    assert 0.85 < np.std(z) < 1.2
    assert np.abs(np.mean(z)) < 0.25


def test_score_test_of_an_annotation_that_says_nothing_is_nan(world, truth):
    batches = [
        eqx.tree_at(lambda b: b.annotations, b, b.annotations.at[..., 2].set(1.0))
        for b in world.draw(truth, seed=1, per_batch=40)
    ]
    s = world.standardise
    still = Standardisation(s.mean.at[2].set(1.0), s.deviation.at[2].set(1.0))
    constant = fit(world, batches, world.model(level=0.3))
    assert np.isnan(score_test(constant, still, batches).p).tolist() == [False, False, True, False]
