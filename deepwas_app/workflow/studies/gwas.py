"""The GWAS of a study: read, lifted over if asked, aligned to the LD panel, and recorded."""

import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics.excluded import NAMES, read_regions
from deepwas_app.genetics.files import file_record
from deepwas_app.genetics.gwas.align import align
from deepwas_app.genetics.gwas.lift import lift
from deepwas_app.genetics.gwas.sumstats import read_sumstats
from deepwas_app.workflow.settings import StudySettings


def read_gwas(settings: StudySettings, panel: xr.Dataset) -> tuple[xr.Dataset, list[dict]]:
    """Read the summary statistics that the settings name, on the genome build of the panel.

    Returns
    -------
    The summary statistics, and the records of the files for the study's provenance: the first
    says which column was taken for what.

    Raises
    ------
    InputError
        If a file cannot be read, or the GWAS is on another build and no chain file is given.
    """
    if settings.build and settings.build != panel.attrs["genome_build"] and not settings.chain:
        raise InputError(
            f"{settings.sumstats}: is on {settings.build}, but the LD panel {settings.ld} is on "
            f"{panel.attrs['genome_build']}. Use a panel of the same build, or lift the GWAS over "
            "with a chain file (--chain)."
        )
    sumstats = read_sumstats(
        settings.sumstats,
        settings.format or "auto",
        settings.n,
        columns=column_roles(settings.column),
        cases=settings.cases,
        controls=settings.controls,
    )
    record = file_record(settings.sumstats, sumstats.attrs["format"], "summary statistics")
    record |= {key: sumstats.attrs[key] for key in ("columns", "sample_size", "rows")}
    records = [record]
    if settings.chain:
        sumstats = lift(sumstats, settings.chain)
        records.append(file_record(settings.chain, "chain", "liftover"))
    return sumstats, records


def align_gwas(
    settings: StudySettings, sumstats: xr.Dataset, panel: xr.Dataset
) -> tuple[xr.Dataset, list[dict], list[dict]]:
    """Align summary statistics to the panel; see :func:`deepwas_app.genetics.gwas.align.align`.

    Returns
    -------
    The panel's Dataset with z-scores, the report, and the records of the files of regions.
    """
    files = [source for source in settings.exclude_regions if source not in NAMES]
    regions = None
    if settings.exclude_regions:
        regions = read_regions(settings.exclude_regions, panel.attrs["genome_build"])
    aligned, report = align(
        sumstats,
        panel,
        max_frequency_difference=settings.max_frequency_difference,
        exclude=regions,
    )
    return aligned, report, [file_record(file, "BED", "excluded regions") for file in files]


def column_roles(words: list[str]) -> dict[str, str]:
    """Roles from words like ``z=ZSCORE``.

    Raises
    ------
    InputError
        If a word is not of this form.
    """
    pairs = [word.partition("=") for word in words]
    for role, _, column in pairs:
        if not role or not column:
            raise InputError(f"--column {role or column}: say ROLE=NAME, for example z=ZSCORE.")
    return {role.strip(): column.strip() for role, _, column in pairs}


def mapping_line(record: dict) -> str:
    """One line for people: which column of the file was taken for what."""
    columns = ", ".join(f"{role}={column}" for role, column in record["columns"].items())
    return f"{record['path']}: {record['format']} ({columns}); N: {record['sample_size']}"
