"""From z-scores to s2, kappa and heritability: what was put in comes back."""

import jax.numpy as jnp
import numpy as np

from deepwas_app.core import WhitenedBlock, whiten
from deepwas_app.core.batch import BlockBatch, put, stack_blocks
from deepwas_app.core.fit import fit_scoring, start_scoring
from deepwas_app.core.moments import moment_estimate
from deepwas_app.core.priors import ConstantPrior, Model
from deepwas_app.core.simulate import draw_effects, draw_z

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


def fitted(factors, scored, rng) -> tuple[float, float, float]:
    """Prior variance, s2 and kappa of one simulated study, by maximum likelihood."""
    parts = []
    for number, (W, rows) in enumerate(zip(factors, scored, strict=True)):
        z = draw_z(W, draw_effects(np.full(VARIANTS, VARIANCE), rng), rng, s2=S2)
        z += np.sqrt(KAPPA) * rng.standard_normal(VARIANTS)
        block = whiten(W, np.where(rows, z, np.nan), rows)
        parts.append(
            BlockBatch(
                block=WhitenedBlock(*map(np.asarray, (block.Q, block.x, block.eigenvalues))),
                annotations=np.zeros((VARIANTS, 1), np.float32),
                log_scale=np.zeros(VARIANTS, np.float32),
                counted=rows,
                index=np.array(number),
            )
        )
    most = max(part.block.x.shape[0] for part in parts)
    batch = put(stack_blocks(parts, VARIANTS, most, BLOCKS))
    start = moment_estimate([batch])
    model = Model(
        ConstantPrior(jnp.asarray(start.level)),
        jnp.log(jnp.asarray(start.s2)),
        jnp.log(jnp.asarray(start.kappa)),
    )
    for step in fit_scoring(start_scoring(model), [batch]):
        model = step.state.model
    return float(jnp.exp(model.prior.level)), float(model.s2), float(model.kappa)
