"""Is a share p of the variants with inclusion probability p causal? By prior, in simulation.

    python benchmarks/finemapping.py [--loci 1500] [-o benchmarks/finemapping.tsv]

LD blocks are coalescent; a log-linear prior of simulated annotations says where causal variants
are. z-scores are drawn with all of their LD, of whose variance a study keeps a share, and
fine-mapped under a uniform prior and under the true one. Standard errors are binomial.
"""

import argparse
import itertools
import time
from typing import NamedTuple

import numpy as np
import pandas as pd

from deepwas_app.core.block import whiten
from deepwas_app.core.credible_sets import credible_sets
from deepwas_app.core.finemap import single_effects
from deepwas_app.core.simulate import draw_annotations
from deepwas_app.genetics.ld.coalescent import simulate_block
from deepwas_app.genetics.ld.factor import standardise

EDGES = np.array([0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0])
COEFFICIENTS = np.array([0.6, -0.5, 0.0, 0.5, 0.0, -0.4])
DEVIATION = 6.0
MOST = 10
EXPECTED = 2.0
LOSS, BEFORE = "log loss a locus (nats)", "log loss a locus before the data (nats)"


class Locus(NamedTuple):
    """One LD block: all of its loadings, their eigenvalues, and each variant's prior weight."""

    Q: np.ndarray
    eigenvalues: np.ndarray
    weights: np.ndarray


class Draw(NamedTuple):
    """One simulated locus: whitened z-scores, and which variants are causal."""

    locus: Locus
    x: np.ndarray
    causal: np.ndarray


def make_loci(count: int, variants: int, people: int, seed: int) -> list[Locus]:
    """LD blocks with annotations that say where effects are."""
    rng = np.random.default_rng(seed)
    loci = []
    for b in range(count):
        block = simulate_block(people, variants, seed * 10_007 + b)
        W = standardise(block.dosages)[0].T / np.sqrt(people)
        whole = whiten(W, np.zeros(len(W)), variance=1.0)
        annotations = draw_annotations(block.positions, len(COEFFICIENTS), rng)
        deviation = annotations.std(axis=0)
        f = np.exp((annotations - annotations.mean(axis=0)) / deviation @ COEFFICIENTS)
        Q, eigenvalues = (np.asarray(a, np.float64) for a in (whole.Q, whole.eigenvalues))
        loci.append(Locus(Q, eigenvalues, f / f.sum()))
    return loci


def one_to_three(rng: np.random.Generator) -> int:
    return int(rng.integers(1, 4))


def poisson(rng: np.random.Generator) -> int:
    return min(int(rng.poisson(EXPECTED)), MOST)


VARIANCE = 0.99
FIRST = "Poisson (2), s.d. 6"
SCENARIOS = {
    FIRST: (poisson, lambda rng, k: rng.normal(0, DEVIATION, k)),
    "1 to 3, s.d. 6": (one_to_three, lambda rng, k: rng.normal(0, DEVIATION, k)),
    "1 to 3, heavy-tailed": (one_to_three, lambda rng, k: 4.0 * rng.standard_t(3, k)),
}
SETTINGS: dict[str, dict] = {
    "default": {},
    "published algorithm": {"causal": None, "variances": None},
}
CASES = [(scenario, "default", VARIANCE) for scenario in SCENARIOS]
CASES += [(FIRST, "default", variance) for variance in (0.98, 0.995, 0.999, 1.0)]
CASES.append((FIRST, "published algorithm", VARIANCE))


def draw(loci: list[Locus], number: int, scenario: str, seed: int) -> list[Draw]:
    rng = np.random.default_rng(seed)
    how_many, sizes = SCENARIOS[scenario]
    draws = []
    for i in range(number):
        locus = loci[i % len(loci)]
        k = how_many(rng)
        b = np.zeros(len(locus.Q))
        b[rng.choice(len(b), k, replace=False, p=locus.weights)] = sizes(rng, k)
        noise = rng.standard_normal(locus.Q.shape[1])
        draws.append(Draw(locus, locus.Q.T @ b + noise, b != 0))
    return draws


