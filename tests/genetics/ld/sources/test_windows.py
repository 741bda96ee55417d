"""Overlapping windows: every variant is scored once, and flanks contribute."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from scipy.stats import multivariate_normal

from deepwas_app.core import negative_log_likelihood, whiten
from deepwas_app.genetics.ld.panel import read_factor
from deepwas_app.genetics.ld.sources.ukb import open_ukb

from .conftest import MB, correlated_dosages, variant_table, write_window


@pytest.fixture
def chromosome(tmp_path: Path) -> SimpleNamespace:
    """60 variants over 5 Mb from 16 Mb on, in windows that begin every Mb; the last is cut."""
    rng = np.random.default_rng(8)
    position = 16 * MB + 40_000 + 83_000 * np.arange(60)
    R = np.corrcoef(correlated_dosages(rng, 500, 60).T)
    table = variant_table(position)
    for start in (16, 17, 18):
        write(tmp_path / "ukb", R, table, start)
    return SimpleNamespace(folder=tmp_path / "ukb", R=R, table=table, position=position)


def write(folder: Path, R: np.ndarray, table, start: int, leave: tuple[int, ...] = ()) -> None:
    first, last = start * MB + 1, (start + 3) * MB + 1
    inside = np.flatnonzero(table["BP"].between(first, last - 1) & ~table.index.isin(leave))
    write_window(folder, R[np.ix_(inside, inside)], table.iloc[inside], first, last)


def rows_of(panel: xr.Dataset, block: int) -> np.ndarray:
    start = int(panel["block_offset"].values[block])
    return np.arange(start, start + int(panel["block_variants"].values[block]))


def test_every_variant_is_scored_once_and_by_its_core(chromosome: SimpleNamespace, panel_of):
    panel = panel_of(open_ukb(chromosome.folder))
    assert panel["variant_position"].values.tolist() == chromosome.position.tolist()
    owner = panel["variant_block"].values
    # Cores are 17-18, 18-19 and 19-20 Mb; the edges go to the first and the last window.
    expected = np.clip(chromosome.position // MB - 17, 0, 2)
    np.testing.assert_array_equal(owner, expected)
    assert panel["block_offset"].values[1] < panel["block_variants"].values[0]
    for block in range(3):
        rows = rows_of(panel, block)
        window = (chromosome.position > (16 + block) * MB) & (
            chromosome.position <= (19 + block) * MB
        )
        np.testing.assert_array_equal(rows, np.flatnonzero(window))
        mine = owner[rows] == block
        assert 0 < mine.sum() < len(rows)
        # All that whitening uses: the columns of the owned variants.
        W = read_factor(panel, block).astype(np.float64)
        np.testing.assert_allclose(W @ W[mine].T, chromosome.R[np.ix_(rows, rows[mine])], atol=2e-6)
        assert W.shape[1] == mine.sum()
        scores = np.square(chromosome.R[np.ix_(rows[mine], rows)]).sum(axis=1)
        np.testing.assert_allclose(panel["variant_ld_score"][rows[mine]], scores, rtol=1e-5)
    # Held-out regions are told by the places of blocks: they must not overlap.
    assert (panel["block_stop"].values[:-1] <= panel["block_start"].values[1:]).all()


def test_likelihood_of_each_window_is_that_of_the_dense_oracle(
    chromosome: SimpleNamespace, panel_of
):
    panel = panel_of(open_ukb(chromosome.folder))
    rng = np.random.default_rng(0)
    z = rng.standard_normal(60)
    owner = panel["variant_block"].values
    unscored = np.isin(np.arange(60), [3, 30])
    for block in range(3):
        rows = rows_of(panel, block)
        mine = (owner[rows] == block) & ~unscored[rows]
        log_d = np.linspace(-1, 1, len(rows))
        with jax.enable_x64(True):
            whitened = whiten(read_factor(panel, block), z[rows], mine, variance=1.0)
            ours = negative_log_likelihood(whitened, jnp.asarray(log_d), s2=1.2)
        R = chromosome.R[np.ix_(rows, rows)]
        cross = R[mine]
        covariance = cross * np.exp(log_d) @ cross.T + 1.2 * cross[:, mine]
        dense = -multivariate_normal.logpdf(z[rows][mine], cov=covariance)
        # The oracle's density is of z; ours is of x = S^-1 U'z.
        jacobian = 0.5 * np.linalg.slogdet(cross[:, mine])[1]
        assert float(ours) == pytest.approx(dense - jacobian, rel=1e-6)


def test_a_gap_is_scored_from_its_sides(chromosome: SimpleNamespace, panel_of):
    for suffix in ("npz", "gz"):
        (chromosome.folder / f"chr22_17000001_20000001.{suffix}").unlink()
    panel = panel_of(open_ukb(chromosome.folder))
    assert panel.sizes["variants"] == 60
    np.testing.assert_array_equal(panel["variant_block"], chromosome.position > 18.5 * MB)


def test_windows_may_disagree_on_what_they_hold(chromosome: SimpleNamespace, panel_of):
    """A variant that a window lacks has no loadings there, and another window scores it."""
    lacking = int(np.flatnonzero(chromosome.position > 18.5 * MB)[0])
    write(chromosome.folder, chromosome.R, chromosome.table, 17, leave=(lacking,))
    panel = panel_of(open_ukb(chromosome.folder))
    assert panel["variant_id"].values[lacking] == chromosome.table["SNP"].iloc[lacking]
    assert panel["variant_block"].values[lacking] in (0, 2)
    rows = rows_of(panel, 1)
    W = read_factor(panel, 1)
    assert (W[rows == lacking] == 0).all()
    mine = panel["variant_block"].values[rows] == 1
    held = rows != lacking
    np.testing.assert_allclose(
        W[held] @ W[mine].T, chromosome.R[np.ix_(rows[held], rows[mine])], atol=5e-6
    )


def test_two_chromosomes_follow_each_other(chromosome: SimpleNamespace, panel_of):
    for path in sorted(chromosome.folder.glob("chr22_16*")):
        name = path.name.replace("chr22", "chr3")
        path.with_name(name).write_bytes(path.read_bytes())
    panel = panel_of(open_ukb(chromosome.folder))
    names = panel["variant_chromosome"].values
    assert panel["block_chromosome"].values.tolist() == ["3", "22", "22", "22"]
    first = int((names == "3").sum())
    assert first > 30
    assert (names[:first] == "3").all()
    assert (names[first:] == "22").all()
    assert panel["block_offset"].values[1] == first
    report = panel.attrs["report"]
    assert report[0]["variants"] == report[-1]["variants"] == first + 60


def test_a_variant_that_a_window_lists_twice_counts_once(chromosome: SimpleNamespace, panel_of):
    """Once in the panel, one loss in the report, the other windows untouched."""
    table = chromosome.table.copy()
    twin = int(np.flatnonzero(chromosome.position > 18.5 * MB)[0])
    table.iloc[twin + 1] = table.iloc[twin]
    for start in (16, 17, 18):
        write(chromosome.folder, chromosome.R, table, start)
    panel = panel_of(open_ukb(chromosome.folder))
    report = {row["step"]: row["variants"] for row in panel.attrs["report"]}
    assert report == {"In the LD source": 60, "Repeated variant": -1, "In the LD panel": 59}
    rows = rows_of(panel, 1)
    mine = panel["variant_block"].values[rows] == 1
    W = read_factor(panel, 1)
    kept = np.delete(np.arange(60), twin + 1)[rows]
    np.testing.assert_allclose(W @ W[mine].T, chromosome.R[np.ix_(kept, kept[mine])], atol=5e-6)
