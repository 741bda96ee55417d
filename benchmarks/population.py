"""A population whose LD is known exactly, and GWAS of it, for panels.py. Knows nothing of the core.

15,000 people are simulated by coalescent (msprime), with recombination hot spots. They are all the
chromosomes there are, so that LD is known exactly. Whoever takes part in a GWAS or an LD panel
draws each chromosome from them independently, with replacement: there is no LD between
chromosomes, panels are of other people, and a GWAS has as many people as its mean chi2 asks for,
each with an own environment. Its z-scores are X'y / sqrt(N) over these people.
"""

from typing import NamedTuple

import msprime
import numpy as np

PEOPLE = 15_000
LENGTH = 6e6
# HapMap3: variants per Mb.
DENSITY = 380
MAF = 0.01
# Share of the variance of the phenotype, by all chromosomes together: a Mb explains little.
H2 = 0.05
CAUSAL = {"all": None, "1%": 0.01, "ten": 10}
TYPED = {"all": 1.0, "a tenth": 0.1}


class Chromosome(NamedTuple):
    """Genotypes of the population.

    Attributes
    ----------
    typed, hidden
        Copies of an allele, int8, (people, variants): variants of the GWAS, and others.
    starts
        First variant of each given LD block.
    position
        Of typed variants, bp.
    """

    typed: np.ndarray
    hidden: np.ndarray
    starts: np.ndarray
    position: np.ndarray


class Studies(NamedTuple):
    """GWAS of one kind.

    Attributes
    ----------
    z
        (studies, variants of all chromosomes).
    signal
        N times the variance of the phenotype that is genetic, (studies,): the truth.
    """

    z: np.ndarray
    signal: np.ndarray


