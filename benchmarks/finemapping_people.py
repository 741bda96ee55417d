"""Fine-mapping people: PIPs with LD of others, and effects of all variants behind the causal ones.

    python benchmarks/finemapping_people.py [--studies 60] [-o benchmarks/finemapping_people.tsv]

The table is of 25 studies with the panel of 500 where `polygenic` is 0 or 0.03, 40 where it is
0.15, and 60 for the other panel and for the whole prior variance as background (all), which this
does not try any more.

Truth is made by population.py: z-scores of a GWAS of people, whose LD nobody knows exactly. A locus
is an LD block with 1 to 10 causal variants, each with an s.d. of 6 standard errors, and effects of
all its other variants behind them, with a prior variance `polygenic` times the noise's on average;
both are placed by a log-linear prior of annotations. It is whitened with LD of 500 other people, or
of all of the population. The true prior variance, of causal and other effects together, is given to
the fits as a run's prior would be.

PRIOR
    model: weights by the true prior; uniform.
BACKGROUND
    What of the prior variance the noise is given: none, truly that of the other effects, or the
    share of it by which the evidence lower bound of the locus is largest (learned).
quantities
    By bin of PIP: mean PIP (EXPECTED), share of causal variants (OBSERVED), and the binomial s.e.
    of a share of the mean PIP; and what 95% sets hold, how large they are, how many causal variants
    have a PIP above 0.5 and 0.95, or the largest PIPs of which so many are false; the log loss a
    locus; and the squared effects that are in 95% sets, as the fits expect it and in truth (of
    causal variants that a set holds), by themselves (in units of z squared, a locus) and as a share
    of all, the s.e. that of the difference over loci.
"""

import argparse
import itertools
import time

import numpy as np
import pandas as pd
from finemapping import EDGES, log_loss
from population import Chromosome, make_chromosome, standardised

from deepwas_app.core.block import whiten
from deepwas_app.core.credible_sets import credible_sets
from deepwas_app.core.finemap import single_effects
from deepwas_app.core.likelihood import noise_variance
from deepwas_app.core.simulate import draw_annotations

COEFFICIENTS = np.array([0.6, -0.5, 0.0, 0.5, 0.0, -0.4])
DEVIATION = 6.0
PEOPLE = 50_000
POLYGENIC = (0.0, 0.03, 0.15)
PANELS = (500, np.inf)
BACKGROUNDS = ("none", "true", "learned")
# Of the prior variance; the one with the most evidence is taken where it is learned.
SHARES = (0.0, 0.03, 0.1, 0.3, 1.0)
# Mean number of causal variants.
EXPECTED = 5.5
KEPT = 0.99


class Locus:
    """An LD block of the population, and what an analyst sees of it.

    Attributes
    ----------
    X
        Standardised genotypes of the population, (people, variants).
    weights
        Where effects are, (variants,), of sum 1.
    blocks
        Whitened with each panel, by its people; of no z-scores.
    """

    def __init__(self, dosages: np.ndarray, positions: np.ndarray, rng: np.random.Generator):
        self.X = standardised(dosages)
        annotations = draw_annotations(positions, len(COEFFICIENTS), rng)
        deviation = np.where(annotations.std(axis=0) > 0, annotations.std(axis=0), np.inf)
        f = np.exp((annotations - annotations.mean(axis=0)) / deviation @ COEFFICIENTS)
        self.weights = f / f.sum()
        self.blocks = {}
        for people in PANELS:
            own = np.isinf(people)
            chosen = slice(None) if own else rng.choice(len(dosages), int(people), replace=False)
            factor = standardised(dosages[chosen]).T / np.sqrt(len(dosages) if own else people)
            self.blocks[people] = whiten(factor, np.zeros(len(f)), variance=KEPT, people=people)


def make_loci(chromosomes: int, people: int, seed: int) -> list[Locus]:
    rng = np.random.default_rng(seed)
    loci = []
    for c in range(chromosomes):
        made: Chromosome = make_chromosome(100 * seed + 10 * c + 1, people)
        for start, stop in itertools.pairwise([*made.starts, made.typed.shape[1]]):
            part = slice(start, stop)
            loci.append(Locus(made.typed[:, part], made.position[part], rng))
    return loci


def draw(locus: Locus, polygenic: float, rng: np.random.Generator) -> tuple:
    """z-scores of a GWAS, which variants are causal, the true prior variance of b: of all effects,
    and of those that all variants have; and b.
    """
    size = len(locus.weights)
    number = int(rng.integers(1, 11))
    causal = rng.choice(size, number, replace=False, p=locus.weights)
    behind = polygenic * size * locus.weights
    b = np.sqrt(behind) * rng.standard_normal(size)
    b[causal] += DEVIATION * rng.standard_normal(number)
    # Each of the GWAS is a person of the population, with the rest of the genome's own noise.
    carried = np.bincount(rng.integers(len(locus.X), size=PEOPLE), minlength=len(locus.X))
    value = locus.X @ (b / np.sqrt(PEOPLE))
    y = carried * value + np.sqrt(carried) * rng.standard_normal(len(locus.X))
    z = locus.X.T @ (y - carried * (y.sum() / PEOPLE)) / np.sqrt(PEOPLE)
    inside = np.zeros(size, bool)
    inside[causal] = True
    return z, inside, behind + EXPECTED * DEVIATION**2 * locus.weights, behind, b


