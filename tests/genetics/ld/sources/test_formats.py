"""The same LD block from every format."""

from __future__ import annotations

import shutil
import subprocess
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from deepwas_app.core import negative_log_likelihood, whiten
from deepwas_app.genetics.ld.panel import read_factor, write_panel
from deepwas_app.genetics.ld.sources.base import LdSource
from deepwas_app.genetics.ld.sources.dense import open_dense
from deepwas_app.genetics.ld.sources.eigen import open_eigen
from deepwas_app.genetics.ld.sources.genotypes import open_genotypes
from deepwas_app.genetics.ld.sources.ldgm import open_ldgm
from deepwas_app.genetics.ld.sources.prscs import open_prscs
from deepwas_app.genetics.ld.sources.ukb import open_ukb

from . import conftest as write


def _whole(b: SimpleNamespace) -> tuple[Path, np.ndarray, object]:
    return b.folder / "x", b.R, b.table


SOURCES: dict[str, Callable[[SimpleNamespace], LdSource]] = {
    "plink 1": lambda b: open_genotypes(bfile=write.write_bed(b.folder, b.dosages, b.table)),
    "plink 2": lambda b: open_genotypes(pfile=write.write_pgen(b.folder, b.dosages, b.table)),
    "eigen": lambda b: open_eigen(write.write_eigen(*_whole(b))),
    "eigen, older": lambda b: open_eigen(write.write_eigen(*_whole(b), older=True)),
    "ukb": lambda b: open_ukb(write.write_window(*_whole(b), 19_000_001, 22_000_001)),
    "ukb, upper": lambda b: open_ukb(
        write.write_window(*_whole(b), 19_000_001, 22_000_001, upper=True)
    ),
    "ldgm": lambda b: open_ldgm(write.write_ldgm(*_whole(b))),
    "prs-cs": lambda b: open_prscs(write.write_prscs(*_whole(b))),
    "npy": lambda b: open_dense([write.write_dense(b.folder, b.R, b.table)]),
    "npz": lambda b: open_dense([write.write_dense(b.folder, b.R, b.table, "npz")]),
}


@pytest.mark.parametrize("name", SOURCES)
def test_every_format_gives_the_same_likelihood(name: str, block: SimpleNamespace, panel_of):
    panel: xr.Dataset = panel_of(SOURCES[name](block))
    assert panel.sizes["variants"] == len(block.R)
    assert panel["variant_id"].values.tolist() == block.table["SNP"].tolist()
    assert panel["variant_effect_allele"].values.tolist() == block.table["A1"].tolist()
    W = read_factor(panel, 0).astype(np.float64)
    np.testing.assert_allclose(W @ W.T, block.R, atol=2e-6)
    log_d = np.linspace(-1, 1, len(W))

    def likelihood(factor: np.ndarray) -> float:
        with jax.enable_x64(True):
            whitened = whiten(factor, block.z, variance=1.0)
            d = jnp.asarray(log_d)
            return float(negative_log_likelihood(whitened, d, s2=1.1, kappa=0.1))

    values, vectors = np.linalg.eigh(block.R)
    expected = likelihood(vectors * np.sqrt(values))
    assert likelihood(W) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", SOURCES)
def test_every_format_keeps_as_much_as_is_asked(name: str, block: SimpleNamespace, panel_of):
    panel = panel_of(SOURCES[name](block), variance=0.9)
    W = read_factor(panel, 0)
    values = np.linalg.eigvalsh(block.R)[::-1]
    assert W.shape[1] == int((np.cumsum(values) < 0.9 * len(values)).sum()) + 1
    people = panel.attrs["sample_size"]
    expected = np.square(block.R).sum(axis=1)
    expected -= (len(expected) - expected) / (people - 2) if people else 0
    # Eigen files are cut before their scores are known.
    tolerance = 0.2 if "eigen" in name else 1e-4
    np.testing.assert_allclose(panel["variant_ld_score"], expected, rtol=tolerance)


def test_frequencies_and_what_the_source_knows(block: SimpleNamespace, panel_of):
    eigen = SOURCES["eigen"](block)
    assert eigen.sample_size == 10_000
    np.testing.assert_allclose(panel_of(eigen)["variant_allele_frequency"], 0.3)
    plink = panel_of(SOURCES["plink 2"](block))
    np.testing.assert_allclose(plink["variant_allele_frequency"], block.frequency, rtol=1e-6)
    ldgm = SOURCES["ldgm"](block)
    assert ldgm.genome_build == "hg38"
    np.testing.assert_allclose(panel_of(ldgm)["variant_allele_frequency"], 0.25)
    shutil.rmtree(block.folder / "x")
    ukb = SOURCES["ukb"](block)
    assert ukb.genome_build == "hg19"
    assert np.isnan(panel_of(ukb)["variant_allele_frequency"]).all()


def test_missing_calls_of_plink_2_are_put_at_the_mean(block: SimpleNamespace, panel_of):
    block.dosages[[3, 50, 200], 7] = np.nan
    filled = np.where(np.isnan(block.dosages), np.nanmean(block.dosages, axis=0), block.dosages)
    panel = panel_of(SOURCES["plink 2"](block))
    W = read_factor(panel, 0).astype(np.float64)
    np.testing.assert_allclose(W @ W.T, np.corrcoef(filled.T), atol=2e-6)


