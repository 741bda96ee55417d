"""What an accelerator does of what it could: one table, within eight minutes, without Panel.

    make bench-gpu                                   # all, where JAX finds an accelerator
    python benchmarks/gpu.py --tiny                  # every part at toy sizes, on a CPU

- ``rate``: operations a second of a large matrix product: exact float32, shorter kinds, bfloat16.
- ``likelihood``: loss and gradient of a batch of equal blocks, in every way that
  ``deepwas_app.core.ways`` knows, over that rate; ``error`` is of the gradient, against float32.
- ``crossover``: conjugate gradients with random probes over Cholesky factors, one block.
- ``memory``: bytes beside its arguments that loss and gradient of all blocks of a batch at once
  take, as XLA plans them, and the largest batch that ran.
- ``epoch``: ``benchmarks/epoch.py`` in processes of its own, an MLP and two transformers.
- ``app``: a training in the dashboard's queue, over the same in a loop; where Panel is installed.

Parts that the time does not suffice for are named and left out. Rows are added to
``benchmarks/gpu.tsv``; ``share`` is of the device's own matrix rate of that precision.
"""

import argparse
import importlib.util
import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

# What is not asked for stays free, so that peaks mean something and processes can follow.
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from conftest import machine
from solvers import crossover, in_turn, made_up
from test_likelihood import loss_and_gradient, operations

from deepwas_app.core import WhitenedBlock
from deepwas_app.core.ways import Way, using

SIZES = ((664, 256, 64), (2_000, 600, 16), (6_000, 1_500, 4), (12_000, 2_500, 2))
CROSSOVER = (500, 1_000, 2_000, 4_000, 8_000, 16_000)
TINY = {"sizes": ((96, 40, 4), (200, 60, 2)), "crossover": (40, 80)}
PRODUCTS = ("float32", "TF32_TF32_F32_X3", "BF16_BF16_F32_X6", "tensorfloat32")
ON_CPU = ("float32",)
EPOCHS = (
    ("mlp", None, "float32", 600),
    ("transformer", "L", "bfloat16", 60),
    ("transformer", "50M", "bfloat16", 24),
)
MOST_BLOCKS = 1_024
PARTS = ("epoch", "app", "likelihood", "memory", "crossover")


def rate(dtype: str, products: str, n: int) -> float:
    """Operations a second of a product of two n x n matrices, the best of some."""
    left, right = (jax.random.normal(jax.random.key(k), (n, n), dtype) for k in (0, 1))

    @jax.jit
    def multiply(a, b):
        with jax.default_matmul_precision(products):
            return a @ b

    return 2 * n**3 / (1e-3 * in_turn(partial(multiply, left, right), rounds=8)[0])


def rates(kinds: tuple[str, ...], n: int) -> Iterator[dict]:
    for products in kinds:
        yield {"part": "rate", "products": products, "tera": rate("float32", products, n) / 1e12}
    tera = rate("bfloat16", "default", n) / 1e12
    yield {"part": "rate", "products": "bfloat16", "tera": tera}


def batch(variants: int, components: int, blocks: int) -> tuple[WhitenedBlock, jax.Array]:
    """One made-up block, so many times."""
    block, log_d = made_up(variants, components)
    return jax.tree.map(lambda a: jnp.stack([a] * blocks), (block, log_d))


def likelihood(
    sizes: tuple, kinds: tuple[str, ...], tera: dict[str, float], enough: Callable[[], bool]
) -> Iterator[dict]:
    """Each way, size by size; the first is what others' gradients are held against."""
    ways = [
        Way(inverse, blocks, products)
        for products, inverse, blocks in itertools.product(
            kinds, ("recursive", "solve"), ("at once", "in turn")
        )
    ]
    for m, r, count in sizes:
        block, log_d = batch(m, r, count)
        true = None
        for way in ways:
            row = {"part": "likelihood", "variants": m, "components": r, "blocks": count}
            row |= {"inverse": way.inverse, "order": way.blocks, "products": way.products}
            if not enough():
                yield row | {"note": "left out: no time"}
                continue
            try:
                with using(way):
                    run = partial(loss_and_gradient, block, log_d)
                    ms = in_turn(run, rounds=5)[0]
                    gradient = np.asarray(run()[1][0])
            except Exception as problem:
                yield row | {"note": str(problem).splitlines()[0][:120]}
                continue
            true = gradient if true is None else true
            done = count * operations(m, r) / (1e-3 * ms)
            error = np.linalg.norm(gradient - true) / np.linalg.norm(true)
            yield row | {
                "ms": ms,
                "tera": done / 1e12,
                "share": done / 1e12 / tera["float32"],
                "error": float(error),
            }


def memory(sizes: tuple, enough: Callable[[], bool]) -> Iterator[dict]:
    """Bytes of a batch at once, and the largest batch; each batch twice the one before."""
    for m, r, _ in sizes:
        count, largest, note, planned = 1, 0, "", 0
        with using(Way()):
            while count <= MOST_BLOCKS:
                if not enough():
                    note = "no time for more"
                    break
                try:
                    given = batch(m, r, count)
                    compiled = loss_and_gradient.lower(*given).compile()
                    jax.block_until_ready(compiled(*given))
                except Exception as problem:
                    note = str(problem).splitlines()[0][:120]
                    break
                planned, largest = compiled.memory_analysis().temp_size_in_bytes, count
                count *= 2
        each = planned / max(largest, 1) / 1e6
        row = {"part": "memory", "variants": m, "components": r, "blocks": largest}
        yield row | {"mb_a_block": each, "note": note}


