"""Values per variant under a run, a file each: what tracks of the locus figure draw of runs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from deepwas_app.registry import Registry

if TYPE_CHECKING:
    from deepwas_app.workflow.runs.fitted import Fitted


@dataclass(frozen=True)
class VariantValue:
    """A value that every variant has under a run.

    Attributes
    ----------
    name
        By which tracks ask for it.
    label
        In the choice on the Locus page.
    axis
        On the y axis, with its unit.
    compute
        ``compute(study, run, rows)`` gives the value of these variants of the study, (rows,); of
        every variant for None. An InputError is shown to people.
    order
        Where it stands in the choice.
    """

    name: str
    label: str
    axis: str
    compute: "Callable[[xr.Dataset, Fitted, np.ndarray | None], np.ndarray]"
    order: int = 50


VALUES: Registry[VariantValue] = Registry("variant_values", "deepwas_app.workflow.results.values")
"""By name, in the order in which people choose."""
