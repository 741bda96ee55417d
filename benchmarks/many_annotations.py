"""What annotations that say nothing cost the linear prior.

    python benchmarks/many_annotations.py -o benchmarks/many_annotations.tsv
    python benchmarks/many_annotations.py --quick

LD blocks of 80 variants are simulated by coalescent; effects are drawn for all variants, or for a
share of them, and annotations are independent normal numbers. 60 blocks are trained on and as many
others held out.

causal
    Share of variants with an effect.
annotations
    How many; none of them says anything.
prior
    ``learned``: the normal prior on coefficients as it is by default; ``0.5``: fixed, as it was.
cost
    Held-out nats lost against the constant prior; mean and largest over studies.
h2
    Heritability of the held-out variants over that of the constant prior, mean and the largest.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from command import clock, parser, table

from deepwas_app.core.batch import BlockBatch, stack_blocks
from deepwas_app.core.block import whiten
from deepwas_app.core.objectives import block_losses, log_prior_variance
from deepwas_app.core.priors import (
    ConstantPrior,
    Model,
    Standardisation,
    make_prior,
    ridge_precision,
)
from deepwas_app.core.scoring import fit_scoring, start_scoring
from deepwas_app.genetics.ld.coalescent import simulate_block
from deepwas_app.genetics.ld.factor import standardise

COLUMNS = (
    "causal", "annotations", "prior", "studies", "cost", "largest_cost", "h2", "largest_h2",
)  # fmt: skip
VARIANTS, PEOPLE = 80, 400
# N v: mean chi2 of about 3.
SIGNAL = 0.2


def ld_factors(blocks: int) -> list[np.ndarray]:
    return [
        standardise(simulate_block(PEOPLE, VARIANTS, 1_000 + b).dosages.astype(np.float32))[0].T
        / np.sqrt(PEOPLE)
        for b in range(blocks)
    ]


def draw(factors: list[np.ndarray], causal: float, count: int, rng: np.random.Generator):
    """One batch of all blocks."""
    parts = []
    for b, W in enumerate(factors):
        effects = rng.standard_normal(VARIANTS) * np.sqrt(SIGNAL / causal)
        effects *= rng.random(VARIANTS) < causal
        z = W @ (W.T @ effects + rng.standard_normal(W.shape[1]))
        zero = np.zeros(VARIANTS, np.float32)
        parts.append(
            BlockBatch(
                block=jax.tree.map(np.asarray, whiten(W, z)),
                annotations=rng.standard_normal((VARIANTS, count)).astype(np.float32),
                log_n=zero,
                log_heterozygosity=zero,
                counted=np.ones(VARIANTS, bool),
                index=np.asarray(b),
            )
        )
    most = max(len(part.block.x) for part in parts)
    return jax.tree.map(jnp.asarray, stack_blocks(parts, VARIANTS, most, len(parts)))


def fitted(start: Model, batch: BlockBatch, precision) -> Model:
    model = start
    for step in fit_scoring(start_scoring(model), [batch], precision=precision):
        model = step.state.model
    return model


def total(model: Model, batch: BlockBatch) -> float:
    return float(jnp.exp(log_prior_variance(model, batch)).sum())


def main() -> None:
    arguments = parser(seed=0)
    arguments.add_argument("--studies", type=int, default=6)
    arguments.add_argument("--blocks", type=int, default=60)
    options = arguments.parse_args()
    counts = (12, 100, 1_000)
    if options.quick:
        options.studies, options.blocks, counts = 2, 12, (12, 100)
    say = clock()
    factors = ld_factors(2 * options.blocks)
    rows = table(options, COLUMNS)
    for causal in (1.0, 0.02):
        for count in counts:
            plain = Standardisation(jnp.zeros(count), jnp.ones(count))
            found: dict[str, list[tuple[float, float]]] = {"learned": [], "0.5": []}
            for study in range(options.studies):
                rng = np.random.default_rng((options.seed, study, count))
                train = draw(factors[: options.blocks], causal, count, rng)
                held = draw(factors[options.blocks :], causal, count, rng)
                level = jnp.asarray(np.log(SIGNAL))
                noise = jnp.asarray(0.0), jnp.asarray(-np.inf)
                begin = Model(ConstantPrior(level), *noise, learn_kappa=False)
                constant = fitted(begin, train, 0.0)
                prior = make_prior("linear", plain, level=float(constant.prior.level))
                start = eqx.tree_at(lambda m: m.prior, constant, prior)
                base = float(block_losses(constant, held).sum())
                for name in found:
                    own = "learned" if name == "learned" else ridge_precision(start, 0.5)
                    model = fitted(start, train, own if name == "learned" else np.asarray(own))
                    cost = float(block_losses(model, held).sum()) - base
                    found[name].append((cost, total(model, held) / total(constant, held)))
            for name, pairs in found.items():
                costs, h2 = np.array(pairs).T
                values = (costs.mean(), costs.max(), h2.mean(), h2.max())
                row = (causal, count, name, len(costs), *(f"{v:.2f}" for v in values))
                rows.writerow(row)
                options.output.flush()
                say(" ".join(map(str, row)))


if __name__ == "__main__":
    main()
