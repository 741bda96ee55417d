"""Single steps of fitting, by hand: what is stepped along, what is shown, when it stops."""

import inspect

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from deepwas_app.core import scoring
from deepwas_app.core.fit import fit_adam, start_adam
from deepwas_app.core.iterative import DEFAULT, UnconvergedError
from deepwas_app.core.objectives import BlockLosses, FullLikelihood, Information
from deepwas_app.core.priors import (
    KAPPA_RANGE,
    S2_RANGE,
    Model,
    Standardisation,
    bounded,
    limits,
    make_prior,
)
from deepwas_app.core.scoring import fit_scoring, start_scoring


class Drawn(FullLikelihood):
    """Losses level + a random number each; the other fields as if solves had been iterated."""

    def losses(self, model, batch, key):
        drawn = jax.random.uniform(key, batch.index.shape)
        return BlockLosses(
            loss=model.prior.level + drawn,
            error=jnp.array([3.0, 4.0]),
            residual=jnp.array([1e-6, 3e-6]),
            iterations=jnp.array([9, 5], jnp.int32),
        )


@pytest.fixture(scope="module")
def pair(world):
    """A batch of two blocks of 60 variants, of which 50 are counted."""
    batch = jax.tree.map(lambda leaf: leaf[:2], world.draw(world.model(), seed=1, per_batch=40)[0])
    return eqx.tree_at(lambda b: b.counted, batch, batch.counted.at[1, 50:].set(False))


def drawn_steps(world, batch, state=None, variants=110, **options):
    given = {"batches_per_epoch": 1, "epochs": 3, "learning_rate": 0.01, "objective": Drawn()}
    state = state or start_adam(world.model(level=0.7), 0.01, 3)
    return list(fit_adam(state, lambda _: [batch], variants=variants, **given | options))


def test_adam_shows_the_whole_batch_per_counted_variant(world, pair):
    steps = drawn_steps(world, pair)
    assert [(step.step, step.epoch, step.last_of_epoch) for step in steps] == [
        (1, 1, True),
        (2, 2, True),
        (3, 3, True),
    ]
    level = 0.7
    for i, step in enumerate(steps):
        # Probes of step i are those of key 0, folded with i.
        key = jax.random.fold_in(jax.random.key(0), i)
        total = 2 * level + float(jax.random.uniform(key, (2,)).sum())
        assert step.loss == pytest.approx(total / 110, rel=1e-5)
        assert step.error == pytest.approx(5 / 110, rel=1e-6)
        assert step.residual == pytest.approx(3e-6)
        assert step.iterations == 9
        assert step.state.step == i + 1
        level = float(step.state.model.prior.level)
    assert level < 0.7


def test_adam_begins_at_step_0(world):
    state = start_adam(world.model(), 0.01, 3)
    assert state.step == 0
    assert float(optax.tree.get(state.optimiser, "mu").prior.level) == 0


@pytest.mark.parametrize(("variants", "expected"), [(8, 2 / 4), (4, 2 / 2), (0, 2 / 0.5)])
def test_the_step_is_along_the_loss_over_the_mean_share_of_variants(
    world, pair, variants, expected
):
    """Two batches an epoch; the slope of both losses in the level is 2."""
    step, *_ = drawn_steps(world, pair, variants=variants, batches_per_epoch=2, epochs=1)
    moment = optax.tree.get(step.state.optimiser, "mu").prior.level
    # Clipped to length 1, of which the first moment takes a tenth.
    assert moment == pytest.approx(0.1 * min(expected, 1.0), rel=1e-5)


def test_nothing_counted_is_shown_as_one_variant(world, pair):
    nothing = eqx.tree_at(lambda b: b.counted, pair, jnp.zeros_like(pair.counted))
    step, *_ = drawn_steps(world, nothing)
    assert step.error == pytest.approx(5.0)


def test_scoring_has_a_few_defaults():
    found = {n: p.default for n, p in inspect.signature(fit_scoring).parameters.items()}
    assert (found["precision"], found["steps"], found["tolerance"]) == (0.0, 50, 1e-2)


