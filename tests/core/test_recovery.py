"""From z-scores to s2, kappa and heritability: what was put in comes back."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepwas_app.core import whiten
from deepwas_app.core.batch import BlockBatch, put, stack_blocks
from deepwas_app.core.moments import moment_estimate
from deepwas_app.core.priors import ConstantPrior, Model
from deepwas_app.core.scoring import fit_scoring, start_scoring
from deepwas_app.core.simulate import draw_effects, draw_z
from deepwas_app.genetics.ld.coalescent import simulate_block
from deepwas_app.genetics.ld.factor import standardise

BLOCKS, VARIANTS, PEOPLE, STUDIES = 20, 120, 60, 20
VARIANCE, S2, KAPPA = 0.4, 1.2, 0.05


def test_whitened_z_scores_give_back_noise_mismatch_and_heritability():
    """Windows with flanks, a fifth of z-scores missing, 99% of the variance of LD kept."""
    rng = np.random.default_rng(0)
    spread = np.geomspace(1.0, 0.1, PEOPLE)
    factors = rng.standard_normal((BLOCKS, VARIANTS, PEOPLE)) * spread
    factors /= np.linalg.norm(factors, axis=2, keepdims=True)
    scored = rng.random((BLOCKS, VARIANTS)) < 0.8
    scored[:, :20] = scored[:, -20:] = False
    found = np.array([fitted(factors, scored, np.random.default_rng(s)) for s in range(STUDIES)])
    truth = np.array([VARIANCE, S2, KAPPA])
    error = found.std(axis=0, ddof=1) / np.sqrt(STUDIES)
    assert (np.abs(found.mean(axis=0) - truth) < 3 * error).all()
    # Tight enough to tell a mistake in whitening.
    assert (error < np.array([0.03, 0.08, 0.02])).all()


def test_heritability_comes_back_with_ld_of_other_people():
    """Coalescent people are the population; z-scores have its LD, the panel is 200 of them.

    Without an allowance for its sampling, noise takes a quarter of the signal.
    """
    rng = np.random.default_rng(4)
    population, panels = [], []
    for number in range(12):
        dosages = simulate_block(400, 300, seed=number, maf=0.05).dosages
        drawn = dosages[rng.integers(len(dosages), size=200)]
        varies = drawn.std(axis=0) > 0
        population.append(standardise(dosages[:, varies])[0].T / np.sqrt(len(dosages)))
        panels.append(standardise(drawn[:, varies])[0].T / np.sqrt(len(drawn)))
    ratio, noise, ignored = [], [], []
    for seed in range(12):
        draw = np.random.default_rng(seed)
        z = [draw_z(W, draw_effects(np.full(len(W), 0.15), draw), draw) for W in population]
        found = constant_fit(panels, z, people=200)
        ratio.append(np.exp(found.prior.level) / 0.15)
        noise.append(float(found.s2))
        ignored.append(np.exp(constant_fit(panels, z, people=np.inf).prior.level) / 0.15)
    assert np.std(ratio) / np.sqrt(12) < 0.06
    assert np.mean(ratio) == pytest.approx(1.0, abs=0.1)
    assert np.mean(noise) == pytest.approx(1.0, abs=0.1)
    assert np.mean(ignored) < 0.85


def constant_fit(factors, z, people=np.inf, scored=None) -> Model:
    """The constant model of some blocks by maximum likelihood, kappa learned where LD is exact."""
    parts = []
    for number, (W, scores) in enumerate(zip(factors, z, strict=True)):
        rows = np.ones(len(W), bool) if scored is None else scored[number]
        block = whiten(W, np.where(rows, scores, np.nan), rows, people=people)
        parts.append(
            BlockBatch(
                block=jax.tree.map(np.asarray, block),
                annotations=np.zeros((len(W), 1), np.float32),
                log_n=np.zeros(len(W), np.float32),
                log_heterozygosity=np.zeros(len(W), np.float32),
                counted=rows,
                index=np.array(number),
            )
        )
    sizes = [part.block.Q.shape for part in parts]
    batch = put(stack_blocks(parts, *map(max, zip(*sizes, strict=True)), len(parts)))
    start = moment_estimate([batch])
    exact = bool(np.isinf(people))
    model = Model(
        ConstantPrior(jnp.asarray(start.level)),
        jnp.log(jnp.asarray(start.s2)),
        jnp.log(jnp.asarray(start.kappa if exact else 0.0)),
        learn_kappa=exact,
    )
    for step in fit_scoring(start_scoring(model), [batch]):
        model = step.state.model
    return model


def fitted(factors, scored, rng) -> tuple[float, float, float]:
    """Prior variance, s2 and kappa of one simulated study, by maximum likelihood."""
    z = []
    for W in factors:
        drawn = draw_z(W, draw_effects(np.full(VARIANTS, VARIANCE), rng), rng, s2=S2)
        z.append(drawn + np.sqrt(KAPPA) * rng.standard_normal(VARIANTS))
    model = constant_fit(factors, z, scored=scored)
    return float(jnp.exp(model.prior.level)), float(model.s2), float(model.kappa)
