"""One rule for how many components are kept, and what the rules before it kept."""

import numpy as np
import pytest

from deepwas_app.genetics.builtin import data_dir
from deepwas_app.genetics.genotypes.plink import read_dosages
from deepwas_app.genetics.ld.factor import decompose, standardise
from deepwas_app.genetics.ld.matrix import FLOOR
from deepwas_app.truncation import leading, share_of_factor

# Windows of 300 variants of the built-in genotypes, with as many components as were kept of them
# when each reader had a rule of its own.
GOLDEN = {0: (12, 56, 125), 6_000: (5, 24, 73), 12_000: (13, 56, 126)}
SHARES = (0.5, 0.9, 0.99)


def test_enough_components_are_kept():
    values = np.array([4.0, 3.0, 2.0, 1.0, 0.0])
    assert [leading(values, share, 10.0) for share in (0.1, 0.4, 0.41, 0.9, 0.91, 1.0)] == [
        *[1, 1, 2, 3, 4, 5]
    ]
    assert leading(values, 1.0, 10.0, smallest=1.5) == 3
    assert leading(values, 0.4, 10.0, smallest=3.5) == 1
    # A file that was cut holds less than is asked for: all of it is kept.
    assert leading(values, 0.9, 20.0) == 5
    # Rounding in the running sum adds no component.
    tenths = np.full(10, 0.1, np.float32)
    assert leading(np.full(10, 0.1), 0.3, 1.0) == 3
    assert leading(tenths, 0.5, float(tenths.sum(dtype=np.float64))) == 5


@pytest.mark.parametrize("first", GOLDEN)
def test_windows_keep_what_they_kept(first: int):
    dosages = read_dosages(data_dir() / "height_chr22" / "genotypes", slice(first, first + 300))
    x = standardise(dosages)[0]
    x = x[:, x.any(axis=0)]
    values = np.linalg.eigvalsh(x.astype(float).T @ x / len(x))[::-1]
    total = values.sum()
    for share, kept in zip(SHARES, GOLDEN[first], strict=True):
        assert leading(values, share, total, 1e-4) == kept
        assert decompose(x, share).factor.shape[1] == kept
        # As core.whiten and the readers had it.
        enough = np.searchsorted(np.cumsum(values), share * total * (1 - 1e-12)) + 1
        assert min(enough, (values > FLOOR).sum()) == kept


def test_a_panel_that_was_cut_is_not_cut_twice():
    W = np.eye(10) * np.sqrt(0.9)
    assert share_of_factor(W, 0.9) == pytest.approx(1.0)
    assert share_of_factor(np.eye(10), 0.9) == pytest.approx(0.9)
