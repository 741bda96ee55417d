"""Prior models: where they start, what is trained, how they compute."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepwas_app.core.objectives import flatten
from deepwas_app.core.priors import (
    PRIORS,
    LinearPrior,
    Model,
    PriorInputs,
    Standardisation,
    make_prior,
    parameter_count,
    ridge_precision,
)


@pytest.fixture
def standardise() -> Standardisation:
    return Standardisation(jnp.array([0.1, 5.0, -2.0]), jnp.array([0.3, 10.0, 1.0]))


@pytest.fixture
def annotations() -> jax.Array:
    return jnp.asarray(np.random.default_rng(0).normal(size=(2, 7, 3)), jnp.float32)


def model_of(prior) -> Model:
    return Model(prior, jnp.asarray(0.0), jnp.asarray(0.0))


@pytest.mark.parametrize("kind", ["constant", "linear", "enrichment", "mlp"])
def test_every_prior_starts_at_the_constant_level(kind, standardise, annotations):
    prior = make_prior(kind, standardise, level=-11.5, width=5, depth=2)
    np.testing.assert_array_equal(prior(annotations), np.full((2, 7), -11.5, np.float32))


@pytest.mark.parametrize(
    ("kind", "count"),
    [("constant", 1), ("linear", 4), ("mlp", 1 + (3 * 5 + 5) + (5 * 5 + 5) + (5 + 1))],
)
def test_parameters_are_counted_without_the_standardisation(kind, count, standardise):
    prior = make_prior(kind, standardise, level=0.0, width=5, depth=2)
    assert parameter_count(prior) == count
    flat, unravel = flatten(model_of(prior))
    # The noise scale and the mismatch are trained too.
    assert flat.shape == (count + 2,)
    moved = unravel(flat + 1.0)
    assert moved.prior.level == 1.0
    assert moved.s2 == pytest.approx(np.e)
    if kind != "constant":
        np.testing.assert_array_equal(moved.prior.standardise.mean, standardise.mean)
        np.testing.assert_array_equal(moved.prior.standardise.deviation, standardise.deviation)


def test_linear_prior_is_linear_in_standardised_annotations(standardise, annotations):
    prior = LinearPrior(standardise, jnp.asarray(-3.0), jnp.array([0.5, -1.0, 2.0]))
    a = np.asarray(annotations)
    expected = -3.0 + 0.5 * (a[..., 0] - 0.1) / 0.3 - (a[..., 1] - 5) / 10 + 2 * (a[..., 2] + 2)
    np.testing.assert_allclose(prior(annotations), expected, rtol=1e-5, atol=1e-5)


def test_mlp_can_leave_its_constant_start(standardise, annotations):
    """The zero last layer has a gradient of its own, which depends on the key."""

    def last_gradient(key):
        prior = make_prior("mlp", standardise, level=0.0, width=5, depth=1, key=jax.random.key(key))
        gradient = eqx.filter_grad(lambda p: p(annotations).sum())(prior)
        return np.asarray(gradient.network.layers[-1].weight)

    assert np.abs(last_gradient(0)).max() > 1.0
    assert np.abs(last_gradient(0) - last_gradient(1)).max() > 0.1


def test_mlp_is_its_layers_on_standardised_annotations(standardise, annotations):
    prior = make_prior("mlp", standardise, level=-3.0, width=5, depth=1)
    first, last = prior.network.layers
    weight = jnp.linspace(-1.0, 1.0, 5)[None]
    prior = eqx.tree_at(
        lambda p: (p.network.layers[-1].weight, p.network.layers[-1].bias),
        prior,
        (weight, jnp.full(last.bias.shape, 0.7)),
    )
    a = (np.asarray(annotations) - np.asarray(standardise.mean)) / standardise.deviation
    hidden = jax.nn.gelu(a @ np.asarray(first.weight).T + np.asarray(first.bias))
    expected = -3.0 + hidden @ np.linspace(-1.0, 1.0, 5) + 0.7
    np.testing.assert_allclose(prior(annotations), expected, rtol=1e-4, atol=1e-5)


def test_ridge_is_on_the_coefficients_of_a_linear_prior_only(standardise):
    linear = model_of(make_prior("linear", standardise, level=0.0))
    flat, _ = flatten(linear)
    precision = ridge_precision(linear, 0.5)
    assert precision.shape == flat.shape
    found, _ = flatten(eqx.tree_at(lambda m: m.prior.coefficients, linear, jnp.full(3, 7.0)))
    np.testing.assert_array_equal(precision, np.where(np.asarray(found) == 7.0, 4.0, 0.0))
    for kind in ("constant", "mlp"):
        other = model_of(make_prior(kind, standardise, level=0.0, width=2, depth=1))
        assert not np.asarray(ridge_precision(other, 0.5)).any()


@pytest.mark.parametrize("link", ["exp", "softplus", "relu"])
def test_links_start_constant_and_agree_to_first_order(link, standardise, annotations):
    prior = make_prior("linear", standardise, level=-11.5, link=link)
    np.testing.assert_allclose(prior(annotations), -11.5, rtol=1e-6)
    moved = eqx.tree_at(lambda p: p.coefficients, prior, jnp.array([1e-3, -2e-3, 1e-3]))
    eta = np.asarray(standardise(annotations)) @ np.array([1e-3, -2e-3, 1e-3])
    # softplus is less steep where it is 1: sigmoid(log(e - 1)) = 1 - 1 / e.
    slope = 1 - 1 / np.e if link == "softplus" else 1.0
    np.testing.assert_allclose(moved(annotations) + 11.5, slope * eta, atol=1e-4)
    np.testing.assert_allclose(moved.signed(annotations), np.exp(moved(annotations)), rtol=1e-5)


def test_only_the_relu_link_is_signed(standardise, annotations):
    large = jnp.array([5.0, -5.0, 3.0])
    prior = make_prior("linear", standardise, level=0.0, link="relu")
    prior = eqx.tree_at(lambda p: p.coefficients, prior, large)
    expected = 1 + np.asarray(standardise(annotations)) @ np.asarray(large)
    assert (expected < 0).any()
    np.testing.assert_allclose(prior.signed(annotations), expected, rtol=1e-4, atol=1e-4)
    positive = np.exp(prior(annotations))
    np.testing.assert_allclose(positive, np.maximum(expected, 1e-3), rtol=1e-3, atol=1e-4)
    with pytest.raises(ValueError, match="unknown link 'cloglog'"):
        make_prior("linear", standardise, level=0.0, link="cloglog")


def test_enrichment_prior_has_two_classes(standardise, annotations):
    prior = make_prior("enrichment", standardise, level=-2.0)
    np.testing.assert_allclose(prior(annotations), -2.0, atol=1e-6)
    sharp = eqx.tree_at(
        lambda p: (p.coefficients, p.gain), prior, (jnp.array([1e3, 0.0, 0.0]), jnp.log(8.0))
    )
    high = np.asarray(annotations[..., 0]) > 0.1
    f = np.exp(np.asarray(sharp(annotations)))
    np.testing.assert_allclose(f[high] / f[~high].mean(), 8.0, rtol=1e-3)


def test_unknown_prior_is_refused(standardise):
    with pytest.raises(ValueError, match="unknown prior 'forest'"):
        make_prior("forest", standardise, level=0.0)


@pytest.mark.parametrize("kind", PRIORS)
def test_every_prior_is_built_at_log_f_0(kind, standardise):
    inputs = PriorInputs(standardise, None, 1, jax.random.key(0))
    assert float(PRIORS[kind].build(inputs).level) == 0.0


def test_two_classes_are_a_sigmoid_of_the_score(standardise, annotations):
    """The class that is enriched, by a factor e, starts as the smaller one."""
    prior = make_prior("enrichment", standardise, level=-3.0)
    assert (float(prior.gain), float(prior.threshold)) == (1.0, -1.0)
    c = np.array([0.7, -0.4, 1.2])
    prior = eqx.tree_at(
        lambda p: (p.coefficients, p.gain, p.threshold),
        prior,
        (jnp.asarray(c, jnp.float32), jnp.asarray(1.6), jnp.asarray(-0.8)),
    )
    eta = np.asarray(standardise(annotations)) @ c
    inside = 1 / (1 + np.exp(0.8 - eta)) - 1 / (1 + np.exp(0.8))
    np.testing.assert_allclose(prior(annotations), -3.0 + 1.6 * inside, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("link", ["exp", "softplus", "relu"])
def test_links_far_from_their_start(link, standardise, annotations):
    c = np.array([0.3, -0.8, 0.4])
    prior = make_prior("linear", standardise, level=-2.0, link=link)
    prior = eqx.tree_at(lambda p: p.coefficients, prior, jnp.asarray(c, jnp.float32))
    eta = np.asarray(standardise(annotations), np.float64) @ c
    f = {
        "exp": np.exp(eta),
        "softplus": np.log1p(np.exp(eta + np.log(np.e - 1))),
        "relu": np.maximum(1 + eta, 1e-3),
    }[link]
    np.testing.assert_allclose(prior(annotations), -2.0 + np.log(f), rtol=1e-4, atol=1e-4)
    assert np.abs(eta).max() > 0.5
    np.testing.assert_array_equal(
        prior.log_coefficients() if link == "exp" else prior.coefficients, np.float32(c)
    )
    assert (prior.log_coefficients() is None) == (link != "exp")
