"""Genotypes of a European-like population by coalescent simulation, for realistic LD."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from deepwas_app.errors import InputError

# Haplotypes per variant spacing: HapMap3 has about one variant in 2.5 kb.
_SPACING = 2_500
_RECOMBINATION = 1e-8
_MUTATION = 1.25e-8


class SimulatedBlock(NamedTuple):
    """Genotypes of one independent stretch of chromosome.

    Attributes
    ----------
    positions : (variants,) int32 array
        Positions in bp from the start of the stretch, from 1, strictly increasing.
    dosages : (people, variants) float32 array
        Copies of the derived allele.
    length : int
        Length of the stretch in bp.
    """

    positions: np.ndarray
    dosages: np.ndarray
    length: int


def simulate_block(people: int, variants: int, seed: int, maf: float = 0.01) -> SimulatedBlock:
    """Simulate one LD block of common variants.

    Parameters
    ----------
    people : int
        Diploid people.
    variants : int
        At most so many variants, at about HapMap3's density.
    seed : int
    maf : float
        Lowest minor allele frequency.

    Raises
    ------
    InputError
        If msprime is not installed.

    Notes
    -----
    The population shrank out of Africa and grew since, roughly as Europeans did (Tennessen et
    al. 2012, doi:10.1126/science.1219240), under the sequentially Markov coalescent (msprime).
    """
    try:
        import msprime
    except ImportError:
        raise InputError(
            "coalescent simulation: needs msprime, which is under the GPL and comes only if asked "
            "for. Install it (pip install 'deepwas-explorer[simulation]'), or simulate from an LD "
            "panel (--ld) or a study (--study)."
        ) from None

    length = variants * _SPACING
    history = msprime.Demography()
    history.add_population(name="EUR", initial_size=200_000, growth_rate=0.015)
    history.add_population_parameters_change(time=204, initial_size=8_000, growth_rate=0.003)
    history.add_population_parameters_change(time=920, initial_size=1_900, growth_rate=0)
    history.add_population_parameters_change(time=2_040, initial_size=14_474)
    history.add_population_parameters_change(time=5_920, initial_size=7_310)
    tree = msprime.sim_ancestry(
        samples=people,
        demography=history,
        sequence_length=length,
        recombination_rate=_RECOMBINATION,
        model=msprime.SmcApproxCoalescent(),
        random_seed=seed + 1,
    )
    mutated = msprime.sim_mutations(
        tree, rate=_MUTATION, random_seed=seed + 1, model=msprime.BinaryMutationModel()
    )
    haplotypes = mutated.genotype_matrix()
    dosages = (haplotypes[:, ::2] + haplotypes[:, 1::2]).astype(np.float32).T
    positions = mutated.tables.sites.position.astype(np.int32) + 1
    frequency = dosages.mean(axis=0) / 2
    common = np.flatnonzero(np.minimum(frequency, 1 - frequency) >= maf)
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.choice(common, min(variants, len(common)), replace=False))
    return SimulatedBlock(positions[chosen], dosages[:, chosen], length)