class Hill:
    """Loss, gradient and information of two parameters, and where it was asked for them."""

    def __init__(self, monkeypatch, loss, gradient, fisher):
        self.asked = []

        def total(model, batches, objective):
            at = np.array([float(model.prior.level), float(model.log_kappa)])
            self.asked.append(at)
            return scoring.Total(np.float64(loss(at)), gradient(at), fisher(at), np.zeros((1, 2)))

        monkeypatch.setattr(scoring, "total_information", total)


FISHER = np.array([[5.0, 1.5], [1.5, 2.0]])


@pytest.fixture
def start(world):
    """A model of two trained parameters, the level and log kappa, at 0.25 and -0.5."""
    model = world.model(level=0.25, kappa=np.exp(-0.5))
    return eqx.tree_at(lambda s: s.model, start_scoring(model), fixed_s2(model))


def fixed_s2(model):
    return type(model)(model.prior, model.log_s2, model.log_kappa, learn_s2=False)


def damped(at, gradient, fisher, damping):
    """The step of Levenberg and Marquardt, by hand."""
    least = 1e-8 * (fisher[0, 0] + fisher[1, 1])
    own = np.diag(fisher) + least
    matrix = fisher + least * np.eye(2) + damping * np.diag(own)
    return np.clip(-np.linalg.inv(matrix) @ gradient, -3, 3) + at


def quadratic(monkeypatch, centre, fisher=FISHER, stated=None):
    centre = np.asarray(centre)
    return Hill(
        monkeypatch,
        lambda at: 10 + 0.5 * (at - centre) @ fisher @ (at - centre),
        lambda at: fisher @ (at - centre),
        lambda at: fisher if stated is None else stated,
    )


def test_scoring_begins_at_step_0_hardly_damped(start):
    assert start.step == 0
    assert float(start.optimiser.damping) == pytest.approx(1e-3)


def test_scoring_takes_damped_steps(monkeypatch, start, pair):
    """More than the quadratic's curvature is stated, so that it takes many steps."""
    centre = np.array([1.0, 0.5])
    quadratic(monkeypatch, centre, stated=1.5 * FISHER)
    found = list(fit_scoring(start, [pair, pair], steps=6, tolerance=1e-9))
    at, dampings = np.array([0.25, -0.5]), [1e-3, 1e-4, 1e-5, 1e-6, 1e-6, 1e-6]
    for i, (step, damping) in enumerate(zip(found, dampings, strict=True), 1):
        loss = 10 + 0.5 * (at - centre) @ FISHER @ (at - centre)
        # Over the counted variants of both batches.
        assert step.loss == pytest.approx(loss / 220, rel=1e-6)
        at = damped(at, FISHER @ (at - centre), 1.5 * FISHER, damping)
        model = step.state.model
        np.testing.assert_allclose([model.prior.level, model.log_kappa], at, rtol=1e-5, atol=1e-6)
        assert float(step.state.optimiser.damping) == pytest.approx(max(damping / 10, 1e-6))
        assert (step.step, step.epoch, int(step.state.step)) == (i, i, i)
        assert step.last_of_epoch
        assert (step.error, step.residual, step.iterations) == (0, 0, 0)


def test_each_parameter_moves_by_3_at_most(monkeypatch, start, pair):
    quadratic(monkeypatch, [50.0, -0.4], np.diag([2.0, 1.0]))
    step = next(fit_scoring(start, [pair]))
    found = [step.state.model.prior.level, step.state.model.log_kappa]
    # The other is not held up; it is damped a little.
    np.testing.assert_allclose(found, [3.25, -0.5 + 0.1 / 1.001], rtol=1e-6)
    quadratic(monkeypatch, [-50.0, -0.4], np.diag([2.0, 1.0]))
    step = next(fit_scoring(start, [pair]))
    assert float(step.state.model.prior.level) == pytest.approx(-2.75)


def test_a_parameter_without_information_stays_calm(monkeypatch, start, pair):
    """Its curvature is taken as a hundred-millionth of that of all."""
    Hill(
        monkeypatch,
        lambda at: 1.0,
        lambda at: np.array([0.0, 2e-8]),
        lambda at: np.diag([2.0, 0.0]),
    )
    step = next(fit_scoring(start, [pair]))
    assert float(step.state.model.log_kappa) == pytest.approx(-0.5 - 1 / 1.001, rel=1e-5)


