"""Pictures of regions of the genome."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from bokeh.layouts import column
from bokeh.models import Column

from deepwas_app.cells.pictures import with_content
from deepwas_app.errors import InputError
from deepwas_app.genetics.genes import read_genes
from deepwas_app.genetics.known import read_known
from deepwas_app.genetics.regions import Region, parse_region
from deepwas_app.genetics.statistics import ld_to_reference
from deepwas_app.genetics.store import read_block
from deepwas_app.genetics.study import lead_variants
from deepwas_app.plot.runs import Runs, of_each
from deepwas_app.plots.locus_figure import LocusFigure
from deepwas_app.plots.locus_points import leads_of, locus_table, r2_of
from deepwas_app.plots.track import run_values
from deepwas_app.workflow.results.values import VALUES
from deepwas_app.workflow.studies.builtin import StudyLike, open_study

SHOWN_ANNOTATIONS = 8
SHOWN_VALUE = "heritability"


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
        Figures over one shared position axis (Mb): -log10 P, prior heritability of each variant
        under each run, annotations, genes.

    Raises
    ------
    InputError
        For a region, a reference or a run that the study does not have, and where none of the
        variants is scored.

    Examples
    --------
    >>> picture = dw.plot.locus(study, "MYH9", run)
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
