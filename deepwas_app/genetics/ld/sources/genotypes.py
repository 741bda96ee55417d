"""Reference genotypes as an LD source: PLINK 1 or 2, in blocks given or cut."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from deepwas_app.genetics.files import file_record, file_records
from deepwas_app.genetics.genotypes import several
from deepwas_app.genetics.ld.blocks import read_blocks
from deepwas_app.genetics.ld.cuts import cut_blocks
from deepwas_app.genetics.ld.genotype_blocks import genotype_block, plan_panel
from deepwas_app.genetics.ld.panel import PanelBlock
from deepwas_app.genetics.ld.sources.base import (
    LD_SOURCES,
    NOT_LISTED,
    LdSource,
    SourceKind,
    listed_by,
)
from deepwas_app.genetics.lists import check_listed, is_listed, read_people_list


def open_genotypes(
    bfile: str | Path = "",
    pfile: str | Path = "",
    blocks: str | Path = "",
    largest: int = 2_000,
    extract: xr.Dataset | None = None,
    keep: str | Path = "",
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
    extract : xarray.Dataset, optional
        Variants to take, see :func:`deepwas_app.genetics.lists.read_variant_list`; all by default.
    keep : path
        People to take, FID and IID a line; all by default.

    Raises
    ------
    InputError
        If a file cannot be read, or no variant lies in a block.
    """
    genotypes = several.open_genotypes(bfile, pfile)
    format = genotypes.attrs["format"]
    records = [file_record(file, format, "genotypes") for file in several.files_of(genotypes)]
    read_all = several.dosage_reader(genotypes)
    people: np.ndarray | None = None
    rows = np.arange(genotypes.sizes["variants"])
    dropped: dict[str, int] = {}
    if keep:
        people = read_people_list(keep, several.people_of(genotypes))
        genotypes = genotypes.assign_attrs(sample_size=len(people))
        records += file_records(keep, "list", "people")
    if extract is not None:
        rows = np.flatnonzero(is_listed(genotypes, extract))
        check_listed(len(rows), genotypes, extract)
        dropped[NOT_LISTED] = genotypes.sizes["variants"] - len(rows)
        genotypes = genotypes.isel(variants=rows)

    def dosages(some: np.ndarray) -> np.ndarray:
        found = read_all(rows[some])
        return found if people is None else found[people]

    if blocks:
        places = read_blocks(blocks)
        records += file_records(blocks, "BED", "LD blocks")
    else:
        places = cut_blocks(genotypes, dosages, largest)
    plan = plan_panel(genotypes, places, dosages)

    def read(variance: float, maf: float) -> Iterator[PanelBlock]:
        for block in range(len(plan.rows)):
            yield genotype_block(plan, block, variance=variance, maf=maf)

    return LdSource(
        title=f"{format} genotypes {bfile or pfile}",
        count=len(plan.rows),
        blocks=read,
        sample_size=genotypes.attrs["sample_size"],
        dropped=dropped | plan.dropped,
        records=records,
    )


def _open(panel: Any, **named: str) -> LdSource:
    return open_genotypes(
        **named,
        blocks=panel.blocks,
        largest=panel.max_block,
        extract=listed_by(panel),
        keep=panel.keep,
    )


LD_SOURCES.add(
    SourceKind(
        "bfile",
        "Genotypes (PLINK 1)",
        "PLINK 1 genotypes: the path without .bed, .bim, .fam.",
        lambda prefix, panel: _open(panel, bfile=prefix),
        people=True,
        blocks=True,
        order=1,
    )
)


LD_SOURCES.add(
    SourceKind(
        "pfile",
        "Genotypes (PLINK 2)",
        "PLINK 2 genotypes: the path without .pgen, .pvar, .psam.",
        lambda prefix, panel: _open(panel, pfile=prefix),
        people=True,
        blocks=True,
        order=2,
    )
)