def test_a_normal_prior_is_in_value_slope_and_curvature(monkeypatch, start, pair):
    precision = np.array([3.0, 0.5])
    Hill(
        monkeypatch,
        lambda at: 7.0 if at[0] == 0.25 else 6.0,
        lambda at: np.array([1.0, -2.0]),
        lambda at: FISHER,
    )
    step = next(fit_scoring(start, [pair], precision=precision))
    at = np.array([0.25, -0.5])
    expected = damped(at, [1.0, -2.0] + precision * at, FISHER + np.diag(precision), 1e-3)
    found = [step.state.model.prior.level, step.state.model.log_kappa]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    # What is shown is the loss alone.
    assert step.loss == pytest.approx(7.0 / 110)


def test_a_rise_of_the_penalty_is_a_rise(monkeypatch, start, pair):
    """A slope that points away from 0 where the loss gains less than the prior costs.

    The loss falls by 1 where the level is above 2.5; 1/2 precision (3.25^2 - 0.25^2) is 5.25
    times the precision: the step is refused where that is more than 1.
    """
    for precision, taken in ((0.15, True), (0.25, False)):
        hill = Hill(
            monkeypatch,
            lambda at: -float(at[0] > 2.5),
            lambda at: np.array([-1e4, 0.0]),
            lambda at: np.eye(2),
        )
        next(fit_scoring(start, [pair], precision=np.array([precision, 0]), steps=1), None)
        np.testing.assert_allclose(hill.asked[1], [3.25, -0.5])
        assert (len(hill.asked) == 2) == taken


def test_a_step_that_does_not_help_is_damped_ten_times_more(monkeypatch, start, pair):
    """Until it is a millionth of itself; then the fit ends where it is, with a step of nothing."""

    def loss(at):
        return 5.0 if len(hill.asked) == 1 else 5.1

    hill = Hill(monkeypatch, loss, lambda at: np.array([2.0, 0.0]), lambda at: np.diag([4.0, 1.0]))
    (step,) = fit_scoring(start, [pair])
    assert (step.step, int(step.state.step), step.last_of_epoch) == (1, 1, True)
    assert step.state.model is start.model
    moves = 0.25 - np.array(hill.asked[1:])[:, 0]
    expected = 0.5 / (1 + 10.0 ** np.arange(-3, len(moves) - 3))
    np.testing.assert_allclose(moves, expected, atol=2e-7)
    # The last damping is about a million, give or take its rounding.
    assert len(moves) in (9, 10)


@pytest.mark.parametrize(("level", "taken"), [(1.0, True), (1 + 5e-8, True), (1 + 1e-6, False)])
@pytest.mark.parametrize("sign", [1, -1])
def test_rounding_is_no_rise(monkeypatch, start, pair, level, taken, sign):
    """Of losses of either sign, up to a ten-millionth of them."""
    first = 4000.0 * sign
    hill = Hill(
        monkeypatch,
        lambda at: first if len(hill.asked) == 1 else first + (level - 1) * 4000,
        lambda at: np.array([0.5, 0.0]),
        lambda at: np.eye(2),
    )
    next(fit_scoring(start, [pair], steps=1), None)
    assert (len(hill.asked) == 2) == taken


def test_a_refused_step_leaves_its_damping_to_the_next(monkeypatch, start, pair):
    """Refused twice from 1e-3: taken at 0.1, and 0.01 is what the next begins with."""
    hill = Hill(
        monkeypatch,
        lambda at: 6.0 if len(hill.asked) in (2, 3) else 5.0,
        lambda at: np.array([0.5, 0.0]),
        lambda at: np.eye(2),
    )
    step = next(fit_scoring(start, [pair]))
    assert float(step.state.optimiser.damping) == pytest.approx(0.01)
    assert float(step.state.model.prior.level) == pytest.approx(0.25 - 0.5 / 1.1, rel=1e-5)


def test_scoring_stops_before_a_step_that_gains_little(monkeypatch, start, pair):
    """The first is taken whatever it gains; g^T I^-1 g is what one is expected to."""
    slopes = iter([0.01, 0.5, 0.2, 0.09, 0.5])
    Hill(
        monkeypatch,
        lambda at: 1.0,
        lambda at: np.array([next(slopes), 0.0]),
        lambda at: np.eye(2),
    )
    found = list(fit_scoring(start, [pair], tolerance=0.01))
    # 0.01^2 is less, but of the first step; then 0.25, 0.04 and 0.0081.
    assert len(found) == 3


