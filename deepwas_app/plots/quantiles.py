"""The z-scores of a GWAS against what they would be if nothing were associated."""

import holoviews as hv
import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.genetics.statistics import genomic_inflation, minus_log10_p
from deepwas_app.plots.manhattan import thin
from deepwas_app.plots.theme import BLUE, GREY, figure_options


def qq(study: xr.Dataset) -> hv.Overlay:
    """Quantile-quantile plot of the P values.

    Parameters
    ----------
    study
        A study.

    Returns
    -------
    holoviews.Overlay
        -log10 P against its expectation without association, over the line where they agree.
    """
    z = study["variant_z"].values.astype(float)
    z = z[np.isfinite(z)]
    observed = np.sort(minus_log10_p(z))[::-1]
    expected = -np.log10((np.arange(len(observed)) + 0.5) / len(observed))
    kept = thin(expected, observed)
    table = pd.DataFrame({"expected": expected[kept], "observed": observed[kept]})
    end = float(expected.max(initial=1.0))
    points = hv.Points(table, ["expected", "observed"]).opts(color=BLUE, size=4)
    line = hv.Curve([(0.0, 0.0), (end, end)]).opts(color=GREY, line_dash="dashed", line_width=1)
    return (line * points).opts(
        **figure_options(
            320,
            xlabel="Expected −log₁₀ P",
            ylabel=f"Observed −log₁₀ P (λ GC {genomic_inflation(z):.3f})",
        )
    )
