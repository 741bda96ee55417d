"""The benchmark of accelerators runs at toy sizes, and says where there is none."""

import subprocess
import sys

import pandas as pd

SCRIPT = "benchmarks/gpu.py"


def test_every_part_but_training_gives_rows(tmp_path, pytestconfig):
    words = ["--tiny", "--parts", "likelihood", "crossover", "-o", str(tmp_path / "gpu.tsv")]
    done = subprocess.run(
        [sys.executable, SCRIPT, *words], cwd=pytestconfig.rootpath, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    table = pd.read_csv(tmp_path / "gpu.tsv", sep="\t")
    likelihood = table[table["part"] == "likelihood"]
    assert len(likelihood) == 8
    assert likelihood["share"].gt(0).all()
    assert likelihood["error"].lt(1e-3).all()
    assert {*table["part"]} == {"rate", "likelihood", "crossover"}
    assert table["device"].notna().all()


def test_without_one_it_says_so(pytestconfig):
    done = subprocess.run(
        [sys.executable, SCRIPT], cwd=pytestconfig.rootpath, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "finds no accelerator" in done.stderr
