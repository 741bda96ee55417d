"""Study pictures: the right elements, holding the right numbers."""

import holoviews as hv
import numpy as np
import pytest
import xarray as xr
from scipy.stats import norm

from deepwas_app.genetics.statistics import GENOME_WIDE
from deepwas_app.plots import manhattan
from deepwas_app.plots import study as pictures
from deepwas_app.plots.correlations import correlations
from deepwas_app.plots.quantiles import qq


def test_thinning_keeps_extremes_and_one_point_per_cell():
    rng = np.random.default_rng(1)
    x, y = rng.random(50_000), rng.exponential(size=50_000)
    y[123] = 40.0
    kept = manhattan.thin(x, y, (50, 20))
    assert 123 in kept
    assert len(kept) <= 50 * 20
    assert len(np.unique(kept)) == len(kept)
    assert len(manhattan.thin(np.zeros(0), np.zeros(0))) == 0


def test_many_variants_are_as_many_points_as_a_notebook_can_bear(study: xr.Dataset):
    rng = np.random.default_rng(2)
    count = 300_000
    z = rng.normal(size=count)
    z[77_777] = 9.0
    many = xr.Dataset(
        {
            "variant_z": ("variants", z),
            "variant_id": ("variants", np.arange(count).astype(str)),
            "variant_chromosome": ("variants", np.repeat(["1", "2"], count // 2)),
            "variant_position": ("variants", np.tile(np.arange(1, count // 2 + 1) * 1000, 2)),
        }
    )
    table = manhattan.manhattan_table(many)
    assert 0.5 * manhattan.MOST_POINTS < len(table) <= manhattan.MOST_POINTS
    assert table.loc[table["minus_log10_p"].idxmax(), "variant"] == "77777"
    # All along the axis, but for the gap between the chromosomes.
    assert table.groupby((table["x"] // 15).astype(int)).size().min() > 50


def test_overlays_of_overlays_keep_size_and_labels(study: xr.Dataset):
    drawn = manhattan.manhattan(study)
    alone = hv.render(drawn)
    for several in (drawn * hv.HLine(3), hv.HLine(3) * drawn, drawn * manhattan.manhattan(study)):
        figure = hv.render(several)
        for part in ("height", "sizing_mode", "min_width"):
            assert getattr(figure, part) == getattr(alone, part)
        for axis in ("xaxis", "yaxis"):
            assert getattr(figure, axis)[0].axis_label == getattr(alone, axis)[0].axis_label
        assert figure.y_range.end == alone.y_range.end
        assert figure.toolbar.autohide
    # What is drawn alone has one set of options.
    assert len(alone.renderers) == 2


def test_manhattan_places_chromosomes_end_to_end(study: xr.Dataset):
    table = manhattan.manhattan_table(study)
    left = table[table["chromosome"] == "21"]
    right = table[table["chromosome"] == "22"]
    assert left["x"].max() < right["x"].min()
    assert left["colour"].unique().tolist() != right["colour"].unique().tolist()
    assert "rs5" not in set(table["variant"]), "an unscored variant is drawn"
    assert table.loc[table["minus_log10_p"].idxmax(), "variant"] == "rs90"
    figure = manhattan.manhattan(study)
    line, points = list(figure)
    assert line.data == GENOME_WIDE
    assert len(points) == len(table)
    hv.render(figure)


def test_manhattan_of_one_chromosome_is_in_megabases(study: xr.Dataset):
    one = study.isel(variants=study["variant_chromosome"].values == "22")
    x, ticks = manhattan.genome_axis(one)
    np.testing.assert_allclose(x, one["variant_position"].values / 1e6)
    assert ticks == []


def test_z_histogram_is_a_density_beside_the_normal(study: xr.Dataset):
    bars, null = list(pictures.z_histogram(study))
    edges, density = bars.edges, bars.dimension_values(1)
    assert (np.diff(edges) * density).sum() == pytest.approx(1.0)
    assert null.dimension_values(1).max() == pytest.approx(norm.pdf(0))


def test_waterfall_adds_up(study: xr.Dataset):
    table = pictures.waterfall_table(study)
    assert table["kind"].tolist() == ["in", "loss", "loss", "note", "out"]
    losses = table[table["kind"] == "loss"]
    assert losses["start"].tolist() == [365, 359]
    assert losses["stop"].tolist() == [400, 365]
    assert losses["start"].iloc[-1] == table["variants"].iloc[-1]
    assert losses["text"].tolist() == ["−35", "−6"]
    hv.render(pictures.alignment_waterfall(study))


def test_waterfall_without_a_report_is_empty(study: xr.Dataset):
    study.attrs["alignment"] = []
    assert pictures.waterfall_table(study).empty


def test_residual_spectrum_has_intervals():
    spectrum = xr.Dataset(
        {
            "eigenvalue": ("bins", np.geomspace(0.01, 10, 5)),
            "observed": ("bins", np.arange(1.0, 6.0)),
            "observed_se": ("bins", np.full(5, 0.5)),
            "expected": ("bins", np.arange(1.0, 6.0) + 0.1),
        }
    )
    expected, bars, points = list(pictures.residual_spectrum(spectrum))
    assert isinstance(expected, hv.Curve)
    np.testing.assert_allclose(
        bars.dimension_values("high") - bars.dimension_values("low"), 1.959964
    )
    assert len(points) == 5


def test_p_values_are_compared_by_frequency_class(study: xr.Dataset):
    rng = np.random.default_rng(2)
    count = study.sizes["variants"]
    p = rng.choice([0.005, 0.03, 0.3, 0.97, 0.5, np.nan], count)
    z = np.where(p == 0.03, 2.0, 1.0) * rng.normal(size=count)
    z[:3] = np.nan
    drawn = qq(study.assign(variant_allele_frequency=("variants", p), variant_z=("variants", z)))
    points = [layer for layer in drawn if isinstance(layer, hv.Points)]
    shown = {layer.label.split(":")[0]: layer for layer in points}
    assert list(shown) == ["MAF 5% and more", "MAF 1 to 5%", "MAF below 1%", "MAF unknown"]
    low = (np.minimum(p, 1 - p) < 0.05) & (p > 0.01) & np.isfinite(z)
    expected = np.median(z[low] ** 2) / 0.45493642
    assert shown["MAF 1 to 5%"].label.endswith(f"λ {expected:.3f}")
    (band,) = (layer.data for layer in drawn if isinstance(layer, hv.Area))
    assert ((band["low"] < band["expected"]) & (band["expected"] < band["high"])).all()
    hv.render(drawn)


def test_p_values_of_no_variant_are_an_empty_figure(study: xr.Dataset):
    none = np.full(study.sizes["variants"], np.nan)
    hv.render(qq(study.assign(variant_z=("variants", none))))


@pytest.mark.parametrize("count", [1, 5, 80])
def test_correlations_of_few_and_many_annotations(count):
    names = [f"annotation {i}" for i in range(count)]
    values = np.eye(count)
    # One that does not vary.
    values[:1, :] = np.nan if count > 1 else 1.0
    found = xr.DataArray(values, {"annotation": names, "other": names}, ("annotation", "other"))
    drawn = hv.render(correlations(found))
    ticks = getattr(drawn.xaxis[0].ticker, "ticks", [])
    assert len(ticks) == (count if count <= 60 else 0)