def measured(fits: list) -> list[dict]:
    """Rows of the table from PIPs, causal variants and credible sets of every locus."""
    pip, causal = (np.concatenate([fit[i] for fit in fits]) for i in (0, 1))
    rows = []
    for low, high in itertools.pairwise([*EDGES[:-1], 0.95, 1.0]):
        chosen = (pip >= low) & (pip < high if high < 1 else True)
        if chosen.any():
            mean = pip[chosen].mean()
            rows.append(
                {
                    "QUANTITY": f"PIP {low:g} to {high:g}",
                    "EXPECTED": mean,
                    "OBSERVED": causal[chosen].mean(),
                    "SE": np.sqrt(mean * (1 - mean) / chosen.sum()),
                    "N": chosen.sum(),
                }
            )
    covered = np.concatenate([fit[2] for fit in fits])
    sizes = np.concatenate([fit[3] for fit in fits])
    share = "95% sets with a causal variant"
    error = np.sqrt(0.95 * 0.05 / max(len(covered), 1))
    rows.append(_row(share, covered.mean(), len(covered)) | {"EXPECTED": 0.95, "SE": error})
    rows.append(_row("variants a set", np.median(sizes), len(sizes)))
    for least in (0.5, 0.95):
        above = pip > least
        found = f"causal variants, PIP > {least:g}", above[causal].mean(), causal.sum()
        false = (
            f"not causal of PIP > {least:g}",
            (~causal[above]).sum() / max(above.sum(), 1),
            above.sum(),
        )
        rows += [_row(*found), _row(*false)]
    order = np.argsort(-pip, kind="stable")
    hits = np.cumsum(causal[order])
    for rate in (0.05, 0.1):
        allowed = hits >= (1 - rate) * (1 + np.arange(len(hits)))
        power = hits[allowed].max(initial=0) / hits[-1]
        rows.append(_row(f"causal variants, {rate:.0%} of those found false", power, hits[-1]))
    rows.append(_row("log loss a locus (nats)", log_loss(pip, causal, len(fits)), len(fits)))
    rows.append(_row("not converged", np.mean([not fit[4] for fit in fits]), len(fits)))
    if len(fits[0]) < 6:
        return rows
    # Of each locus: in sets as expected, in truth; in all as expected, in truth.
    squares = np.array([fit[5] for fit in fits])
    mean = squares.mean(axis=0)
    for quantity, each, of in (
        ("squared effects in sets", squares[:, :2], np.ones(2)),
        (
            "share of squared effects in sets",
            squares[:, :2] - squares[:, 2:] * (mean[:2] / mean[2:]),
            mean[2:],
        ),
    ):
        error = (each[:, 0] / of[0] - each[:, 1] / of[1]).std(ddof=1) / np.sqrt(len(fits))
        expected, observed = mean[:2] / of
        rows.append(_row(quantity, observed, len(fits)) | {"EXPECTED": expected, "SE": error})
    return rows


def _row(quantity: str, observed: float, number: int) -> dict:
    missing = {"EXPECTED": np.nan, "SE": np.nan}
    return {"QUANTITY": quantity, "OBSERVED": observed, "N": number} | missing


def fit_all(drawn: list, people: float, background: str, prior: str) -> list:
    fits = []
    for locus, z, causal, d, behind, b in drawn:
        block = locus.blocks[people]
        Q, eigenvalues, shrunk = (
            np.asarray(a, np.float64) for a in (block.Q, block.eigenvalues, block.noise)
        )
        shares = {"none": (0.0,), "true": (behind.sum() / d.sum(),), "learned": SHARES}[background]
        noise = np.asarray(noise_variance(block, d, 1.0, 0.0), np.float64)
        tried = [
            single_effects(
                Q,
                Q.T @ z / eigenvalues * shrunk,
                noise,
                background=share * d if share else None,
                prior_weights=d if prior == "model" else None,
            )
            for share in shares
        ]
        fit = max(tried, key=lambda one: one.elbo[-1])
        sets = credible_sets(fit, Q)
        covered = np.array([causal[one.variants].any() for one in sets], bool)
        sizes = np.array([len(one.variants) for one in sets])
        inside = np.zeros(len(b), bool)
        for one in sets:
            inside[one.variants] = True
        squares = (
            sum(float(one.squares[: len(one.variants)].sum()) for one in sets),
            float((b**2)[inside & causal].sum()),
            float(d.sum()),
            float((b**2).sum()),
        )
        fits.append((fit.pip, causal, covered, sizes, fit.converged, squares))
    return fits


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--studies", type=int, default=60)
    parser.add_argument("--chromosomes", type=int, default=3)
    parser.add_argument("--population", type=int, default=6_000)
    parser.add_argument("--polygenic", type=float, nargs="+", default=POLYGENIC)
    parser.add_argument("--panels", type=float, nargs="+", default=PANELS)
    parser.add_argument("--backgrounds", nargs="+", default=BACKGROUNDS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-o", "--output", default="-")
    options = parser.parse_args()
    loci = make_loci(options.chromosomes, options.population, options.seed)
    rng = np.random.default_rng(options.seed)
    tables = []
    for polygenic in options.polygenic:
        drawn = [
            (locus, *draw(locus, polygenic, rng)) for _ in range(options.studies) for locus in loci
        ]
        cases = itertools.product(options.panels, options.backgrounds, ("model", "uniform"))
        for people, background, prior in cases:
            if background == "true" and not polygenic:
                continue
            began = time.process_time()
            table = pd.DataFrame(measured(fit_all(drawn, people, background, prior)))
            case = {"POLYGENIC": polygenic, "PANEL": people, "BACKGROUND": background}
            for i, (name, value) in enumerate(
                (case | {"PRIOR": prior, "LOCI": len(drawn)}).items()
            ):
                table.insert(i, name, value)
            tables.append(table)
            print(table.to_string(index=False, float_format="%.3f"), flush=True)
            print(f"{time.process_time() - began:.0f} s of CPU", flush=True)
    if options.output != "-":
        pd.concat(tables).to_csv(
            options.output, sep="\t", index=False, na_rep="NA", float_format="%.4g"
        )


if __name__ == "__main__":
    main()
