"""Effects, response and shifts by hand, on arrays small enough for it."""

import inspect

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import t as student

from deepwas_app.core import effects, response
from deepwas_app.core.batch import BlockBatch
from deepwas_app.core.effects import (
    Enrichment,
    Jackknife,
    Tilt,
    enrichment,
    enrichment_interval,
    tilt_fisher,
    tilt_jackknife,
)
from deepwas_app.core.held_out import losses_by_block
from deepwas_app.core.jackknife import jackknife_error, jackknife_sum
from deepwas_app.core.objectives import BlockLosses, FullLikelihood, Information
from deepwas_app.core.priors import Model, Prior, Standardisation
from deepwas_app.core.response import average_partial_effects, integrated_gradients
from deepwas_app.core.shifts import draw_shifts, shift_test


class Toy(Prior):
    """Curved in two annotations and, where they are given, in the mean of three tracks."""

    def __call__(self, annotations, tracks=None):
        a = jnp.asarray(annotations)
        value = jnp.sin(a[..., 0]) + 0.3 * a[..., 0] * a[..., 1] ** 2
        if tracks is not None:
            value = value + jnp.sum(jnp.asarray(tracks).mean(axis=-2) ** 2, axis=-1) * a[..., 1]
        return value


STANDARDISE = Standardisation(jnp.array([0.4, -1.0]), jnp.array([0.5, 2.0]))


def test_a_tilt_adds_to_log_f_and_multiplies_f():
    a = np.random.default_rng(0).standard_normal((5, 2)).astype(np.float32)
    tracks = jnp.ones((5, 3, 3))
    tilt = Tilt(Toy(), STANDARDISE, jnp.asarray(0.3), jnp.array([0.7, -0.2]))
    by_hand = 0.3 + 0.7 * (a[:, 0] - 0.4) / 0.5 - 0.2 * (a[:, 1] + 1) / 2
    log_f = np.asarray(Toy()(a, tracks)) + np.asarray(by_hand)
    np.testing.assert_allclose(tilt(a, tracks), log_f, rtol=1e-5)
    np.testing.assert_allclose(tilt.signed(a, tracks), np.exp(log_f), rtol=1e-5)


class Line(FullLikelihood):
    """Least squares in (level, coefficients, log s2, log kappa): rows of each block as regressors.

    It reads the tilt off its own numbers, so that moves by hand are exact.
    """

    def information(self, parameters, unravel, batch):
        def numbers(flat):
            model = unravel(flat)
            tilt = model.prior
            return jnp.concatenate(
                [tilt.level[None], tilt.coefficients, model.log_s2[None], model.log_kappa[None]]
            )

        slopes = jax.jacfwd(numbers)(parameters)
        regressors = batch.block.Q @ slopes
        left = jnp.einsum("bjr,r->bj", batch.block.Q, numbers(parameters)) - batch.log_n
        score = jnp.einsum("bj,bjp->bp", left, regressors)
        fisher = jnp.einsum("bjp,bjq->pq", regressors, regressors)
        return Information(jnp.sum(left**2, axis=1) / 2, score, fisher)


@pytest.fixture(scope="module")
def blocks():
    """Six blocks of seven rows, the last but padding, in two batches; as dense arrays too."""
    from deepwas_app.core import WhitenedBlock

    rng = np.random.default_rng(1)
    X, y = rng.standard_normal((6, 7, 5)), rng.standard_normal((6, 7))
    index = np.array([0, 1, 2, 3, 4, -1])
    batches = [
        BlockBatch(
            block=WhitenedBlock(
                jnp.asarray(X[part], jnp.float32), jnp.zeros((3, 5)), jnp.ones((3, 5))
            ),
            annotations=jnp.zeros((3, 7, 2)),
            log_n=jnp.asarray(y[part], jnp.float32),
            log_heterozygosity=jnp.zeros((3, 7)),
            counted=jnp.ones((3, 7), bool),
            index=jnp.asarray(index[part]),
        )
        for part in (slice(0, 3), slice(3, 6))
    ]
    return X[:5], y[:5], batches


