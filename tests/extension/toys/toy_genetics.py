"""Somebody else's package: a format of summary statistics and a source of LD."""

import numpy as np

from deepwas_app.genetics.gwas.format import FORMATS, named_columns
from deepwas_app.genetics.ld.sources.base import (
    LD_SOURCES,
    LdSource,
    SourceKind,
    finished_block,
    read_variants,
    table_record,
)

FORMATS.add(
    named_columns(
        "Toy",
        "name counted other toy_z people",
        id="name",
        effect_allele="counted",
        other_allele="other",
        z="toy_z",
        n="people",
    )
)


def open_uncorrelated(path, settings):
    """Variants of a table, as if they were not in LD; one block."""
    variants = read_variants(path)
    factor = np.eye(len(variants), dtype=np.float32)
    scores = np.ones(len(variants))

    def blocks(variance, maf):
        yield finished_block(variants, factor, scores, maf=maf, where=path)

    return LdSource(
        title=f"uncorrelated variants {path}",
        count=1,
        blocks=blocks,
        genome_build="hg38",
        sample_size=settings.people,
        records=[table_record(path)],
    )


LD_SOURCES.add(
    SourceKind(
        "uncorrelated",
        "Uncorrelated variants",
        "Table of variants that are not in LD.",
        open_uncorrelated,
        build="hg38",
    )
)
