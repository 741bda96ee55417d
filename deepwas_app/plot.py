"""Pictures of studies and of what was fitted to them, as ``dw.plot``.

Each function takes a study and runs, open or by path, or a result, and gives a HoloViews object;
:func:`locus` gives Bokeh figures, one below the other. They show as the last line of a notebook
cell, where nothing needs to be set up before; HoloViews objects go side by side with ``+`` and over
each other with ``*``. :func:`save` writes any of them to a file.

Examples
--------
>>> import deepwas_app as dw
>>> dw.plot.manhattan("height_chr22") + dw.plot.qq("height_chr22")  # doctest: +SKIP
>>> dw.plot.save(dw.plot.locus("height_chr22", "MYH9"), "MYH9.svg")  # doctest: +SKIP
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import holoviews as hv
import numpy as np
import pandas as pd
import xarray as xr
from bokeh.layouts import column
from bokeh.models import Column

from deepwas_app.cells.files import save
from deepwas_app.cells.pictures import show_plots, with_content
from deepwas_app.errors import InputError
from deepwas_app.genetics.genes import read_genes
from deepwas_app.genetics.known import read_known
from deepwas_app.genetics.regions import Region, parse_region
from deepwas_app.genetics.statistics import ld_to_reference
from deepwas_app.genetics.store import read_block
from deepwas_app.genetics.study import lead_variants
from deepwas_app.plots import annotations as _annotations
from deepwas_app.plots import compare as _compare
from deepwas_app.plots import response as _response
from deepwas_app.plots import scores as _scores
from deepwas_app.plots import study as _study
from deepwas_app.plots import train as _train
from deepwas_app.plots.correlations import correlations as _correlations
from deepwas_app.plots.locus_drivers import driver_plot
from deepwas_app.plots.locus_figure import LocusFigure
from deepwas_app.plots.manhattan import manhattan as _manhattan
from deepwas_app.plots.quantiles import qq as _qq
from deepwas_app.plots.scaling import scaling_curve
from deepwas_app.plots.track import run_values
from deepwas_app.plots.tracks.association import leads_of, locus_table, r2_of
from deepwas_app.workflow.results.accuracy import Judged
from deepwas_app.workflow.results.annotation_effects import annotation_effects
from deepwas_app.workflow.results.annotation_overview import annotation_overview
from deepwas_app.workflow.results.locus import RunLike, opened_all, opened_runs
from deepwas_app.workflow.results.response import interaction_surface, response_curve
from deepwas_app.workflow.results.scaling import summary
from deepwas_app.workflow.results.score import SCORES, Scored
from deepwas_app.workflow.results.spectrum import residual_spectrum
from deepwas_app.workflow.results.values import VALUES
from deepwas_app.workflow.runs.fitted import Fitted
from deepwas_app.workflow.runs.run import open_run
from deepwas_app.workflow.runs.sweep import Sweep
from deepwas_app.workflow.studies.builtin import StudyLike, open_study

__all__ = [
    "alignment",
    "along_genome",
    "comparison",
    "correlations",
    "drivers",
    "effects",
    "enrichment",
    "held_out_gain",
    "locus",
    "manhattan",
    "qq",
    "quantiles",
    "response",
    "save",
    "scaling",
    "score_deciles",
    "score_density",
    "spectrum",
    "z_histogram",
]

Runs = RunLike | Iterable[RunLike]
SHOWN_ANNOTATIONS = 8
SHOWN_VALUE = "heritability"

show_plots()


def __dir__() -> list[str]:
    return __all__


def manhattan(study: StudyLike) -> hv.Overlay:
    """Manhattan plot with the genome-wide line at P = 5e-8."""
    return _manhattan(open_study(study))


def qq(study: StudyLike) -> hv.Overlay:
    """Quantile-quantile plot of the P values by frequency class, with lambda GC of each."""
    return _qq(open_study(study))


def z_histogram(study: StudyLike) -> hv.Overlay:
    """Histogram of the z-scores beside the standard normal."""
    return _study.z_histogram(open_study(study))


def alignment(study: StudyLike) -> hv.Overlay:
    """How many rows of the summary statistics were lost on the way, and why."""
    return _study.alignment_waterfall(open_study(study))


def spectrum(study: StudyLike, run: RunLike | None = None) -> hv.Overlay:
    """Mean of x² along the LD spectrum beside what a model expects: LD that is not the GWAS's."""
    return _study.residual_spectrum(residual_spectrum(study, run))