def test_scoring_takes_no_more_steps_than_it_may(monkeypatch, start, pair):
    Hill(monkeypatch, lambda at: 1.0, lambda at: np.array([1.0, 0.0]), lambda at: np.eye(2))
    found = list(fit_scoring(start, [pair], steps=4))
    assert [step.step for step in found] == [1, 2, 3, 4]
    assert len(list(fit_scoring(found[-1].state, [pair], steps=6))) == 2


def test_total_information_is_the_sum_over_blocks_in_float64(monkeypatch, world, pair):
    parts = iter(
        [
            Information(np.float32([1e8, 1]), np.float32([[1, 2], [3, 4]]), np.eye(2)),
            Information(np.float32([3, 0.5]), np.float32([[1e8, 0], [1, 0]]), np.ones((2, 2))),
        ]
    )
    monkeypatch.setattr(scoring, "_information", lambda *_: next(parts))
    loss, gradient, fisher = scoring.total_information(world.model(), [pair, pair])[:3]
    assert loss == 1e8 + 4.5
    np.testing.assert_array_equal(gradient, [1e8 + 5, 6])
    np.testing.assert_array_equal(fisher, [[2, 1], [1, 2]])


def test_an_unconverged_step_is_called_that(world, pair):
    class Unconverged(Drawn):
        def losses(self, model, batch, key):
            found = super().losses(model, batch, key)
            lost = jnp.array([1.0, jnp.nan])
            # Ten times the tolerance is still trusted.
            residual = DEFAULT.tolerance * jnp.array([9.9, 10.1])
            return found._replace(loss=found.loss * lost, residual=residual)

    with pytest.raises(UnconvergedError, match=r"LD block 1: .* after 5 iterations") as e:
        drawn_steps(world, pair, objective=Unconverged())
    assert e.value.blocks == (1,)


def test_learned_noise_stops_at_its_ends_and_comes_back(monkeypatch, start, pair):
    """Downhill past the end it is held there, while the other parameter goes on; no end binds."""
    low = np.log(KAPPA_RANGE[0])
    hill = Hill(
        monkeypatch,
        lambda at: (at[0] - 1) ** 2 + 0.1 * at[1],
        lambda at: np.array([2 * (at[0] - 1), 0.1]),
        lambda at: np.diag([2.0, 1e-3]),
    )
    *_, step = fit_scoring(start, [pair], tolerance=1e-8)
    assert float(step.state.model.log_kappa) == pytest.approx(low, rel=1e-6)
    assert float(step.state.model.prior.level) == pytest.approx(1, abs=1e-3)
    assert all(at[1] >= low * (1 + 1e-6) for at in hill.asked)
    assert step.step < 15
    # From the end, where the optimum is inside.
    hill = Hill(
        monkeypatch,
        lambda at: (at**2).sum(),
        lambda at: 2 * at,
        lambda at: 2 * np.eye(2),
    )
    state = eqx.tree_at(lambda s: s.model, start, step.state.model)
    *_, step = fit_scoring(state, [pair], tolerance=1e-8)
    assert float(step.state.model.log_kappa) == pytest.approx(0, abs=1e-3)


def test_adam_keeps_learned_noise_within_its_ends():
    low, high = np.log(S2_RANGE)
    prior = make_prior("constant", Standardisation(jnp.zeros(1), jnp.ones(1)), level=0.0)
    model = bounded(Model(prior, jnp.asarray(9.0), jnp.asarray(-99.0)))
    assert float(model.log_s2) == pytest.approx(high)
    assert float(model.log_kappa) == pytest.approx(np.log(KAPPA_RANGE[0]))
    fixed = Model(prior, jnp.asarray(-9.0), jnp.asarray(-jnp.inf), False, False)
    assert bounded(fixed) == fixed
    found = limits(Model(prior, jnp.asarray(0.0), jnp.asarray(0.0), learn_kappa=False))
    np.testing.assert_allclose(found.low, [-np.inf, low], rtol=1e-6)
    np.testing.assert_allclose(found.high, [np.inf, high], rtol=1e-6)
    np.testing.assert_allclose(found.precision, [0, 4])
