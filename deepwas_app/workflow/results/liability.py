"""Heritability of the liability to a trait, beside that of having it."""

import pandas as pd
import xarray as xr

from deepwas_app.core.liability import liability_factor
from deepwas_app.errors import InputError


def on_liability(
    table: pd.DataFrame, study: xr.Dataset, prevalence: float | None, case_fraction: float | None
) -> pd.DataFrame:
    """The table with ``h2`` and ``h2_se`` on the scale of the liability too.

    Parameters
    ----------
    table
        With ``h2`` and ``h2_se`` on the observed scale.
    study
        Whose they are.
    prevalence
        Share of the population that has the trait. None: the table as it is.
    case_fraction
        Share of cases among the people of N. None: as the study knows it.

    Raises
    ------
    InputError
        If nobody says the share of cases, or it is given without the prevalence.
    """
    if prevalence is None:
        if case_fraction is not None:
            raise InputError("case fraction: says nothing without a prevalence. Give both.")
        return table
    share = study.attrs.get("case_fraction") if case_fraction is None else case_fraction
    if share is None:
        raise InputError(
            f"{study.attrs['path']}: does not know its cases and controls. Give the share of "
            "cases among the people of N (--case-fraction; 0.5 if N is the effective one)."
        )
    factor = liability_factor(prevalence, share)
    return table.assign(h2_liability=table["h2"] * factor, h2_liability_se=table["h2_se"] * factor)
