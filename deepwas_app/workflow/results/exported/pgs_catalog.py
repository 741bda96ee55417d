"""Weights of a polygenic score as a scoring file of the PGS Catalog."""

from typing import TYPE_CHECKING

import pandas as pd
import xarray as xr

from deepwas_app.workflow.results.exported.weights import pgs_weights
from deepwas_app.workflow.results.exports import EXPORTS, Export
from deepwas_app.workflow.runs.doubted import run_warnings
from deepwas_app.workflow.settings.results import PosteriorKnobs
from deepwas_app.workflow.tables import Column, Table

if TYPE_CHECKING:
    from deepwas_app.workflow.runs.fitted import Fitted

_BUILDS = {"hg19": "GRCh37", "hg38": "GRCh38"}

PGS_CATALOG = Table(
    "pgs-catalog",
    "Weights of a polygenic score in format 2.0 of the PGS Catalog, one row a variant.",
    (
        Column("rsID", "Variant", "rsID or other name"),
        Column("chr_name", "Chromosome", "1 to 22, X, Y or MT"),
        Column("chr_position", "Position", "on the genome build of the header, 1-based", "bp"),
        Column("effect_allele", "Effect allele", "the allele that weights are of"),
        Column("other_allele", "Other allele", "the other allele"),
        Column(
            "effect_weight",
            "Weight",
            "posterior mean effect per copy of the effect allele",
            "phenotype s.d.",
            ".8e",
            digits=None,
        ),
        Column("allelefrequency_effect", "Frequency", "frequency of the effect allele", "", ".6g"),
    ),
)
# From the columns of the weights.
_NAMES = dict(
    zip(("SNP", "CHR", "BP", "A1", "A2", "BETA", "A1_FREQ"), PGS_CATALOG.names, strict=True)
)


def pgs_catalog_text(table: pd.DataFrame, study: xr.Dataset, run: "Fitted") -> str:
    """The weights of :func:`pgs_weights` as a scoring file of the PGS Catalog, format 2.0.

    What is to be doubted of the run stands at the top.
    """
    name = run.name
    head = {
        "format_version": "2.0",
        "pgs_id": "NR",
        "pgs_name": name,
        "trait_reported": study.attrs["title"],
        "weight_type": "beta",
        "genome_build": _BUILDS.get(study.attrs["genome_build"], study.attrs["genome_build"]),
        "variants_number": str(len(table)),
    }
    body = PGS_CATALOG.text(table[list(_NAMES)].rename(columns=_NAMES))
    lines = [f"#{key}={' '.join(value.split())}" for key, value in head.items()]
    # Lines of two signs are for people, and no key where nothing is equal.
    doubts = [f"##WARNING {words.replace('=', ' ')}" for words in run_warnings(run)]
    return "\n".join(["###PGS CATALOG SCORING FILE", *doubts, *lines, body])


EXPORTS.add(
    Export(
        name="pgs-catalog",
        title="PGS Catalog scoring file",
        doc="Scoring file of the PGS Catalog.",
        purpose="The same weights in format 2.0 of the **PGS Catalog**, for its calculator and for "
        "deposition. effect_weight is in phenotype s.d. per copy of effect_allele.",
        table=PGS_CATALOG,
        compute=pgs_weights,
        options=PosteriorKnobs,
        text=pgs_catalog_text,
        ending="pgs_catalog.txt",
        row=26,
        order=40,
    )
)
