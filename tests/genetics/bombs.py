"""Small files that would fill the memory, read one after another in this process.

``python -m tests.genetics.bombs FOLDER`` writes them there and prints, tab-separated, what each is,
bytes on disk, most bytes in memory beyond what was there before, and what came of it.
"""

from __future__ import annotations

import gzip
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics import apart
from deepwas_app.genetics.annotation.tables import read_table_on
from deepwas_app.genetics.genotypes.weights import read_weights
from deepwas_app.genetics.gwas.sumstats import read_sumstats
from deepwas_app.genetics.intervals import read_bed
from deepwas_app.genetics.ld.sources.dense import read_matrix
from deepwas_app.genetics.ld.sources.prscs import open_prscs
from deepwas_app.genetics.ld.sources.ukb import read_window
from deepwas_app.genetics.lists import read_variant_list

HEADER = b"SNP\tCHR\tBP\tEA\tOA\tBETA\tSE\tN\n"
ROW = b"rs1\t22\t1\tA\tG\t0\t1\t9\n"
MB = 2**20


def gzipped(folder: Path, name: str, head: bytes, row: bytes, megabytes: int) -> Path:
    """So much text in members of gzip, as bgzip writes it."""
    path = folder / name
    part = gzip.compress(row * (8 * MB // len(row)), 9)
    with path.open("wb") as stream:
        stream.write(gzip.compress(head))
        for _ in range(megabytes // 8):
            stream.write(part)
    return path


def zstd(folder: Path) -> Path:
    path = folder / "a.tsv.zst"
    with (
        pa.OSFile(str(path), "wb") as file,
        pa.CompressedOutputStream(file, "zstd") as stream,
    ):
        stream.write(HEADER)
        for _ in range(20):
            stream.write(ROW * (8 * MB // len(ROW)))
    return path


def one_line(folder: Path) -> Path:
    """3 GB, of which the disk holds little."""
    path = folder / "line.tsv"
    with path.open("wb") as stream:
        stream.write(b"SNP\tA1\tBETA\tX\nrs1\tA\t" + b"1" * 24 * MB)
        stream.truncate(3 * 2**30)
    return path


def parquet(folder: Path) -> Path:
    """One value, many million times."""
    path = folder / "a.parquet"
    columns = {name: np.zeros(1_000_000) for name in ("CHR", "BP", "BETA", "SE", "N")}
    table = pa.table(columns | {name: ["A"] * 1_000_000 for name in ("SNP", "EA", "OA")})
    with pq.ParquetWriter(path, table.schema) as writer:
        for _ in range(30):
            writer.write_table(table)
    return path


def archive(folder: Path) -> Path:
    """An .npz whose matrix is of zeros."""
    path = folder / "a.npz"
    head = {"descr": "<f8", "fortran_order": False, "shape": (8000, 8000)}
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as stream,
        stream.open("R.npy", "w", force_zip64=True) as member,
    ):
        np.lib.format.write_array_header_1_0(member, head)
        for _ in range(8000):
            member.write(bytes(8 * 8000))
    return path


def hdf5(folder: Path) -> Path:
    """Matrices that were never written."""
    import h5py

    (folder / "snpinfo_x").write_text("CHR\tSNP\tBP\tA1\tA2\tMAF\n22\trs1\t1\tA\tG\t0.2\n")
    with h5py.File(folder / "ldblk_x_chr22.hdf5", "w") as stream:
        group = stream.create_group("blk_1")
        names, size = {"dtype": "S20", "chunks": (1000,)}, 60_000
        group.create_dataset("snplist", (100_000_000,), **names)
        group.create_dataset("ldblk", (size, size), dtype="f8", chunks=(1000, 1000))
    return folder / "ldblk_x_chr22.hdf5"


VARIANTS = xr.Dataset(
    {
        "variant_id": ("variants", np.array(["rs1"])),
        "variant_chromosome": ("variants", np.array(["22"])),
        "variant_position": ("variants", np.array([1])),
    }
)
BOMBS: list[tuple[str, Callable[[Path], Path], Callable[[Path], Any]]] = [
    ("sumstats .gz", lambda f: gzipped(f, "a.tsv.gz", HEADER, ROW, 240), read_sumstats),
    ("sumstats .zst", zstd, read_sumstats),
    ("sumstats parquet", parquet, read_sumstats),
    (
        "annotations .gz",
        lambda f: gzipped(f, "b.tsv.gz", b"SNP\tX\tY\n", b"a\t0\t1\n", 160),
        lambda path: read_table_on(path, VARIANTS),
    ),
    ("BED .gz", lambda f: gzipped(f, "a.bed.gz", b"", b"1\t0\t1\n", 160), read_bed),
    ("list .gz", lambda f: gzipped(f, "l.txt.gz", b"", b"rs1234567\n", 160), read_variant_list),
    ("weights of one line", one_line, read_weights),
    ("annotations of one line", one_line, lambda path: read_table_on(path, VARIANTS)),
    ("matrix .npz", archive, lambda path: read_matrix(path, 8000)),
    ("window .npz", archive, lambda path: read_window(path, 8000)),
    ("PRS-CS hdf5", hdf5, open_prscs),
]


def peak(process: str = "self") -> int:
    """Most bytes that a process had in memory since it was last asked to forget."""
    status = Path(f"/proc/{process}/status").read_text()
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


def main(folder: Path) -> None:
    """The command."""
    for name, make, read in BOMBS:
        path = make(folder)
        Path("/proc/self/clear_refs").write_text("5")
        before = peak()
        try:
            read(path)
            outcome = "accepted"
        except InputError as error:
            outcome = f"refused: {error}"
        more = peak() - before
        if (other := apart._READER._process) is not None:
            more = max(more, peak(str(other.pid)))
        size = 512 * path.stat().st_blocks
        print(name, size, more, outcome, sep="\t", flush=True)
        path.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