def hot_spots(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Borders of pieces and rates per bp: hot spots of 2 kb about every 65 kb."""
    gaps = 5_000 + rng.exponential(60_000, size=int(LENGTH / 20_000))
    borders = np.cumsum(np.c_[gaps, np.full(len(gaps), 2_000.0)].ravel())
    rates = np.c_[np.full(len(gaps), 2e-9), 2.6e-7 * rng.gamma(1, size=len(gaps))].ravel()
    inside = borders < LENGTH
    return np.r_[0.0, borders[inside], LENGTH], rates[: inside.sum() + 1]


def given_blocks(borders: np.ndarray, rates: np.ndarray) -> list[float]:
    """Cuts at the hottest spots that leave blocks of 1.5 to 4 Mb."""
    cuts, at = [], 0.0
    while LENGTH - at > 4e6:
        fits = (borders[:-1] >= at + 1.5e6) & (borders[1:] <= min(at + 4e6, LENGTH - 1.5e6))
        spot = np.flatnonzero(fits)[rates[fits].argmax()]
        at = (borders[spot] + borders[spot + 1]) / 2
        cuts.append(at)
    return cuts


def make_chromosome(seed: int, people: int = PEOPLE) -> Chromosome:
    rng = np.random.default_rng(seed)
    borders, rates = hot_spots(rng)
    # Europeans, roughly: out of Africa through a bottleneck, and growth since.
    history = msprime.Demography()
    history.add_population(name="EUR", initial_size=500_000)
    for time, size in ((200, 30_000), (900, 3_000), (2_000, 12_000)):
        history.add_population_parameters_change(time=time, initial_size=size)
    tree = msprime.sim_ancestry(
        people,
        demography=history,
        recombination_rate=msprime.RateMap(position=borders, rate=rates),
        model=msprime.SmcApproxCoalescent(),
        random_seed=seed + 1,
    )
    tree = msprime.sim_mutations(
        tree, rate=1.2e-8, random_seed=seed + 1, model=msprime.BinaryMutationModel()
    )
    frequency = np.zeros(tree.num_sites)
    for local in tree.trees():
        for site in local.sites():
            if len(site.mutations) == 1:
                carriers = local.num_samples(site.mutations[0].node)
                frequency[site.id] = carriers / tree.num_samples
    minor = np.minimum(frequency, 1 - frequency)
    common = np.flatnonzero(minor >= MAF)
    # Chips prefer common variants.
    weight = np.where(minor[common] > 0.05, 1.0, 0.35)
    count = int(DENSITY * LENGTH / 1e6)
    typed = rng.choice(common, count, replace=False, p=weight / weight.sum())
    hidden = rng.choice(np.setdiff1d(common, typed), count - count // 10, replace=False)
    chosen = np.sort(np.r_[typed, hidden])
    rest = np.setdiff1d(np.arange(tree.num_sites), chosen)
    haplotypes = tree.delete_sites(rest).genotype_matrix()
    dosages = (haplotypes[:, ::2] + haplotypes[:, 1::2]).T.astype(np.int8)
    seen = np.isin(chosen, typed)
    position = tree.tables.sites.position[chosen[seen]]
    cuts = np.searchsorted(position, given_blocks(borders, rates))
    return Chromosome(dosages[:, seen], dosages[:, ~seen], np.r_[0, cuts], position.astype(int))


def standardised(dosages: np.ndarray) -> np.ndarray:
    x = dosages.astype(np.float32)
    x -= x.mean(axis=0)
    scale = x.std(axis=0)
    return x / np.where(scale > 0, scale, np.inf)


def effects(
    chromosomes: list[Chromosome], causal: str, typed: str, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Effects of typed and of hidden variants, per s.d. of the genotype, up to a factor.

    As many variants can be causal as are typed; of those that are, the share `typed` is.
    """
    size = sum(c.typed.shape[1] for c in chromosomes)
    hidden = np.zeros(sum(c.hidden.shape[1] for c in chromosomes))
    share = CAUSAL[causal]
    count = size if share is None else round(share * size) if share < 1 else share
    own = round(TYPED[typed] * count)
    seen = np.zeros(size)
    # Ten are of one size, so that they are ten.
    draw = (lambda n: rng.choice([-1.0, 1.0], n)) if causal == "ten" else rng.standard_normal
    seen[rng.choice(size, own, replace=False)] = draw(own)
    others = min(count - own, len(hidden))
    hidden[rng.choice(len(hidden), others, replace=False)] = draw(others)
    return seen, hidden


def run_gwas(
    chromosomes: list[Chromosome], counts: dict[float, int], seed: int
) -> dict[tuple[float, str, str], Studies]:
    """Studies by mean chi2, causal variants and how many of these are typed.

    Parameters
    ----------
    counts
        Studies by mean chi2, which decides the number of people N: the mean of z^2 that the
        effects of a study give is (N mean_j (R beta)_j^2 + 1), R the LD of the population.
    """
    rng = np.random.default_rng(seed)
    most = max(counts.values())
    kinds = [(causal, typed) for causal in CAUSAL for typed in TYPED]
    drawn = [effects(chromosomes, *kind, rng) for kind in kinds for _ in range(most)]
    seen, hidden = (np.array(part, np.float32) for part in zip(*drawn, strict=True))
    genetic, marginal = genetic_parts(chromosomes, seen, hidden)

    sums: list[list[np.ndarray]] = [[] for _ in chromosomes]
    signal = {}
    for k, kind in enumerate(kinds):
        for chi2, count in counts.items():
            columns = slice(k * most, k * most + count)
            N = np.rint((chi2 - 1) / marginal[columns]).astype(int)
            for into, y in zip(
                sums, phenotypes([g[columns] for g in genetic], N, rng), strict=True
            ):
                into.append(y)
            signal[chi2, *kind] = N * H2
    del genetic
    z = np.concatenate(
        [np.concatenate(y) @ standardised(c.typed) for c, y in zip(chromosomes, sums, strict=True)],
        axis=1,
    )
    parts = np.split(z, np.cumsum([len(N) for N in signal.values()])[:-1])
    return {key: Studies(part, N) for (key, N), part in zip(signal.items(), parts, strict=True)}


def genetic_parts(
    chromosomes: list[Chromosome], seen: np.ndarray, hidden: np.ndarray
) -> tuple[list[np.ndarray], np.ndarray]:
    """Genetic values by chromosome, (studies, people) each, and mean_j (R beta)_j^2 of each study.

    Chromosomes are independent, so that their variances add up to `H2`.
    """
    genetic, at = [], [0, 0]
    for c in chromosomes:
        value = np.zeros((len(seen), len(c.typed)), np.float32)
        for i, (dosages, b) in enumerate(((c.typed, seen), (c.hidden, hidden))):
            value += b[:, at[i] : at[i] + dosages.shape[1]] @ standardised(dosages).T
            at[i] += dosages.shape[1]
        genetic.append(value - value.mean(axis=1, keepdims=True))
    scale = np.sqrt(H2 / sum(g.var(axis=1) for g in genetic))
    for g in genetic:
        g *= scale[:, None]
    squares = [
        ((g @ standardised(c.typed) / g.shape[1]) ** 2).sum(axis=1)
        for g, c in zip(genetic, chromosomes, strict=True)
    ]
    return genetic, sum(squares) / sum(c.typed.shape[1] for c in chromosomes)


def phenotypes(genetic: list[np.ndarray], sizes: np.ndarray, rng: np.random.Generator):
    """Sum of y / sqrt(N) over all who carry a genome, (studies, genomes) for each chromosome."""
    population = genetic[0].shape[1]
    sums = [np.zeros_like(g) for g in genetic]
    for s, N in enumerate(sizes):
        carried = rng.integers(population, size=(len(genetic), N))
        y = np.sqrt(1 - H2) * rng.standard_normal(N)
        for g, genomes in zip(genetic, carried, strict=True):
            y += g[s, genomes]
        y -= y.mean()
        for into, genomes in zip(sums, carried, strict=True):
            into[s] = np.bincount(genomes, y, population) / np.sqrt(N)
    return sums
