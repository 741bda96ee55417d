"""LD of magenpy, written as its own code writes it: format 2 of zarr, one triangle, integers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import zarr

from deepwas_app.errors import InputError
from deepwas_app.genetics.ld.panel import read_factor
from deepwas_app.genetics.ld.sources.magenpy import open_magenpy


def write_magenpy(
    folder: Path, matrices: list[np.ndarray], table: pd.DataFrame, dtype: str = "int16"
) -> Path:
    group = zarr.open_group(str(folder), mode="w", zarr_format=2)
    rows, values = [0], []
    for R in matrices:
        for i in range(len(R)):
            values += R[i, i + 1 :].tolist()
            rows.append(len(values))
    r = np.array(values)
    if dtype.startswith("int"):
        r = np.round(r * np.iinfo(dtype).max)
    matrix, meta = group.create_group("matrix"), group.create_group("metadata")
    matrix.create_array("data", data=r.astype(dtype))
    matrix.create_array("indptr", data=np.array(rows, dtype=np.int64))
    for name, column in (("snps", "SNP"), ("a1", "A1"), ("a2", "A2")):
        text = meta.create_array(name, shape=(len(table),), dtype="str")
        text[:] = table[column].to_numpy(object)
    meta.create_array("bp", data=table["BP"].to_numpy(np.int32))
    meta.create_array("maf", data=np.full(len(table), 0.2, np.float32))
    group.attrs.update({"Chromosome": 22, "Sample size": 5000, "Genome build": "GRCh37"})
    return folder


@pytest.mark.parametrize(("dtype", "error"), [("int8", 0.02), ("int16", 1e-3), ("float32", 1e-3)])
def test_blocks_are_read_where_no_row_reaches_over(tmp_path, block, panel_of, dtype, error):
    parts = [block.R[:15, :15], block.R[15:, 15:]]
    write_magenpy(tmp_path / "ld" / "chr_22", parts, block.table, dtype)
    source = open_magenpy(tmp_path / "ld")
    assert (source.count, source.sample_size, source.genome_build) == (2, 5000, "hg19")
    panel = panel_of(source)
    assert panel["variant_id"].values.tolist() == block.table["SNP"].tolist()
    assert panel["variant_effect_allele"].values.tolist() == block.table["A1"].tolist()
    for index, R in enumerate(parts):
        W = read_factor(panel, index).astype(float)
        np.testing.assert_allclose(W @ W.T, R, atol=error)


def test_given_blocks_cut_a_band(tmp_path, block, panel_of):
    folder = write_magenpy(tmp_path / "chr_22", [block.R], block.table)
    position = block.table["BP"].to_numpy()
    (tmp_path / "b.bed").write_text(f"22\t0\t{position[9]}\n22\t{position[9]}\t{position[-2]}\n")
    source = open_magenpy(folder, blocks=tmp_path / "b.bed")
    assert source.dropped == {"outside the LD blocks": 1}
    W = read_factor(panel_of(source), 1).astype(float)
    np.testing.assert_allclose(W @ W.T, block.R[10:-1, 10:-1], atol=1e-3)


def test_other_folders_and_damaged_groups_are_named(tmp_path, block):
    with pytest.raises(InputError, match="holds no zarr group with a matrix"):
        open_magenpy(tmp_path)
    folder = write_magenpy(tmp_path / "chr_22", [block.R], block.table.iloc[:-1])
    with pytest.raises(InputError, match="its matrix is of 40 variants"):
        open_magenpy(folder)
