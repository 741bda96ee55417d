"""Are studies flagged whose LD is not that of their GWAS, and no others?

    python benchmarks/bad_ld.py -o benchmarks/bad_ld.tsv
    python benchmarks/bad_ld.py --quick

Truth is made by population.py, which shares no code with what is tested; each simulation has a GWAS
and an LD panel of its own; LD blocks are given in one half of them and cut by the software in the
other. Flagged is what `deepwas check`, `study` and `train` warn of.

situation
    ``good``: as it should be. ``s2 1.1``: the same with a tenth more noise that follows LD.
    ``permuted``: z-scores permuted over all variants. ``flipped``: 30% of signs flipped.
people, stated
    Behind the LD, and as many as the study says; exact: the LD of the population.
flagged
    Of `simulations`, how many.
least, largest
    Ratio of observed to expected share, over simulations.
blocks
    Share of LD blocks that are flagged by themselves.
"""

import argparse
from collections.abc import Iterator

import command
import numpy as np
from ld_blocks import Block, software_cuts, whitened
from population import PEOPLE, Chromosome, make_chromosome, run_gwas, standardised

from deepwas_app.core.mismatch import leading_share
from deepwas_app.workflow.studies.ld_fit import LdFit, apart, judged

COLUMNS = (
    "situation", "people", "stated", "mean_chi2", "causal", "typed", "simulations", "flagged",
    "least", "largest", "blocks",
)  # fmt: skip
CHI2 = (1.2, 2.0, 5.0)
EXACT = np.inf
# People behind the LD; None: the study does not say.
GOOD = ((378, 378), (500, 500), (2_000, 2_000), (EXACT, EXACT))
FEW = ((50, 50), (50, 2_000), (50, None))
# Not in the bar: more people than that, of whom the study does not say.
BETWEEN = ((100, 100), (200, 200), (100, None), (200, None), (378, None))
FLIPPED = 0.3
INFLATION = 0.1


def draw(
    chromosomes: list[Chromosome],
    people: float,
    stated: float | None,
    cut: bool,
    rng: np.random.Generator,
) -> list[Block]:
    blocks, first = [], 0
    for c in chromosomes:
        genotypes = c.typed if people == EXACT else rng.choice(c.typed, int(people))
        starts = software_cuts(genotypes) if cut else c.starts
        for part, at in zip(np.split(genotypes, starts[1:], axis=1), starts, strict=True):
            blocks.append(whitened(first + at, part.astype(np.float32), stated or EXACT)[0])
        first += genotypes.shape[1]
    return blocks


def spoilt(z: np.ndarray, extra: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    return {
        "good": z,
        "s2 1.1": z + np.sqrt(INFLATION) * extra,
        "permuted": rng.permutation(z),
        "flipped": np.where(rng.random(len(z)) < FLIPPED, -z, z),
    }


def verdict(blocks: list[Block], z: np.ndarray, stated: float | None) -> tuple[LdFit, float]:
    """Of the study, and the share of its LD blocks that are flagged by themselves."""
    shares = [
        leading_share(
            (z[b.rows] @ b.to_x) * b.noise, b.eigenvalues, b.noise, b.background, z[b.rows]
        )
        for b in blocks
    ]
    known = 0 if stated == EXACT else stated
    return judged(shares, known), float(np.mean([apart(*share[:3]) for share in shares]))


def simulate(options: argparse.Namespace, say) -> Iterator[tuple[tuple, LdFit, float]]:
    """Key of the cell, and verdicts, of every simulation."""
    seed, count = options.seed, options.simulations
    people = 3_000 if options.quick else PEOPLE
    chromosomes = [make_chromosome(seed + c, people) for c in range(options.chromosomes)]
    say("chromosomes")
    gwas = run_gwas(chromosomes, dict.fromkeys(CHI2, count), seed)
    say("GWAS")
    rng = np.random.default_rng(seed)
    extra = np.concatenate(
        [
            rng.standard_normal((count, people)) @ standardised(c.typed) / np.sqrt(people)
            for c in chromosomes
        ],
        axis=1,
    )
    exact = [draw(chromosomes, EXACT, EXACT, cut, rng) for cut in (False, True)]
    for pair in (*GOOD, *FEW, *BETWEEN):
        for s in range(count):
            cut = s % 2 == 1
            blocks = exact[cut] if pair[0] == EXACT else draw(chromosomes, *pair, cut, rng)
            for key, studies in gwas.items():
                for situation, z in spoilt(studies.z[s], extra[s], rng).items():
                    if pair in GOOD or situation == "good":
                        yield (situation, *pair, *key), *verdict(blocks, z, pair[1])
        say(f"{pair[0]} people, stated {pair[1]}")


def main() -> None:
    parser = command.parser(seed=800)
    parser.add_argument("--simulations", type=int, default=20)
    options = parser.parse_args()
    if options.quick:
        options.chromosomes, options.simulations = 1, 4
    say = command.clock()
    cells: dict[tuple, list[tuple[LdFit, float]]] = {}
    for key, *found in simulate(options, say):
        cells.setdefault(key, []).append(tuple(found))
    table = command.table(options, COLUMNS)
    label = {EXACT: "exact", None: "unknown"}
    for (situation, people, stated, *kind), found in cells.items():
        ratios = [fit.ratio for fit, _ in found]
        table.writerow(
            (
                situation,
                label.get(people, people),
                label.get(stated, stated),
                *kind,
                len(found),
                sum(fit.flagged for fit, _ in found),
                f"{min(ratios):.3f}",
                f"{max(ratios):.3f}",
                f"{np.mean([share for _, share in found]):.3f}",
            )
        )


if __name__ == "__main__":
    main()
