"""What annotations hold, against pandas; the order of their correlations."""

import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.workflow.results import annotation_overview as module
from deepwas_app.workflow.results.annotation_overview import ANNOTATIONS, annotation_overview


def study_of(values: np.ndarray, scored: np.ndarray) -> xr.Dataset:
    names = [f"a{i}" for i in range(values.shape[1])]
    return xr.Dataset(
        {
            "variant_annotation": (("variants", "annotations"), values.astype(np.float32)),
            "variant_scored": ("variants", scored),
            "annotation_kind": ("annotations", ["continuous"] * len(names)),
        },
        {"annotation": ("annotations", names)},
        {"kind": "study"},
    )


def test_coverage_and_correlations_are_those_of_pandas(monkeypatch):
    rng = np.random.default_rng(3)
    base = rng.normal(size=(2_000, 3))
    values = np.column_stack(
        [
            base[:, 0],
            base[:, 1] > 1,
            # Far from zero with little spread.
            5_000 + 0.5 * base[:, 0] + 0.1 * rng.normal(size=2_000),
            np.full(2_000, 7.0),
            -1.0 * (base[:, 1] > 1) + 0.05 * base[:, 2],
        ]
    ).astype(np.float32)
    scored = rng.random(2_000) < 0.8
    monkeypatch.setattr(module, "_ROWS", 300)
    table, pairs = annotation_overview(study_of(values, scored))
    assert list(table.columns) == [column.name for column in ANNOTATIONS.columns]
    frame = pd.DataFrame(values[scored].astype(float), columns=table["annotation"])
    np.testing.assert_allclose(table["mean"], frame.mean(), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(table["sd"], frame.std(ddof=0), rtol=1e-4, atol=1e-9)
    np.testing.assert_allclose(table["nonzero"], (frame != 0).mean())
    expected = frame.corr().drop(index="a3", columns="a3")
    order = list(pairs["annotation"].values)
    assert order[-1] == "a3"
    found = pairs.to_pandas()
    np.testing.assert_allclose(found.loc[expected.index, expected.columns], expected, atol=1e-4)
    assert found.loc["a3"].isna().all()
    # Those that are alike stand side by side.
    assert abs(order.index("a0") - order.index("a2")) == 1
    assert abs(order.index("a1") - order.index("a4")) == 1
    assert list(table["closest"]) == ["a2", "a4", "a0", "", "a1"]


def test_few_annotations_and_no_scored_variant():
    values = np.random.default_rng(1).normal(size=(50, 2))
    table, pairs = annotation_overview(study_of(values, np.zeros(50, bool)))
    assert table["closest"].tolist() == ["", ""]
    assert pairs.isnull().all()
    table, pairs = annotation_overview(study_of(values[:, :1], np.ones(50, bool)))
    assert np.isnan(table["correlation"][0])
    assert pairs.shape == (1, 1)
