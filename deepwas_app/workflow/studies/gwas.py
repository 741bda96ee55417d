"""The GWAS of a study: read, lifted over if asked, aligned to the LD panel, and recorded."""

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics.excluded import NAMES, read_regions
from deepwas_app.genetics.files import file_record, file_records
from deepwas_app.genetics.gwas.align import align
from deepwas_app.genetics.gwas.checks import CHECKS
from deepwas_app.genetics.gwas.lift import lift
from deepwas_app.genetics.gwas.settle import settle_alleles
from deepwas_app.genetics.gwas.sumstats import read_rows
from deepwas_app.workflow.settings import GwasSettings
from deepwas_app.workflow.studies.understood import understood_of

# In place of a path, for what is in memory only.
GIVEN = "given in memory"
# What a Dataset of summary statistics that was made by hand must have.
_NEEDED = ("id", "chromosome", "position", "effect_allele", "z", "sample_size")
# Knobs of reading a file.
_OF_FILES = ("format", "column", "population", "n", "cases", "controls")


def read_gwas(
    settings: GwasSettings,
    source: str | Path | xr.Dataset,
    panel: xr.Dataset | None,
    with_effects: bool = False,
) -> tuple[xr.Dataset, list[dict[str, Any]]]:
    """Read summary statistics as the settings say, on the genome build of the panel.

    Parameters
    ----------
    settings
        How.
    source
        The file, or what ``read_sumstats`` gives.
    panel
        The LD panel; None: what it would tell of alleles and places must be in the file.
    with_effects
        Give effects, standard errors and P of a file as well.

    Returns
    -------
    The summary statistics, and the records of the files for the study's provenance: the first
    says what was understood of each column.

    Raises
    ------
    InputError
        If a file cannot be read, or the GWAS is on another build and no chain file is given.
    """
    where = source.attrs.get("path", GIVEN) if isinstance(source, xr.Dataset) else source
    ours = panel.attrs["genome_build"] if panel is not None else ""
    _check_build(settings.build, where, panel, settings.chain)
    if isinstance(source, xr.Dataset):
        sumstats = _checked(source, settings)
    else:
        # Of positions on several builds those that the panel has.
        meaning = understood_of(
            settings, source, settings.build or ("" if settings.chain else ours)
        )
        if "build" in meaning.facts and not settings.build:
            said = f"{meaning.facts['build']} ({meaning.build_why})"
            _check_build(said, where, panel, settings.chain)
        sumstats = read_rows(
            meaning,
            settings.n,
            cases=settings.cases,
            controls=settings.controls,
            population=settings.population,
            with_effects=with_effects,
        )
    record = source_record(where, sumstats.attrs["format"], "summary statistics")
    records = [record]
    if settings.chain:
        sumstats = lift(sumstats, settings.chain)
        records.append(file_record(settings.chain, "chain", "liftover"))
    sumstats = _told(sumstats, where) if panel is None else settle_alleles(sumstats, panel)
    record |= {key: sumstats.attrs[key] for key in ("understood", "sample_size", "rows")}
    return sumstats, records


def _told(sumstats: xr.Dataset, where: object) -> xr.Dataset:
    """Refuse a GWAS that only a panel would tell the alleles of."""
    doubt = sumstats.attrs.get("doubt", "")
    if not doubt and "variant_other_allele" not in sumstats:
        doubt = f"{where}: names one allele of each variant only."
    if doubt:
        raise InputError(f"{doubt} Or give an LD panel (--ld), which may tell.")
    return sumstats


def _check_build(build: str, where: object, panel: xr.Dataset | None, chain: str) -> None:
    """Refuse a GWAS on another build than the panel's."""
    if panel is None:
        return
    ours = panel.attrs["genome_build"]
    if build and not build.startswith(ours) and not chain:
        raise InputError(
            f"{where}: is on {build}, but the LD panel {panel.attrs['path']} is on {ours}. Use a "
            "panel of the same build, or lift the GWAS over with a chain file (--chain)."
        )


def source_record(path: str | Path, format: str, role: str) -> dict[str, Any]:
    """Provenance of an input: a file, or what was given in memory."""
    if path == GIVEN:
        return {"path": GIVEN, "format": format, "size": 0, "sha256": "", "role": role}
    return file_record(path, format, role)


def _checked(sumstats: xr.Dataset, settings: GwasSettings) -> xr.Dataset:
    """Summary statistics that were read already, with what the record of a study tells of them."""
    missing = [name for name in _NEEDED if f"variant_{name}" not in sumstats]
    if missing:
        raise InputError(
            f"summary statistics: the Dataset has no variant_{missing[0]}. Take it from "
            "read_sumstats, or add it."
        )
    late = [name for name in _OF_FILES if name in settings.given]
    if late:
        raise InputError(
            f"{late[0]}: says how a file is read, but the summary statistics are read already. "
            "Give it to read_sumstats."
        )
    unknown = np.full(sumstats.sizes["variants"], np.nan, np.float32)
    told = {"format": GIVEN, "understood": [], "sample_size": GIVEN, "path": GIVEN, "dropped": {}}
    if "variant_allele_frequency" not in sumstats:
        sumstats = sumstats.assign(variant_allele_frequency=("variants", unknown))
    return sumstats.assign_attrs(told | {"rows": len(unknown)} | sumstats.attrs)


def align_gwas(
    settings: GwasSettings, sumstats: xr.Dataset, panel: xr.Dataset, with_rows: bool = False
) -> tuple[xr.Dataset, list[dict[str, Any]], list[dict[str, Any]]]:
    """Align summary statistics to the panel; see :func:`deepwas_app.genetics.gwas.align.align`.

    Returns
    -------
    The panel's Dataset with z-scores, the report, and the records of the files of regions.
    """
    files = [source for source in settings.exclude_regions if source not in NAMES]
    check_accepted(settings)
    regions = None
    if settings.exclude_regions:
        regions = read_regions(settings.exclude_regions, panel.attrs["genome_build"])
    aligned, report = align(
        sumstats,
        panel,
        max_frequency_difference=settings.max_frequency_difference,
        exclude=regions,
        keep_extreme=settings.keep_extreme,
        accept=settings.accept,
        with_rows=with_rows,
    )
    records = [file_records(file, "BED", "excluded regions") for file in files]
    return aligned, report, [record for found in records for record in found]


def check_accepted(settings: GwasSettings) -> None:
    """Refuse to accept what is no check."""
    if unknown := [name for name in settings.accept if name not in CHECKS]:
        raise InputError(f"accept {unknown[0]}: no such check. Checks are {', '.join(CHECKS)}.")
