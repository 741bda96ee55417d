"""Chain files of three chains: forward with a gap, reverse, and to another chromosome."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from deepwas_app.errors import InputError
from deepwas_app.genetics.gwas.lift import lift

CHAIN = """chain 1000 chr22 51304566 + 99 10000 chr22 50818468 + 199 10090 1
100 10 0
9791

chain 900 chr22 51304566 + 20000 21000 chr22 50818468 - 1000 2000 2
1000

chain 900 chr21 51304566 + 0 1000 chr20 50818468 + 0 1000 3
1000

"""


@pytest.fixture
def gwas(sumstats_of):
    table = pd.DataFrame(
        {
            "id": [f"rs{i}" for i in range(6)],
            "chromosome": ["22", "22", "22", "22", "21", ""],
            "position": np.array([100, 205, 211, 20001, 5, 0], dtype=np.int32),
            "effect_allele": ["A", "A", "A", "A", "A", "A"],
            "other_allele": ["G", "G", "G", "GC", "G", "G"],
            "z": np.arange(6, dtype=np.float32),
        }
    )
    return sumstats_of(table, dropped={"no alleles": 1})


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_positions_move_and_what_has_no_place_is_counted(tmp_path: Path, gwas, suffix: str):
    path = tmp_path / f"old_to_new.chain{suffix}"
    path.write_bytes(gzip.compress(CHAIN.encode()) if suffix else CHAIN.encode())
    lifted = lift(gwas, path)
    assert lifted["variant_id"].values.tolist() == ["rs0", "rs2", "rs3", "rs5"]
    # 99 + 100 in front, the gap of 10 closed, and the reverse strand counted from its end.
    assert lifted["variant_position"].values.tolist() == [200, 301, 50818468 - 1000, 0]
    assert lifted["variant_effect_allele"].values.tolist() == ["A", "A", "T", "A"]
    assert lifted["variant_other_allele"].values.tolist() == ["G", "G", "GC", "G"]
    assert lifted.attrs["dropped"] == {"no alleles": 1, "no single place on the new build": 2}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html></html>", "cannot be read"),
        (b"\n", "holds no chains"),
        (CHAIN.replace("chr22 51", "chr9 51").replace("chr21", "chr8").encode(), "leads none"),
    ],
)
def test_bad_chain_files_are_named(tmp_path: Path, gwas, content: bytes, words: str):
    path = tmp_path / "bad.chain"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words) as caught:
        lift(gwas, path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
