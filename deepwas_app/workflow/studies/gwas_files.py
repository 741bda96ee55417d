"""The GWAS of a study from one file, or from one for each chromosome."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics.patterns import expand
from deepwas_app.workflow.settings import GwasSettings
from deepwas_app.workflow.studies.gwas import read_gwas


def read_gwas_files(
    settings: GwasSettings,
    source: str | Path | xr.Dataset,
    panel: xr.Dataset | None,
    with_effects: bool = False,
) -> tuple[xr.Dataset, list[dict[str, Any]]]:
    """Read the files that a pattern means as :func:`read_gwas` reads one, one after another.

    Raises
    ------
    InputError
        If the pattern matches no file, a file cannot be read, or the columns of two files are not
        understood alike.
    """
    if isinstance(source, xr.Dataset):
        return read_gwas(settings, source, panel, with_effects)
    paths = expand(source)
    read = (read_gwas(settings, path, panel, with_effects) for path in paths)
    parts, records = zip(*read, strict=True)
    if len(paths) == 1:
        return parts[0], records[0]
    roles = [_roles(part) for part in parts]
    for path, other in zip(paths, roles, strict=True):
        if other != roles[0]:
            raise InputError(
                f"{path}: its columns are not understood as those of {paths[0]} are. Give files "
                "of one layout."
            )
    return _joined(parts, str(source)), [record for found in records for record in found]


def _roles(sumstats: xr.Dataset) -> list[tuple[str, str]]:
    return [(row["role"], row["column"]) for row in sumstats.attrs["understood"]]


def _joined(parts: tuple[xr.Dataset, ...], where: str) -> xr.Dataset:
    arrays = {name: _concatenated([part[name].data for part in parts]) for name in parts[0]}
    dropped: dict[str, int] = {}
    for part in parts:
        for reason, count in part.attrs["dropped"].items():
            dropped[reason] = dropped.get(reason, 0) + count
    whole = xr.Dataset({name: ("variants", array) for name, array in arrays.items()})
    return whole.assign_attrs(
        parts[0].attrs
        | {"path": where, "dropped": dropped, "rows": sum(part.attrs["rows"] for part in parts)}
    )


def _concatenated(arrays: list[Any]) -> Any:
    if isinstance(arrays[0], pd.Categorical):
        return pd.api.types.union_categoricals(arrays)
    if isinstance(arrays[0], pd.api.extensions.ExtensionArray):
        return pd.concat([pd.Series(array) for array in arrays], ignore_index=True).array
    return np.concatenate(arrays)