@pytest.mark.parametrize("s2", [True, False])
@pytest.mark.parametrize("kappa", [True, False])
def test_moves_are_those_of_a_regression_without_each_block(blocks, s2, kappa):
    """What is not learned stays out; the model's own noise is where the tilt begins."""
    X, y, batches = blocks
    noise = np.array([0.3, -0.6])
    model = Model(Toy(), *map(jnp.asarray, noise), learn_s2=s2, learn_kappa=kappa)
    found = tilt_jackknife(model, STANDARDISE, batches, Line())
    free = [0, 1, 2, *([3] if s2 else []), *([4] if kappa else [])]
    left = X[:, :, 3:] @ noise - y
    score = np.einsum("bjp,bj->bp", X[:, :, free], left)
    score -= score.mean(axis=0)
    fisher = np.einsum("bjp,bjq->bpq", X[:, :, free], X[:, :, free])
    moves = [
        np.linalg.solve(fisher.sum(axis=0) - own, g) for g, own in zip(score, fisher, strict=True)
    ]
    np.testing.assert_allclose(found.level, np.array(moves)[:, 0], rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(found.coefficients, np.array(moves)[:, 1:3], rtol=1e-3, atol=1e-5)


def test_a_direction_without_information_does_not_move(blocks):
    _, _, batches = blocks
    batches = [eqx.tree_at(lambda b: b.block.Q, b, b.block.Q.at[:, :, 2].set(0.0)) for b in batches]
    model = Model(Toy(), jnp.asarray(0.0), jnp.asarray(0.0))
    found = tilt_jackknife(model, STANDARDISE, batches, Line())
    np.testing.assert_array_equal(found.coefficients[:, 1], 0.0)
    assert (np.abs(found.coefficients[:, 0]) > 1e-3).all()
    values = np.array([0.0, 2.0, -1.0, 0.5])
    np.testing.assert_array_equal(effects._reciprocal(values), [0.0, 0.5, 0.0, 2.0])


@pytest.mark.parametrize("kept", [0, 500])
def test_moves_are_the_same_where_not_all_is_kept_in_memory(monkeypatch, blocks, kept):
    """No block's information is kept, or that of the first batch."""
    _, _, batches = blocks
    model = Model(Toy(), jnp.asarray(0.3), jnp.asarray(-0.6))
    expected = tilt_jackknife(model, STANDARDISE, batches, Line())
    monkeypatch.setattr(effects, "_KEPT", kept)
    for one, other in zip(
        tilt_jackknife(model, STANDARDISE, batches, Line()), expected, strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_another_model_and_other_batches_are_not_compiled_again(blocks):
    _, _, batches = blocks
    traced = []

    class Counting(Line):
        def information(self, parameters, unravel, batch):
            traced.append(None)
            return super().information(parameters, unravel, batch)

    for noise in (0.1, 0.2):
        model = Model(Toy(), jnp.asarray(noise), jnp.asarray(0.0))
        tilt_jackknife(model, STANDARDISE, batches, Counting())
    assert len(traced) == 1


def test_information_of_the_tilt_leaves_padding_out(monkeypatch, blocks):
    X, _, batches = blocks
    monkeypatch.setattr(effects, "FULL_LIKELIHOOD", Line())
    model = Model(Toy(), jnp.asarray(0.0), jnp.asarray(0.0))
    found = tilt_fisher(model, STANDARDISE, batches)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, np.einsum("bjp,bjq->pq", X, X), rtol=1e-4, atol=1e-4)


@pytest.fixture(scope="module")
def enriched():
    rng = np.random.default_rng(4)
    a = rng.standard_normal((40, 3))
    v = np.exp(0.5 * a[:, 0])
    sets = np.column_stack([a[:, 0] > 0.5, rng.random(40) < 0.3, np.ones(40, bool)])
    return v, sets, a, Jackknife(np.zeros(12), 0.05 * rng.standard_normal((12, 3)))


@pytest.mark.parametrize("stretch", [7, 40, 65_536])
def test_enrichment_by_hand(monkeypatch, enriched, stretch):
    """Shares of the tilted heritability by finite differences, whatever is summed at once."""
    monkeypatch.setattr(effects, "_STRETCH", stretch)
    v, sets, a, moves = enriched
    found = enrichment(v, sets, a, moves)

    def share(c):
        tilted = v * np.exp(a @ c)
        return tilted @ sets / tilted.sum()

    inside = sets.mean(axis=0)
    step = 1e-5 * np.eye(3)
    slope = np.array([(share(row) - share(-row)) / 2e-5 for row in step]).T
    deleted = moves.coefficients @ slope.T
    error = np.sqrt(11 / 12 * ((deleted - deleted.mean(axis=0)) ** 2).sum(axis=0))
    np.testing.assert_allclose(found.share, share(np.zeros(3)), rtol=1e-9)
    np.testing.assert_allclose(found.variants, inside, rtol=1e-9)
    np.testing.assert_allclose(found.value, found.share / inside, rtol=1e-9)
    np.testing.assert_allclose(found.share_error, error, rtol=1e-6, atol=1e-10)
    np.testing.assert_allclose(found.error, error / inside, rtol=1e-6, atol=1e-10)
    assert found.blocks == 12

    def logit(p):
        return np.log(p / (1 - p))

    two = slice(0, 2)
    # The error of a log odds is that of the share over share times rest.
    own = found.share_error[two] / (found.share * (1 - found.share))[two]
    expected = (logit(found.share[two]) - logit(inside[two])) / own
    np.testing.assert_allclose(found.z[two], expected, rtol=1e-9)


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_the_interval_of_an_enrichment_is_of_its_log_odds(level):
    share, error, inside = np.array([0.3, 0.9]), np.array([0.05, 0.04]), np.array([0.1, 0.5])
    found = Enrichment(share / inside, error / inside, share, error, inside, np.zeros(2), 9)
    width = student.ppf(0.5 + level / 2, 8) * error / (share * (1 - share))
    odds = share / (1 - share) * np.exp(np.outer([-1, 1], width))
    given = {} if level == 0.95 else {"level": level}
    for end, expected in zip(enrichment_interval(found, **given), odds, strict=True):
        np.testing.assert_allclose(end, expected / (1 + expected) / inside, rtol=1e-9)


def test_partial_effects_are_differences_of_means():
    """A switch for what is binary, half an s.d. each way for the other; tracks as they are."""
    rng = np.random.default_rng(5)
    a = np.column_stack([rng.integers(0, 2, 30), rng.standard_normal(30)]).astype(np.float32)
    tracks = rng.standard_normal((30, 4, 3)).astype(np.float32)
    found = average_partial_effects(Toy(), a, STANDARDISE, np.array([True, False]), tracks)

    def mean(column, values):
        moved = a.copy()
        moved[:, column] = values
        return float(Toy()(moved, tracks).mean())

    # Per s.d.: a step from 0 to 1 is two s.d. of 0.5 long.
    first = 0.5 * (mean(0, 1) - mean(0, 0))
    second = mean(1, a[:, 1] + 1) - mean(1, a[:, 1] - 1)
    np.testing.assert_allclose(found, [first, second], rtol=1e-4)


def test_responses_hold_tracks_as_they_are():
    rng = np.random.default_rng(6)
    a = rng.standard_normal((20, 2)).astype(np.float32)
    tracks = rng.standard_normal((20, 4, 3)).astype(np.float32)
    points = np.array([[0.5], [-2.0], [1.0]])
    found = response.response(Toy(), a, [1], points, tracks)
    base = Toy()(a, tracks).mean()
    moved = [np.column_stack([a[:, 0], np.full(20, p, np.float32)]) for (p,) in points]
    expected = [float(Toy()(m, tracks).mean() - base) for m in moved]
    np.testing.assert_allclose(found, expected, atol=2e-5)
    assert found.dtype == np.float64


@pytest.mark.usefixtures("x64")
def test_integrated_gradients_in_double_precision():
    """A product and a square have integrals that are known: of b c^2, a third of it is b's."""

    class Products(Prior):
        def __call__(self, annotations, tracks=None):
            a = annotations
            both = a[..., 0] * a[..., 1] ** 2
            return both if tracks is None else both + jnp.sum(tracks**2, axis=(-2, -1))

    a = np.random.default_rng(7).standard_normal((4, 2)) + 3
    tracks = np.random.default_rng(8).standard_normal((4, 5, 3)).astype(np.float32)
    product = a[:, 0] * a[:, 1] ** 2
    base, quiet = np.zeros(2), np.zeros(3)
    alone = integrated_gradients(Products(), a, base)
    both = integrated_gradients(Products(), a, base, tracks, quiet)
    for found in (alone, both):
        np.testing.assert_allclose(found[:, 0], product / 3, rtol=1e-12)
        np.testing.assert_allclose(found[:, 1], 2 * product / 3, rtol=1e-12)
    np.testing.assert_allclose(both[:, 2:], (tracks**2).sum(axis=1), rtol=1e-6)


@pytest.mark.parametrize(
    ("good", "counts"), [(32, [32]), (128, [32, 128]), (512, [32, 128, 512]), (0, [32, 128, 512])]
)
def test_nodes_are_added_until_parts_add_up(monkeypatch, good, counts):
    """To a thousandth, by 32, 128 and at most 512 nodes."""
    a, asked = np.array([[0.7, 1.0], [0.2, -0.5]], np.float32), []
    whole = np.asarray(Toy()(a), np.float64)

    def quadrature(prior, inputs, baseline, count):
        asked.append(count)
        # Of either sign, in one variant only.
        off = 0.0009 if count == good else -0.0011
        return np.column_stack([whole + np.array([0.0, off]), np.zeros(2)])

    monkeypatch.setattr(response, "_quadrature", quadrature)
    integrated_gradients(Toy(), a, np.zeros(2, np.float32))
    assert asked == counts


@pytest.mark.parametrize("size", [8, 9])
def test_shifts_wrap_around(size):
    """An odd and an even number of variants; a whole turn is no shift."""
    rng = np.random.default_rng(9)
    s, a = rng.standard_normal(size), rng.standard_normal((size, 2))
    test = shift_test(s, a, np.array([3, size, size + 3, 1]))
    z = (a - a.mean(axis=0)) / a.std(axis=0)
    expected = [s @ np.roll(z, k, axis=0) for k in (3, 0, 3, 1)]
    np.testing.assert_allclose(test.null, expected, atol=1e-12)
    np.testing.assert_allclose(test.observed, s @ z, atol=1e-12)


@pytest.mark.parametrize(("variants", "least"), [(199, 1), (200, 2), (99, 1), (1000, 10)])
def test_the_least_shift(variants, least):
    drawn = draw_shifts(variants, 20_000, np.random.default_rng(0))
    assert (drawn.min(), drawn.max()) == (least, variants - least)
    assert len(drawn) == 20_000


def test_jackknife_errors_by_hand():
    values = np.array([1.0, 2.0, 6.0])
    found = jackknife_sum(values)
    # Deviations -2, -1, 3: 14 times 3/2.
    assert found.value == 9
    assert found.error == pytest.approx(np.sqrt(21))
    assert jackknife_error(values[:, None])[0] == pytest.approx(np.sqrt(14 * 2 / 3))
    # That of a sum is that of its leave-one-out estimates, each scaled up.
    left_out = (9 - values) * 3 / 2
    assert jackknife_error(left_out[:, None])[0] == pytest.approx(found.error)
    assert jackknife_sum(np.array([1.0, 2.0])).error == pytest.approx(1.0)
    one = jackknife_sum(np.array([4.0]))
    assert one.value == 4
    assert np.isnan(one.error)
    assert np.isnan(jackknife_error(np.ones((1, 2)))).all()
    assert jackknife_error(np.ones((1, 2))).shape == (2,)
    np.testing.assert_allclose(jackknife_error(np.array([[0.0, 1.0], [2.0, 1.0]])), [1.0, 0.0])


def test_held_out_losses_leave_padding_out_and_use_one_key(blocks):
    class Keyed(FullLikelihood):
        def losses(self, model, batch, key):
            zero = jnp.zeros(batch.index.shape)
            drawn = jax.random.uniform(key, ()) + batch.index
            return BlockLosses(drawn, zero, zero, jnp.zeros(batch.index.shape, jnp.int32))

    _, _, batches = blocks
    model = Model(Toy(), jnp.asarray(0.0), jnp.asarray(0.0))
    found = losses_by_block(model, batches[::-1], 6, Keyed())
    drawn = float(jax.random.uniform(jax.random.key(0), ()))
    np.testing.assert_allclose(found, [*(drawn + np.arange(5)), np.nan], rtol=1e-6)


def test_defaults_of_effects():
    assert inspect.signature(enrichment_interval).parameters["level"].default == 0.95
