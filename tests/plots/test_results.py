"""Pictures of training, annotations and scaling."""

from types import SimpleNamespace

import holoviews as hv
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from bokeh.models import HoverTool

from deepwas_app.plots import annotations, forest, scaling, train
from deepwas_app.workflow.results.evaluation import per_variant, seed_means


@pytest.fixture
def metrics() -> dict[str, pd.DataFrame]:
    table = pd.DataFrame(
        {"step": [1, 2, 3], "train_loss": [3.0, 2.0, 1.5], "held_out_gain": [None, 0.001, 0.002]}
    )
    return {"mlp": table, "linear": table}


def test_held_out_gain_is_in_milli_nats(metrics):
    figure = train.held_out_gain(metrics)
    curves = [layer for layer in figure if isinstance(layer, hv.Curve)]
    assert [curve.label for curve in curves] == ["mlp", "linear"]
    np.testing.assert_allclose(curves[0].dimension_values("milli"), [1.0, 2.0])
    hv.render(figure)


def test_held_out_gain_has_intervals_where_errors_are_known(metrics):
    known = metrics["mlp"].assign(held_out_gain_se=[None, 0.001, 0.002])
    # By Student's t: errors of 15 LD blocks are themselves rough.
    known.attrs["blocks"] = 15
    figure = train.held_out_gain({"mlp": known, "old": metrics["mlp"]})
    known, unknown = (layer.data for layer in figure if isinstance(layer, hv.Segments))
    np.testing.assert_allclose(
        known["high"] - known["low"], 2 * 2.144787 * np.array([1.0, 2.0]), rtol=1e-6
    )
    assert unknown.empty
    points = next(layer for layer in figure if isinstance(layer, hv.Points))
    hover = hv.render(points).select_one(HoverTool)
    # Bokeh looks for the formatter of a field as HoloViews spells it.
    assert hover.formatters["@{milli}"] == "printf"
    tooltips = dict(hover.tooltips)
    assert tooltips["Run"] == "@{run}"
    assert tooltips["Gain (10⁻³ nats/variant)"] == "@{milli}{%.4g}"


def step(number: int, epoch: int, loss: float, gain: float | None = None) -> SimpleNamespace:
    return SimpleNamespace(
        step=number,
        epoch=epoch,
        train_loss=loss,
        held_out_gain=gain,
        held_out_gain_se=1e-4,
        test_blocks=range(15),
    )


def test_live_curves_show_the_mean_loss_of_each_pass():
    live = train.LiveCurves()
    live.extend([step(0, 0, float("nan")), step(1, 1, 4.0), step(2, 1, 2.0, 0.001)])
    live.extend([step(3, 2, 2.0)])
    live.extend([step(4, 2, 1.0, 0.003), step(5, 3, 1.0)])
    assert live.loss_source.data["step"] == [2, 4]
    assert live.loss_source.data["value"] == [3.0, 1.5]
    assert live.gain_source.data["value"] == pytest.approx([1.0, 3.0])
    assert live.gain_source.data["high"][0] == pytest.approx(1.0 + 0.2144787)
    live.clear()
    assert live.loss_source.data["step"] == []


def test_live_curves_without_held_out_blocks_still_show_the_loss():
    live = train.LiveCurves()
    live.extend([step(1, 1, 4.0), step(2, 1, 2.0), step(3, 2, 1.0)])
    assert live.loss_source.data["value"] == [3.0]


def test_effect_forest_orders_by_size_and_has_intervals(effects: dict[str, xr.Dataset]):
    for effect in effects.values():
        effect.attrs["blocks"] = 15
    table = forest.forest_table(effects, "coefficient")
    np.testing.assert_allclose(table["high"] - table["low"], 2 * 2.144787 * 0.2, rtol=1e-6)
    mean = table.groupby("annotation")["value"].mean()
    rows = table.groupby("annotation")["row"].first()
    assert rows.sort_values().index.tolist() == mean.sort_values().index.tolist()
    hv.render(annotations.effect_forest(effects))


def test_runs_keep_their_colour_where_one_has_no_coefficients(effects: dict[str, xr.Dataset]):
    effects["linear"]["coefficient"][:] = np.nan
    joint = forest.forest_table(effects, "coefficient")
    both = forest.forest_table(effects, "enrichment")
    assert set(joint["run"]) == {"mlp"}
    assert set(joint["colour"]) == set(both.loc[both["run"] == "mlp", "colour"])


def test_enrichment_leaves_out_continuous_annotations(effects: dict[str, xr.Dataset]):
    table = forest.forest_table(effects, "enrichment")
    assert set(table["annotation"]) == {"coding", "enhancer"}
    line = next(layer for layer in annotations.enrichment_forest(effects))
    assert line.data == 1.0


def test_scaling_is_per_variant_and_averages_seeds():
    sweep = pd.DataFrame(
        {
            "objective": ["likelihood"] * 3,
            "parameters": [10, 100, 100],
            "variants": [1000] * 3,
            "gain": [1.0, 2.0, 4.0],
            "gain_se": [0.1, 0.1, 0.1],
        }
    )
    fits = per_variant(sweep)
    summary = seed_means(fits)
    assert summary["gain_per_variant"].tolist() == pytest.approx([1.0, 3.0])
    assert summary["seeds"].tolist() == [1, 2]
    assert summary["gain_per_variant_se"].tolist() == pytest.approx([0.1, 1.0])
    hv.render(scaling.scaling_curve(fits, summary, 2.5))
