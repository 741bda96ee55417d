"""How much sharper is the full likelihood than LD score regression, on the same simulations?

    python benchmarks/power.py [--studies 200] [--blocks 60] [-o benchmarks/power.md]

Studies as in ``calibration.py``; a log-linear prior is fitted to each by either objective, with
s2 = 1 and kappa = 0 known. What is compared is the spread of the estimates over studies, which
needs no standard error to be right.
"""

import argparse
from pathlib import Path

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from calibration import COEFFICIENTS, Design, make_panel

from deepwas_app.core.batch import BlockBatch, Marginal
from deepwas_app.core.fit import fit_scoring, start_scoring
from deepwas_app.core.ldsr import with_weights
from deepwas_app.core.objective import FULL_LIKELIHOOD, LDScoreRegression
from deepwas_app.core.priors import LinearPrior, Model, ridge_precision

OBJECTIVES = {"full likelihood": FULL_LIKELIHOOD, "LD score regression": LDScoreRegression()}


def regression_batch(batch: BlockBatch, people: int, d: float) -> BlockBatch:
    """The batch with z-scores, of the kept components, and the usual weights."""
    x = jnp.where(jnp.isfinite(batch.block.eigenvalues), batch.block.x, 0.0)
    z = jnp.einsum("bmr,br->bm", batch.block.Q, x)
    marginal = Marginal(z, jnp.zeros_like(z), jnp.full(len(z), float(people)))
    batch = eqx.tree_at(lambda b: b.marginal, batch, marginal, is_leaf=lambda leaf: leaf is None)
    return with_weights(batch, jnp.full(z.shape, d, z.dtype), jnp.asarray(1.0, z.dtype))


def fit(design: Design, batch: BlockBatch, objective) -> np.ndarray:
    """Coefficients with s2 and kappa at their true values, 1 and (nearly) 0."""
    level = jnp.asarray(design.level, jnp.float32)
    start = LinearPrior(design.standardise, level, jnp.zeros(len(COEFFICIENTS)))
    kappa = jnp.asarray(np.log(1e-6), jnp.float32)
    model = Model(start, jnp.asarray(0.0), kappa, learn_s2=False, learn_kappa=False)
    # Very weak: it only keeps an estimate that runs off to minus infinity where it is.
    precision = np.asarray(ridge_precision(model, 3.0))
    fitting = fit_scoring(start_scoring(model), [batch], precision=precision, objective=objective)
    for step in fitting:
        model = step.state.model
    return np.asarray(model.prior.coefficients, np.float64)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--blocks", type=int, default=60)
    parser.add_argument("--variants", type=int, default=80)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("-o", "--output", default="-")
    options = parser.parse_args()
    design = Design(make_panel(options.blocks, options.variants, options.people, seed=3))
    rng = np.random.default_rng(1)
    found: dict[str, list[np.ndarray]] = {name: [] for name in OBJECTIVES}
    for _ in range(options.studies):
        batch = regression_batch(design.draw(rng), options.people, float(design.d.mean()))
        for name, objective in OBJECTIVES.items():
            found[name].append(fit(design, batch, objective))
    spread = {name: np.std(values, axis=0) for name, values in found.items()}
    bias = {name: np.mean(values, axis=0) - COEFFICIENTS for name, values in found.items()}
    lines = [
        "| annotation | truth | s.d., full likelihood | s.d., LD score regression | ratio | "
        "bias, full likelihood | bias, LD score regression |",
        "|---|---|---|---|---|---|---|",
    ]
    ours, theirs = OBJECTIVES
    for i, truth in enumerate(COEFFICIENTS):
        a, b = spread[ours][i], spread[theirs][i]
        lines.append(
            f"| {i + 1} | {truth:+.1f} | {a:.3f} | {b:.3f} | {b / a:.2f} | "
            f"{bias[ours][i]:+.3f} | {bias[theirs][i]:+.3f} |"
        )
    text = "\n".join(lines) + "\n"
    print(text)
    if options.output != "-":
        Path(options.output).write_text(text)


if __name__ == "__main__":
    main()
