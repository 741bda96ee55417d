"""Memory and time of wide tables of variant scores, beside the reading of the file alone.

    python benchmarks/variant_scores.py make 3000000 1000 parquet FOLDER a made-up table
    python benchmarks/variant_scores.py parse FILE                      values, by pyarrow alone
    python benchmarks/variant_scores.py join FILE                       onto 1.1 million variants

Each prints a row of variant_scores.tsv; a process each, so that its peak of memory is its own. The
panel is the same whatever the table: a table has a row for each of its variants and for others
between them, on 22 chromosomes, 3,000,000 rows in all or the first so many of them.
"""

import gzip
import resource
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import xarray as xr

PANEL, ALL, ROWS = 1_100_000, 3_000_000, 20_000


def places(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Chromosome and position of rows of a table."""
    return rows // (ALL // 22 + 1) + 1, 10 * (rows % (ALL // 22 + 1)) + 10_000


def panel() -> xr.Dataset:
    """The study's variants: so many rows of the table, spread over it."""
    rows = np.arange(PANEL) * ALL // PANEL
    chromosome, position = places(rows)
    turned = rows % 2 == 0
    return xr.Dataset(
        {
            "variant_id": ("variants", np.full(PANEL, "", object)),
            "variant_chromosome": ("variants", chromosome.astype(str).astype(object)),
            "variant_position": ("variants", position.astype(np.int32)),
            "variant_effect_allele": ("variants", np.where(turned, "A", "G").astype(object)),
            "variant_other_allele": ("variants", np.where(turned, "G", "A").astype(object)),
        }
    )


def batches(rows: int, columns: int, digits: int):
    """A made-up table in pieces."""
    rng = np.random.default_rng(1)
    for start in range(0, rows, ROWS):
        number = np.arange(start, min(start + ROWS, rows))
        chromosome, position = places(number)
        keys = {
            "CHROM": [f"chr{c}" for c in chromosome],
            "POS": position,
            "REF": pa.array(["A"] * len(number)),
            "ALT": pa.array(["G"] * len(number)),
        }
        values = rng.standard_normal((columns, len(number)), np.float32).round(digits)
        yield pa.table(keys | {f"track {k}": values[k] for k in range(columns)})


def make(rows: int, columns: int, kind: str, folder: str) -> Path:
    """Write a table."""
    path = Path(folder) / f"scores_{rows}_{columns}.{kind}"
    if kind == "parquet":
        writer = None
        for table in batches(rows, columns, 6):
            writer = writer or pq.ParquetWriter(
                path, table.schema, compression="none", use_dictionary=["CHROM", "REF", "ALT"]
            )
            writer.write_table(table)
        writer.close()
        return path
    with gzip.open(path, "wb", compresslevel=1) as stream:
        for k, table in enumerate(batches(rows, columns, 4)):
            pyarrow.csv.write_csv(
                table,
                stream,
                pyarrow.csv.WriteOptions(
                    include_header=k == 0, delimiter="\t", quoting_style="none"
                ),
            )
    return path


def parse(path: Path) -> int:
    """Every value of a table, by pyarrow alone, in pieces that are let go."""
    if path.suffix == ".parquet":
        with pq.ParquetFile(path, buffer_size=2**20, pre_buffer=False) as file:
            return sum(batch.num_rows for batch in file.iter_batches())
    with gzip.open(path, "rt") as stream:
        names = stream.readline().split("\t")[4:]
    types = dict.fromkeys((name.strip() for name in names), pa.float32())
    reader = pyarrow.csv.open_csv(
        path,
        pyarrow.csv.ReadOptions(block_size=32 * 2**20),
        pyarrow.csv.ParseOptions(delimiter="\t"),
        pyarrow.csv.ConvertOptions(column_types=types),
    )
    return sum(batch.num_rows for batch in reader)


def join(path: Path) -> int:
    """The table on the study's variants, in float16."""
    from deepwas_app.genetics.annotation.annotations import join_annotations

    joined = join_annotations(panel(), path, missing="zero", half=True)
    assert joined.values.dtype == np.float16
    return joined.values.shape[1]


def main(what: str, *words: str) -> None:
    """Do it, and say how long it took and how much memory."""
    began, used = time.perf_counter(), time.process_time()
    if what == "make":
        print(make(int(words[0]), int(words[1]), words[2], words[3]))
        return
    path = Path(words[0])
    found = {"parse": parse, "join": join}[what](path)
    print(
        path.name,
        f"{path.stat().st_size / 1e9:.2f}",
        what,
        found,
        f"{time.perf_counter() - began:.0f}",
        f"{time.process_time() - used:.0f}",
        f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f}",
        sep="\t",
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
