"""What core takes where nothing is said, and the order in which priors and objectives stand."""

import inspect

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import chi2

from deepwas_app.core import (
    Iterative,
    iterative,
    linalg,
    mismatch,
    negative_log_likelihood,
    posterior,
    response,
    whiten,
)
from deepwas_app.core.effects import tilt_jackknife
from deepwas_app.core.likelihood import EXACT_MOST
from deepwas_app.core.objectives import (
    FULL_LIKELIHOOD,
    OBJECTIVES,
    FullLikelihood,
    LDScoreRegression,
    Objective,
    make_objective,
)
from deepwas_app.core.priors import (
    PRIORS,
    Model,
    Prior,
    Standardisation,
    linear,
    make_prior,
    transformer,
)
from deepwas_app.core.simulate import draw_z


def defaults(function) -> dict:
    found = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in found if p.default is not p.empty}


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (whiten, {"scored": None, "variance": 0.99, "min_eigenvalue": 1e-4, "people": np.inf}),
        (mismatch.check_pairs, {"s2": 1.0, "kappa": 0.0}),
        (draw_z, {"s2": 1.0}),
        (Iterative, {"probes": 16, "tolerance": 1e-4, "max_iterations": 1000}),
        (PRIORS["mlp"].build, {"width": 64, "depth": 2}),
        (
            PRIORS["transformer"].build,
            {
                "width": 64,
                "depth": 2,
                "tower": True,
                "precision": "float32",
                "rematerialise": False,
            },
        ),
        (FullLikelihood.build, {"solver": "auto", "probes": 16, "max_iterations": 1000}),
        (tilt_jackknife, {"objective": FULL_LIKELIHOOD}),
    ],
)
def test_defaults_are_those_that_are_documented(function, expected):
    assert defaults(function) == expected


@pytest.mark.parametrize("function", [negative_log_likelihood, posterior])
def test_noise_is_white_where_nothing_is_said(function):
    found = defaults(function)
    assert (found["s2"], found["kappa"], found["solver"]) == (1.0, 0.0, "auto")


def test_limits_are_what_they_are_said_to_be():
    assert chi2.isf(5e-8, 1) == pytest.approx(mismatch.DISCORDANT, abs=0.02)
    assert (mismatch.STRONG, mismatch.HIT) == (0.95, 6.0)
    assert (iterative.QUADRATURE, iterative.SLACK) == (48, 10.0)
    assert EXACT_MOST == {"cpu": 4_000, "gpu": 16_000}
    assert (response.NODES, response.MOST_NODES, response.ADD_UP) == (32, 512, 1e-3)
    assert (transformer.TOKENS, transformer.KERNEL, linear.RELU_FLOOR) == (32, 7, 1e-3)
    assert linalg.LEAF == 128


def test_priors_and_objectives_stand_from_simple_to_rich():
    def ordered(registry):
        return sorted(registry, key=lambda name: registry[name].order)

    assert ordered(PRIORS) == ["constant", "linear", "enrichment", "mlp", "transformer"]
    assert ordered(OBJECTIVES) == ["likelihood", "ldsr"]
    # Room is left behind for those of other packages, at 100 where they say nothing.
    assert Prior.order == Objective.order == 100
    assert {kind.order for kind in PRIORS.values()} == set(range(5))
    assert [kind.order for kind in OBJECTIVES.values()] == [0, 1]


def test_facts_of_priors():
    def those(fact):
        return {name for name, kind in PRIORS.items() if getattr(kind, fact)}

    assert those("constant") == {"constant"}
    assert those("reads_tracks") == those("by_block") == {"transformer"}
    assert those("sizes") == {"mlp", "transformer"}
    by = {name: kind.fitted_by for name, kind in PRIORS.items()}
    assert {name for name, how in by.items() if how == "scoring"} == {"constant", "linear"}


def test_facts_of_objectives():
    likelihood, ldsr = FullLikelihood, LDScoreRegression
    assert [kind.fits_baseline for kind in (likelihood, ldsr)] == [True, False]
    for fact in ("marginal", "has_intercept", "keeps_best"):
        assert [getattr(kind, fact) for kind in (likelihood, ldsr)] == [False, True]


def test_settings_of_an_objective_reach_it():
    found = make_objective(
        "likelihood", solver="iterative", probes=3, max_iterations=7, learning_rate=1.0
    )
    assert found == FullLikelihood("iterative", Iterative(probes=3, max_iterations=7))
    assert found.options.tolerance == 1e-4
    assert np.array_equal(make_objective("ldsr", probes=3).knobs(), [])


def test_random_weights_are_those_of_key_0_where_none_is_given():
    class Keyed(Prior):
        key: jax.Array

        @classmethod
        def build(cls, inputs):
            return cls(inputs.key)

        def __call__(self, annotations, tracks=None):
            raise NotImplementedError

    standardise = Standardisation(jnp.zeros(2), jnp.ones(2))
    for given, expected in (({}, 0), ({"key": jax.random.key(5)}, 5)):
        found = make_prior(Keyed, standardise, level=0.0, **given).key
        assert (jax.random.key_data(found) == jax.random.key_data(jax.random.key(expected))).all()


def test_settings_are_no_numbers_of_a_model():
    """What is static has its own compiled program; nothing but arrays is trained or stored."""
    two = Standardisation(jnp.zeros(2), jnp.ones(2))

    def make(name):
        return Model(make_prior(name, two, level=0.0, width=8, depth=0), *jnp.zeros(2))

    for name in ("constant", "linear", "enrichment", "transformer"):
        model = eqx.filter_eval_shape(make, name)
        assert all(hasattr(leaf, "dtype") for leaf in jax.tree.leaves(model))
        assert (model.learn_s2, model.learn_kappa) == (True, True)
    assert jax.tree.leaves(FULL_LIKELIHOOD) == []
