"""Loci on pages to read, print and send: ``dw.report`` and ``deepwas report``."""

import html
from collections.abc import Callable, Generator, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app import plot
from deepwas_app.cells.files import browser, pictures_page, save
from deepwas_app.errors import InputError
from deepwas_app.genetics.genes import read_genes
from deepwas_app.genetics.matching import find_variant
from deepwas_app.genetics.regions import Region, parse_region
from deepwas_app.genetics.study import lead_variants
from deepwas_app.workflow.progress import Progress, job, relay
from deepwas_app.workflow.results.finemap import FINE_MAPPING, FineMapping, fine_map
from deepwas_app.workflow.results.identity import VARIANT, identity
from deepwas_app.workflow.results.leads import HALF_LOCUS, LEADS, LOCUS_VARIANTS, leads
from deepwas_app.workflow.results.locus import RunLike, opened_all
from deepwas_app.workflow.settings.keywords import knobs
from deepwas_app.workflow.settings.results import ReportKnobs
from deepwas_app.workflow.studies.builtin import StudyLike, open_study
from deepwas_app.workflow.tables import Table, p_values, write_text

__all__ = ["report"]

# Of a locus on its page: variants with the largest PIP, or the smallest P.
_LISTED = 10
_SHOWN = ("SNP", "BP", "A1", "A2", "Z", "P", "PRIOR", "PIP", "CREDIBLE_SET", "PIP_UNIFORM")


class _Locus(NamedTuple):
    """What is said of one locus."""

    lead: int
    region: Region
    mapping: FineMapping | None


@job
@knobs(ReportKnobs)
def report(
    study: StudyLike | None,
    runs: RunLike | Iterable[RunLike] = (),
    output: str | Path = "report",
    *,
    settings: ReportKnobs,
) -> Generator[Progress, None, Path]:
    """Write loci, one page each: a page of HTML that needs no network, pictures and tables.

    Parameters
    ----------
    study
        Open or by path; None for that of the runs.
    runs
        Whose priors are drawn; by the first one loci are fine-mapped. None without.
    output
        A folder, new or empty: ``report.html``, ``loci.tsv``, and of each locus an SVG (where
        Chromium, Chrome or Edge is installed) and a TSV of its variants.
    settings
        All knobs at once, in place of the keywords below.

    Returns
    -------
    pathlib.Path
        The HTML file.

    Yields
    ------
    Progress

    Raises
    ------
    InputError
        If a locus is not in the study, or the folder is in use.
    """
    named = [runs] if isinstance(runs, str | Path) or not isinstance(runs, Iterable) else list(runs)
    if named:
        study, opened = opened_all(study, named)
    elif study is None:
        raise InputError("report: no study. Name a study or a run.")
    else:
        study, opened = open_study(study), []
    folder = Path(output).expanduser()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: is there already. Name a new folder.")
    genes = read_genes(str(study.attrs["genome_build"]))
    places = [_place(study, words, genes) for words in settings.loci] or _strongest(study)
    folder.mkdir(parents=True, exist_ok=True)
    found, pages = [], []
    draws = browser() is not None
    for i, (lead, region) in enumerate(places):
        step = Progress(i / len(places), f"locus {i + 1} of {len(places)}, {region:,}")
        yield step
        mapping = None
        if opened and not settings.no_finemap:
            steps = fine_map.steps(study, opened[0], region)
            mapping = yield from relay(steps, _always(step))
        found.append(_Locus(lead, region, mapping))
    prior = _prior(study, opened)
    table = _table(study, genes, prior, found)
    for i, locus in enumerate(found):
        yield Progress((i + 0.5) / len(found), f"drawing {locus.region:,}")
        stem = f"locus_{i + 1:02d}_{table['SNP'].iloc[i]}".replace(":", "_").replace("/", "_")
        drawn = _picture(study, locus, opened)
        words, variants = _variants(study, locus)
        write_text(words.text(variants), folder / f"{stem}.tsv")
        if draws:
            save(drawn, folder / f"{stem}.svg", width=1000)
            drawn = _picture(study, locus, opened)
        pages.append((_said(table.iloc[[i]], locus, words, variants), drawn))
    write_text(LEADS.text(table), folder / "loci.tsv")
    title = f"{study.attrs.get('title', 'Study')}: {len(found)} loci"
    whole = folder / "report.html"
    write_text(pictures_page(title, pages), whole)
    return whole


