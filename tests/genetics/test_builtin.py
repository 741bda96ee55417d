"""The built-in data are what their README says."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from deepwas_app.errors import InputError
from deepwas_app.genetics.annotation.annotations import join_annotations
from deepwas_app.genetics.builtin import data_dir
from deepwas_app.genetics.genes import read_genes
from deepwas_app.genetics.genotypes.plink import read_dosages, read_genotypes
from deepwas_app.genetics.gwas.align import align
from deepwas_app.genetics.gwas.sumstats import read_sumstats
from deepwas_app.genetics.ld.blocks import assign_blocks, read_blocks

HEIGHT = data_dir() / "height_chr22"


@pytest.fixture(scope="module")
def height() -> SimpleNamespace:
    genotypes = read_genotypes(HEIGHT / "genotypes")
    frequency = np.nanmean(read_dosages(HEIGHT / "genotypes", slice(None)), axis=0) / 2
    return SimpleNamespace(
        genotypes=genotypes.assign(
            variant_allele_frequency=("variants", frequency.astype(np.float32))
        ),
        sumstats=read_sumstats(HEIGHT / "height.fastGWA.gz"),
        blocks=read_blocks(HEIGHT / "blocks.bed"),
    )


def test_sizes(height: SimpleNamespace):
    assert height.genotypes.attrs["sample_size"] == 378
    assert height.genotypes.sizes["variants"] == 15_938
    assert height.sumstats.attrs["rows"] == height.sumstats.sizes["variants"] == 15_935
    assert height.sumstats.attrs["format"] == "fastGWA"
    assert 440_000 < height.sumstats["variant_sample_size"].median() < 460_000
    assert len(height.blocks) == 24


def test_every_variant_lies_in_one_of_the_blocks(height: SimpleNamespace):
    index = assign_blocks(
        height.genotypes["variant_chromosome"].values,
        height.genotypes["variant_position"].values,
        height.blocks,
    )
    assert (index >= 0).all()
    assert len(np.unique(index)) == 24


def test_alignment_of_height(height: SimpleNamespace):
    aligned, report = align(height.sumstats, height.genotypes)
    steps = {row["step"]: row["variants"] for row in report}
    assert steps["Matched, same allele order"] == 4_402
    assert steps["Matched, alleles swapped"] == 11_533
    flow = [row["variants"] for row in report if row["kind"] in ("in", "loss")]
    assert flow[0] == 15_935
    assert sum(flow) == steps["Scored"] == int(aligned["variant_scored"].sum())
    assert {row["step"] for row in report if row["kind"] == "loss"} == {
        "Strand ambiguous (A/T or C/G)"
    }
    # Independent of the code: the file's own frequencies agree after the flips, not before.
    scored = aligned["variant_scored"].values
    rows = {name: i for i, name in enumerate(height.sumstats["variant_id"].values)}
    index = [rows[name] for name in aligned["variant_id"].values[scored]]
    flipped = np.sign(height.sumstats["variant_z"].values[index]) != np.sign(
        aligned["variant_z"].values[scored]
    )
    frequency = height.sumstats["variant_allele_frequency"].values[index]
    panel = aligned["variant_allele_frequency"].values[scored]
    assert np.corrcoef(np.where(flipped, 1 - frequency, frequency), panel)[0, 1] > 0.98
    assert np.corrcoef(frequency, panel)[0, 1] < 0.5


def test_annotations_of_height(height: SimpleNamespace):
    joined = join_annotations(height.genotypes, HEIGHT / "annotations.tsv.gz")
    assert joined.notes == []
    assert joined.kinds.count("binary") >= 10
    values = dict(zip(joined.names, joined.values.T, strict=True))
    share = {name: column.mean() for name, column in values.items()}
    assert 0.01 < share["Coding sequence"] < share["Exon"] < share["Gene body"] < 0.8
    # Coding exons and starts come from two gene sets that must lie on the same coordinates.
    coding = values["Coding sequence"] == 1
    assert values["Exon"][coding].mean() > 0.95
    near = values["Promoter (TSS ± 2 kb)"] == 1
    distance = values["Distance to TSS (log10(1 + bp))"]
    assert distance[near].max() <= np.log10(2_002)
    assert distance[~near].min() >= np.log10(2_000)
    assert not (values["CpG island"] * values["CpG shore (island ± 2 kb)"]).any()


@pytest.mark.parametrize(
    ("build", "start", "stop", "genes"),
    [("hg19", 36_649_056, 36_663_576, 20_332), ("hg38", 36_253_010, 36_267_530, 18_380)],
)
def test_genes(build: str, start: int, stop: int, genes: int):
    table = read_genes(build)
    assert len(table) == genes
    apol1 = table[table["name"] == "APOL1"].iloc[0]
    assert apol1.tolist() == ["22", start, stop, "+", "APOL1"]
    assert set(table["strand"]) == {"+", "-"}
    assert (table["start"] <= table["stop"]).all()
    assert table.groupby("chromosome")["start"].apply(lambda s: s.is_monotonic_increasing).all()
    table.loc[:, "name"] = ""
    assert (read_genes(build)["name"] != "").all()


def test_an_unknown_build_is_an_error():
    with pytest.raises(InputError, match="hg17: no gene table"):
        read_genes("hg17")


def test_the_readme_names_every_file():
    readme = (data_dir() / "README.md").read_text()
    for path in [*HEIGHT.iterdir(), *(data_dir() / "genes").iterdir()]:
        assert f"{path.parent.name}/{path.stem.split('.')[0]}" in readme, path
