"""Pictures of annotation effects beside other things, of fifths, and of responses."""

import holoviews as hv
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from deepwas_app.intervals import interval
from deepwas_app.plots import annotations, forest, response
from deepwas_app.workflow.results.annotation_effects import strongest_annotations


def points(overlay: hv.Overlay) -> pd.DataFrame:
    return pd.concat([layer.data for layer in overlay if isinstance(layer, hv.Points)])


def test_enrichment_intervals_are_those_of_the_effects(effects: dict[str, xr.Dataset]):
    table = forest.forest_table(effects, "enrichment")
    np.testing.assert_allclose(table["low"], table["value"] * 0.8)
    np.testing.assert_allclose(table["high"], table["value"] * 1.3)


def test_one_wide_interval_does_not_hide_the_others(effects: dict[str, xr.Dataset]):
    effects["linear"]["enrichment_high"][0] = 500.0
    figure = hv.render(annotations.enrichment_forest(effects))
    largest = max(float(e["enrichment"].max()) for e in effects.values())
    assert largest < figure.x_range.end < 100


def test_the_strongest_are_chosen_by_their_z_scores(effects: dict[str, xr.Dataset]):
    effects["linear"]["partial_effect"][:] = [0.1, -3.0, 0.2]
    effects["mlp"]["partial_effect"][:] = [0.1, 0.0, -1.0]
    assert strongest_annotations(effects, "partial_effect")[:2] == ["enhancer", "TSS distance"]
    effects["linear"]["enrichment"][:2] = [1.0, 1.1]
    effects["mlp"]["enrichment"][:2] = [1.0, 1.0]
    assert strongest_annotations(effects, "enrichment") == ["enhancer", "coding"]
    shown = points(annotations.effect_forest(effects, names=["coding"]))
    assert set(shown["annotation"]) == {"coding"}


def test_effects_alone_are_drawn_beside_where_there_are_any(effects: dict[str, xr.Dataset]):
    plain = points(annotations.effect_forest(effects))
    alone = {
        "marginal": ("annotations", np.arange(3.0)),
        "marginal_se": ("annotations", np.ones(3)),
    }
    beside = {**effects, "linear": effects["linear"].assign(alone)}
    figure = annotations.effect_forest(beside)
    more = points(figure)
    assert len(more) == len(plain) + 3
    assert set(more["value"].iloc[:3]) == {0.0, 1.0, 2.0}
    hv.render(figure)


def test_shifted_annotations_are_a_bar_around_one(effects: dict[str, xr.Dataset]):
    null = {"shift_enrichment_se": ("annotations", np.array([0.5, 0.25, np.nan]))}
    figure = annotations.enrichment_forest({"linear": effects["linear"].assign(null)})
    (bars,) = [e for e in figure if isinstance(e, hv.Segments) and "half" in e.data]
    found = bars.data.set_index("annotation")
    assert found.loc["coding", "low"] == pytest.approx(interval(1.0, 0.5)[0])
    assert found.loc["enhancer", "high"] == pytest.approx(interval(1.0, 0.25)[1])
    hv.render(figure)


def test_long_names_lose_their_middle():
    name = "Enhancers of foetal adrenal gland, H3K27ac, from Roadmap (extended by 500 bp)"
    cut = forest.short(name)
    assert len(cut) <= forest.LONGEST
    assert cut.startswith("Enhancers of")
    assert cut.endswith("500 bp)")
    assert forest.short("Exon") == "Exon"


def test_fifths_of_a_continuous_annotation(effects: dict[str, xr.Dataset]):
    table = annotations.fifths_table(effects, "TSS distance")
    assert table["run"].tolist() == ["linear"] * 5 + ["mlp"] * 5
    assert table["quantile"].tolist() == [1, 2, 3, 4, 5] * 2
    np.testing.assert_allclose(table["high"], table["value"] * 1.3)
    effects["mlp"]["quantile_enrichment"][2, 1] = np.nan
    table = annotations.fifths_table(effects, "TSS distance")
    assert table["quantile"].tolist() == [1, 2, 3, 4, 5, 1, 3, 4, 5]
    hv.render(annotations.quantile_enrichment(effects, "TSS distance"))


def curve(kind: str, band: bool) -> xr.Dataset:
    value = np.array([0.0, 1.0]) if kind == "binary" else np.linspace(-2, 2, 7)
    low, high = (value - 0.5, value + 0.5) if band else (value * np.nan, value * np.nan)
    names = dict(zip(("value", "effect", "low", "high"), (value, value, low, high), strict=True))
    data = {name: ("points", values) for name, values in names.items()}
    return xr.Dataset(data, attrs={"annotation": "enhancer", "kind": kind})


@pytest.mark.parametrize("kind", ["binary", "continuous"])
@pytest.mark.parametrize("band", [True, False])
def test_response_of_one_annotation(kind, band):
    figure = response.response_figure({"linear": curve(kind, band), "mlp": curve(kind, band)})
    kinds = [type(layer) for layer in figure]
    assert kinds.count(hv.Curve) == (0 if kind == "binary" else 2)
    shaded = hv.Segments if kind == "binary" else hv.Area
    assert kinds.count(shaded) == (2 if band else 0)
    hv.render(figure)


def surface(first: str, second: str) -> xr.Dataset:
    grids = [
        np.array([0.0, 1.0]) if kind == "binary" else np.linspace(-1, 1, 5)
        for kind in (first, second)
    ]
    effect = np.add.outer(*grids)
    both = ("first", "second")
    return xr.Dataset(
        {
            "first_value": ("first", grids[0]),
            "second_value": ("second", grids[1]),
            "effect": (both, effect),
            "low": (both, effect - 1),
            "high": (both, effect + 1),
            "interaction": (both, 0 * effect),
        },
        attrs={"first": "coding", "second": "TSS distance", "kinds": [first, second]},
    )


@pytest.mark.parametrize("order", [("binary", "continuous"), ("continuous", "binary")])
def test_a_binary_annotation_has_a_line_for_each_value(order):
    found = surface(*order)
    figure = response.surface_lines(found)
    lines = [layer for layer in figure if type(layer) is hv.Curve]
    name = found.attrs["first" if order[0] == "binary" else "second"]
    assert [line.label for line in lines] == [f"{name} = 0", f"{name} = 1"]
    one, two = (line.dimension_values("effect") for line in lines)
    np.testing.assert_allclose(two - one, 1.0)
    hv.render(figure)


def test_two_binary_annotations_are_four_points():
    figure = response.surface_lines(surface("binary", "binary"))
    assert len(points(figure)) == 4
    hv.render(figure)


def test_two_continuous_annotations_are_a_map():
    found = surface("continuous", "continuous")
    figure = response.surface_map(found, "effect")
    assert figure[0.9, -0.9] == pytest.approx(0.0)
    assert figure[0.9, 0.9] == pytest.approx(2.0)
    hv.render(figure)
    hv.render(response.surface_map(found, "interaction"))
