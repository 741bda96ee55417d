"""The z-scores of a GWAS against what they would be if nothing were associated."""

import holoviews as hv
import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import beta

from deepwas_app.genetics.statistics import genomic_inflation, minus_log10_p
from deepwas_app.plots.manhattan import thin
from deepwas_app.plots.theme import BLUE, GREEN, GREY, ORANGE, finished

# Bounds of classes of the minor-allele frequency, and what each is called.
CLASSES = (
    (0.05, 0.5, "5% and more", BLUE),
    (0.01, 0.05, "1 to 5%", ORANGE),
    (0.0, 0.01, "below 1%", GREEN),
)


def qq(study: xr.Dataset) -> hv.Overlay:
    """Quantile-quantile plot of the P values, by classes of the minor-allele frequency.

    Parameters
    ----------
    study
        A study.

    Returns
    -------
    holoviews.Overlay
        -log10 P of each class against its expectation without association, over the line where
        they agree and the 95% band of that many independent variants. The legend has lambda GC.
    """
    z = study["variant_z"].values.astype(float)
    p = study["variant_allele_frequency"].values.astype(float)
    scored = np.isfinite(z)
    z, minor = z[scored], np.minimum(p, 1 - p)[scored]
    classes = [(z[(minor >= a) & (minor < b)], name, hue) for a, b, name, hue in CLASSES]
    # A frequency of exactly one half, and none at all, belong to no class above.
    other = ~((minor >= 0) & (minor < 0.5))
    classes[0] = np.concatenate([classes[0][0], z[minor == 0.5]]), *classes[0][1:]
    classes.append((z[other & (minor != 0.5)], "unknown", GREY))
    drawn = [_class(of, name, hue) for of, name, hue in classes if len(of)]
    end = float(-np.log10(0.5 / max(len(z), 1)))
    line = hv.Curve([(0.0, 0.0), (end, end)]).opts(color=GREY, line_dash="dashed", line_width=1)
    return finished(
        hv.Overlay([*([_band(len(z))] if len(z) else []), line, *drawn]),
        320,
        xlabel="Expected −log₁₀ P",
        ylabel=f"Observed −log₁₀ P (λ GC {genomic_inflation(z):.3f})",
        legend_position="top_left",
    )


def _class(z: np.ndarray, name: str, hue: str) -> hv.Points:
    observed = np.sort(minus_log10_p(z))[::-1]
    expected = -np.log10((np.arange(len(observed)) + 0.5) / len(observed))
    kept = thin(expected, observed)
    table = pd.DataFrame({"expected": expected[kept], "observed": observed[kept]})
    label = f"MAF {name}: λ {genomic_inflation(z):.3f}"
    return hv.Points(table, ["expected", "observed"], label=label).opts(color=hue, size=4)


def _band(count: int) -> hv.Area:
    """Where 95% of the ordered P values of independent variants without association would lie."""
    rank = np.unique(np.geomspace(1, max(count, 1), 60).astype(int))
    low, high = (-np.log10(beta.ppf(q, rank, count + 1 - rank)) for q in (0.975, 0.025))
    table = pd.DataFrame({"expected": -np.log10((rank - 0.5) / count), "low": low, "high": high})
    return hv.Area(table.sort_values("expected"), "expected", ["low", "high"]).opts(
        color=GREY, fill_alpha=0.2, line_color=None
    )
