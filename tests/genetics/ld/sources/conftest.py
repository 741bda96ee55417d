"""One LD block in every format, by small writers: 300 people, 40 variants of chromosome 22."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pandas as pd
import pgenlib
import pytest
import xarray as xr
from bed_reader import to_bed
from scipy import sparse

from deepwas_app.genetics.ld.panel import open_panel, write_panel
from deepwas_app.genetics.ld.sources.base import LdSource

PEOPLE, VARIANTS = 300, 40
MB = 1_000_000


def correlated_dosages(rng: np.random.Generator, people: int, variants: int) -> np.ndarray:
    """Genotypes whose neighbours are in moderate LD."""
    noise = rng.standard_normal((2, people, variants))
    latent = noise.copy()
    for j in range(1, variants):
        latent[..., j] = 0.7 * latent[..., j - 1] + np.sqrt(1 - 0.49) * noise[..., j]
    return (latent > rng.uniform(-0.6, 0.6, variants)).sum(axis=0).astype(np.float32)


def variant_table(position: np.ndarray, chromosome: str = "22") -> pd.DataFrame:
    pairs = np.array([("A", "G"), ("C", "T"), ("G", "T"), ("A", "C")])[np.arange(len(position)) % 4]
    return pd.DataFrame(
        {
            "SNP": [f"rs{p}" for p in position],
            "CHR": chromosome,
            "BP": position,
            "A1": pairs[:, 0],
            "A2": pairs[:, 1],
        }
    )


@pytest.fixture
def block(tmp_path: Path) -> SimpleNamespace:
    rng = np.random.default_rng(3)
    dosages = correlated_dosages(rng, PEOPLE, VARIANTS)
    position = 20 * MB + 1_000 * np.arange(VARIANTS)
    return SimpleNamespace(
        folder=tmp_path,
        dosages=dosages,
        R=np.corrcoef(dosages.T),
        table=variant_table(position),
        frequency=dosages.mean(axis=0) / 2,
        z=rng.standard_normal(VARIANTS),
    )


def write_bed(folder: Path, dosages: np.ndarray, table: pd.DataFrame) -> Path:
    properties = {
        "sid": table["SNP"].tolist(),
        "chromosome": table["CHR"].tolist(),
        "bp_position": table["BP"].tolist(),
        "allele_1": table["A1"].tolist(),
        "allele_2": table["A2"].tolist(),
    }
    to_bed(folder / "g.bed", dosages, properties=properties)
    return folder / "g"


def write_pgen(folder: Path, dosages: np.ndarray, table: pd.DataFrame) -> Path:
    people, variants = dosages.shape
    calls = np.where(np.isnan(dosages), -9, dosages).astype(np.int8).T
    writer = pgenlib.PgenWriter(str(folder / "p.pgen").encode(), people, variants)
    writer.append_biallelic_batch(np.ascontiguousarray(calls))
    writer.close()
    pvar = table[["CHR", "BP", "SNP", "A2", "A1"]]
    pvar.columns = ["#CHROM", "POS", "ID", "REF", "ALT"]
    (folder / "p.pvar").write_text("##source=test\n" + pvar.to_csv(sep="\t", index=False))
    (folder / "p.psam").write_text("#IID\tSEX\n" + "".join(f"i{i}\t1\n" for i in range(people)))
    return folder / "p"


def write_eigen(
    folder: Path, R: np.ndarray, table: pd.DataFrame, older: bool = False, block: int = 1
) -> Path:
    """One block; called again with another block number, the next."""
    folder.mkdir(exist_ok=True)
    values, vectors = np.linalg.eigh(R)
    values, vectors = values[::-1], vectors[:, ::-1]
    kept = values > 1e-6
    values, vectors = values[kept], vectors[:, kept]
    header = np.array([len(R), len(values)], dtype="<i4").tobytes()
    sums = [values.sum()] if older else [values.sum(), 0.995]
    content = header + np.array(sums, dtype="<f4").tobytes()
    content += values.astype("<f4").tobytes() + vectors.astype("<f4").tobytes(order="F")
    name = f"eig_block{block}_var0.995.bin3" if older else f"block{block}.eigen.bin"
    (folder / name).write_bytes(content)
    snp, info = folder / "snp.info", folder / "ldm.info"
    start = len(snp.read_text().splitlines()) - 1 if snp.exists() else 0
    rows = "".join(
        f"{v.CHR} {v.SNP} {start + i} 0 {v.BP} {v.A1} {v.A2} 0.3 10000 {block}\n"
        for i, v in enumerate(table.itertuples())
    )
    if not start:
        place = "SNP Index GD BP" if older else "ID Index GenPos PhysPos"
        chrom, last = ("CHR", "blk") if older else ("Chrom", "Block")
        snp.write_text(f"{chrom} {place} A1 A2 A1Freq N {last}\n")
        info.write_text("Block Chrom StartSnpIdx StartSnpID EndSnpIdx EndSnpID NumSnps\n")
    with snp.open("a") as stream:
        stream.write(rows)
    first, final = table["SNP"].iloc[0], table["SNP"].iloc[-1]
    with info.open("a") as stream:
        stream.write(f"{block} 22 {start} {first} {start + len(R) - 1} {final} {len(R)}\n")
    return folder


def write_window(
    folder: Path, R: np.ndarray, table: pd.DataFrame, start: int, stop: int, upper: bool = False
) -> Path:
    folder.mkdir(exist_ok=True)
    half = np.triu(R, 1) if upper else np.tril(R, -1)
    sparse.save_npz(
        folder / f"chr22_{start}_{stop}.npz", sparse.coo_matrix(half + 0.5 * np.eye(len(R)))
    )
    names = ["rsid", "chromosome", "position", "allele1", "allele2"]
    text = table.set_axis(names, axis=1).to_csv(sep="\t", index=False)
    with gzip.open(folder / f"chr22_{start}_{stop}.gz", "wt") as stream:
        stream.write(text)
    return folder


def write_ldgm(folder: Path, R: np.ndarray, table: pd.DataFrame, population: str = "EUR") -> Path:
    folder.mkdir(exist_ok=True)
    P = np.linalg.inv(R)
    name = f"1kg_chr22_{table['BP'].iloc[0]}_{table['BP'].iloc[-1]}"
    i, j = np.triu_indices(len(P))
    lines = (f"{a},{b},{v!r}\n" for a, b, v in zip(i, j, P[i, j].tolist(), strict=True))
    (folder / f"{name}.{population}.edgelist").write_text("".join(lines))
    snps = pd.DataFrame(
        {
            "index": np.arange(len(R)),
            "anc_alleles": table["A2"],
            population: 0.25,
            "deriv_alleles": table["A1"],
            "site_ids": table["SNP"],
            "position": table["BP"],
            "swap": 0,
        }
    )
    snps.to_csv(folder / f"{name}.snplist", index=False)
    return folder


def write_prscs(folder: Path, R: np.ndarray, table: pd.DataFrame) -> Path:
    """Two blocks: one of every variant, one that is empty, as the real files have."""
    folder.mkdir(exist_ok=True)
    with h5py.File(folder / "ldblk_1kg_chr22.hdf5", "w") as stream:
        for name, matrix, snps in (("blk_1", R, table["SNP"]), ("blk_2", np.zeros((0, 0)), [])):
            group = stream.create_group(name)
            group["ldblk"] = matrix
            group["snplist"] = np.array([s.encode() for s in snps], dtype="S20")
    frame = table[["CHR", "SNP", "BP", "A1", "A2"]].assign(MAF=0.2)
    frame.to_csv(folder / "snpinfo_1kg_hm3", sep="\t", index=False)
    return folder


def write_dense(folder: Path, R: np.ndarray, table: pd.DataFrame, kind: str = "npy") -> Path:
    path = folder / f"R.{kind}"
    if kind == "npy":
        np.save(path, R)
    else:
        np.savez(path, ld=np.triu(R))
    table.to_csv(folder / "R.tsv", sep="\t", index=False)
    return path


@pytest.fixture
def panel_of(tmp_path: Path) -> Callable[..., xr.Dataset]:
    """A function that writes a panel from a source and opens it."""

    def make(source: LdSource, variance: float = 1.0, maf: float = 0.0) -> xr.Dataset:
        path = tmp_path / "panel.ld.zarr"
        attrs = {"title": "T", "genome_build": "hg19", "sample_size": source.sample_size}
        write_panel(path, source.blocks(variance, maf), attrs, source.dropped)
        return open_panel(path)

    return make
