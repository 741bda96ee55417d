"""Knobs of the command that writes LD panels."""

from typing import Any

import param

from deepwas_app.genetics.ld.sources.base import LD_SOURCES, SourceKind
from deepwas_app.workflow.settings.base import facts
from deepwas_app.workflow.settings.shared import BUILDS, Whitened


def _knob(kind: SourceKind) -> param.Parameter[Any]:
    """What names a source of this kind."""
    # Genotypes are several files by themselves.
    reads = facts(reads="files" if kind.several or kind.people else "file")
    if kind.several:
        return param.List(default=[], item_type=str, doc=kind.doc, label=kind.title, metadata=reads)
    return param.String("", doc=kind.doc, label=kind.title, metadata=reads)


class PanelSettings(Whitened):
    """An LD panel, from one LD source."""

    # Each source has the knob that it is named by.
    vars().update({name: _knob(kind) for name, kind in LD_SOURCES.items()})

    variants = param.List(
        default=[],
        item_type=str,
        doc="Variant table of each correlation matrix. Empty: those of the same name beside them.",
        metadata=facts(reads="files"),
    )
    blocks = param.String(
        "",
        doc="BED file of LD blocks, for genotypes and correlation matrices. Empty: genotypes are "
        "cut where LD is lowest.",
        metadata=facts(reads="files"),
    )
    max_block = param.Integer(
        2_000,
        bounds=(50, 50_000),
        doc="Most variants in an LD block, where the software cuts.",
        metadata=facts("variants"),
    )
    extract = param.String(
        "",
        doc="Variants to take: a name a line, a .bim, or a table with SNP, or CHR and BP. Empty: "
        "all.",
        metadata=facts(reads="files"),
    )
    keep = param.String(
        "",
        doc="People to take of genotypes: FID and IID a line. Empty: all of them.",
        metadata=facts(reads="files"),
    )
    maf = param.Number(
        0.0,
        bounds=(0.0, 0.5),
        doc="Drop variants with a lower minor allele frequency.",
        label="Lowest minor allele frequency",
        metadata=facts("1"),
    )
    population = param.String(
        "EUR", doc="Population of LDGM files, or of a PRS-CSx panel: EUR, EAS, AFR, SAS, AMR."
    )
    people = param.Integer(
        0,
        bounds=(0, None),
        doc="People behind the LD, where the source does not say. 0: unknown.",
        metadata=facts("people"),
    )
    build: param.Selector[str] = param.Selector(
        default="",
        objects=["", *BUILDS],
        doc="Genome build. Empty: as the source says (LDGM: hg38), else hg19.",
        label="Genome build of the GWAS",
        metadata=facts(empty="as the panel"),
    )
    output = param.String(
        "",
        doc="Where to write the panel, NAME.ld.zarr.",
        metadata=facts(flags=("-o", "--output"), required=True),
    )
