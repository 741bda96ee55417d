"""Simulated genotypes look like a population's."""

import sys

import numpy as np
import pytest

from deepwas_app.errors import InputError
from deepwas_app.genetics.ld.coalescent import simulate_block


def test_block_is_reproducible_common_and_in_ld():
    block = simulate_block(300, 200, seed=3)
    again = simulate_block(300, 200, seed=3)
    np.testing.assert_array_equal(block.dosages, again.dosages)
    assert (simulate_block(300, 200, seed=4).dosages[:, :20] != block.dosages[:, :20]).any()
    assert block.dosages.shape == (300, 200)
    assert set(np.unique(block.dosages)) == {0, 1, 2}
    assert (np.diff(block.positions) > 0).all()
    assert block.positions[-1] < block.length
    frequency = block.dosages.mean(axis=0) / 2
    assert np.minimum(frequency, 1 - frequency).min() > 0
    r2 = np.corrcoef(block.dosages, rowvar=False) ** 2
    distance = np.abs(block.positions[:, None] - block.positions[None])
    near = r2[(distance > 0) & (distance < 0.05 * block.length)].mean()
    far = r2[distance > 0.5 * block.length].mean()
    # Panel noise alone gives 1 / 300 between variants that are far apart.
    assert near > 3 * far
    assert far < 0.05


def test_without_msprime_it_says_how_to_have_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "msprime", None)
    with pytest.raises(InputError, match=r"deepwas-explorer\[simulation\]"):
        simulate_block(10, 10, seed=1)
