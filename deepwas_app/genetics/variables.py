"""The registry of what studies and LD panels store: what each array is called and means."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr

from deepwas_app.errors import InputError


class Variable(NamedTuple):
    """One variable that a study or a panel may hold.

    Attributes
    ----------
    name : str
        Name in the Dataset.
    dims : tuple of str
        Its dimensions, in order.
    kind : str
        numpy kind codes that are allowed: "U" text, "f" float, "i" integer, "b" bool.
    unit : str
        Unit, empty where there is none.
    meaning : str
        One line for people.
    """

    name: str
    dims: tuple[str, ...]
    kind: str
    unit: str
    meaning: str


_V = ("variants",)
_A = ("annotations",)
_B = ("blocks",)
_VA = ("variants", "annotations")

REGISTRY: dict[str, Variable] = {
    variable.name: variable
    for variable in (
        Variable("variant_id", _V, "UO", "", "rsID or other name"),
        Variable("variant_chromosome", _V, "UO", "", "1 to 22, X, Y or MT"),
        Variable("variant_position", _V, "i", "bp", "1-based position"),
        Variable("variant_effect_allele", _V, "UO", "", "allele that z counts"),
        Variable("variant_other_allele", _V, "UO", "", "the other allele"),
        Variable("variant_allele_frequency", _V, "f", "", "frequency of the effect allele"),
        Variable(
            "variant_gwas_frequency",
            _V,
            "f",
            "",
            "frequency of the effect allele in the GWAS, NaN where it or the LD panel has none",
        ),
        Variable("variant_z", _V, "f", "", "GWAS z-score, NaN where unscored"),
        Variable("variant_sample_size", _V, "f", "people", "GWAS sample size"),
        Variable("variant_block", _V, "i", "", "index of the LD block"),
        Variable(
            "variant_own_heritability",
            _V,
            "f",
            "",
            "heritability of a strong locus's lead variant that is not the prior's",
        ),
        Variable("variant_ld_score", _V, "f", "", "sum of r² within the block"),
        Variable("variant_scored", _V, "b", "", "has a z-score that is modelled"),
        Variable("variant_annotation", _VA, "f", "", "annotation value"),
        Variable("variant_true_heritability", _V, "f", "", "simulated prior variance"),
        Variable("variant_true_effect", _V, "f", "√N s.d.", "simulated joint effect b = √N β"),
        Variable("annotation", _A, "UO", "", "name of the annotation"),
        Variable("annotation_kind", _A, "UO", "", "binary or continuous"),
        Variable("block_chromosome", _B, "UO", "", "chromosome of the block"),
        Variable("block_start", _B, "i", "bp", "start, 0-based"),
        Variable("block_stop", _B, "i", "bp", "stop, not included"),
        Variable("block_offset", _B, "i", "", "first row of the block in variants"),
        Variable("block_variants", _B, "i", "", "rows of the block in variants"),
        Variable("block_scored", _B, "i", "", "variants with a modelled z-score"),
        Variable("block_components", _B, "i", "", "components that are kept"),
    )
}


def validate(dataset: xr.Dataset, required: tuple[str, ...] = ()) -> xr.Dataset:
    """Check the known variables of a Dataset: there, of the right shape and type.

    Parameters
    ----------
    dataset : xarray.Dataset
        Names that are not in the registry are left alone.
    required : tuple of str
        Names that must be there.

    Returns
    -------
    xarray.Dataset
        The same object.

    Raises
    ------
    InputError
        Names the file (attribute ``path``), the variable and what is wrong with it.
    """
    where = dataset.attrs.get("path", "Dataset")
    for name in required:
        if name not in dataset.variables:
            raise InputError(f"{where}: {name} is missing. Build the file again.")
    for known in dataset.variables:
        name = str(known)
        variable = REGISTRY.get(name)
        if variable is None:
            continue
        array = dataset[name]
        if array.dims != variable.dims:
            raise InputError(
                f"{where}: {name} has dimensions {array.dims}, expected {variable.dims}. "
                "Build the file again."
            )
        if np.dtype(array.dtype).kind not in variable.kind:
            raise InputError(f"{where}: {name} holds {array.dtype} values. Build the file again.")
    return dataset
