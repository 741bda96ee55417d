"""A genome-wide study of HapMap3 size: built, opened, and its first block reached.

``DEEPWAS_BENCH_GENOME=1703`` (LD blocks of 646 variants) is the size that matters;
``pytest benchmarks/test_genome.py -s``.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from deepwas_app.genetics.ld.panel import PanelBlock, panel_writer
from deepwas_app.genetics.ld.sources.base import variants_dataset

BLOCKS = int(os.environ.get("DEEPWAS_BENCH_GENOME", "60"))
VARIANTS, COMPONENTS, ANNOTATIONS = 646, 200, 96
SPAN = 1_600_000
BUILD = """
import json, resource, sys, time
from deepwas_app.workflow.settings import StudySettings
from deepwas_app.workflow.studies.build import build_study
start, cpu = time.perf_counter(), time.process_time()
build_study(StudySettings(**json.loads(sys.argv[1])))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(json.dumps([time.perf_counter() - start, time.process_time() - cpu, peak]))
"""
OPEN = """
import json, sys, time
begin = time.perf_counter()
import deepwas_app as dw
from deepwas_app.genetics.store import read_block
imported = time.perf_counter()
study = dw.open_study(sys.argv[1])
read_block(study, 0)
print(json.dumps([time.perf_counter() - imported, time.perf_counter() - begin]))
"""


def fresh(code: str, argument: str) -> list[float]:
    """Run code in a process of its own, and take the list that it prints last."""
    words = [sys.executable, "-c", code, argument]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def chromosome_of(block: int) -> str:
    return str(1 + block * 22 // BLOCKS)


def variant_rows(block: int) -> pd.DataFrame:
    start = block * SPAN % 240_000_000
    position = start + 1 + (SPAN // VARIANTS) * np.arange(VARIANTS)
    rng = np.random.default_rng(block)
    return pd.DataFrame(
        {
            "id": [f"rs{block * VARIANTS + i}" for i in range(VARIANTS)],
            "chromosome": chromosome_of(block),
            "position": position,
            "effect_allele": np.array(list("ACAC"))[np.arange(VARIANTS) % 4],
            "other_allele": np.array(list("GTGT"))[np.arange(VARIANTS) % 4],
            "frequency": rng.uniform(0.05, 0.95, VARIANTS),
        }
    )


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, object]:
    """A panel, a GWAS and 96 annotations, by the project's own writers where it has one."""
    attrs = {"title": "P", "genome_build": "hg19", "sample_size": 0, "source": "benchmark"}
    attrs |= {"variance": 0.99, "provenance": []}
    shared = np.random.default_rng(0).standard_normal((VARIANTS, COMPONENTS))
    shared *= np.linspace(2, 0.2, COMPONENTS)
    shared /= np.linalg.norm(shared, axis=1)[:, None]
    tables = []
    with panel_writer(tmp_path / "p.ld.zarr", attrs) as writer:
        for block in range(BLOCKS):
            table = variant_rows(block)
            W = np.roll(shared, block, axis=0).astype(np.float32)
            start = int(table["position"].iloc[0]) - 1
            writer.add(
                PanelBlock(
                    chromosome_of(block),
                    start,
                    start + SPAN,
                    variants_dataset(table, np.full(VARIANTS, 20.0)),
                    W,
                    {},
                )
            )
            tables.append(table)
    table = pd.concat(tables, ignore_index=True)
    rng = np.random.default_rng(1)
    gwas = pd.DataFrame(
        {
            "CHR": table["chromosome"],
            "SNP": table["id"],
            "POS": table["position"],
            "A1": table["effect_allele"],
            "A2": table["other_allele"],
            "N": 450_000,
            "AF1": table["frequency"].round(5),
            "BETA": rng.normal(0, 0.01, len(table)).round(6),
            "SE": 0.005,
            "P": 0.5,
        }
    )
    gwas.to_csv(tmp_path / "g.fastGWA", sep="\t", index=False)
    values = rng.standard_normal((len(table), ANNOTATIONS), dtype=np.float32)
    values[:, ::2] = values[:, ::2] > 1
    names = [f"annotation {i}" for i in range(ANNOTATIONS)]
    keys = {"SNP": table["id"], "CHR": table["chromosome"], "BP": table["position"]}
    frame = pd.DataFrame(values, columns=names)
    pd.concat([pd.DataFrame(keys), frame], axis=1).to_parquet(tmp_path / "a.annot.parquet")
    return {
        "sumstats": str(tmp_path / "g.fastGWA"),
        "ld": str(tmp_path / "p.ld.zarr"),
        "annotations": [str(tmp_path / "a.annot.parquet")],
        "output": str(tmp_path / "s.study.zarr"),
    }


def test_genome_wide_study(inputs: dict[str, object], capsys):
    seconds, cpu, peak = fresh(BUILD, json.dumps(inputs))
    opened, with_imports = min(fresh(OPEN, str(inputs["output"])) for _ in range(3))
    with capsys.disabled():
        print(
            f"\nstudy of {BLOCKS * VARIANTS:,} variants, {BLOCKS} blocks, {ANNOTATIONS} "
            f"annotations: built in {seconds:.0f} s ({cpu:.0f} s of CPU) with {peak:.1f} GiB; "
            f"opened and first block read in {opened:.2f} s ({with_imports:.2f} s with imports, "
            "in a fresh process)"
        )
    assert seconds < 600
    assert peak < 6
    assert opened < 2
