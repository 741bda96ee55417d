"""Strong loci of a study: their lead variants have a variance of their own beside the prior's."""

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from deepwas_app.genetics.content import OWN_HERITABILITY
from deepwas_app.genetics.gwas.strong import lead_variance, strong_limit
from deepwas_app.genetics.study import whitened_z


def with_strong_loci(
    variants: xr.Dataset, factor: Callable[[int], np.ndarray], people: int
) -> tuple[xr.Dataset, list[dict[str, Any]]]:
    """Give the lead variants of strong loci a heritability of their own, where there are any.

    Parameters
    ----------
    variants : xarray.Dataset
        All that a study has of its variants.
    factor : callable
        Factor of a block's LD, by its number.
    people : int
        Other people than the GWAS's that the LD comes from; 0 where it is taken as exact.

    Returns
    -------
    The Dataset, with ``variant_own_heritability`` if there are strong loci, and a note on them.
    """
    z, n = whitened_z(variants), variants["variant_sample_size"].values.astype(np.float64)
    scored = variants["variant_scored"].values & np.isfinite(z)
    owner = variants["variant_block"].values
    own = np.zeros(len(z))
    limit = np.full(len(z), np.inf)
    limit[scored] = strong_limit(z[scored], n[scored])
    for b in np.unique(owner[z**2 > limit]):
        start = int(variants["block_offset"].values[b])
        rows = slice(start, start + int(variants["block_variants"].values[b]))
        mine = np.where(owner[rows] == b, limit[rows], np.inf)
        own[rows] += lead_variance(factor(b).astype(np.float64), z[rows], n[rows], mine, people)
    if not own.any():
        return variants, []
    note = {
        "step": "Lead variants of strong loci, with a variance of their own",
        "variants": int((own > 0).sum()),
        "kind": "note",
    }
    return variants.assign({OWN_HERITABILITY: ("variants", own.astype(np.float32))}), [note]
