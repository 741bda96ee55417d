"""Annotations on the variants of a study: from tables, intervals, signals and genes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics.annotation.bigwig import annotate_signal
from deepwas_app.genetics.annotation.filling import Columns, JoinedAnnotations, absent, complete
from deepwas_app.genetics.annotation.gene_distance import GENES, gene_annotations, is_gene_table
from deepwas_app.genetics.annotation.gene_sets import WINDOW, gene_set_annotations
from deepwas_app.genetics.annotation.sources import Source, check_build, expand
from deepwas_app.genetics.annotation.tables import NAMING, Table, read_table_on, table_on
from deepwas_app.genetics.annotation.variant_scores import keyed_by_alleles, read_variant_scores
from deepwas_app.genetics.chromosomes import rows_of_each
from deepwas_app.genetics.files import existing, read_header
from deepwas_app.genetics.intervals import cover, read_bed
from deepwas_app.genetics.patterns import CHROMOSOME

Annotations: TypeAlias = str | Path | pd.DataFrame | xr.Dataset
"""A source of annotations: a file, a table in memory, or annotations that were read."""


def join_annotations(
    variants: xr.Dataset,
    sources: Annotations | Iterable[Annotations],
    build: str = "hg19",
    missing: str = "",
    half: bool = False,
) -> JoinedAnnotations:
    """Read annotations and bring them onto the variants of a study.

    Parameters
    ----------
    variants : xarray.Dataset
        With variant_id, variant_chromosome, variant_position and alleles.
    sources : path, DataFrame or Dataset, or several
        Files, globs, and paths with ``{CHR}``; see :func:`read_table_on` for tables. A BED
        gives membership, or with ``#5`` the mean of its fifth column; a bedGraph its value; a
        bigWig the value at the variant, or with ``#1000`` the mean in 1,000 bases around it. A
        gene table (chromosome, start, stop, strand), or the word ``genes`` for the built-in
        one, gives the distance to the nearest gene start and whether a variant is in a gene. A
        .gmt of gene sets gives whether a variant is within 100 kb of a gene of each set; with
        ``#10000`` the window is another. In memory: what :func:`read_annotations` gives, and
        tables, see :func:`table_on`.
    build : str
        Genome build of the variants, for ``genes`` and gene sets.
    missing : str
        What becomes of variants of which a table says nothing. Empty: see Notes; an annotation
        of which a table says nothing for more than half of the (scored) variants is an error.
        "zero": 0. "mean": the mean of the others, and a further binary annotation tells which
        they are. "drop": annotations of which a table says nothing for more than half are left
        out.
    half : bool
        Whether to hold them in float16 from the start. What would lose by it is refused.

    Raises
    ------
    InputError
        If a file cannot be read, no variant is in the tables, their positions are of another
        genome build, an annotation covers few variants, or none varies.

    Notes
    -----
    A missing value becomes 0 in a binary annotation; in a continuous one it becomes the mean,
    and a further binary annotation tells which values were missing. What intervals, signals and
    gene sets do not cover is no missing value. Tables are matched by alleles where they have them,
    else by name, else by chromosome and position; several rows of one variant count as their mean.
    Annotations that are the same for every variant, or the same as another one, are left out.
    """
    given = several(sources)
    words = [source for source in given if isinstance(source, str | Path)]
    apart = any(CHROMOSOME in str(word) for word in words)
    present = list(rows_of_each(variants["variant_chromosome"].values)) if apart else []
    columns = Columns(variants, half)
    tables = np.zeros(variants.sizes["variants"], dtype=bool)
    files: list[Path] = []
    read: list[Path] = []
    notes: list[str] = []
    if GENES in words:
        _add_genes(columns, GENES, build)
        words = [word for word in words if word != GENES]
    for source in given:
        if isinstance(source, pd.DataFrame | xr.Dataset):
            files += map(Path, source.attrs.get("files", []))
            table = table_on(source, variants)
            tables |= _add_table(columns, table)
            notes += table.notes
            read.append(table.path)
    for source in expand(words, present) if words else []:
        files.append(source.path)
        if source.kind == "gene sets":
            found, unknown = _gene_sets(source, variants, build)
            notes += unknown
            for name, value in found.items():
                columns.add(source.path, name, value)
        elif source.kind != "table":
            columns.add(source.path, source.name, _one(source, variants, build))
        elif is_gene_table(source.path):
            _add_genes(columns, source.path, build)
        else:
            if keys := keyed_by_alleles(source.path, source.choice):
                scores = read_variant_scores(source.path, keys, source.choice, columns)
                columns.of_tables.update(scores.names)
                tables |= scores.found
                notes += scores.notes
            else:
                table = read_table_on(source.path, variants, source.choice)
                tables |= _add_table(columns, table)
                notes += table.notes
            read.append(source.path)
    if not columns.values:
        raise InputError("annotations: no file was given. Give at least one.")
    notes += absent(tables, read, variants)
    notes += [f"{name}: left out, {share}." for name, share in columns.take_few(missing).items()]
    return complete(columns, notes, tables if read else None, files, missing)


def read_annotations(
    sources: Annotations | Iterable[Annotations],
    variants: xr.Dataset,
    build: str = "",
    missing: str = "",
) -> xr.Dataset:
    """Read annotations of the variants of a study, an LD panel or a GWAS.

    Parameters
    ----------
    sources : path or several
        Tables, LDSC .annot, BED, bedGraph, bigWig, gene tables, .gmt gene sets, or the word genes;
        globs and ``{CHR}`` work. See :func:`join_annotations`.
    variants : xarray.Dataset
        A study, an LD panel, or summary statistics.
    build : str
        Genome build of the variants, for genes and gene sets. Empty: as the Dataset says.
    missing : str
        "zero", "mean" or "drop", where tables say nothing of many variants. See
        :func:`join_annotations`.

    Returns
    -------
    xarray.Dataset
        ``variant_annotation``, ``annotation`` and ``annotation_kind`` beside what names the
        variants; the attributes ``notes`` and ``files`` say what was filled in or left out, and
        what was read.

    Raises
    ------
    InputError
        See :func:`join_annotations`.
    """
    build = build or str(variants.attrs.get("genome_build", "hg19"))
    joined = join_annotations(variants, sources, build, missing)
    named = [name for name in NAMING if name in variants]
    return (
        variants[named]
        .drop_vars([name for name in variants.coords if name not in named])
        .assign(
            variant_annotation=(("variants", "annotations"), joined.values),
            annotation_kind=("annotations", np.array(joined.kinds)),
        )
        .assign_coords(annotation=("annotations", np.array(joined.names)))
        .drop_attrs()
        .assign_attrs(
            path="annotations",
            genome_build=build,
            notes=joined.notes,
            files=[str(file) for file in joined.files],
        )
    )


def several(sources: Annotations | Iterable[Annotations]) -> list[Annotations]:
    """One source or several, as a list."""
    if isinstance(sources, str | Path | pd.DataFrame | xr.Dataset):
        return [sources]
    return list(sources)


def _add_table(columns: Columns, table: Table) -> np.ndarray:
    """Add the columns of a table, and tell which variants are in it, (variants,) bool."""
    rows = np.flatnonzero(table.found)
    for name, column in table.columns.items():
        columns.add(table.path, name, column[rows], rows)
        columns.of_tables.add(name)
    return table.found


def _one(source: Source, variants: xr.Dataset, build: str) -> np.ndarray:
    """The one annotation of a BED, bedGraph or bigWig."""
    chromosome = variants["variant_chromosome"].values
    position = variants["variant_position"].values
    if source.kind == "bigwig":
        if source.choice and not source.choice.isdigit():
            raise InputError(f"{source.path}#{source.choice}: give the window in bases, as #1000.")
        return annotate_signal(source.path, chromosome, position, int(source.choice or 1))
    if source.kind == "bed" and source.choice not in ("", "5"):
        raise InputError(f"{source.path}#{source.choice}: give #5 for the value of column 5.")
    valued = source.kind == "bedgraph" or source.choice == "5"
    bed = read_bed(source.path, value_column=4 if source.kind == "bedgraph" else 5)
    if valued and "value" not in bed:
        raise InputError(f"{source.path}: not every interval has a value. Use it without #5.")
    if said := bed.attrs["genome_build"]:
        check_build(source.path, said, build)
    count, mean = cover(chromosome, position, bed)
    if not count.any():
        raise InputError(
            f"{source.path}: no variant of the study lies in its intervals. They are on "
            f"{_names(bed['chromosome'])}, the study is on {_names(chromosome)}. Check the "
            "chromosomes and the genome build."
        )
    # Outside of intervals that carry a value there is no signal.
    return np.nan_to_num(mean) if valued else (count > 0).astype(np.float32)


def _names(chromosomes: Iterable[str]) -> str:
    names = list(dict.fromkeys(chromosomes))
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def _gene_sets(
    source: Source, variants: xr.Dataset, build: str
) -> tuple[dict[str, np.ndarray], list[str]]:
    if source.choice and not source.choice.isdigit():
        raise InputError(f"{source.path}#{source.choice}: give the window in bases, as #100000.")
    window = int(source.choice) if source.choice else WINDOW
    return gene_set_annotations(variants, existing(source.path), build, window)


def _add_genes(columns: Columns, table: str | Path, build: str) -> None:
    for name, value in gene_annotations(columns.variants, table, build).items():
        columns.add(Path(table), name, value)


def annotation_format(path: Path) -> str:
    """What kind of annotation file this is, for the record."""
    kind = Source(path, "").kind
    if kind != "table":
        named = {"bed": "BED", "bedgraph": "bedGraph", "bigwig": "bigWig", "gene sets": "GMT"}
        return named[kind]
    header = read_header(path)
    return "LDSC .annot" if {"CHR", "BP", "SNP", "CM"} <= {*header} else "table"
