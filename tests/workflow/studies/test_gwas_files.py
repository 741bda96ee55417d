"""A GWAS in one file for each chromosome."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.workflow.settings import StudySettings
from deepwas_app.workflow.studies.gwas import read_gwas
from deepwas_app.workflow.studies.gwas_files import read_gwas_files

SIZE = 300


@pytest.fixture
def gwas() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "SNP": [f"rs{i}" for i in range(SIZE)],
            "CHR": np.repeat([1, 2, 22], SIZE // 3),
            "BP": np.tile(np.arange(SIZE // 3) + 1, 3),
            "A1": rng.choice(["A", "C"], SIZE),
            "A2": rng.choice(["G", "GT"], SIZE),
            "FRQ": rng.uniform(0.1, 0.9, SIZE).round(3),
            "BETA": rng.normal(0, 0.01, SIZE).round(5),
            "SE": 0.01,
            "N": 1000,
        }
    ).rename(columns={"A1": "effect_allele", "A2": "other_allele"})


@pytest.fixture
def panel(gwas) -> xr.Dataset:
    arrays = {
        "id": gwas["SNP"].to_numpy(str),
        "chromosome": gwas["CHR"].astype(str).to_numpy(str),
        "position": gwas["BP"].to_numpy(np.int32),
        "effect_allele": gwas["effect_allele"].to_numpy(str),
        "other_allele": gwas["other_allele"].to_numpy(str),
        "allele_frequency": gwas["FRQ"].to_numpy(),
    }
    return xr.Dataset(
        {f"variant_{name}": ("variants", array) for name, array in arrays.items()},
        attrs={"path": "panel", "genome_build": "hg19"},
    )


@pytest.mark.parametrize("pattern", ["chr{CHR}.tsv", "chr*.tsv"])
def test_files_of_each_chromosome_are_one_gwas(tmp_path: Path, gwas, panel, pattern):
    gwas.to_csv(tmp_path / "whole.tsv", sep="\t", index=False)
    for name, part in gwas.groupby("CHR"):
        part = part.copy()
        part.loc[part.index[0], "SE"] = 0
        part.to_csv(tmp_path / f"chr{name}.tsv", sep="\t", index=False)
    whole, one = read_gwas(StudySettings(), tmp_path / "whole.tsv", panel)
    several, records = read_gwas_files(StudySettings(), tmp_path / pattern, panel)
    assert len(one) == 1
    assert [Path(record["path"]).name for record in records] == [
        "chr1.tsv",
        "chr2.tsv",
        "chr22.tsv",
    ]
    assert several.attrs["rows"] == SIZE
    assert several.attrs["dropped"] == {"standard error not above 0": 3}
    kept = np.delete(np.arange(SIZE), [0, SIZE // 3, 2 * SIZE // 3])
    for name in whole:
        found = np.asarray(several[name].values)
        np.testing.assert_array_equal(found, np.asarray(whole[name].values)[kept])


def test_files_of_another_layout_are_named(tmp_path: Path, gwas, panel):
    gwas.to_csv(tmp_path / "chr1.tsv", sep="\t", index=False)
    gwas.rename(columns={"BETA": "Effect"}).to_csv(tmp_path / "chr2.tsv", sep="\t", index=False)
    with pytest.raises(InputError, match=r"chr2\.tsv: its columns are not understood as those of"):
        read_gwas_files(StudySettings(), tmp_path / "chr{CHR}.tsv", panel)
    with pytest.raises(InputError, match="no chromosome of the study has such a file"):
        read_gwas_files(StudySettings(), tmp_path / "gone{CHR}.tsv", panel)
