"""Extreme z-scores: mistakes are dropped and counted, strong loci are not."""

import numpy as np
import pandas as pd
import pytest

from deepwas_app.genetics.gwas.align import align
from deepwas_app.genetics.gwas.extreme import contradicted
from deepwas_app.genetics.ld.panel import read_factor

N = 5_000.0


@pytest.fixture
def of_block(panel):
    """Rows of the panel's first block, their LD, and a variant with strong partners."""
    start, count = (int(panel[f"block_{name}"].values[0]) for name in ("offset", "variants"))
    W = read_factor(panel, 0).astype(float)
    R = W @ W.T / np.outer(*2 * [np.linalg.norm(W, axis=1)])
    partners = (R**2 >= 0.5).sum(axis=1) - 1
    return np.arange(start, start + count), R, int(partners.argmax())


@pytest.mark.parametrize("size", [9.0, 30.0, 200.0])
def test_a_strong_locus_stays(panel, of_block, size):
    rows, R, j = of_block
    noise = np.random.default_rng(2).standard_normal(len(rows))
    z = size * R[j] + noise
    assert not contradicted(panel, rows, z, np.full(len(rows), N)).any()


@pytest.mark.parametrize("size", [-1e6, 60.0, 1e6])
def test_one_that_its_partners_know_nothing_of_goes(panel, of_block, size):
    rows, _, j = of_block
    z = np.full(len(rows), 0.5)
    z[j] = size
    found = contradicted(panel, rows, z, np.full(len(rows), N))
    assert found[j]
    assert found.sum() == 1


def test_an_ordinary_one_goes_only_above_the_limit(panel, of_block):
    rows, _, j = of_block
    z = np.zeros(len(rows))
    for chi2, n, gone in ((79, N, False), (81, N, True), (199, 2e5, False), (201, 2e5, True)):
        z[j] = np.sqrt(chi2)
        assert contradicted(panel, rows, z, np.full(len(rows), n))[j] == gone


def test_one_without_partners_stays_because_nobody_can_tell(panel, of_block):
    rows, R, j = of_block
    alone = np.flatnonzero((R[j] ** 2 < 0.5) | (np.arange(len(rows)) == j))
    z = np.where(alone == j, 1e3, 0.0)
    assert not contradicted(panel, rows[alone], z, np.full(len(alone), N)).any()


def test_a_partner_of_few_people_need_not_have_the_same_z(panel, of_block):
    """The same effect in a hundredth of the people has a tenth of the z-score."""
    rows, R, j = of_block
    n = np.where(np.arange(len(rows)) == j, N, N / 100)
    z = 60 * R[j] * np.sqrt(n / N)
    assert not contradicted(panel, rows, z, n).any()


def test_they_are_counted_and_may_be_kept(panel, of_block, sumstats_of):
    rows, _, j = of_block
    names = ("id", "chromosome", "position", "effect_allele", "other_allele", "allele_frequency")
    table = pd.DataFrame({name: panel[f"variant_{name}"].values for name in names})
    table = table.assign(z=np.float32(0.5), sample_size=np.float32(N))
    table.loc[rows[j], "z"] = 1e6
    aligned, report = align(sumstats_of(table), panel)
    losses = {row["step"]: row["variants"] for row in report if row["kind"] == "loss"}
    assert losses["Extreme z-scores that their LD contradicts"] == -1
    assert not aligned["variant_scored"].values[rows[j]]
    kept, _ = align(sumstats_of(table), panel, keep_extreme=True)
    assert kept["variant_z"].values[rows[j]] == 1e6
