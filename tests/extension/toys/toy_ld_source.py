"""A source of LD: variants of a table as if they were not in LD, in one block."""

import numpy as np

from deepwas_app.genetics.ld.sources.base import (
    LD_SOURCES,
    LdSource,
    SourceKind,
    finished_block,
    read_variants,
    table_record,
)


def open_uncorrelated(path, settings):
    """The source in a file; blocks are read one at a time, when they are asked for."""
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
        "uncorrelated",  # deepwas ld --uncorrelated PATH
        "Uncorrelated variants",
        "Table of variants that are not in LD.",
        open_uncorrelated,
        build="hg38",
    )
)
