"""Building LD panels and studies from files, and opening studies by path or built-in name."""

from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics.annotation.annotations import (
    Annotations,
    annotation_format,
    join_annotations,
    several,
)
from deepwas_app.genetics.annotation.outliers import outlier_notes, winsorise_annotations
from deepwas_app.genetics.files import file_record
from deepwas_app.genetics.gwas.frequency import frequency_note
from deepwas_app.genetics.ld.panel import open_panel, panel_writer, read_factor
from deepwas_app.genetics.ld.sources.base import listed_by, only_listed
from deepwas_app.genetics.lists import is_listed, unlisted_note
from deepwas_app.genetics.store import BLOCK_ARRAYS, study_writer
from deepwas_app.genetics.study import whitened_z
from deepwas_app.truncation import share_of_factor
from deepwas_app.workflow.progress import Progress, job
from deepwas_app.workflow.settings import PanelSettings, StudySettings
from deepwas_app.workflow.settings.keywords import knobs
from deepwas_app.workflow.studies.gwas import GIVEN, align_gwas, source_record
from deepwas_app.workflow.studies.gwas_files import read_gwas_files
from deepwas_app.workflow.studies.ld_source import open_ld_source
from deepwas_app.workflow.studies.signs import check_signs
from deepwas_app.workflow.studies.strong import with_strong_loci
from deepwas_app.workflow.studies.track_store import build_tracks, check_tracks, drop_stale_tracks


def output_path(output: str, suffix: str) -> Path:
    """Where to write, with the suffix that this kind of store has.

    Raises
    ------
    InputError
        If no output is named.
    """
    if not output:
        raise InputError(f"no output: say where to write with -o NAME{suffix}")
    path = Path(output)
    return path if path.name.endswith(suffix) else path.with_name(path.name + suffix)


@job
@knobs(PanelSettings)
def build_ld(settings: PanelSettings) -> Generator[Progress, None, Path]:
    """Make an LD panel from any LD source, one block in memory at a time.

    Parameters
    ----------
    settings
        The panel, in place of the keywords below.

    Returns
    -------
    Path of the panel.

    Yields
    ------
    Progress
    """
    path = output_path(settings.output, ".ld.zarr")
    yield Progress(0.0, "reading the LD source")
    source = open_ld_source(settings)
    said = source.genome_build
    if said and settings.build and settings.build != said:
        raise InputError(
            f"{source.title}: is on {said}, not {settings.build}. "
            f"Leave out --build {settings.build}."
        )
    attrs = {
        "title": path.name.removesuffix(".ld.zarr"),
        "genome_build": said or settings.build or "hg19",
        "sample_size": source.sample_size,
        "variance": settings.variance,
        "source": source.title,
        "provenance": source.records,
    }
    listed = listed_by(settings)
    found = np.zeros(0 if listed is None else listed.sizes["variants"], dtype=bool)
    with panel_writer(path, attrs, source.dropped) as writer:
        for b, block in enumerate(source.blocks(settings.variance, settings.maf)):
            if listed is not None:
                block = only_listed(block, listed)
                found |= is_listed(listed, block.variants)
            writer.add(block)
            yield Progress((b + 1) / source.count, f"LD block {b + 1} of {source.count}")
        if listed is not None and (note := unlisted_note(found, listed)):
            writer.note(note)
    return path


