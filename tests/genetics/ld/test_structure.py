"""Panels of several ancestries are recognised, those of one are not; truth by coalescent."""

import msprime
import numpy as np
import pytest
from bed_reader import to_bed

from deepwas_app.genetics.ld.panel import open_panel
from deepwas_app.genetics.ld.structure import MIXED, ancestry_notes, distant_ld, sample_of
from deepwas_app.workflow.settings import PanelSettings
from deepwas_app.workflow.studies.build import build_ld

CHROMOSOMES, LENGTH = 22, 1e5


def demography():
    """Two continents with an F_ST of 0.1 to 0.15, and a neighbour of one (0.01)."""
    history = msprime.Demography()
    for name, size in {"A": 15_000, "B": 5_000, "C": 5_000, "BC": 5_000, "root": 10_000}.items():
        history.add_population(name=name, initial_size=size)
    history.add_population_split(time=100, derived=["B", "C"], ancestral="BC")
    history.add_population_split(time=2_500, derived=["A", "BC"], ancestral="root")
    return history


def chromosomes(samples, seed):
    """Genotypes (people, variants) of so many people of each population, by chromosome."""
    made = []
    for c in range(CHROMOSOMES):
        tree = msprime.sim_ancestry(
            samples,
            demography=demography(),
            sequence_length=LENGTH,
            recombination_rate=1e-8,
            random_seed=seed * CHROMOSOMES + c + 1,
        )
        tree = msprime.sim_mutations(
            tree, rate=1e-8, random_seed=c + 1, model=msprime.BinaryMutationModel()
        )
        haplotypes = tree.genotype_matrix()
        G = (haplotypes[:, ::2] + haplotypes[:, 1::2]).T.astype(np.float32)
        frequency = G.mean(axis=0) / 2
        made.append(G[:, np.minimum(frequency, 1 - frequency) > 0.05])
    return made


def found(samples, seed):
    genotypes = chromosomes(samples, seed)
    return distant_ld(
        [sample_of(str(c), np.arange(G.shape[1]), G) for c, G in enumerate(genotypes)]
    )


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("samples", [{"B": 60}, {"A": 200}, {"B": 100, "C": 100}])
def test_one_ancestry_has_no_ld_far_apart(samples, seed):
    value, error = found(samples, seed)
    assert abs(value) < max(MIXED, 2 * error)
    assert ancestry_notes((value, error)) == []


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("samples", [{"A": 100, "B": 100}, {"A": 20, "B": 180}])
def test_two_ancestries_have(samples, seed):
    value, error = found(samples, seed)
    assert value > max(2 * MIXED, 4 * error)
    assert "several ancestries, or relatives" in ancestry_notes((value, error))[0]


def test_where_there_are_few_pairs_or_people_nothing_is_said():
    rng = np.random.default_rng(0)
    for people, blocks in ((50, 4), (2, 40), (0, 0)):
        samples = [
            sample_of(str(b), np.arange(9), rng.standard_normal((people, 9))) for b in range(blocks)
        ]
        assert distant_ld(samples) is None
    assert ancestry_notes(None) == []


def test_on_one_chromosome_only_what_is_far_apart_counts():
    """Blocks in perfect LD with themselves, and with nothing else."""
    rng = np.random.default_rng(0)
    samples = [
        sample_of("1", b * 12_000_000 + np.arange(9), rng.standard_normal((2_500, 1)) + np.zeros(9))
        for b in range(60)
    ]
    value, error = distant_ld(samples)
    assert abs(value) < 3 * error < MIXED / 3


def test_a_panel_tells_of_it(tmp_path):
    genotypes = chromosomes({"A": 60, "B": 60}, 3)
    chromosome = [str(c + 1) for c, G in enumerate(genotypes) for _ in range(G.shape[1])]
    properties = {
        "chromosome": chromosome,
        "bp_position": np.concatenate([1 + np.arange(G.shape[1]) for G in genotypes]),
        "sid": [f"rs{i}" for i in range(len(chromosome))],
        "allele_1": ["A"] * len(chromosome),
        "allele_2": ["G"] * len(chromosome),
    }
    to_bed(tmp_path / "mixed.bed", np.concatenate(genotypes, axis=1), properties=properties)
    blocks = "".join(f"{c + 1}\t0\t100000\n" for c in range(CHROMOSOMES))
    (tmp_path / "blocks.bed").write_text(blocks)
    settings = PanelSettings(
        bfile=str(tmp_path / "mixed"),
        blocks=str(tmp_path / "blocks.bed"),
        output=str(tmp_path / "mixed.ld.zarr"),
    )
    panel = open_panel(build_ld(settings))
    assert panel.attrs["distant_ld"][0] > 2 * MIXED
    assert "several ancestries" in panel.attrs["notes"][-1]
