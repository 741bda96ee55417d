"""Rows of known truth, for files of any layout."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import norm

ROWS = 30
RNG = np.random.default_rng(5)
BETA, SE = RNG.normal(0, 0.05, ROWS).round(4), RNG.uniform(0.01, 0.03, ROWS).round(4)
FREQUENCY = RNG.uniform(0.02, 0.98, ROWS).round(4)
Z = BETA / SE
LN_P = np.log(2) + norm.logsf(np.abs(Z))
CASES, CONTROLS = 1_000 + np.arange(ROWS), 4_000 + np.arange(ROWS)
EFFECTIVE = 4 / (1 / CASES + 1 / CONTROLS)
EFFECT = np.resize(["A", "C", "G", "TA"], ROWS)
OTHER = np.resize(["G", "A", "T", "T"], ROWS)
POSITION = 1_000 + 37 * np.arange(ROWS)
# What the words of a layout stand for. Other columns are written as they are given.
TRUTH = {
    "chr": np.full(ROWS, "7"),
    "chr7": np.full(ROWS, "chr7"),
    "pos": POSITION,
    "id": [f"rs{i + 1}" for i in range(ROWS)],
    "effect": EFFECT,
    "other": OTHER,
    "lower_effect": np.char.lower(EFFECT),
    "lower_other": np.char.lower(OTHER),
    "key": [f"7:{p}:{o}:{e}" for p, o, e in zip(POSITION, OTHER, EFFECT, strict=True)],
    "key_": [f"chr7_{p}_{o}_{e}" for p, o, e in zip(POSITION, OTHER, EFFECT, strict=True)],
    "place": [f"chr7:{p}" for p in POSITION],
    "freq": FREQUENCY,
    "freq_other": 1 - FREQUENCY,
    "maf": np.minimum(FREQUENCY, 1 - FREQUENCY),
    "minor": np.where(FREQUENCY < 0.5, EFFECT, OTHER),
    "beta": BETA,
    "or": np.exp(BETA),
    "se": SE,
    "z": Z,
    "p": np.exp(LN_P),
    "mlogp": -LN_P / np.log(10),
    "log10p": LN_P / np.log(10),
    "lnp": LN_P,
    "n": CASES + CONTROLS,
    "cases": CASES,
    "controls": CONTROLS,
    "neff": EFFECTIVE,
    "half": EFFECTIVE / 2,
    # Of something else: taken for a role it would be noticed.
    "junk": np.arange(ROWS) % 7 + 0.5,
    "wrong": -5 * BETA,
    "word": np.full(ROWS, "x"),
    "none": np.full(ROWS, "NA"),
    "minus": -np.ones(ROWS),
    "false": np.full(ROWS, "false"),
    "add": np.full(ROWS, "ADD"),
    "0": np.zeros(ROWS),
    "1": np.ones(ROWS),
}


@pytest.fixture
def truth() -> SimpleNamespace:
    """What words of a layout stand for."""
    return SimpleNamespace(**{name: np.asarray(values) for name, values in TRUTH.items()})


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes the rows in a layout, see :func:`writer`."""
    return writer(tmp_path)


def writer(folder: Path) -> Callable[..., Path]:
    """A function that writes the rows in a layout, given as NAME=word a column."""

    def write(layout: str, *, separator: str = "\t", above: str = "", **_: object) -> Path:
        pairs = [word.rpartition("=") for word in layout.split()]
        columns = {name: np.asarray(TRUTH[word]).astype(str) for name, _, word in pairs}
        lines = [separator.join(columns), *map(separator.join, zip(*columns.values(), strict=True))]
        path = folder / "gwas.txt"
        path.write_text(above + "\n".join(lines) + "\n")
        return path

    return write