@pytest.mark.skipif(not shutil.which("plink2"), reason="plink2 is not installed")
def test_files_of_plink_2_itself_are_read(block: SimpleNamespace, panel_of):
    """Its own .pgen, with a packed .pvar, gives what the .bed gives."""
    prefix = write.write_bed(block.folder, block.dosages, block.table)
    made = block.folder / "made"
    words = ["plink2", "--bfile", prefix, "--make-pgen", "vzs", "--out", made]
    subprocess.run(list(map(str, words)), check=True, capture_output=True)
    assert (block.folder / "made.pvar.zst").exists()
    ours, theirs = panel_of(open_genotypes(bfile=prefix)), open_genotypes(pfile=made)
    W = read_factor(ours, 0).astype(np.float64)
    allele = ours["variant_effect_allele"].values
    panel = panel_of(theirs)
    # plink2 may count the other allele; the sign of the row follows.
    sign = np.where(panel["variant_effect_allele"].values == allele, 1, -1)
    V = read_factor(panel, 0) * sign[:, None]
    np.testing.assert_allclose(V @ V.T, W @ W.T, atol=2e-6)


def test_variants_of_several_alleles_are_counted(block: SimpleNamespace):
    prefix = write.write_pgen(block.folder, block.dosages, block.table)
    pvar = block.folder / "p.pvar"
    lines = pvar.read_text().splitlines()
    lines[5] = lines[5] + ",AT"
    pvar.write_text("\n".join(lines) + "\n")
    assert open_genotypes(pfile=prefix).dropped == {"more than two alleles": 1}


def test_rare_and_repeated_variants_are_dropped_from_matrices(block: SimpleNamespace, panel_of):
    table = block.table.assign(MAF=np.linspace(0.01, 0.5, len(block.R)))
    table.loc[5, ["BP", "A1", "A2"]] = table.loc[4, ["BP", "A2", "A1"]].to_numpy()
    path = write.write_dense(block.folder, block.R, table)
    panel = panel_of(open_dense([path]), maf=0.05)
    report = {row["step"]: row["variants"] for row in panel.attrs["report"]}
    assert report["Minor allele rarer than 0.05"] == -4
    assert report["Repeated variant"] == -1
    assert report["In the LD source"] == 40
    assert report["In the LD panel"] == panel.sizes["variants"] == 35
    keep = np.r_[4, 6:40]
    W = read_factor(panel, 0)
    np.testing.assert_allclose(W @ W.T, block.R[np.ix_(keep, keep)], atol=2e-6)


def test_a_dense_matrix_is_cut_into_given_blocks(block: SimpleNamespace, panel_of):
    import pandas as pd

    path = write.write_dense(block.folder, block.R, block.table)
    blocks = pd.DataFrame(
        {"chromosome": "22", "start": [20_000_000, 20_019_000], "stop": [20_019_000, 20_038_000]}
    )
    source = open_dense([path], blocks=blocks)
    assert source.dropped == {"outside the LD blocks": 2}
    panel = panel_of(source)
    assert panel["block_variants"].values.tolist() == [19, 19]
    W = read_factor(panel, 1)
    np.testing.assert_allclose(W @ W.T, block.R[20:39, 20:39], atol=2e-6)


def test_blocks_of_eigen_files_come_in_the_order_of_the_genome(block: SimpleNamespace, panel_of):
    folder = block.folder / "e"
    late, early = np.arange(20, 40), np.arange(20)
    for number, rows in ((1, late), (2, early)):
        write.write_eigen(folder, block.R[np.ix_(rows, rows)], block.table.iloc[rows], block=number)
    panel = panel_of(open_eigen(folder))
    assert panel["variant_id"].values.tolist() == block.table["SNP"].tolist()
    W = read_factor(panel, 0)
    np.testing.assert_allclose(W @ W.T, block.R[:20, :20], atol=2e-6)


def test_variants_of_one_index_are_in_perfect_ld(block: SimpleNamespace, panel_of):
    folder = write.write_ldgm(block.folder / "l", block.R, block.table)
    snps = next(folder.glob("*.snplist"))
    lines = snps.read_text().splitlines()
    lines.append("7,A,0.25,G,rsTwin,20039500,0")
    lines.append("40,A,0.25,G,rsGone,20039600,0")
    snps.write_text("\n".join(lines) + "\n")
    panel = panel_of(open_ldgm(folder))
    assert panel.sizes["variants"] == 41
    W = read_factor(panel, 0)
    np.testing.assert_allclose(W[40], W[7])
    report = {row["step"]: row["variants"] for row in panel.attrs["report"]}
    assert report["Not in the precision matrix"] == -1
    r = np.r_[block.R[7], 1]
    np.testing.assert_allclose(panel["variant_ld_score"][7], (r**2).sum(), rtol=1e-5)


def peak_memory(work: Callable[[], object]) -> int:
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_of_a_panel_from_genotypes_is_that_of_its_largest_block(tmp_path: Path):
    """With 40 people and 1,500 variants a block, R alone would be 9 MB; six blocks as one."""
    people, variants = 40, 1_500
    rng = np.random.default_rng(0)
    peaks = {}
    for count in (1, 6):
        folder = tmp_path / str(count)
        folder.mkdir()
        total = variants * count
        table = write.variant_table(1 + np.arange(total))
        dosages = rng.binomial(2, 0.4, (people, total)).astype(np.float32)
        prefix = write.write_bed(folder, dosages, table)
        lines = (f"22\t{i * variants}\t{(i + 1) * variants}\n" for i in range(count))
        (folder / "blocks.bed").write_text("".join(lines))
        source = open_genotypes(bfile=prefix, blocks=folder / "blocks.bed")
        write_panel(folder / "warm.ld.zarr", source.blocks(0.99, 0.0), {}, {})

        def work(source=source) -> None:
            for block in source.blocks(0.99, 0.0):
                assert block.factor.shape[0] == variants

        peaks[count] = peak_memory(work)
    assert peaks[1] < 4 * variants**2
    assert peaks[6] < 1.5 * peaks[1]
