"""Do 95% intervals cover, and is the full likelihood sharper than LD score regression?

    python benchmarks/calibration.py [--studies 500] [--blocks 60] [-o benchmarks/calibration.md]

Every study has the same LD blocks (coalescent, split into two halves of people) and annotations;
effects and noise are drawn anew. Coverage is counted over studies and annotations.
"""

import argparse
import time
from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from scipy.stats import norm

from deepwas_app.core.batch import BlockBatch
from deepwas_app.core.block import WhitenedBlock, whiten
from deepwas_app.core.effects import enrichment, tilt_jackknife
from deepwas_app.core.fit import fit_scoring, start_scoring
from deepwas_app.core.jackknife import jackknife_error
from deepwas_app.core.priors import LinearPrior, Model, Standardisation, ridge_precision
from deepwas_app.core.simulate import draw_annotations
from deepwas_app.genetics.coalescent import simulate_block
from deepwas_app.genetics.ld import standardise as standardise_dosages

COEFFICIENTS = np.array([0.4, -0.3, 0.0, 0.3, 0.0, -0.2])
BINARY = 3
MEAN_D = 0.3
RIDGE = 0.5


class Panel(NamedTuple):
    """LD of two halves of the people, and annotations, of equally long blocks."""

    own: np.ndarray  # (blocks, variants, people): W of the half that the analyst has
    other: np.ndarray  # W of the other half
    annotations: np.ndarray  # (blocks, variants, annotations)


def make_panel(blocks: int, variants: int, people: int, seed: int) -> Panel:
    own, other, annotations = [], [], []
    rng = np.random.default_rng(seed)
    for b in range(blocks):
        simulated = simulate_block(2 * people, 2 * variants, seed * 10_007 + b)
        halves = [simulated.dosages[:people], simulated.dosages[people:]]
        common = np.flatnonzero(np.all([half.std(axis=0) > 0.1 for half in halves], axis=0))
        common = common[:variants]
        if len(common) < variants:
            raise SystemExit("too few common variants: ask for fewer")
        for half, into in zip(halves, (own, other), strict=True):
            standardised, _ = standardise_dosages(half[:, common])
            into.append(standardised.T / np.sqrt(people))
        annotations.append(draw_annotations(simulated.positions[common], 6, rng))
    return Panel(np.stack(own), np.stack(other), np.stack(annotations))


class Design:
    """Everything of a study that does not change from draw to draw."""

    def __init__(self, panel: Panel):
        self.panel = panel
        zeros = np.zeros(panel.own.shape[1])
        whitened = [whiten(W, zeros, variance=0.99) for W in panel.own]
        size = max(len(b.x) for b in whitened)
        blocks, variants, _ = panel.own.shape
        self.Q = np.zeros((blocks, variants, size), np.float32)
        self.eigenvalues = np.full((blocks, size), np.inf, np.float32)
        for i, block in enumerate(whitened):
            self.Q[i, :, : len(block.x)] = block.Q
            self.eigenvalues[i, : len(block.x)] = block.eigenvalues
        flat = panel.annotations.reshape(-1, panel.annotations.shape[-1])
        self.standardise = Standardisation(jnp.asarray(flat.mean(0)), jnp.asarray(flat.std(0)))
        self.standardised = (flat - flat.mean(0)) / flat.std(0)
        log_f = self.standardised @ COEFFICIENTS
        self.level = np.log(MEAN_D / np.exp(log_f).mean())
        self.d = np.exp(log_f + self.level).reshape(blocks, variants)
        self.sets = flat[:, :BINARY] == 1
        v = self.d.ravel()
        self.enrichment = (v @ self.sets) / v.sum() / self.sets.mean(axis=0)

    def draw(self, rng, sparse: float = 1.0, other_half: bool = False) -> BlockBatch:
        """Whitened z-scores: a share `sparse` of variants has all of the effects."""
        on = rng.random(self.d.shape) < sparse
        b = rng.standard_normal(self.d.shape) * np.sqrt(self.d / sparse) * on
        W = self.panel.other if other_half else self.panel.own
        inner = np.einsum("bmk,bm->bk", W, b) + rng.standard_normal((W.shape[0], W.shape[2]))
        z = np.einsum("bmk,bk->bm", W, inner)
        x = np.einsum("bmr,bm->br", self.Q, z) / self.eigenvalues
        block = WhitenedBlock(
            jnp.asarray(self.Q), jnp.asarray(x, jnp.float32), jnp.asarray(self.eigenvalues)
        )
        return BlockBatch(
            block=block,
            annotations=jnp.asarray(self.panel.annotations),
            log_scale=jnp.zeros(self.d.shape, jnp.float32),
            counted=jnp.ones(self.d.shape, bool),
            index=jnp.arange(len(self.d)),
        )

    def fit(self, batch: BlockBatch):
        """Estimates and standard errors of coefficients and of enrichments."""
        start = LinearPrior(
            self.standardise, jnp.asarray(self.level, jnp.float32), jnp.zeros(len(COEFFICIENTS))
        )
        model = Model(start, jnp.asarray(0.0), jnp.log(jnp.asarray(0.05)))
        precision = np.asarray(ridge_precision(model, RIDGE))
        for step in fit_scoring(start_scoring(model), [batch], precision=precision):
            model = step.state.model
        jackknife = tilt_jackknife(model, self.standardise, [batch])
        found = np.asarray(model.prior.coefficients, np.float64)
        v = np.exp(self.standardised @ found)
        share = enrichment(v, self.sets, self.standardised, jackknife)
        return found, jackknife_error(jackknife.coefficients), share.value, share.error


