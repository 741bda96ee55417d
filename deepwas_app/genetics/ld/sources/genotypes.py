"""Reference genotypes as an LD source: PLINK 1 or 2, in blocks given or cut."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from deepwas_app.genetics.files import file_record
from deepwas_app.genetics.genotypes import several
from deepwas_app.genetics.ld.blocks import read_blocks
from deepwas_app.genetics.ld.cuts import cut_blocks
from deepwas_app.genetics.ld.genotype_blocks import genotype_block, plan_panel
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
    genotypes = several.open_genotypes(bfile, pfile)
    format = genotypes.attrs["format"]
    records = [file_record(file, format, "genotypes") for file in several.files_of(genotypes)]
    if blocks:
        places = read_blocks(blocks)
        records.append(file_record(blocks, "BED", "LD blocks"))
    else:
        places = cut_blocks(genotypes, several.dosage_reader(genotypes), largest)
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
        "PLINK 1 genotypes: the path without .bed, .bim, .fam; globs and {CHR} work.",
        lambda prefix, panel: open_genotypes(prefix, "", panel.blocks, panel.max_block),
        blocks=True,
        order=1,
    )
)


LD_SOURCES.add(
    SourceKind(
        "pfile",
        "Genotypes (PLINK 2)",
        "PLINK 2 genotypes: the path without .pgen, .pvar, .psam; globs and {CHR} work.",
        lambda prefix, panel: open_genotypes("", prefix, panel.blocks, panel.max_block),
        blocks=True,
        order=2,
    )
)
