"""Frequencies of effect alleles in the GWAS beside those in the LD panel."""

import holoviews as hv
import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.plots.manhattan import thin
from deepwas_app.plots.theme import BLUE, GREY, ORANGE, figure_options, hover_options

CELLS = (150, 150)
# Differences of which so few are expected of one population that they are worth a look.
FAR = 0.1


def has_frequencies(study: xr.Dataset) -> bool:
    """Whether a study kept the frequencies of its GWAS, and its LD panel has its own."""
    return "variant_gwas_frequency" in study


def frequency_table(study: xr.Dataset) -> pd.DataFrame:
    """The scored variants that both have a frequency of, thinned to what a screen can show.

    Parameters
    ----------
    study
        A study.

    Returns
    -------
    pandas.DataFrame
        ``panel``, ``gwas`` (frequencies of the effect allele), ``variant``, ``far`` (whether they
        differ by more than 0.1) and ``colour``.

    Raises
    ------
    InputError
        If the study has no frequencies of its GWAS.
    """
    if not has_frequencies(study):
        raise InputError(
            f"{study.attrs.get('title', 'study')}: has no allele frequencies of the GWAS beside "
            "the LD panel's: its files have none, or it was built before they were kept."
        )
    panel = study["variant_allele_frequency"].values.astype(float)
    gwas = study["variant_gwas_frequency"].values.astype(float)
    both = np.flatnonzero(np.isfinite(panel) & np.isfinite(gwas))
    apart = np.abs(panel - gwas)
    kept = both[thin(panel[both], gwas[both], CELLS)]
    far = apart[kept] > FAR
    return pd.DataFrame(
        {
            "panel": panel[kept],
            "gwas": gwas[kept],
            "variant": study["variant_id"].values[kept].astype(str),
            "far": far,
            "colour": np.where(far, ORANGE, BLUE),
        }
    )


def frequency(study: xr.Dataset) -> hv.Overlay:
    """Frequency of the effect allele in the GWAS against that in the LD panel.

    Parameters
    ----------
    study
        A study.

    Returns
    -------
    holoviews.Overlay
        Points (the rows of :func:`frequency_table`) over the line where both agree.
    """
    table = frequency_table(study)
    both = study[["variant_allele_frequency", "variant_gwas_frequency"]].to_dataframe()
    apart = (both.iloc[:, 0] - both.iloc[:, 1]).abs().dropna()
    line = hv.Curve([(0.0, 0.0), (1.0, 1.0)]).opts(color=GREY, line_dash="dashed", line_width=1)
    tips = [("Variant", "@variant"), ("LD panel", "@panel{0.000}"), ("GWAS", "@gwas{0.000}")]
    points = hv.Points(table, ["panel", "gwas"], ["variant", "colour"]).opts(
        color="colour", size=3.5, alpha=0.7, **hover_options(tips)
    )
    return (line * points).opts(
        **figure_options(
            320,
            xlim=(0, 1),
            ylim=(0, 1),
            xlabel="Frequency in the LD panel",
            ylabel=f"In the GWAS ({(apart > FAR).mean():.2%} differ by more than {FAR})",
        )
    )