def correlations(study: StudyLike) -> hv.QuadMesh:
    """Correlations of all pairs of a study's annotations, those that are alike side by side."""
    return _correlations(annotation_overview(study)[1])


def locus(
    study: StudyLike,
    region: str | Region,
    runs: Runs = (),
    *,
    reference: str | None = None,
    annotations: Sequence[str] | None = None,
    fine_mapping: pd.DataFrame | None = None,
    known: str | Path | None = None,
) -> Column:
    """A region: association coloured by LD, prior heritability, annotations and genes.

    Parameters
    ----------
    study
        From ``open_study``, or its path.
    region
        22:30500000-31500000, chr22:30.5-31.5Mb, a gene or a variant.
    runs
        Whose prior heritability is drawn.
    reference
        The variant that LD is with; the strongest one by default.
    annotations
        Names of those to draw; the first eight by default.
    fine_mapping
        The table of ``fine_map``, for its inclusion probabilities.
    known
        A table of the GWAS Catalog, for associations that others found; see
        :func:`deepwas_app.genetics.known.read_known`.

    Returns
    -------
    bokeh.models.Column
        Figures over one shared position axis.
    """
    study = open_study(study)
    region = parse_region(region, study) if isinstance(region, str) else region
    picture = LocusFigure()
    fields = locus_fields(study, region, runs, picture.values, reference=reference)
    names = study["annotation"].values.astype(str).tolist()
    fields["annotations"] = tuple(names[:SHOWN_ANNOTATIONS] if annotations is None else annotations)
    fields["fine_mapping"] = fine_mapping
    picture.draw(**fields, known=None if known is None else read_known(known, study))
    return with_content(column(*picture.figures, sizing_mode="stretch_width"))


def locus_fields(
    study: xr.Dataset,
    region: Region,
    runs: Runs,
    values: Iterable[str] = (),
    *,
    reference: str | None = None,
) -> dict[str, Any]:
    """What the locus figure draws of a region, by the fields of `Locus`.

    Parameters
    ----------
    study, region, runs, reference
        See :func:`locus`.
    values
        Names of the values of runs that are drawn beside the prior heritability.
    """
    rows = region.rows(study)
    drawn = locus_table(study, rows)
    if drawn.empty:
        raise InputError(f"{region:,}: no scored variants there. Choose another region.")
    if reference is None:
        reference = str(drawn["variant"].iloc[int(np.argmax(drawn["minus_log10_p"]))])

    def of_runs(name: str) -> dict[str, pd.DataFrame]:
        compute = VALUES[name].compute
        return run_values(study, rows, of_each(study, runs, lambda s, r: compute(s, r, rows)))

    return {
        "study": study,
        "region": region,
        "rows": rows,
        "variants": drawn,
        "genes": read_genes(str(study.attrs["genome_build"])),
        "leads": leads_of(drawn, lead_variants(study)),
        "values": {name: of_runs(name) for name in (SHOWN_VALUE, *values)},
        "chosen": SHOWN_VALUE,
        "measure": VALUES[SHOWN_VALUE].axis,
        **reference_fields(study, region, drawn, reference),
    }


def reference_fields(
    study: xr.Dataset, region: Region, drawn: pd.DataFrame, reference: str
) -> dict[str, Any]:
    """What the locus figure draws of a reference variant among those that are drawn."""
    named = np.flatnonzero(drawn["variant"] == reference)
    if not len(named):
        raise InputError(f"{reference}: is not drawn in {region:,}. Name another variant.")
    at = int(named[0])
    row = int(drawn["row"].iloc[at])
    block = int(study["variant_block"].values[row])
    first = int(study["block_offset"].values[block])
    r2 = ld_to_reference(read_block(study, block), row - first)
    return {"reference": at, "r2": r2_of(drawn["row"].to_numpy(), first, r2)}


