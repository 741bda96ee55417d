"""One epoch at HapMap3 scale: time, memory, where the time goes, and what the device could do.

    python benchmarks/epoch.py [--blocks 1700] [-o benchmarks/epoch.tsv]
    python benchmarks/epoch.py --prior transformer --precision float32 bfloat16   # on a GPU
    python benchmarks/epoch.py --prior transformer --blocks 2 --batch-blocks 1    # on a CPU

LD blocks of 650 variants and 250 components, 96 annotations, by the software's own ``fit`` on a
study on disk, each row in a process of its own. An MLP of 128 x 2: once with the blocks kept in
memory, once with blocks read from disk in every pass. A transformer of 11 million parameters on
windows of 64 positions of 8 tracks: in memory; its network in float32 or in bfloat16.

The likelihood and the network, each with its gradient, are then timed alone on the same batches;
waiting is what the loop waits for a batch. ``of_matrix_rate`` is the time that matrix products of
the same operation count take, measured in the same process and in the same arithmetic, over the
time of the epoch; ``likelihood_of_matrix_rate`` and ``network_of_matrix_rate`` are of each alone.
"""

import argparse
import json
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
from test_likelihood import operations

VARIANTS, COMPONENTS, ANNOTATIONS = 650, 250, 96
WINDOW, TRACKS = 64, 8
EPOCHS = 3
SIZES = {"mlp": {"width": 128, "depth": 2}, "transformer": {"size": "L"}}


class Row(NamedTuple):
    """What one process measures. Memory is in GB, 0 to read every block in every pass."""

    prior: str
    precision: str = "float32"
    memory: float = 1e3
    size: str | None = None


