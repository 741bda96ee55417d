"""Known associations, from a table of the GWAS Catalog."""

import numpy as np
import pytest
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics.known import read_known

HEADER = "PUBMEDID\tDISEASE/TRAIT\tCHR_ID\tCHR_POS\tSNPS\tP-VALUE\tPVALUE_MLOG\n"
ROWS = (
    "1\tHeight\t22\t900\trs2\t2E-9\t8.7\n"
    "2\tSitting height\t22\t950\trs9\t1E-400\t400.0\n"
    '3\tHip "axis" <b>\t22\t100;200\trs1; rs2\t1E-8\t8.0\n'
    "4\tNo place\t\t\trs8\t1E-8\t8.0\n"
    "5\tNo P\t22\t800\trs1\tNR\t\n"
    "6\tOn X\t23\t70\trs7 x rs1\t1E-8\t8.0\n"
)


@pytest.fixture
def study() -> xr.Dataset:
    return xr.Dataset(
        {
            "variant_id": ("variants", np.array(["rs1", "rs2", "rs2"])),
            "variant_chromosome": ("variants", np.array(["22", "22", "21"])),
            "variant_position": ("variants", np.array([10, 20, 30])),
        },
        attrs={"genome_build": "hg19"},
    )


@pytest.fixture
def path(tmp_path):
    table = tmp_path / "catalog.tsv"
    table.write_text(HEADER + ROWS)
    return table


def test_on_another_build_only_what_the_study_has_is_placed_and_there(path, study):
    known = read_known(path, study)
    assert known[["variant", "position", "pubmed"]].to_numpy().tolist() == [
        ["rs1", 10, "3"],
        ["rs1", 10, "6"],
        ["rs2", 20, "1"],
        ["rs2", 20, "3"],
    ]
    assert set(known["chromosome"]) == {"22"}


def test_on_the_build_of_the_catalog_others_are_where_it_says(path, study):
    known = read_known(path, study.assign_attrs(genome_build="hg38"))
    rest = known[~known["variant"].isin(["rs1", "rs2"])]
    assert rest[["variant", "chromosome", "position"]].to_numpy().tolist() == [
        ["rs9", "22", 950],
        ["rs7", "X", 70],
    ]
    assert rest["minus_log10_p"].tolist() == [400.0, 8.0]


def test_a_file_of_another_kind_is_told(tmp_path, study):
    other = tmp_path / "other.tsv"
    other.write_text("SNP\tP\nrs1\t0.1\n")
    with pytest.raises(InputError, match="has no column SNPS"):
        read_known(other, study)