@job
@knobs(StudySettings)
def build_study(
    settings: StudySettings,
    *,
    sumstats: str | Path | xr.Dataset | None = None,
    ld: str | Path | xr.Dataset | None = None,
    annotations: Annotations | Iterable[Annotations] | None = None,
) -> Generator[Progress, None, Path]:
    """Align summary statistics to an LD panel, join annotations, and whiten every block.

    Parameters
    ----------
    settings
        The study, in place of the keywords below.
    sumstats
        GWAS summary statistics: a file, or what ``read_sumstats`` gives.
    ld
        LD panel: NAME.ld.zarr, or what ``open_panel`` gives.
    annotations
        One or several: files (tables, LDSC .annot, BED, bigWig, gene tables, .gmt gene sets, or
        the word genes; globs and {CHR} work), what ``read_annotations`` gives, or DataFrames with
        an annotation a column, whose index or columns (SNP, CHR and BP) say which variants.

    Returns
    -------
    Path of the study.

    Yields
    ------
    Progress
    """
    path = output_path(settings.output, ".study.zarr")
    panel = settings.ld if ld is None else ld
    panel = panel if isinstance(panel, xr.Dataset) else open_panel(panel)
    check_tracks(settings.tracks)
    yield Progress(0.0, "reading summary statistics")
    given = settings.sumstats if sumstats is None else sumstats
    gwas, records = read_gwas_files(settings, given, panel)
    yield Progress(0.1, "aligning alleles")
    aligned, report, regions = align_gwas(settings, gwas, panel)
    records += regions
    where = gwas.attrs.get("path", GIVEN)
    doubts = [*aligned.attrs.pop("doubts"), *check_signs(settings, where, aligned)]
    joining = several(settings.annotations if annotations is None else annotations)
    yield Progress(0.2, "joining annotations")
    variants, notes, files = annotate(
        aligned, joining, settings.winsorise, settings.missing, settings.half
    )
    records += [file_record(f, annotation_format(f), "annotations") for f in files]
    tables = [source for source in joining if isinstance(source, pd.DataFrame)]
    records += [source_record(GIVEN, "table", "annotations") for _ in tables]

    people = 0 if settings.same_people else int(panel.attrs["sample_size"] or 0)
    strong: list[dict[str, Any]] = []
    if not settings.shrink_strong:
        variants, strong = with_strong_loci(variants, lambda b: read_factor(panel, b), people)
    known = {"ld_people": people} if people or settings.same_people else {}
    attrs = {
        "title": settings.title or path.name.removesuffix(".study.zarr"),
        "genome_build": panel.attrs["genome_build"],
        "variance": settings.variance,
        "winsorised": settings.winsorise,
        "panel": panel.attrs["source"],
        "distant_ld": panel.attrs.get("distant_ld"),
        "doubts": doubts,
        **known,
        **{name: gwas.attrs[name] for name in ("case_fraction",) if name in gwas.attrs},
        "alignment": report + strong,
        "annotation_notes": notes + frequency_note(panel, aligned["variant_scored"].values),
        "provenance": records + panel.attrs["provenance"],
    }
    z = whitened_z(variants)
    scored = variants["variant_scored"].values
    owner = variants["variant_block"].values
    with study_writer(path, variants, attrs) as writer:
        count = panel.sizes["blocks"]
        for b in range(count):
            start = int(panel["block_offset"].values[b])
            rows = slice(start, start + int(panel["block_variants"].values[b]))
            W = read_factor(panel, b).astype(np.float64)
            # Flanks contribute signal; a neighbour scores them.
            mine = scored[rows] & (owner[rows] == b)
            writer.add(whitened(W, z[rows], mine, settings.variance, people))
            yield Progress(0.3 + 0.7 * (b + 1) / count, f"whitening LD block {b + 1} of {count}")
    if settings.tracks:
        yield from build_tracks.steps(path, settings.tracks, settings.track_window)
    else:
        drop_stale_tracks(path)
    return path


def whitened(
    W: np.ndarray, z: np.ndarray, scored: np.ndarray, variance: float, people: int
) -> dict[str, np.ndarray]:
    """What a study holds of one LD block.

    Parameters
    ----------
    W : (variants, k) array
        Factor of the panel's LD.
    z : (variants,) array
        z-scores, see ``whitened_z``.
    scored : (variants,) bool array
        Which of them count in this block; nothing is left of it where none does.
    variance : float
        Share of the variance of LD to keep.
    people : int
        Other people than the GWAS's that the LD comes from; 0 where it is taken as exact.
    """
    # JAX is slow to import; reading files must not wait for it.
    from deepwas_app.core import whiten

    if not scored.any():
        return dict.fromkeys(BLOCK_ARRAYS, np.zeros(0)) | {"Q": np.zeros((len(W), 0))}
    share = share_of_factor(W[scored], variance)
    block = whiten(W, z, scored, variance=share, people=people or np.inf)
    return {name: np.asarray(getattr(block, name)) for name in BLOCK_ARRAYS}


def annotate(
    variants: xr.Dataset,
    sources: Sequence[Annotations],
    winsorise: float = 0.0,
    missing: str = "",
    half: bool = False,
) -> tuple[xr.Dataset, list[str], list[Path]]:
    """Join annotations, and add what the software computes itself.

    Parameters
    ----------
    variants, sources
        What is annotated, with what.
    winsorise
        Share of the variants whose values of continuous annotations are pulled in, at each end.
    missing
        What becomes of variants that a table does not have, see :func:`join_annotations`.
    half
        Whether to hold them in float16.

    Returns
    -------
    The Dataset with ``variant_annotation``, notes for people, and the files. The LD score and the
    minor allele frequency come last, unless the files have columns of these names.
    """
    frequency = variants["variant_allele_frequency"].values
    columns = {
        "LD score (log)": np.log(np.maximum(variants["variant_ld_score"].values, 1.0)),
        "Minor allele frequency": np.minimum(frequency, 1 - frequency),
    }
    if sources:
        joined = join_annotations(variants, sources, variants.attrs["genome_build"], missing, half)
        names, kinds, notes = list(joined.names), list(joined.kinds), list(joined.notes)
        columns = {k: v for k, v in columns.items() if k not in names}
        values, read = [joined.values], joined.files
    else:
        names, kinds, notes, values, read = [], [], [], [], []
    values += [column[:, None] for column in columns.values()]
    table = np.concatenate(values, axis=1, dtype=np.float16 if half else np.float32)
    annotated = variants.assign(
        variant_annotation=(("variants", "annotations"), table),
        annotation_kind=("annotations", np.array(kinds + ["continuous"] * len(columns))),
    ).assign_coords(annotation=("annotations", np.array(names + list(columns))))
    if winsorise:
        notes += winsorise_annotations(annotated, winsorise)
    return annotated, notes + outlier_notes(annotated), read
