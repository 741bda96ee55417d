"""A thousand annotations tested beside a model of 96 at 1.1 million variants: time and memory.

    python benchmarks/scan.py [--files 1000] [-o benchmarks/scan.tsv]

Kept derivatives of made-up numbers (what is tested does not change what it costs), 1,700 LD blocks;
BED files of 20,000 intervals of 500 bases each, and one .annot of as many columns as files in ten.
Seconds of the processor and of the wall, and the most memory, of one process that reads and tests
them all. ``distance`` is Kolmogorov's, of the P values from uniform.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from conftest import machine

VARIANTS, BLOCKS, PARAMETERS = 1_100_000, 1_700, 99
INTERVALS, WIDTH = 20_000, 500
CHROMOSOMES, LENGTH = 22, 130_000_000


def write(folder: Path, files: int) -> None:
    """Derivatives, as ``deepwas scan`` keeps them, and annotations."""
    from deepwas_app.genetics.store import store_folder

    rng = np.random.default_rng(0)
    number = np.arange(VARIANTS)
    chromosome = (1 + number * CHROMOSOMES // VARIANTS).astype(str)
    each = VARIANTS // CHROMOSOMES + 1
    position = (number % each * (LENGTH // each) + 1).astype(np.int32)
    block = (number * BLOCKS // VARIANTS).astype(np.int32)
    score = rng.standard_normal(VARIANTS).astype(np.float32)
    cross = rng.standard_normal((VARIANTS, PARAMETERS), dtype=np.float32)
    own = np.array([np.bincount(block, score * cross[:, p], BLOCKS) for p in range(PARAMETERS)]).T
    variants = {
        "variant_id": np.char.add("rs", number.astype(str)),
        "variant_chromosome": chromosome,
        "variant_position": position,
        "variant_effect_allele": np.full(VARIANTS, "A"),
        "variant_other_allele": np.full(VARIANTS, "G"),
        "derivative_block": block,
        "derivative_score": score,
    }
    found = xr.Dataset(
        {name: ("variants", value) for name, value in variants.items()}
        | {
            "derivative_cross": (("variants", "parameters"), cross),
            "derivative_block_score": (("blocks", "parameters"), own),
            "derivative_fisher": (("parameters", "others"), (cross.T @ cross).astype(float)),
        },
        coords={"parameter": ("parameters", [f"p{p}" for p in range(PARAMETERS)])},
    )
    attrs = {"kind": "derivatives", "genome_build": "hg19", "run": "made up", "fitted": ""}
    with store_folder(folder / "a.derivatives.zarr") as store:
        store.write_dataset(found, attrs)
    annotations = folder / "annotations"
    annotations.mkdir()
    for f in range(files - files // 10):
        starts = np.sort(rng.integers(0, LENGTH - WIDTH, INTERVALS))
        names = np.sort(rng.integers(1, CHROMOSOMES + 1, INTERVALS)).astype(str)
        bed = pd.DataFrame({"c": names, "start": starts, "stop": starts + WIDTH})
        bed.to_csv(annotations / f"set{f}.bed", sep="\t", index=False, header=False)
    if files // 10:
        columns = rng.random((VARIANTS, files // 10)) < 0.05
        table = {"CHR": chromosome, "BP": position, "SNP": variants["variant_id"], "CM": 0}
        table |= {f"C{c}": columns[:, c].astype(int) for c in range(files // 10)}
        pd.DataFrame(table).to_csv(annotations / "many.annot", sep="\t", index=False)


def measure(folder: Path) -> dict:
    """What one process takes."""
    from scipy.stats import kstest

    from deepwas_app.workflow.results.scan import scan

    wall, processor = time.perf_counter(), time.process_time()
    table = scan(None, folder / "a.derivatives.zarr", folder / "annotations")
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {
        "annotations": len(table),
        "variants": VARIANTS,
        "seconds": wall,
        "processor_seconds": processor,
        "peak_gb": int(status["VmHWM"].split()[0]) * 1024 / 1e9,
        "distance": float(kstest(table["Coefficient_p"].dropna(), "uniform").statistic),
    }


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=1_000)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.measure)))
        return
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), given.files)
        words = [sys.executable, __file__, "--measure", folder]
        done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
    row = json.loads(done.stdout.splitlines()[-1])
    print(machine(), row, sep="\n")
    if given.output:
        table = pd.DataFrame([row]).assign(machine=machine())
        table.to_csv(given.output, sep="\t", index=False, float_format="%.3g")


if __name__ == "__main__":
    main()
