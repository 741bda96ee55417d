"""Response curves and surfaces: of ensembles, with bands, with tracks, from the command."""

import json
import shutil

import numpy as np
import pandas as pd
import pybigtools
import pytest
from scipy.stats import t

from deepwas_app.cli import main
from deepwas_app.errors import InputError
from deepwas_app.workflow.results.annotation_effects import annotation_effects
from deepwas_app.workflow.results.response import (
    JACKKNIFE,
    NO_BAND,
    RESPONSE,
    SEEDS,
    interaction_surface,
    response_curve,
    response_table,
    seed_ensemble,
)
from deepwas_app.workflow.runs.run import write_record
from deepwas_app.workflow.runs.train import train
from deepwas_app.workflow.settings import TrainSettings
from deepwas_app.workflow.studies.builtin import open_study
from deepwas_app.workflow.studies.track_store import build_tracks

SMALL = {"prior": "mlp", "width": 8, "depth": 1, "epochs": 3}


@pytest.fixture(scope="module")
def seeds(small_study, small_runs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("seeds")
    more = [
        train(small_study, TrainSettings(**SMALL, seed=seed), folder / f"s{seed}.run")
        for seed in (1, 2)
    ]
    return [small_runs.mlp, *more]


def test_curve_of_a_linear_prior_is_its_coefficient_with_its_interval(small_study, small_runs):
    run = small_runs.linear
    found = response_curve(small_study, [run], "Continuous 2", points=9)
    effects = annotation_effects(small_study, run)
    column = small_study["annotation"].values.tolist().index("Continuous 2")
    slope, error = (float(effects[n][column]) for n in ("unit_coefficient", "unit_coefficient_se"))
    mean = small_study["variant_annotation"].values[:, column].mean()
    away = found["value"].values - mean
    np.testing.assert_allclose(found["effect"], slope * away, atol=0.02)
    np.testing.assert_allclose(
        found["high"] - found["low"], 2 * t.ppf(0.975, 14) * error * np.abs(away), atol=0.02
    )
    assert found.attrs["band"] == JACKKNIFE
    known = response_curve(small_study, [run], "Continuous 2", points=9, effects=effects)
    xr_equal = [np.array_equal(known[name], found[name]) for name in ("effect", "low", "high")]
    assert all(xr_equal)


def test_band_of_an_ensemble_is_its_range(small_study, seeds):
    found = response_curve(small_study, seeds, "Binary 1")
    assert found["value"].values.tolist() == [0.0, 1.0]
    each = np.array([response_curve(small_study, [r], "Binary 1")["effect"].values for r in seeds])
    np.testing.assert_allclose(found["effect"], each.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(found["low"], each.min(axis=0), atol=1e-6)
    np.testing.assert_allclose(found["high"], each.max(axis=0), atol=1e-6)
    assert (found["low"] < found["high"]).all()
    assert found.attrs["band"] == SEEDS
    single = response_curve(small_study, seeds[:1], "Binary 1")
    assert single.attrs["band"] == NO_BAND
    assert np.isnan(single["low"].values).all()


def test_ensembles_are_found_among_other_runs(small_study, small_runs, seeds, tmp_path):
    other = train(small_study, TrainSettings(**SMALL | {"width": 4}), tmp_path / "w.run")
    split = TrainSettings(**SMALL, test_chromosomes="2")
    moved = train(small_study, split, tmp_path / "m.run")
    everything = [small_runs.linear, other, seeds[2], moved, *seeds[:2]]
    assert seed_ensemble(seeds[1], everything) == seeds
    assert seed_ensemble(small_runs.linear, everything) == [small_runs.linear]
    with pytest.raises(InputError, match=r"w\.run: differs from .* in width"):
        response_curve(small_study, [seeds[0], other], "Binary 1")


def test_interaction_is_what_is_left_beside_the_effects_alone(small_study, small_runs, seeds):
    names = ("Binary 1", "Continuous 1")
    linear = interaction_surface(small_study, [small_runs.linear], *names, points=5)
    assert linear["effect"].shape == (2, 5)
    np.testing.assert_allclose(linear["interaction"], 0, atol=1e-4)
    assert (linear["low"] < linear["high"]).all()
    mlp = interaction_surface(small_study, seeds, *names, points=5)
    one, two = (response_curve(small_study, seeds, name, points=5)["effect"] for name in names)
    expected = mlp["effect"].values - one.values[:, None] - two.values[None, :]
    np.testing.assert_allclose(mlp["interaction"], expected, atol=1e-5)
    assert np.abs(mlp["interaction"]).max() > 3e-4


def test_what_a_network_learned_is_recovered(small_study, seeds):
    """The truth is log-linear: curves of the active annotations rise or fall as it does."""
    v = small_study["variant_true_heritability"].values.astype(float)
    p = small_study["variant_allele_frequency"].values.astype(float)
    a = small_study["variant_annotation"].values.astype(float)
    log_f = np.log(v) - 0.7 * np.log(p * (1 - p))
    design = np.column_stack([np.ones(len(v)), (a - a.mean(axis=0)) / a.std(axis=0)])
    truth = np.linalg.lstsq(design, log_f, rcond=None)[0][1:]
    slopes = []
    for name in small_study["annotation"].values:
        curve = response_curve(small_study, seeds, str(name), points=9)
        column = small_study["annotation"].values.tolist().index(name)
        slope = np.polyfit(curve["value"].values, curve["effect"].values, 1)[0]
        slopes.append(slope * a[:, column].std())
    active = np.abs(truth) > 0.1
    assert active.sum() == 3
    assert (np.sign(np.array(slopes)[active]) == np.sign(truth[active])).all()
    assert np.corrcoef(slopes, truth)[0, 1] > 0.75


@pytest.fixture(scope="module")
def with_tracks(small_study, tmp_path_factory):
    """A copy of the small study with a track beside it: 8 bases of one signal."""
    folder = tmp_path_factory.mktemp("tracks")
    path = folder / "small.study.zarr"
    shutil.copytree(small_study.attrs["path"], path)
    study = open_study(path)
    chromosome = study["variant_chromosome"].values
    position = study["variant_position"].values.astype(int)
    lengths = {f"chr{c}": int(position[chromosome == c].max()) + 100 for c in set(chromosome)}
    signal = study["variant_annotation"].values[:, -1].astype(float)
    order = np.lexsort((position, chromosome))
    spans = (
        (f"chr{chromosome[i]}", int(position[i]) - 1, int(position[i]), float(signal[i]))
        for i in order
    )
    file = str(folder / "signal.bw")
    pybigtools.open(file, "w").write(lengths, spans)
    build_tracks(path, [file], 8)
    return study


def test_a_transformer_is_read_with_its_tracks_as_they_are(with_tracks, tmp_path):
    settings = TrainSettings(prior="transformer", width=8, depth=1, epochs=2, seed=1)
    run = train(with_tracks, settings, tmp_path / "t.run")
    assert run.tracks == 1
    effects = annotation_effects(with_tracks, run)
    assert np.isfinite(effects["partial_effect"].values).all()
    curve = response_curve(with_tracks, [run], "Continuous 1", points=3)
    from deepwas_app.workflow.runs.run_batches import spread_variants

    annotations, tracks = spread_variants(with_tracks, run, 4_000)
    assert tracks.shape == (len(annotations), 8, 1)
    prior = run.model().prior
    column = with_tracks["annotation"].values.tolist().index("Continuous 1")
    base = np.asarray(prior(annotations, tracks), np.float64).mean()
    for value, effect in zip(curve["value"].values, curve["effect"].values, strict=True):
        moved = annotations.copy()
        moved[:, column] = value
        expected = np.asarray(prior(moved, tracks), np.float64).mean() - base
        assert effect == pytest.approx(expected, abs=1e-5)
    # At their mean, tracks would give something else.
    assert abs(base - np.asarray(prior(annotations), np.float64).mean()) > 1e-5


def test_command_and_functions_give_the_same_bytes(small_study, small_runs, seeds, tmp_path):
    out = tmp_path / "r.tsv"
    runs = [str(run.path) for run in seeds]
    assert main(["response", *runs, "--annotation", "Continuous 1", "-o", str(out)]) == 0
    found = response_curve(small_study, seeds, "Continuous 1")
    assert out.read_text() == RESPONSE.text(response_table(found))
    table = pd.read_csv(out, sep="\t")
    assert list(table) == ["ANNOTATION", "VALUE", "EFFECT", "LOW", "HIGH", "BAND", "RUNS"]
    assert table["RUNS"].unique().tolist() == [3]
    words = ["--annotation", "Binary 1", "--by", "Continuous 1", "--points", "3"]
    assert main(["response", str(small_runs.linear.path), *words, "-o", str(out)]) == 0
    table = pd.read_csv(out, sep="\t")
    assert len(table) == 6
    assert table["BY_VALUE"].nunique() == 3
    assert np.abs(table["INTERACTION"]).max() < 1e-4


def test_bad_input_is_one_line(small_study, small_runs, seeds, tmp_path, capsys):
    foreign = tmp_path / "foreign.run"
    shutil.copytree(small_runs.mlp.path, foreign)
    record = json.loads((foreign / "run.json").read_text())
    record["study"] |= {"path": "other.study.zarr", "content_hash": "0" * 64}
    write_record(foreign, record)
    first, linear = str(seeds[0].path), str(small_runs.linear.path)
    ask = ["--annotation", "Binary 1"]
    for words, message in (
        ([first, "--annotation", "Binry 1"], "no annotation Binry 1. It has Binary 1"),
        ([first, *ask, "--by", "Age"], "no annotation Age"),
        ([first, *ask, "--by", "Binary 1"], "named twice"),
        ([first, linear, *ask], "differs from"),
        ([first, str(foreign), *ask], "trained on another study"),
        ([first, "nowhere.run", *ask], "nowhere.run: not a run folder"),
        ([first, *ask, "--points", "1"], "--points 1: give a whole number, 2 to 1000 points"),
    ):
        assert main(["response", *words]) == 1
        printed = capsys.readouterr()
        (line,) = printed.err.strip().splitlines()
        assert line.startswith("deepwas: ")
        assert message in line
        assert printed.out == ""
    with pytest.raises(InputError, match="at least one"):
        response_curve(small_study, [], "Binary 1")
