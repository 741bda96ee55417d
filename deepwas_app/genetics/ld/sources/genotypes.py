"""Reference genotypes as an LD source: PLINK 1 or 2, in blocks given or cut."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics.files import file_record
from deepwas_app.genetics.genotypes.pgen import pgen_files, read_pgen
from deepwas_app.genetics.genotypes.plink import genotype_files, read_genotypes
from deepwas_app.genetics.ld.blocks import read_blocks
from deepwas_app.genetics.ld.cuts import cut_blocks
from deepwas_app.genetics.ld.genotype_blocks import dosage_reader, genotype_block, plan_panel
from deepwas_app.genetics.ld.panel import PanelBlock
from deepwas_app.genetics.ld.sources.base import LD_SOURCES, LdSource, SourceKind


def open_genotypes(
    bfile: str | Path = "",
    pfile: str | Path = "",
    blocks: str | Path = "",
    largest: int = 2_000,
) -> LdSource:
    """Open reference genotypes.

    Parameters
    ----------
    bfile, pfile : path
        PLINK 1 or PLINK 2 genotypes, without the suffixes: one of them.
    blocks : path
        BED file of LD blocks; cut at the minima of LD where there is none.
    largest : int
        Most variants in a block that is cut.

    Raises
    ------
    InputError
        If a file cannot be read, or no variant lies in a block.
    """
    genotypes: xr.Dataset
    if bfile:
        genotypes, files = read_genotypes(bfile), genotype_files(bfile)
    elif pfile:
        genotypes, files = read_pgen(pfile), pgen_files(pfile)
    else:
        raise InputError("no genotypes: name them with --bfile or --pfile")
    format = genotypes.attrs["format"]
    records = [file_record(file, format, "genotypes") for file in files]
    if blocks:
        places = read_blocks(blocks)
        records.append(file_record(blocks, "BED", "LD blocks"))
    else:
        places = cut_blocks(genotypes, dosage_reader(genotypes), largest)
    plan = plan_panel(genotypes, places)

    def read(variance: float, maf: float) -> Iterator[PanelBlock]:
        for block in range(len(plan.rows)):
            yield genotype_block(plan, block, variance=variance, maf=maf)

    return LdSource(
        title=f"{format} genotypes {bfile or pfile}",
        count=len(plan.rows),
        blocks=read,
        sample_size=genotypes.attrs["sample_size"],
        dropped=plan.dropped,
        records=records,
    )


LD_SOURCES.add(
    SourceKind(
        "bfile",
        "Genotypes (PLINK 1)",
        "PLINK 1 genotypes: the path without .bed, .bim, .fam.",
        lambda prefix, panel: open_genotypes(prefix, "", panel.blocks, panel.max_block),
        blocks=True,
        order=1,
    )
)


LD_SOURCES.add(
    SourceKind(
        "pfile",
        "Genotypes (PLINK 2)",
        "PLINK 2 genotypes: the path without .pgen, .pvar, .psam.",
        lambda prefix, panel: open_genotypes("", prefix, panel.blocks, panel.max_block),
        blocks=True,
        order=2,
    )
)
