"""What one asks of a study."""

from __future__ import annotations

import numpy as np
import xarray as xr


def strongest_loci(study: xr.Dataset, count: int = 12, apart: int = 500_000) -> list[int]:
    """Rows of the strongest variants, far enough from each other to be separate loci.

    Parameters
    ----------
    study : xarray.Dataset
        A study.
    count : int
        At most this many.
    apart : int
        Least distance between two, base pairs.

    Returns
    -------
    list of int
        Rows of the dimension ``variants``, strongest first.
    """
    strength = np.abs(np.nan_to_num(study["variant_z"].values))
    chromosome = study["variant_chromosome"].values.astype(str)
    position = study["variant_position"].values
    chosen: list[int] = []
    for row in np.argsort(-strength, kind="stable")[:5000]:
        if strength[row] == 0 or len(chosen) == count:
            break
        near = [
            c
            for c in chosen
            if chromosome[c] == chromosome[row] and abs(int(position[c]) - position[row]) < apart
        ]
        if not near:
            chosen.append(int(row))
    return chosen
