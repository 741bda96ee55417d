from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics import chromosomes
from deepwas_app.genetics.variables import REGISTRY, validate


def test_names_tell_the_dimension():
    for name, variable in REGISTRY.items():
        assert variable.name == name
        assert variable.dims[0] == f"{name.split('_')[0]}s"


def test_datasets_are_checked_against_the_registry():
    good = xr.Dataset({"variant_z": ("variants", np.zeros(3, np.float32)), "mine": 1})
    assert validate(good, ("variant_z",)) is good
    with pytest.raises(InputError, match="variant_id is missing"):
        validate(good, ("variant_id",))
    with pytest.raises(InputError, match="variant_z has dimensions"):
        validate(good.rename(variants="blocks"))
    with pytest.raises(InputError, match=r"s\.zarr: variant_z holds int64"):
        validate(good.astype("int64").assign_attrs(path="s.zarr"))


def test_chromosomes_have_one_spelling_and_one_order():
    names = ["chr22", "22", "01", "22.0", "chrX", "23", "M", "25", "GL1", "0"]
    spelt = chromosomes.normalise(names)
    assert spelt.tolist() == ["22", "22", "1", "22", "X", "X", "MT", "X", "GL1", "0"]
    chromosome = np.array(["X", "10", "2", "2", "GL2", "GL1"])
    order = chromosomes.sort_order(chromosome, np.array([1, 1, 9, 3, 1, 1]))
    assert order.tolist() == [3, 2, 1, 0, 5, 4]
    assert chromosomes.rank(np.array([], dtype=str)).tolist() == []
