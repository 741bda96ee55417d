"""A study whose LD is not that of its GWAS is told from one whose LD is.

People are made by coalescent and their GWAS is run, person by person: nothing of the core, and no
model, has a part in the truth.
"""

from typing import NamedTuple

import msprime
import numpy as np
import pytest

from deepwas_app.core.mismatch import leading_share
from deepwas_app.genetics.ld.factor import standardise
from deepwas_app.workflow.studies import ld_fit as judging
from deepwas_app.workflow.studies.build import whitened
from deepwas_app.workflow.studies.ld_fit import FAR, LdFit, judged, ld_fit, ld_warnings

POPULATION, BLOCKS, VARIANTS = 1_500, 4, 600


class World(NamedTuple):
    """Dosages (blocks, people, variants) of all people there are, and z-scores of GWAS of them."""

    dosages: np.ndarray
    z: dict[float, np.ndarray]


def standardised(dosages: np.ndarray) -> np.ndarray:
    return (dosages - dosages.mean(axis=-2, keepdims=True)) / dosages.std(axis=-2, keepdims=True)


def population(seed: int) -> np.ndarray:
    blocks = []
    for b in range(BLOCKS):
        tree = msprime.sim_mutations(
            msprime.sim_ancestry(
                POPULATION,
                population_size=10_000,
                recombination_rate=1e-8,
                sequence_length=1.5e6,
                random_seed=seed + b,
            ),
            rate=2e-8,
            model=msprime.BinaryMutationModel(),
            random_seed=seed + b,
        )
        haplotypes = tree.genotype_matrix().T
        dosages = haplotypes[::2] + haplotypes[1::2]
        frequency = dosages.mean(axis=0) / 2
        common = np.flatnonzero((frequency > 0.05) & (frequency < 0.95))
        rng = np.random.default_rng(seed + b)
        blocks.append(dosages[:, np.sort(rng.choice(common, VARIANTS, replace=False))])
    return np.array(blocks)


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(1)


def make_world(seed: int) -> World:
    """GWAS of mean chi2 of about 1.2 and 5, all variants causal."""
    dosages = population(10 * seed)
    rng = np.random.default_rng(seed)
    X = standardised(dosages)
    genetic = (X @ rng.standard_normal((BLOCKS, VARIANTS, 1)))[..., 0]
    genetic *= np.sqrt(0.05 / genetic.var(axis=1).sum())
    marginal = np.mean([(x.T @ g / POPULATION) ** 2 for x, g in zip(X, genetic, strict=True)])
    studies = {}
    for chi2 in (1.2, 5.0):
        N = int((chi2 - 1) / marginal)
        who = rng.integers(POPULATION, size=(BLOCKS, N))
        y = sum(g[people] for g, people in zip(genetic, who, strict=True))
        y = y + np.sqrt(0.95) * rng.standard_normal(N)
        sums = [np.bincount(people, y - y.mean(), POPULATION) for people in who]
        studies[chi2] = np.array([x.T @ s / np.sqrt(N) for x, s in zip(X, sums, strict=True)])
    return World(dosages, studies)


def fit_of(world: World, z: np.ndarray, people: int, stated: int | None, seed: int = 0) -> LdFit:
    """Of a study with the LD of `people` others, 0 for the LD of the population."""
    rng = np.random.default_rng(seed)
    shares = []
    for dosages, z_b in zip(world.dosages, z, strict=True):
        drawn = dosages[rng.integers(POPULATION, size=people)] if people else dosages
        W = standardise(drawn.astype(np.float32))[0].T / np.sqrt(len(drawn))
        varies = W.any(axis=1)
        block = whitened(W, z_b, varies, 0.99, stated or 0)
        parts = (block[name] for name in ("x", "eigenvalues", "noise", "background"))
        shares.append(leading_share(*parts, z_b[varies]))
    return judged(shares, stated)


@pytest.mark.parametrize("chi2", [1.2, 5.0])
@pytest.mark.parametrize("people", [378, 0])
def test_a_good_study_fits(chi2, people, world):
    z = world.z[chi2]
    fit = fit_of(world, z, people, people)
    assert not fit.flagged
    assert fit.ratio == pytest.approx(1, abs=0.08)
    assert "as a whole fits its GWAS" in fit.message
    # Noise that follows LD is no fault of it, however large.
    assert not fit_of(world, 10 * z, people, people).flagged


@pytest.mark.parametrize("chi2", [1.2, 5.0])
@pytest.mark.parametrize("people", [378, 0])
@pytest.mark.parametrize("fault", ["permuted", "flipped"])
def test_z_scores_that_do_not_follow_ld_are_flagged(chi2, people, fault, world):
    z, rng = world.z[chi2], np.random.default_rng(2)
    if fault == "permuted":
        z = rng.permutation(z.ravel()).reshape(z.shape)
    else:
        z = np.where(rng.random(z.shape) < 0.3, -z, z)
    fit = fit_of(world, z, people, people)
    assert fit.flagged
    assert fit.ratio < 0.6
    assert fit.ratio < 1 - 2 * FAR * fit.error
    assert "Likely causes: z-scores of other variants, effect alleles" in fit.message


@pytest.mark.parametrize("chi2", [1.2, 5.0])
@pytest.mark.parametrize(
    ("stated", "said"),
    [
        (50, "from 50 people, too few for LD blocks of 600 variants: they show"),
        (2_000, "or of fewer people than stated (no block has more than 4"),
        (None, "or of fewer people than stated (no block has more than 4"),
    ],
)
def test_ld_of_fifty_people_is_flagged_whatever_is_said_of_them(chi2, stated, said, world):
    fit = fit_of(world, world.z[chi2], 50, stated)
    assert fit.flagged
    assert (fit.seen < 0.6) if stated == 50 else (fit.ratio < 0.7)
    assert said in fit.message


def test_a_study_on_disk_is_judged_by_its_own_blocks(small_study):
    fit = ld_fit(small_study.attrs["path"])
    assert not fit.flagged
    assert fit.ratio == pytest.approx(1, abs=0.1)
    assert ld_warnings(small_study) == []
    # What is whitened in its blocks is then too little of the z-scores.
    louder = small_study.assign(variant_z=2 * small_study["variant_z"])
    assert ld_fit(louder).flagged
    assert ld_warnings(louder) == [ld_fit(louder).message]


def test_blocks_are_read_once_however_many_runs_ask_for_warnings(small_study, monkeypatch):
    study = small_study.assign(variant_z=1.01 * small_study["variant_z"])
    asked = []
    monkeypatch.setattr(judging, "ld_fit", lambda study: asked.append(study) or ld_fit(study))
    assert ld_warnings(study) == ld_warnings(study.copy()) == []
    assert len(asked) == 1
