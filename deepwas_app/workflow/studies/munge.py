"""Any GWAS file in, clean GWAS-SSF with its metadata out."""

import re
from collections.abc import Generator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics.gwas.clean import clean
from deepwas_app.genetics.ld.panel import open_panel
from deepwas_app.genetics.statistics import standardised
from deepwas_app.summary_card import card
from deepwas_app.workflow.progress import Progress, job
from deepwas_app.workflow.settings import MungeSettings
from deepwas_app.workflow.settings.keywords import knobs
from deepwas_app.workflow.ssf import SSF, metadata, ssf_frame
from deepwas_app.workflow.studies.gwas import GIVEN, align_gwas, check_accepted
from deepwas_app.workflow.studies.gwas_files import read_gwas_files
from deepwas_app.workflow.studies.signs import check_signs
from deepwas_app.workflow.tables import check_folder, write_text

# Knobs that say nothing without an LD panel.
_OF_PANELS = ("chain", "max_frequency_difference", "keep_extreme", "exclude_regions")
_ENDINGS = (".tsv", ".tsv.gz")
# From so many rows on, frequencies that are never above one half are told.
_TELLING = 1_000


class Munged(NamedTuple):
    """Summary statistics that were written.

    Attributes
    ----------
    path
        The file.
    table
        Its rows, table :data:`deepwas_app.workflow.ssf.SSF`.
    report
        From the rows of the input to those that were written, as in the alignment report of a
        study.
    gwas
        The input: path, format, understood, sample_size, ...
    warnings
        What is to be said of it, in words.
    """

    path: Path
    table: pd.DataFrame
    report: list[dict[str, Any]]
    gwas: dict[str, Any]
    warnings: list[str]

    def _repr_html_(self) -> str:
        facts = {"Variants": len(self.table), "Path": self.path, "Read as": self.gwas["format"]}
        return card("Clean summary statistics", facts | {"Warnings": "; ".join(self.warnings)})


@job
@knobs(MungeSettings)
def munge(
    settings: MungeSettings,
    *,
    sumstats: str | Path | xr.Dataset | None = None,
    ld: str | Path | xr.Dataset | None = None,
) -> Generator[Progress, None, Munged]:
    """Write summary statistics of any layout as clean GWAS-SSF, with metadata beside them.

    Parameters
    ----------
    settings
        How, in place of the keywords below.
    sumstats
        GWAS summary statistics: a file, or what ``read_sumstats`` gives.
    ld
        LD panel to align the alleles to: NAME.ld.zarr, or what ``open_panel`` gives. Without one,
        rows are cleaned and keep their alleles.

    Returns
    -------
    Munged

    Yields
    ------
    Progress

    Raises
    ------
    InputError
        If the file cannot be read, is not plausible, or does not tell what GWAS-SSF needs.

    Notes
    -----
    Effects and standard errors are those of the file, logarithms of odds ratios among them; where
    it has no standard errors, effect / z. A file without effects gets them from z, N and frequency,
    see :func:`deepwas_app.genetics.statistics.standardised`. P is that of the file, else that of z.
    """
    given = settings.sumstats if sumstats is None else sumstats
    path = _output(settings.output, given)
    named = settings.ld if ld is None else ld
    panel = named if isinstance(named, xr.Dataset) else open_panel(named) if named else None
    if panel is None and (idle := [name for name in _OF_PANELS if name in settings.given]):
        raise InputError(f"{idle[0]}: goes with an LD panel. Give one (--ld).")
    check_accepted(settings)
    yield Progress(0.0, "reading summary statistics")
    gwas, records = read_gwas_files(settings, given, panel, with_effects=True)
    yield Progress(0.4, "cleaning" if panel is None else "aligning alleles")
    if panel is None:
        rows, report = clean(gwas, accept=settings.accept)
        build = settings.build or gwas.attrs.get("genome_build", "")
        said = [*rows.attrs["doubts"], "not aligned: no LD panel is given (--ld)"]
        said += ["genome build unknown: give it (--build)"] if not build else []
    else:
        aligned, report, _ = align_gwas(settings, gwas, panel, with_rows=True)
        said = [*aligned.attrs["doubts"]]
        said += check_signs(settings, gwas.attrs.get("path", GIVEN), aligned)
        rows, build = _rows_of(gwas, aligned, panel), panel.attrs["genome_build"]
    yield Progress(0.6, "making effects")
    table, report, notes = _table(rows, report)
    yield Progress(0.7, "writing")
    write_text(SSF.texts(table), path)
    name = Path(gwas.attrs.get("path", GIVEN)).name
    about = "; ".join([f"made from {name}", f"n: {gwas.attrs['sample_size']}", *said, *notes])
    about_it = metadata(path, table, build, about)
    write_text(about_it, path.with_name(f"{path.name}-meta.yaml"), traced=False)
    return Munged(path, table, report, records[0], said + notes)