SCENARIOS = {
    "under the model": {},
    "sparse effects (1 in 20)": {"sparse": 0.05},
    "LD of the other half of the panel": {"other_half": True},
}


def coverage(estimate, error, truth, level: float = 0.95) -> tuple[float, float]:
    """Share of intervals that hold the truth, and the s.d. of (estimate - truth) / error."""
    score = (estimate - truth) / error
    return float((np.abs(score) < norm.ppf(0.5 + level / 2)).mean()), float(score.std())


def log_odds(enriched, error, design: Design):
    """Log odds of the share of heritability, and its error by the delta method."""
    fraction = design.sets.mean(axis=0)
    share = enriched * fraction
    return np.log(share / (1 - share)), error * fraction / (share * (1 - share))


def run(design: Design, studies: int, seed: int, **scenario):
    rng = np.random.default_rng(seed)
    results = [design.fit(design.draw(rng, **scenario)) for _ in range(studies)]
    return [np.array(part) for part in zip(*results, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--studies", type=int, default=500)
    parser.add_argument("--blocks", type=int, nargs="+", default=[20, 60])
    parser.add_argument("--variants", type=int, default=80)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--scenarios", nargs="+", default=list(SCENARIOS))
    parser.add_argument("-o", "--output", default="-")
    options = parser.parse_args()
    lines = [
        "| blocks | scenario | studies | coefficients covered | s.d. of score | "
        "enrichments covered, log scale | s.d. of score | symmetric | s.d. of score |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for blocks in options.blocks:
        design = Design(make_panel(blocks, options.variants, options.people, seed=3))
        for name in options.scenarios:
            scenario = SCENARIOS[name]
            began = time.monotonic()
            c, c_error, e, e_error = run(design, options.studies, 1, **scenario)
            found = (
                *coverage(c, c_error, COEFFICIENTS),
                # Of the log odds of the share, which unlike the share has no end.
                *coverage(*log_odds(e, e_error, design), log_odds(design.enrichment, 0, design)[0]),
                *coverage(e, e_error, design.enrichment),
            )
            lines.append(
                f"| {blocks} | {name} | {options.studies} | {found[0]:.1%} | {found[1]:.2f} | "
                f"{found[2]:.1%} | {found[3]:.2f} | {found[4]:.1%} | {found[5]:.2f} |"
            )
            print(lines[-1], f"({time.monotonic() - began:.0f} s)", flush=True)
    text = "\n".join(lines) + "\n"
    if options.output != "-":
        Path(options.output).write_text(text)


if __name__ == "__main__":
    main()
