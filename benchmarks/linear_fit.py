"""A fit of the linear prior at genome scale: time, passes over the data, and memory.

    python benchmarks/linear_fit.py -o benchmarks/linear_fit.tsv
    python benchmarks/linear_fit.py --case genome --blocks 200

LD blocks with orthonormal loadings of a spectrum that falls geometrically, and z-scores drawn from
a log-linear truth in a fifth of the annotations; every fit in a process of its own, as
``deepwas train`` makes it, with nothing held out.

case
    ``genome``: 1,700 blocks of 450 to 850 variants and 96 annotations. ``large``: 60 blocks of
    1,000 to 1,900 variants and 10 annotations.
start, read, constant, linear, summary
    Seconds of imports, of blocks from disk to the device, of the constant prior, of the linear
    prior from there, and of the summary: heritability with its jackknife error, and whether LD
    fits. Compilation is in them; nothing is found in the cache of compiled programs unless
    ``--warm``.
steps
    Of the linear fit.
cpu
    Seconds of processor of the whole.
of_product
    The time of one product 2 m^2 r of each block over that of the linear fit.
peak_gb
    Memory at most.
coefficients
    Root mean square difference from the truth, per s.d.
loss
    Nats of all blocks at the fitted model.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from conftest import machine
from epoch import matrix_rate

N, ALPHA = 450_000, 0.0


class Case(NamedTuple):
    """How many blocks of which sizes, annotations, and the mean of N v."""

    blocks: int
    variants: tuple[int, int]
    annotations: int
    signal: float


CASES = {
    "genome": Case(1_700, (450, 850), 96, 0.16),
    "large": Case(60, (1_000, 1_900), 10, 0.16),
}
# Components to a variant.
KEPT = 0.385


def truth(case: Case) -> np.ndarray:
    rng = np.random.default_rng(7)
    effects = np.zeros(case.annotations)
    some = rng.choice(case.annotations, -(-case.annotations // 5), replace=False)
    effects[some] = rng.choice([-0.3, 0.2, 0.4], len(some))
    return effects


def write(path: Path, case: Case) -> None:
    from deepwas_app.genetics.store import BLOCK_ARRAYS, study_writer

    rng = np.random.default_rng(0)
    sizes = rng.integers(*case.variants, case.blocks, endpoint=True)
    total, blocks = int(sizes.sum()), case.blocks
    chromosome = (1 + np.arange(blocks) * 22 // blocks).astype(str)
    annotation = rng.standard_normal((total, case.annotations), dtype=np.float32)
    annotation[:, ::2] = annotation[:, ::2] > 1
    deviation = annotation.std(axis=0)
    log_d = (annotation - annotation.mean(axis=0)) / deviation @ truth(case)
    d = np.exp(log_d)
    d *= case.signal / d.mean()
    offset = np.cumsum([0, *sizes[:-1]])
    z = np.empty(total, np.float32)
    made = []
    for b in range(blocks):
        rows = slice(offset[b], offset[b] + sizes[b])
        components = int(KEPT * sizes[b])
        eigenvalues = np.geomspace(1, 1e-3, components)
        eigenvalues *= sizes[b] / eigenvalues.sum()
        U = np.linalg.qr(rng.standard_normal((sizes[b], components), dtype=np.float32))[0]
        Q = U * np.sqrt(eigenvalues).astype(np.float32)
        effects = np.sqrt(d[rows]) * rng.standard_normal(sizes[b])
        x = Q.T @ effects + rng.standard_normal(components)
        z[rows] = Q @ x
        parts = (Q, x, eigenvalues, np.ones(components), np.zeros(components))
        made.append(dict(zip(BLOCK_ARRAYS, parts, strict=True)))
    number = np.arange(total)
    table = {
        "variant_id": np.char.add("rs", number.astype(str)),
        "variant_chromosome": np.repeat(chromosome, sizes),
        "variant_position": (number * 2_000 % 240_000_000 + 1).astype(np.int32),
        "variant_effect_allele": np.full(total, "A"),
        "variant_other_allele": np.full(total, "G"),
        "variant_allele_frequency": rng.uniform(0.05, 0.95, total).astype(np.float32),
        "variant_block": np.repeat(np.arange(blocks), sizes).astype(np.int32),
        "variant_ld_score": np.full(total, 20, np.float32),
        "variant_z": z,
        "variant_sample_size": np.full(total, N, np.float32),
        "variant_scored": np.ones(total, bool),
    }
    start = (offset * 2_000 % 240_000_000).astype(np.int32)
    per_block = {
        "block_chromosome": chromosome,
        "block_start": start,
        "block_stop": (start + sizes * 2_000).astype(np.int32),
        "block_offset": offset.astype(np.int32),
        "block_variants": sizes.astype(np.int32),
    }
    kinds = np.array((["binary", "continuous"] * case.annotations)[: case.annotations])
    variants = xr.Dataset(
        {k: ("variants", v) for k, v in table.items()}
        | {k: ("blocks", v) for k, v in per_block.items()}
        | {
            "variant_annotation": (("variants", "annotations"), annotation),
            "annotation_kind": ("annotations", kinds),
        },
        coords={"annotation": ("annotations", [f"A{i}" for i in range(case.annotations)])},
    )
    attrs = {"title": "Genome", "genome_build": "hg19", "variance": 0.99, "ld_people": 0}
    attrs |= {"alignment": [], "provenance": []}
    with study_writer(path, variants, attrs) as writer:
        for arrays in made:
            writer.add(arrays)


def measure(path: str, case: Case) -> dict:
    """Of this process."""
    marks = [time.perf_counter()]
    from deepwas_app.core.scoring import total_information
    from deepwas_app.workflow.runs.checkpoint import blank_checkpoint
    from deepwas_app.workflow.runs.models import settled
    from deepwas_app.workflow.runs.split import settings_split
    from deepwas_app.workflow.runs.summary import summarise
    from deepwas_app.workflow.runs.training import Training
    from deepwas_app.workflow.settings import TrainSettings
    from deepwas_app.workflow.studies.builtin import open_study

    def done() -> None:
        marks.append(time.perf_counter())

    study = open_study(path)
    settings = settled(
        study, TrainSettings(prior="linear", test_chromosomes="none", alpha=ALPHA, memory=1e3)
    )
    task = Training(study, settings, settings_split(study, settings))
    study["variant_annotation"].load()
    done()
    batches = task.train_batches
    for _ in batches:
        pass
    done()
    baseline = task.baseline()
    done()
    steps = []
    for step in task.fitter.steps(task.start(baseline), batches, settings, task.objective):
        steps.append(step)
        print(f"{time.perf_counter() - marks[-1]:6.1f} s", step.loss, file=sys.stderr, flush=True)
    done()
    checkpoint = blank_checkpoint(steps[-1].state, study.sizes["blocks"])
    summary = summarise("linear", task, checkpoint)
    done()
    cpu = time.process_time()
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    model = checkpoint.best
    found = np.asarray(model.prior.coefficients, np.float64)
    names = ("start", "read", "constant", "linear", "summary")
    seconds = dict(zip(names, np.diff(marks), strict=True))
    sizes = study["block_variants"].values.astype(float), study["block_components"].values
    product = 2 * float((sizes[0] ** 2 * sizes[1]).sum()) / matrix_rate("float32")
    return seconds | {
        "total": marks[-1] - marks[0],
        "steps": len(steps),
        "cpu": cpu,
        "of_product": product / seconds["linear"],
        "peak_gb": int(status["VmHWM"].split()[0]) * 1024 / 1e9,
        "coefficients": float(np.sqrt(np.mean((found - truth(case)) ** 2))),
        "loss": float(total_information(model, batches)[0]),
        "h2": summary["h2"],
        "h2_se": summary["h2_se"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--blocks", type=int, help="fewer LD blocks, or more")
    parser.add_argument("--study", type=Path, help="folder that keeps the studies between calls")
    parser.add_argument("--warm", action="store_true", help="find programs compiled before")
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        path, name = given.measure
        print(json.dumps(measure(path, CASES[name])))
        return
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        compiled = {"JAX_COMPILATION_CACHE_DIR": str(Path(folder) / "compiled")}
        for name in given.case:
            case = CASES[name]._replace(blocks=given.blocks or CASES[name].blocks)
            path = (given.study or Path(folder)) / f"{name}{case.blocks}.study.zarr"
            if not path.exists():
                write(path, case)
            words = [sys.executable, __file__, "--measure", str(path), name]
            environment = os.environ if given.warm else {**os.environ, **compiled}
            done = subprocess.run(
                words, check=True, stdout=subprocess.PIPE, text=True, env=environment
            )
            rows.append(
                {"case": name, "blocks": case.blocks} | json.loads(done.stdout.splitlines()[-1])
            )
            print(rows[-1], flush=True)
    if given.output:
        table = pd.DataFrame(rows).assign(machine=machine())
        table.to_csv(given.output, sep="\t", index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
