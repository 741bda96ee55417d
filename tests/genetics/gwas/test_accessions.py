"""RefSeq accessions are chromosomes, and tell the build of a GWAS."""

from pathlib import Path

import pytest

from deepwas_app.genetics.gwas.meaning import understand
from deepwas_app.genetics.gwas.sumstats import read_sumstats


@pytest.mark.parametrize(("name", "build"), [("NC_000022.10", "hg19"), ("NC_000022.11", "hg38")])
def test_accessions_tell_the_build(tmp_path: Path, name: str, build: str):
    path = tmp_path / "gwas.tsv"
    path.write_text(
        "CHR\tBP\teffect_allele\tother_allele\tBETA\tSE\tN\n"
        + "".join(f"{name}\t{i + 1}\tA\tG\t0.0{i + 1}\t0.01\t1000\n" for i in range(5))
    )
    assert understand(path).facts["build"] == build
    read = read_sumstats(path)
    assert read.attrs["genome_build"] == build
    assert {*read["variant_chromosome"].values} == {"22"}
