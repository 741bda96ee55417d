"""The region that a screen shows: how wide it may be, and in which studies it is."""

import pandas as pd
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics.regions import Region, parse_region

WIDEST = 10_000_000
NARROWEST = 10_000
HALF_WINDOW = 500_000


def around(study: xr.Dataset, row: int) -> Region:
    """Half a megabase on either side of a variant of a study."""
    chromosome = str(study["variant_chromosome"].values[row])
    position = int(study["variant_position"].values[row])
    return Region.around(chromosome, position, position, HALF_WINDOW)


def scaled(region: Region, factor: float) -> Region:
    """The region around the same middle, ``factor`` times as wide, as far as a screen goes."""
    middle = (region.start + region.stop) / 2
    wide = min(max((region.stop - region.start) * factor, NARROWEST), WIDEST)
    return Region(region.chromosome, max(1, int(middle - wide / 2)), int(middle + wide / 2))


def shown_region(text: str, study: xr.Dataset, genes: pd.DataFrame) -> Region:
    """The region that was typed, if the screen can show it.

    Raises
    ------
    InputError
        If it is no region, or too wide, or of a chromosome that the study does not have.
    """
    region = parse_region(text, study, genes)
    if region.stop - region.start > WIDEST:
        raise InputError(f"{text}: wider than {WIDEST // 1_000_000} Mb. Choose a narrower region.")
    known = list(dict.fromkeys(study["variant_chromosome"].values.astype(str)))
    if region.chromosome not in known:
        raise InputError(
            f"{text}: this study has no chromosome {region.chromosome}. It has {', '.join(known)}."
        )
    return region
