"""Values of annotations that are far out."""

import numpy as np
import xarray as xr

from deepwas_app.genetics.annotation.outliers import (
    outlier_notes,
    outlying,
    outlying_annotations,
    winsorise_annotations,
)


def study(**columns) -> xr.Dataset:
    kinds = ["binary" if np.isin(v, (0, 1)).all() else "continuous" for v in columns.values()]
    return xr.Dataset(
        {
            "variant_annotation": (
                ("variants", "annotations"),
                np.stack(list(columns.values()), axis=1).astype(np.float32),
            ),
            "annotation_kind": ("annotations", np.array(kinds)),
        },
        coords={"annotation": ("annotations", np.array(list(columns)))},
    )


def test_a_value_that_decides_alone_is_found_and_heavy_tails_are_not():
    rng = np.random.default_rng(0)
    normal = rng.normal(size=20_000)
    # A thousandth of 20,000 variants are twenty.
    for far, found in ((1, True), (39, True), (41, False)):
        values = normal.copy()
        values[:far] = -1e9
        assert outlying(values) is found
    assert not outlying(normal)
    assert not outlying(np.exp(normal))
    assert not outlying(np.zeros(0))
    assert not outlying(np.ones(10))
    assert not outlying(np.arange(100.0))
    assert outlying(np.r_[np.arange(100.0), 1e9])


def test_sets_of_few_variants_are_not_far_out():
    few = np.zeros(20_000)
    few[3] = 1
    far = 1.0 * few
    far[3] = 7
    given = study(few=few, far=far)
    assert outlying_annotations(given).tolist() == [False, True]
    (note,) = outlier_notes(given)
    assert note.startswith("far: 0.1% of the variants")
    assert "--winsorise" in note


def test_winsorised_values_end_at_the_quantiles():
    rng = np.random.default_rng(1)
    values = rng.normal(size=10_000)
    values[7] = 1e9
    rare = np.zeros(10_000)
    rare[:3] = [2, 3, 4]
    given = study(values=values, set=rng.integers(0, 2, 10_000), rare=rare)
    before = given["variant_annotation"].values.copy()
    notes = winsorise_annotations(given, 0.01)
    after = given["variant_annotation"].values
    low, high = np.quantile(before[:, 0], [0.01, 0.99])
    np.testing.assert_allclose([after[:, 0].min(), after[:, 0].max()], [low, high], rtol=1e-6)
    inside = (before[:, 0] > low) & (before[:, 0] < high)
    np.testing.assert_array_equal(after[inside, 0], before[inside, 0])
    np.testing.assert_array_equal(after[:, 1:], before[:, 1:])
    assert notes[0].startswith("values: 200 values winsorised to -2.")
    assert notes[1] == "rare: not winsorised, its quantiles there are the same."
    assert not outlying(after[:, 0])