def write(path: Path, blocks: int) -> None:
    """Blocks that share a few made-up LD matrices, with z-scores and annotations of their own."""
    from deepwas_app.genetics.store import BLOCK_ARRAYS, study_writer

    rng = np.random.default_rng(0)
    total = blocks * VARIANTS
    chromosome = (1 + np.arange(blocks) * 22 // blocks).astype(str)
    number = np.arange(total)
    annotation = rng.standard_normal((total, ANNOTATIONS), dtype=np.float32)
    annotation[:, ::2] = annotation[:, ::2] > 1
    table = {
        "variant_id": np.char.add("rs", number.astype(str)),
        "variant_chromosome": np.repeat(chromosome, VARIANTS),
        "variant_position": (number * 2_000 % 240_000_000 + 1).astype(np.int32),
        "variant_effect_allele": np.full(total, "A"),
        "variant_other_allele": np.full(total, "G"),
        "variant_allele_frequency": rng.uniform(0.05, 0.95, total).astype(np.float32),
        "variant_block": np.repeat(np.arange(blocks), VARIANTS).astype(np.int32),
        "variant_ld_score": np.full(total, 20, np.float32),
        "variant_z": rng.standard_normal(total, dtype=np.float32),
        "variant_sample_size": np.full(total, 450_000, np.float32),
        "variant_scored": np.ones(total, bool),
    }
    start = (np.arange(blocks) * VARIANTS * 2_000 % 240_000_000).astype(np.int32)
    per_block = {
        "block_chromosome": chromosome,
        "block_start": start,
        "block_stop": (start + VARIANTS * 2_000).astype(np.int32),
        "block_offset": (np.arange(blocks) * VARIANTS).astype(np.int32),
        "block_variants": np.full(blocks, VARIANTS, np.int32),
    }
    variants = xr.Dataset(
        {k: ("variants", v) for k, v in table.items()}
        | {k: ("blocks", v) for k, v in per_block.items()}
        | {
            "variant_annotation": (("variants", "annotations"), annotation),
            "annotation_kind": ("annotations", np.tile(["binary", "continuous"], ANNOTATIONS // 2)),
        },
        coords={"annotation": ("annotations", [f"A{i}" for i in range(ANNOTATIONS)])},
    )
    eigenvalues = np.geomspace(40, 0.05, COMPONENTS)
    shared = [
        np.linalg.qr(rng.standard_normal((VARIANTS, COMPONENTS)))[0] * np.sqrt(eigenvalues)
        for _ in range(8)
    ]
    attrs = {"title": "HapMap3", "genome_build": "hg19", "variance": 0.99}
    attrs |= {"alignment": [], "provenance": []}
    with study_writer(path, variants, attrs) as writer:
        for b in range(blocks):
            x = rng.standard_normal(COMPONENTS) * np.sqrt(1 + 0.05 * eigenvalues)
            arrays = shared[b % 8], x, eigenvalues, np.ones(COMPONENTS), np.zeros(COMPONENTS)
            writer.add(dict(zip(BLOCK_ARRAYS, arrays, strict=True)))


def write_tracks(study: Path, blocks: int) -> None:
    """Windows of noise beside a study."""
    from deepwas_app.genetics.store import open_study_store, store_folder
    from deepwas_app.workflow.studies.track_store import tracks_path

    rng = np.random.default_rng(1)
    table = {
        "block_offset": ("blocks", (np.arange(blocks) * VARIANTS).astype(np.int32)),
        "block_variants": ("blocks", np.full(blocks, VARIANTS, np.int32)),
        "track_mean": ("tracks", np.zeros(TRACKS)),
        "track_sd": ("tracks", np.ones(TRACKS)),
    }
    names = {"track": ("tracks", [f"T{i}" for i in range(TRACKS)])}
    with store_folder(tracks_path(study)) as folder:
        for b in range(blocks):
            windows = rng.standard_normal((VARIANTS, WINDOW, TRACKS), dtype=np.float32)
            folder.write_block(b, {"windows": windows.astype(np.float16)})
        attrs = {"kind": "tracks", "window": WINDOW, "keep": True, "files": []}
        attrs["content_hash"] = open_study_store(study).attrs["content_hash"]
        folder.write_dataset(xr.Dataset(table, coords=names), attrs)


def matrix_rate(dtype: str) -> float:
    """Operations a second of a large matrix product, the best of some."""
    import jax
    import jax.numpy as jnp

    n = 2_048 if jax.default_backend() == "cpu" else 8_192
    left, right = (jax.random.normal(jax.random.key(k), (n, n), dtype) for k in (0, 1))
    # Float32 is what it says, as in the likelihood, not an accelerator's shorter kind.
    multiply = jax.jit(lambda a, b: jnp.matmul(a, b, precision="highest"))
    times = []
    for _ in range(10):
        start = time.perf_counter()
        jax.block_until_ready(multiply(left, right))
        times.append(time.perf_counter() - start)
    return 2 * n**3 / min(times)


def network_operations(prior, batch) -> float:
    """Of the network and its gradient for one variant, as XLA counts them."""
    import equinox as eqx
    import jax

    one = jax.tree.map(lambda a: a[:1, :1], (batch.annotations, batch.tracks))
    gradient = eqx.filter_jit(eqx.filter_grad(lambda prior, given: prior(*given).sum()))
    return gradient.lower(prior, one).lowered.cost_analysis()["flops"]


def measure(path: str, given: Row, batch_blocks: int) -> dict:
    """Seconds of the last epoch, its parts, and the peak memory of this process."""
    import equinox as eqx
    import jax
    import jax.numpy as jnp

    from deepwas_app.core.batch import map_blocks
    from deepwas_app.core.likelihood import negative_log_likelihood
    from deepwas_app.core.priors import parameter_count
    from deepwas_app.workflow.runs.batches import Batches
    from deepwas_app.workflow.runs.train import fit
    from deepwas_app.workflow.settings import TrainSettings
    from deepwas_app.workflow.studies.builtin import open_study

    study = open_study(path)
    passes: list[tuple[Batches, list[float]]] = []
    in_order = Batches.in_order

    def timed(self, order):
        waits: list[float] = []
        if len(self):
            passes.append((self, waits))
        batches = in_order(self, order)
        while True:
            start = time.perf_counter()
            batch = next(batches, None)
            waits.append(time.perf_counter() - start)
            if batch is None:
                return
            yield batch

    Batches.in_order = timed  # type: ignore[method-assign]
    settings = TrainSettings(
        prior=given.prior,
        precision=given.precision,
        memory=given.memory,
        epochs=EPOCHS,
        batch_blocks=batch_blocks,
        test_chromosomes="none",
        **({"size": given.size} if given.size else SIZES[given.prior]),
    )
    began = time.perf_counter()
    ends = []
    for step in fit(study, settings=settings):
        if step.step:
            ends.append(time.perf_counter())
        if step.step == 1:
            first = time.perf_counter() - began
    per_epoch = len(ends) // EPOCHS
    epoch = ends[-1] - ends[-1 - per_epoch]
    batches, waits = passes[-1]
    waited = sum(waits)
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    peak = int(status["VmHWM"].split()[0]) / 2**20

    model = step.checkpoint.best

    @jax.jit
    def likelihood(block, log_d):
        def total(log_d, s2, kappa):
            def one(block, log_d):
                return negative_log_likelihood(block, log_d, s2=s2, kappa=kappa)

            return map_blocks(one, block, log_d).sum()

        return jax.value_and_grad(total, argnums=(0, 1, 2))(log_d, 1.0, 0.1)

    @eqx.filter_jit
    def network(prior, annotations, tracks):
        return eqx.filter_grad(lambda prior: prior(annotations, tracks).sum())(prior)

    parts = {"likelihood": 0.0, "network": 0.0}
    for counted in (False, True):
        for batch in list(batches)[: None if counted else 3]:
            log_d = jnp.full(batch.log_n.shape, -1.0)
            for name, run in (
                ("likelihood", lambda b=batch, d=log_d: likelihood(b.block, d)),
                ("network", lambda b=batch: network(model.prior, b.annotations, b.tracks)),
            ):
                start = time.perf_counter()
                jax.block_until_ready(run())
                parts[name] += counted * (time.perf_counter() - start)
    blocks = sum(batch.blocks for batch in batches.plan)
    products = {
        "likelihood": blocks * operations(VARIANTS, COMPONENTS) / matrix_rate("float32"),
        "network": blocks
        * VARIANTS
        * network_operations(model.prior, batches[0])
        / matrix_rate(given.precision),
    }
    return {
        "parameters": parameter_count(model.prior),
        "first_step_seconds": first,
        "epoch_seconds": epoch,
        "likelihood_share": parts["likelihood"] / epoch,
        "network_share": parts["network"] / epoch,
        "waiting_share": waited / epoch,
        "of_matrix_rate": sum(products.values()) / epoch,
        "likelihood_of_matrix_rate": products["likelihood"] / parts["likelihood"],
        "network_of_matrix_rate": products["network"] / parts["network"],
        "peak_gb": peak * 2**30 / 1e9,
    }


def main() -> None:
    from deepwas_app.core.priors import PRIORS

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prior", nargs="+", choices=list(SIZES), default=["mlp"])
    parser.add_argument(
        "--precision", nargs="+", choices=["float32", "bfloat16"], default=["float32"]
    )
    parser.add_argument("--size", help="a named size, other than the usual one")
    parser.add_argument("--blocks", type=int, default=1_700)
    parser.add_argument("--batch-blocks", type=int, default=4)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        path, row = given.measure
        print(json.dumps(measure(path, Row(*json.loads(row)), given.batch_blocks)))
        return
    plan = []
    for prior in given.prior:
        if PRIORS[prior].reads_tracks:
            plan += [Row(prior, precision, size=given.size) for precision in given.precision]
        else:
            plan += [Row(prior, size=given.size), Row(prior, memory=0.0, size=given.size)]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hapmap3.study.zarr"
        write(path, given.blocks)
        if any(PRIORS[prior].reads_tracks for prior in given.prior):
            write_tracks(path, given.blocks)
        for row in plan:
            words = [sys.executable, __file__, "--measure", str(path), json.dumps(row)]
            words += ["--batch-blocks", str(given.batch_blocks)]
            done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
            found = json.loads(done.stdout.splitlines()[-1])
            where = "kept in memory" if row.memory else "read in every pass"
            named = {"prior": row.prior, "precision": row.precision, "blocks": given.blocks}
            rows.append(named | {"blocks_are": where} | found)
            print(rows[-1], flush=True)
    if given.output:
        table = pd.DataFrame(rows).assign(machine=machine())
        table.to_csv(given.output, sep="\t", index=False, float_format="%.3g")


if __name__ == "__main__":
    main()
