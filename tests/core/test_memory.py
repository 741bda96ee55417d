"""What a step of training takes, by shapes, beside what XLA and arithmetic say."""

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest

from deepwas_app.core.memory import kept_bytes, step_bytes
from deepwas_app.core.priors import Standardisation, make_prior, parameter_count

ANNOTATIONS, TRACKS, WINDOW = 5, 3, 64


def made(kind, *, shapes=False, **options):
    def make():
        unit = [Standardisation(jnp.zeros(n), jnp.ones(n)) for n in (ANNOTATIONS, TRACKS)]
        return make_prior(
            kind, unit[0], level=-9.0, standardise_tracks=unit[1], window=WINDOW, **options
        )

    return eqx.filter_eval_shape(make) if shapes else make()


def test_a_constant_keeps_nothing_and_a_linear_prior_its_annotations():
    assert kept_bytes(made("constant"), ANNOTATIONS) == 0
    assert kept_bytes(made("linear"), ANNOTATIONS) == 4 * ANNOTATIONS


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_what_is_kept_grows_with_depth_and_not_with_the_number_of_parameters(precision):
    options = {"width": 32, "precision": precision}
    one, two, three = (
        kept_bytes(
            made("transformer", shapes=True, depth=d, **options), ANNOTATIONS, WINDOW, TRACKS
        )
        for d in (1, 2, 3)
    )
    assert two - one == three - two
    # 32 tokens: of attention and the wide layer about 20 numbers a channel, none of the weights.
    bytes_per_number = 4 if precision == "float32" else 2
    assert 15 < (two - one) / (bytes_per_number * 32 * 32) < 50


def test_half_the_precision_takes_about_half():
    full, half = (
        kept_bytes(made("transformer", shapes=True, precision=p), ANNOTATIONS, WINDOW, TRACKS)
        for p in ("float32", "bfloat16")
    )
    assert 0.45 < half / full < 0.75


def test_the_estimate_is_near_what_xla_sets_aside():
    prior = made("transformer", width=32, depth=2)
    variants = 60
    given = jnp.zeros((variants, ANNOTATIONS)), jnp.zeros((variants, WINDOW, TRACKS))
    each = kept_bytes(prior, ANNOTATIONS, WINDOW, TRACKS)
    kept = prior.sparing(False)
    gradient = eqx.filter_jit(eqx.filter_grad(lambda p, *given: p(*given).sum()))
    found = gradient.lower(kept, *given).compile().compiled.memory_analysis()
    # Somewhat more: XLA computes some of it again by itself.
    assert 0.8 < variants * each / found.temp_size_in_bytes < 1.7


def test_of_what_is_computed_again_only_a_part_is_kept():
    prior = made("transformer", shapes=True, width=32, depth=2)
    each = kept_bytes(prior, ANNOTATIONS, WINDOW, TRACKS)
    state = 40 * parameter_count(prior)

    def activations(prior, variants, blocks=1):
        solves = step_bytes(made("constant"), blocks, variants, 10, 0) - 40
        return step_bytes(prior, blocks, variants, 10, each) - solves - state

    kept = prior.sparing(False)
    assert activations(kept, 1000) == 1000 * each
    assert activations(kept, 1000, blocks=3) == 3000 * each
    # 2^18 numbers of 64 positions and 32 channels are those of 128 variants.
    assert activations(prior.sparing(), 1000) == 128 * each
    assert activations(prior.sparing(), 1000, blocks=3) == 128 * each
    assert activations(prior.sparing(), 100) == 100 * each


def test_on_a_gpu_blocks_are_worked_on_at_once(monkeypatch):
    prior = made("transformer", shapes=True, width=32, depth=2)
    alone = step_bytes(prior, 3, 1000, 10, 1000)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    # 512 variants of each, and three solves.
    assert step_bytes(prior, 3, 1000, 10, 1000) - alone == (
        1000 * (3 * 512 - 128) + 2 * 16 * 10 * 1010
    )
