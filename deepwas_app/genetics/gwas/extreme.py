"""Extreme z-scores that the variants in LD with them do not bear out."""

import numpy as np
import xarray as xr

from deepwas_app.genetics.store import read_array

# A chi-square is extreme above the larger of this and N / 1,000, as in LD score regression.
EXTREME, PER_PERSON = 80.0, 1e-3
# Partners have at least this squared correlation; one bears a z-score out if its own has the
# sign and at least this share of the size that the correlation asks for.
PARTNER, SHARE = 0.5, 0.25


def extreme(z: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Whether chi-squares are above `EXTREME` and above N * `PER_PERSON`."""
    return z**2 > np.maximum(EXTREME, PER_PERSON * n)


def contradicted(panel: xr.Dataset, rows: np.ndarray, z: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Which extreme z-scores none of the variants in strong LD bears out.

    Parameters
    ----------
    panel
        From :func:`deepwas_app.genetics.ld.panel.open_panel`.
    rows
        Variants of the panel that have a z-score, (scored,) int.
    z, n
        Their z-scores, for the panel's effect allele, and sample sizes, (scored,).

    Returns
    -------
    (scored,) bool. One without a partner that has a z-score is not among them: nobody can tell.

    Notes
    -----
    A causal variant gives its partners r times its own z-score. A z-score of 1e6 beside partners
    of ordinary ones is a mistake of a file or of a program, and would alone decide on noise and
    heritability.
    """
    large = np.flatnonzero(extreme(z, n))
    found = np.zeros(len(rows), bool)
    if not len(large):
        return found
    block_of = panel["variant_block"].values[rows]
    for block in np.unique(block_of[large]):
        inside = np.flatnonzero(block_of == block)
        W = read_array(panel, int(block), "W").astype(np.float64)
        W = W[rows[inside] - int(panel["block_offset"].values[block])]
        W /= np.maximum(np.linalg.norm(W, axis=1), 1e-12)[:, None]
        for j in large[block_of[large] == block]:
            r = W @ W[np.searchsorted(inside, j)]
            partner = (r**2 >= PARTNER) & (inside != j)
            asked = r * z[j] * np.sqrt(n[inside] / n[j])
            borne_out = z[inside] * np.sign(asked) >= SHARE * np.abs(asked)
            found[j] = partner.any() and not (partner & borne_out).any()
    return found