def _output(output: str, given: object) -> Path:
    """Where to write; the endings that the GWAS Catalog takes are .tsv and .tsv.gz."""
    if output in ("", "-"):
        raise InputError("no output: say where to write with -o NAME.tsv.gz")
    path = Path(output).expanduser()
    if not path.name.endswith(_ENDINGS):
        # A .txt or .csv anywhere in a name is a layout of its own to the Catalog's validator.
        stem = re.sub(r"(\.(txt|csv|gz))+$", "", path.name)
        path = path.with_name(f"{stem}{_ENDINGS[-1]}")
    check_folder(path)
    if isinstance(given, str | Path) and path.resolve() == Path(given).expanduser().resolve():
        raise InputError(f"{path}: is the input. Choose another file.")
    return path


def _rows_of(gwas: xr.Dataset, aligned: xr.Dataset, panel: xr.Dataset) -> xr.Dataset:
    """Rows of the file with the places and alleles of the panel, in its order."""
    variants = np.flatnonzero(aligned["variant_row"].values >= 0)
    panels = panel["variant_allele_frequency"].values[variants]
    found = aligned[[str(name) for name in aligned if str(name).startswith("variant_")]]
    found = found.isel(variants=variants)
    row = found["variant_row"].values
    own = found["variant_row_frequency"].values
    frequency = np.where(np.isnan(own), panels, own)
    names = np.asarray(gwas["variant_id"].values[row], dtype=object)
    known = pd.Series(names).str.startswith("rs").to_numpy(bool)
    arrays = {
        "id": np.where(known, names, found["variant_id"].values),
        "allele_frequency": frequency,
    }
    if "variant_effect" in gwas:
        sign = np.where(found["variant_swapped"].values, -1.0, 1.0)
        arrays["effect"] = sign * gwas["variant_effect"].values[row]
        for name in ("standard_error", "neg_log10_p"):
            arrays[name] = gwas[f"variant_{name}"].values[row]
    return found.assign({f"variant_{k}": ("variants", array) for k, array in arrays.items()})


def _table(
    rows: xr.Dataset, report: list[dict[str, Any]]
) -> tuple[pd.DataFrame, list[dict[str, Any]], list[str]]:
    """The rows in GWAS-SSF, the report with those that cannot be, and remarks."""
    names = {"CHR": "chromosome", "BP": "position", "SNP": "id"}
    names |= {"A1": "effect_allele", "A2": "other_allele"}
    variants = pd.DataFrame({k: rows[f"variant_{name}"].values for k, name in names.items()})
    z, n, p = (
        rows[f"variant_{name}"].values.astype(np.float64)
        for name in ("z", "sample_size", "allele_frequency")
    )
    letters = [
        variants[a].astype(str).str.fullmatch("[ACGT]+").to_numpy(bool) for a in ("A1", "A2")
    ]
    beta, se, standard = _effects(rows, z, n, p)
    with np.errstate(invalid="ignore"):
        whole = np.isfinite(beta) & np.isfinite(se) & (se > 0)
    reasons = {
        "alleles that are no letters of DNA": ~(letters[0] & letters[1]),
        "no frequency to make an effect of z with" if standard else "no standard error": ~whole,
    }
    keep = np.ones(len(z), dtype=bool)
    steps = [row for row in report if row["kind"] in ("in", "loss")]
    for reason, wrong in reasons.items():
        if bad := int((keep & wrong).sum()):
            step = reason[0].upper() + reason[1:]
            steps.append({"step": step, "variants": -bad, "kind": "loss"})
        keep &= ~wrong
    if not keep.any():
        raise InputError(
            "no row has what GWAS-SSF needs: effect and standard error, or frequency and N to make "
            "them of z, as it has no column for z. Give an LD panel that has frequencies (--ld), "
            "or name columns (--column)."
        )
    steps.append({"step": "Written", "variants": int(keep.sum()), "kind": "out"})
    steps += [row for row in report if row["kind"] == "note"]
    table = ssf_frame(
        variants[keep].reset_index(drop=True),
        beta=beta[keep],
        se=se[keep],
        frequency=p[keep],
        n=n[keep],
        neg_log10_p=rows["variant_neg_log10_p"].values[keep] if "variant_effect" in rows else None,
    )
    return table, steps, _notes(p[keep], standard)


def _effects(
    rows: xr.Dataset, z: np.ndarray, n: np.ndarray, p: np.ndarray
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Effects, standard errors, and whether they are made of z because the file has none."""
    effect = rows["variant_effect"].values if "variant_effect" in rows else np.array([np.nan])
    with np.errstate(divide="ignore", invalid="ignore"):
        if np.isnan(effect).all():
            se = standardised(z, n, p)
            return z * se, se, True
        se = rows["variant_standard_error"].values
        se = np.where(np.isnan(se), effect / z, se)
    return effect, se, False


def _notes(p: np.ndarray, standard: bool) -> list[str]:
    notes = []
    if standard:
        notes.append(
            "the file has no effects: they are made of z, N and frequency, in phenotype s.d. per "
            "copy of the effect allele"
        )
    if missing := int(np.isnan(p).sum()):
        notes.append(
            f"{missing} rows have no frequency, which the GWAS Catalog's validator asks for"
        )
    elif len(p) >= _TELLING and p.max() <= 0.5:
        notes.append(
            "no frequency is above one half: they may be those of the minor allele, not those of "
            "the effect allele"
        )
    return notes