def _always(step: Progress) -> Callable[[Any], Progress]:
    """What a job within another tells of each of its steps: where that one is."""
    return lambda _: step


def _strongest(study: xr.Dataset) -> list[tuple[int, Region]]:
    rows = lead_variants(study)
    z = np.abs(study["variant_z"].values[rows])
    # All that are genome-wide significant, else the strongest.
    strong = [row for row, size in zip(rows, z, strict=True) if size > 5.451]
    return [(row, _around(study, row)) for row in strong or rows[:1]]


def _around(study: xr.Dataset, row: int) -> Region:
    chromosome = str(study["variant_chromosome"].values[row])
    position = int(study["variant_position"].values[row])
    return Region.around(chromosome, position, position, HALF_LOCUS)


def _place(study: xr.Dataset, words: str, genes: pd.DataFrame) -> tuple[int, Region]:
    """The lead variant and the region of a locus that was named."""
    row = find_variant(study, words)
    if row is not None:
        return row, _around(study, row)
    region = parse_region(words, study, genes)
    rows = region.rows(study)
    z = np.abs(study["variant_z"].values[rows].astype(float))
    if not np.isfinite(z).any():
        raise InputError(f"{words}: no scored variants there. Choose another region.")
    return int(rows[int(np.nanargmax(z))]), region


def _prior(study: xr.Dataset, runs: Sequence[Any]) -> np.ndarray | None:
    from deepwas_app.workflow.results.heritability import heritability

    return heritability(study, runs[0]) if runs else None


def _table(
    study: xr.Dataset, genes: pd.DataFrame, prior: np.ndarray | None, found: Sequence[_Locus]
) -> pd.DataFrame:
    mappings = [locus.mapping for locus in found if locus.mapping is not None]
    rows = np.array([locus.lead for locus in found])
    return leads(study, genes, prior, mappings, rows)[1]


def _picture(study: xr.Dataset, locus: _Locus, runs: Sequence[Any]) -> Any:
    mapped = None if locus.mapping is None else locus.mapping.table
    name = str(study["variant_id"].values[locus.lead])
    return plot.locus(study, locus.region, runs, reference=name, fine_mapping=mapped)


def _variants(study: xr.Dataset, locus: _Locus) -> tuple[Table, pd.DataFrame]:
    if locus.mapping is not None:
        return FINE_MAPPING, locus.mapping.table
    rows = locus.region.rows(study)
    table = identity(study, rows, tuple(VARIANT.names))
    z = study["variant_z"].values[rows].astype(float)
    return LOCUS_VARIANTS, LOCUS_VARIANTS.check(table.assign(Z=z, P=p_values(z)))


def _said(lead: pd.DataFrame, locus: _Locus, words: Table, variants: pd.DataFrame) -> str:
    """The heading of a locus, its row of the table of loci, and its foremost variants."""
    row = lead.iloc[0]
    heading = f"{row['SNP']}, {row['GENE'] or 'no gene near'}, {locus.region:,}"
    size = variants["PIP"] if locus.mapping is not None else variants["Z"].abs()
    foremost = variants.loc[size.sort_values(ascending=False).index[:_LISTED]]
    shown = words.part(*(name for name in words.names if name in _SHOWN))
    foremost = foremost[shown.names]
    kind = "PIP" if locus.mapping is not None else "|z|"
    return (
        f"<h2>{html.escape(heading)}</h2>{_html(LEADS, lead)}"
        f"<h3>Variants with the largest {kind}</h3>{_html(shown, foremost)}"
    )


def _html(table: Table, frame: pd.DataFrame) -> str:
    heads = [f'<th title="{html.escape(c.meaning)}">{html.escape(c.heading)}</th>' for c in table]
    names = [name for name in table.names if name in frame]
    heads = [head for head, c in zip(heads, table, strict=True) if c.name in names]
    lines = table.text(frame).strip().split("\n")[1:]
    body = "".join(
        "<tr>" + "".join(f"<td>{_cell(cell)}</td>" for cell in line.split("\t")) + "</tr>"
        for line in lines
    )
    return f"<table><tr>{''.join(heads)}</tr>{body}</table>"


def _cell(words: str) -> str:
    """A cell of a table; numbers that are not whole with three digits."""
    try:
        number = float(words)
    except ValueError:
        return html.escape(words)
    return words if words.lstrip("-").isdigit() else f"{number:.3g}"