def effects(study: StudyLike | None, runs: Runs, *, unit: bool = False) -> hv.Overlay:
    """Effect of every annotation on log heritability with 95% intervals, per s.d. or per unit."""
    return _annotations.effect_forest(of_each(study, runs, annotation_effects), unit)


def enrichment(study: StudyLike | None, runs: Runs) -> hv.Overlay:
    """Heritability enrichment of the binary annotations, with 95% intervals."""
    return _annotations.enrichment_forest(of_each(study, runs, annotation_effects))


def quantiles(study: StudyLike | None, runs: Runs, annotation: str) -> hv.Overlay:
    """Enrichment along the fifths of a continuous annotation."""
    return _annotations.quantile_enrichment(of_each(study, runs, annotation_effects), annotation)


def response(
    study: StudyLike | None, runs: Runs, annotation: str, by: str | None = None
) -> hv.Overlay | hv.Image:
    """How log variance answers to an annotation, or to two; runs of several seeds give a band."""
    study, several = opened_all(study, runs)
    if by is None:
        curve = response_curve(study, several, annotation)
        return _response.response_figure({several[0].name: curve})
    surface = interaction_surface(study, several, annotation, by)
    if "binary" in surface.attrs["kinds"]:
        return _response.surface_lines(surface)
    return _response.surface_map(surface, "effect")


def held_out_gain(runs: str | Path | Iterable[str | Path]) -> hv.Overlay:
    """Held-out gain over the constant prior while runs were trained; run folders by path."""
    named = [runs] if isinstance(runs, str | Path) else list(runs)
    opened = [open_run(path) for path in named]
    return _train.held_out_gain({run.name: run.metrics() for run in opened})


def scaling(found: Sweep) -> hv.Overlay:
    """Held-out gain against the number of parameters, of what ``scaling`` found."""
    said = summary(found)
    return scaling_curve(said.fits, said.means, said.truth)


def comparison(table: pd.DataFrame) -> hv.Overlay:
    """The difference between two runs by chromosome, of what ``compare`` gives."""
    return _compare.by_chromosome(table)


def along_genome(table: pd.DataFrame) -> hv.Overlay:
    """The difference between two runs by LD block, of what ``compare`` gives."""
    return _compare.along_genome(table)


def drivers(table: pd.DataFrame) -> hv.Overlay:
    """What drives one variant's prior, of what ``explain`` gives."""
    return driver_plot(table)


def score_deciles(scored: Scored) -> hv.Overlay:
    """The phenotype by tenths of each score of ``score_people``, with 95% intervals."""
    judged = _judged(scored)
    (name,) = [name for name in scored.table if name not in SCORES.names]
    return _scores.score_deciles(judged.deciles, str(name))


def score_density(scored: Scored) -> hv.Overlay:
    """Density of the first score of ``score_people`` among cases and among controls."""
    judged = _judged(scored)
    if judged.status is None:
        raise InputError("score_density: the phenotype is quantitative. Draw score_deciles.")
    values = scored.table["SCORE_SUM"].to_numpy()[: len(judged.status)]
    return _scores.score_density(values, judged.status)


def _judged(scored: Scored) -> Judged:
    if scored.judged is None:
        raise InputError("score_people: was given no phenotype. Give it pheno.")
    return scored.judged


def of_each(
    study: StudyLike | None, runs: Runs, compute: Callable[[xr.Dataset, Fitted], Any]
) -> dict[str, Any]:
    """A result of every run by its name; of fits of one name by name and number."""
    found: dict[str, Any] = {}
    if not (several := opened_runs(runs)):
        return found
    study, several = opened_all(study, several)
    for run in several:
        same = sum(name.split(" #")[0] == run.name for name in found)
        found[f"{run.name} #{same + 1}" if same else run.name] = compute(study, run)
    return found