def epochs(tiny: bool, enough: Callable[[], bool]) -> Iterator[dict]:
    """Of the software's own ``fit``, each in a process of its own."""
    script = str(Path(__file__).with_name("epoch.py"))
    for prior, size, precision, blocks in EPOCHS[:2] if tiny else EPOCHS:
        row = {"part": "epoch", "what": f"{prior} {size or '128 x 2'}", "products": precision}
        if not enough():
            yield row | {"note": "left out: no time"}
            continue
        size = "XS" if tiny and size else size
        with tempfile.TemporaryDirectory() as folder:
            words = ["--prior", prior, "--precision", precision]
            words += ["--size", size] if size else []
            words += ["--blocks", str(4 if tiny else blocks)]
            words += ["--batch-blocks", "2" if tiny else "8", "-o", f"{folder}/epoch.tsv"]
            done = subprocess.run([sys.executable, script, *words], stdout=subprocess.DEVNULL)
            if done.returncode:
                yield row | {"note": f"ended with {done.returncode}"}
                continue
            found = pd.read_csv(f"{folder}/epoch.tsv", sep="\t")
        for one in found.to_dict("records"):
            yield row | {
                "note": one["blocks_are"],
                "blocks": one["blocks"],
                "parameters": one["parameters"],
                "ms": 1e3 * one["epoch_seconds"],
                "share": one["of_matrix_rate"],
                "likelihood_share": one["likelihood_of_matrix_rate"],
                "network_share": one["network_of_matrix_rate"],
                "waiting": one["waiting_share"],
            }


def app(blocks: int) -> Iterator[dict]:
    """The dashboard's queue over a plain loop, of the same training."""
    row = {"part": "app", "blocks": blocks}
    if importlib.util.find_spec("panel") is None:
        yield row | {"note": "left out: Panel is not installed here"}
        return
    from epoch import write

    from deepwas_app.app.jobs import JOBS, Job
    from deepwas_app.workflow.runs.train import train
    from deepwas_app.workflow.settings import TrainSettings
    from deepwas_app.workflow.studies.builtin import open_study

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.study.zarr"
        write(path, blocks)
        study = open_study(path)
        settings = TrainSettings(prior="mlp", epochs=4, test_chromosomes="none")
        seconds = []
        for name in ("first", "second"):
            began = time.perf_counter()
            for _ in train.steps(study, settings, Path(folder) / f"{name}.run"):
                pass
            seconds.append(time.perf_counter() - began)
        began = time.perf_counter()
        run = Path(folder) / "app.run"
        job = JOBS.submit(Job("App", lambda: train.steps(study, settings, run)))
        job.wait()
        queued = time.perf_counter() - began
        if job.error:
            raise SystemExit(job.error)
    yield row | {"ms": 1e3 * queued, "ratio": queued / seconds[-1], "note": "over a loop"}


def crossovers(tiny: bool, enough: Callable[[], bool]) -> Iterator[dict]:
    """Of ever more components, as long as there is time."""
    for r in TINY["crossover"] if tiny else CROSSOVER:
        if enough():
            yield {"part": "crossover"} | crossover([r], 16)[0]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tiny", action="store_true", help="toy sizes, for a CPU")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--seconds", type=float, default=480.0, help="when to stop")
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).with_suffix(".tsv"))
    given = parser.parse_args()
    on_cpu = jax.default_backend() == "cpu"
    if on_cpu and not given.tiny:
        raise SystemExit("JAX finds no accelerator here: --tiny tries every part on the CPU.")
    began = time.monotonic()

    def before(share: float) -> Callable[[], bool]:
        return lambda: time.monotonic() - began < share * given.seconds

    kinds = ON_CPU if on_cpu else PRODUCTS
    sizes = TINY["sizes"] if given.tiny else SIZES
    rows: list[dict] = []

    def keep(found: Iterator[dict]) -> None:
        for one in found:
            print({k: v for k, v in one.items() if v != ""}, flush=True)
            rows.append(one | {"seconds": round(time.monotonic() - began)})

    keep(rates(kinds, 256 if given.tiny else 8_192))
    tera = {row["products"]: row["tera"] for row in rows}
    parts = {
        "epoch": lambda: epochs(given.tiny, before(0.35)),
        "app": lambda: app(4 if given.tiny else 200),
        "likelihood": lambda: likelihood(sizes, kinds, tera, before(0.7)),
        "memory": lambda: memory(sizes, before(0.82)),
        "crossover": lambda: crossovers(given.tiny, before(0.95)),
    }
    for name in given.parts:
        keep(parts[name]())
    table = pd.DataFrame(rows).assign(
        device=jax.devices()[0].device_kind, machine=machine(), date=time.strftime("%Y-%m-%d")
    )
    if given.output.exists():
        table = pd.concat([pd.read_csv(given.output, sep="\t"), table])
    table.to_csv(given.output, sep="\t", index=False, float_format="%.4g", na_rep="NA")


if __name__ == "__main__":
    main()
