"""What priors and objectives say of themselves, which settings, training and pages rely on."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepwas_app.core.fit import fit_adam, start_adam
from deepwas_app.core.objectives import OBJECTIVES, LDScoreRegression
from deepwas_app.core.priors import PRIORS, Model, Standardisation, make_prior, parameter_count
from deepwas_app.core.scoring import fit_scoring, start_scoring
from deepwas_app.workflow.settings import TrainSettings

ANNOTATIONS = Standardisation(jnp.zeros(4), jnp.ones(4))


@pytest.mark.parametrize("kind", [*PRIORS.values(), *OBJECTIVES.values()])
def test_each_has_a_name_for_people_and_takes_settings_that_there_are(kind):
    assert kind.label
    assert kind.doc
    assert set(kind.knobs()) <= set(TrainSettings.param)


@pytest.mark.parametrize("name", [name for name, kind in PRIORS.items() if kind.sizes])
def test_named_sizes_grow(name):
    def count(width, depth):
        def make():
            # With windows as in the paper, for priors that look at them.
            tracks = Standardisation(jnp.zeros(165), jnp.ones(165))
            options = {"width": width, "depth": depth, "window": 256}
            return make_prior(name, ANNOTATIONS, level=0.0, standardise_tracks=tracks, **options)

        return parameter_count(eqx.filter_eval_shape(make))

    counts = [count(*size) for size in PRIORS[name].sizes.values()]
    assert counts == sorted(set(counts))


@pytest.mark.parametrize(
    ("name", "tracks", "window", "parameters"),
    [
        ("mlp", 0, 1, [178, 1_410, 4_866, 34_434, 265_986]),
        # As in the paper: 165 tracks of 256 positions, up to 52 million parameters.
        ("transformer", 165, 256, [11_018, 67_394, 786_818, 11_414_786, 51_737_858]),
    ],
)
def test_named_sizes_are_what_they_were(name, tracks, window, parameters):
    """Sweeps are compared by these names."""
    nine = Standardisation(jnp.zeros(9), jnp.ones(9))
    around = {"standardise_tracks": Standardisation(jnp.zeros(tracks), jnp.ones(tracks))}
    options = {"window": window, "tower": False} | (around if tracks else {})
    for size, count in zip(("XS", "S", "M", "L", "XL"), parameters, strict=True):
        width, depth = PRIORS[name].sizes[size]

        def make(width=width, depth=depth):
            return make_prior(name, nine, level=0.0, width=width, depth=depth, **options)

        assert parameter_count(eqx.filter_eval_shape(make)) == count


@pytest.mark.parametrize("name", PRIORS)
def test_facts_are_true(name):
    kind = PRIORS[name]
    prior = make_prior(name, ANNOTATIONS, level=0.0, width=4, depth=1)
    moved = jax.tree.map(lambda leaf: leaf + 0.3 if eqx.is_inexact_array(leaf) else leaf, prior)
    log_f = moved(jnp.asarray(np.random.default_rng(0).normal(size=(5, 4)), jnp.float32))
    assert (np.ptp(log_f) == 0) == kind.constant
    for field in kind.shrunk:
        assert getattr(prior, field).shape
    assert (prior.mean_tracks() is not None) <= kind.reads_tracks


def test_regression_refuses_to_learn_kappa():
    model = Model(make_prior("constant", ANNOTATIONS, level=0.0), jnp.zeros(()), jnp.zeros(()))
    for fitting in (
        fit_scoring(start_scoring(model), [], objective=LDScoreRegression()),
        fit_adam(
            start_adam(model, 0.01, 1),
            lambda _: [],
            batches_per_epoch=1,
            variants=1,
            epochs=1,
            learning_rate=0.01,
            objective=LDScoreRegression(),
        ),
    ):
        with pytest.raises(ValueError, match="cannot tell kappa from s2: fix kappa"):
            next(fitting)