def measure(draws: list[Draw], prior: str, variance: float, **settings) -> list[dict]:
    """Rows of the table: calibration by bin of inclusion probability, credible sets, power."""
    pips, covered, sizes, found, unconverged = [], [], [], 0, 0
    for locus, x, causal in draws:
        weights = locus.weights if prior == "model" else None
        total = np.cumsum(locus.eigenvalues)
        kept = np.searchsorted(total, variance * total[-1] * (1 - 1e-12)) + 1
        Q, x = locus.Q[:, :kept], x[:kept]
        fit = single_effects(Q, x, np.ones(kept), prior_weights=weights, **settings)
        pips.append(fit.pip)
        unconverged += not fit.converged
        inside = np.zeros(len(causal), bool)
        for one in credible_sets(fit, Q):
            inside[one.variants] = True
            covered.append(causal[one.variants].any())
            sizes.append(len(one.variants))
        found += (inside & causal).sum()
    pip, causal = np.concatenate(pips), np.concatenate([d.causal for d in draws])
    rows = []
    for low, high in itertools.pairwise(EDGES):
        chosen = (pip >= low) & (pip < high if high < 1 else True)
        rows.append(_share(f"PIP {low:g} to {high:g}", pip[chosen].mean(), causal[chosen]))
    rows.append(_share("95% sets with a causal variant", 0.95, np.array(covered)))
    of_all = {"N": causal.sum(), "EXPECTED": np.nan, "SE": np.nan}
    before = np.concatenate(
        [
            -np.expm1(-EXPECTED * (w if prior == "model" else np.full(len(w), 1 / len(w))))
            for w in (d.locus.weights for d in draws)
        ]
    )
    rows += [
        {"QUANTITY": "variants a set", "OBSERVED": np.mean(sizes), "N": len(sizes)},
        {"QUANTITY": "causal variants in a set", "OBSERVED": found / causal.sum()} | of_all,
        {"QUANTITY": "causal variants, PIP > 0.5", "OBSERVED": (pip[causal] > 0.5).mean()} | of_all,
        {"QUANTITY": "sum of PIP over causal variants", "OBSERVED": pip.sum() / causal.sum()}
        | of_all,
        {"QUANTITY": LOSS, "OBSERVED": log_loss(pip, causal, len(draws)), "N": len(draws)},
        {"QUANTITY": BEFORE, "OBSERVED": log_loss(before, causal, len(draws)), "N": len(draws)},
        {"QUANTITY": "not converged", "OBSERVED": unconverged / len(draws), "N": len(draws)},
    ]
    return rows


def log_loss(probability: np.ndarray, causal: np.ndarray, loci: int) -> float:
    """Mean over loci of the log loss of their variants' probabilities, in nats."""
    p = np.clip(probability, 1e-6, 1 - 1e-6)
    return float(-np.where(causal, np.log(p), np.log1p(-p)).sum() / loci)


def _share(quantity: str, expected: float, hits: np.ndarray) -> dict:
    share = hits.mean()
    return {
        "QUANTITY": quantity,
        "EXPECTED": expected,
        "OBSERVED": share,
        "SE": np.sqrt(expected * (1 - expected) / len(hits)),
        "N": len(hits),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--loci", type=int, default=1500)
    parser.add_argument("--blocks", type=int, default=40)
    parser.add_argument("--variants", type=int, default=300)
    parser.add_argument("--people", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-o", "--output", default="-")
    options = parser.parse_args()
    loci = make_loci(options.blocks, options.variants, options.people, options.seed)
    tables = []
    for scenario, settings, variance in CASES:
        draws = draw(loci, options.loci, scenario, options.seed)
        for prior in ("model", "uniform"):
            began = time.monotonic()
            table = pd.DataFrame(measure(draws, prior, variance, **SETTINGS[settings]))
            table.insert(0, "PRIOR", prior)
            table.insert(0, "VARIANCE", variance)
            table.insert(0, "SETTINGS", settings)
            table.insert(0, "CAUSAL", scenario)
            tables.append(table)
            print(table.to_string(index=False, float_format="%.3f"), flush=True)
            print(f"{time.monotonic() - began:.0f} s", flush=True)
    if options.output != "-":
        pd.concat(tables).to_csv(
            options.output, sep="\t", index=False, na_rep="NA", float_format="%.4g"
        )


if __name__ == "__main__":
    main()
