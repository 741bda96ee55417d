"""Summary statistics to an aligned Dataset, beside the time that merely parsing them takes.

``DEEPWAS_BENCH_ROWS=10000000 pytest benchmarks/test_sumstats.py -s`` is the size that matters.
"""

import gzip
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
import xarray as xr
from scipy.special import ndtr

from deepwas_app.genetics.gwas.align import align
from deepwas_app.genetics.gwas.sumstats import read_sumstats

ROWS = int(os.environ.get("DEEPWAS_BENCH_ROWS", "1000000"))
ROUNDS = 3
BASES = np.array(list("ACGT"), dtype=object)


@pytest.fixture(scope="module")
def gwas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """GWAS-SSF, gzipped: 22 chromosomes, one indel in twelve."""
    path = tmp_path_factory.mktemp("bench") / "gwas.tsv.gz"
    rng = np.random.default_rng(0)
    layout = pyarrow.csv.WriteOptions(delimiter="\t", quoting_style="none")
    with gzip.open(path, "wb", compresslevel=1) as stream:
        for chromosome in range(1, 23):
            rows = ROWS // 22 + (chromosome <= ROWS % 22)
            table = _chromosome(rng, chromosome, rows)
            layout.include_header = chromosome == 1
            pyarrow.csv.write_csv(table, stream, layout)
    return path


def _chromosome(rng: np.random.Generator, chromosome: int, rows: int) -> pa.Table:
    position = np.sort(rng.choice(240_000_000, rows, replace=False)) + 1
    effect = rng.integers(0, 4, rows)
    alleles = BASES[effect]
    indel = rng.random(rows) < 1 / 12
    alleles[indel] = alleles[indel] + "CA"
    beta, se = rng.normal(0, 0.01, rows).round(6), rng.uniform(0.005, 0.02, rows).round(6)
    return pa.table(
        {
            "chromosome": np.full(rows, chromosome),
            "base_pair_location": position,
            "effect_allele": alleles,
            "other_allele": BASES[(effect + rng.integers(1, 4, rows)) % 4],
            "beta": beta,
            "standard_error": se,
            "effect_allele_frequency": rng.uniform(0.01, 0.99, rows).round(5),
            "p_value": (2 * ndtr(-np.abs(beta / se))).round(8),
            "rsid": [f"rs{i}" for i in (position * 25 + chromosome).tolist()],
            "n": 400_000 + rng.integers(0, 5000, rows),
        }
    )


def panel_of(sumstats: xr.Dataset) -> xr.Dataset:
    """Every ninth variant, every other one with its alleles swapped."""
    some = sumstats.isel(variants=slice(None, None, 9))
    names = ("id", "chromosome", "effect_allele", "other_allele")
    text = {name: some[f"variant_{name}"].values.astype(str) for name in names}
    swapped = np.arange(some.sizes["variants"]) % 2 == 1
    frequency = some["variant_allele_frequency"].values
    effect, other = text["effect_allele"], text["other_allele"]
    arrays = text | {
        "effect_allele": np.where(swapped, other, effect),
        "other_allele": np.where(swapped, effect, other),
        "position": some["variant_position"].values,
        "allele_frequency": np.where(swapped, 1 - frequency, frequency),
    }
    return xr.Dataset(
        {f"variant_{name}": ("variants", array) for name, array in arrays.items()},
        attrs={"path": "bench.ld.zarr", "genome_build": "hg19"},
    )


def parse(path: Path) -> float:
    start = time.perf_counter()
    tabs = pyarrow.csv.ParseOptions(delimiter="\t")
    assert pyarrow.csv.read_csv(path, parse_options=tabs).num_rows == ROWS
    return time.perf_counter() - start


def test_reading_and_aligning_beside_parsing(gwas: Path):
    panel = panel_of(read_sumstats(gwas))
    ours, parsing = [], []
    # In turn, so that what else the machine does falls on both.
    for _ in range(ROUNDS):
        parsing.append(parse(gwas))
        start = time.perf_counter()
        aligned, report = align(read_sumstats(gwas), panel)
        ours.append(time.perf_counter() - start)
    assert report[0]["variants"] == ROWS
    assert aligned["variant_scored"].values.mean() > 0.9
    ratio = statistics.median(a / b for a, b in zip(ours, parsing, strict=True))
    print(
        f"\n{ROWS:,} rows: parse {statistics.median(parsing):.2f} s, "
        f"read and align {statistics.median(ours):.2f} s, ratio {ratio:.2f}"
    )
    assert ratio < 3


def test_memory(gwas: Path):
    """In a process of its own, which has read and aligned nothing else."""
    command = [sys.executable, __file__, str(gwas)]
    peak = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print(f"\n{ROWS:,} rows: peak memory {peak:.2f} GB")
    assert peak < 6


if __name__ == "__main__":
    made = read_sumstats(sys.argv[1])
    align(made, panel_of(made))
    # Not ru_maxrss, which a process inherits from the one that started it.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    print(int(status["VmHWM"].split()[0]) / 2**20)
