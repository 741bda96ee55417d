"""What drives one variant's prior, from the command line and for priors that read tracks."""

import io
from types import SimpleNamespace

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from deepwas_app.cli import main
from deepwas_app.core.priors import Standardisation, make_prior
from deepwas_app.workflow.results import interpret


def test_explain_of_a_linear_prior_is_its_coefficients(small_study, small_runs, capsys):
    run = small_runs.linear
    name = str(small_study["variant_id"].values[123])
    assert main(["explain", str(run.path), "--variant", name]) == 0
    printed = capsys.readouterr()
    table = pd.read_csv(io.StringIO(printed.out), sep="\t")
    assert list(table) == [
        *["SNP", "CHR", "BP", "A1", "A2"],
        *["INPUT", "KIND", "VALUE", "MEAN", "ATTRIBUTION", "FOLD"],
    ]
    prior = run.model().prior
    values = small_study["variant_annotation"].values[123]
    exact = np.asarray(prior.coefficients * prior.standardise(jnp.asarray(values)))
    exact = pd.Series(exact, small_study["annotation"].values.astype(str))
    np.testing.assert_allclose(table["ATTRIBUTION"], exact[table["INPUT"]], rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(table["FOLD"], np.exp(table["ATTRIBUTION"]), rtol=1e-3)
    assert f"most of it by {table['INPUT'][0]}" in printed.err


def test_tracks_are_among_the_drivers(small_study, small_runs, monkeypatch):
    """A transformer that reads two tracks of eight positions."""
    rng = np.random.default_rng(2)
    standardise = small_runs.linear.model().prior.standardise
    prior = make_prior(
        "transformer",
        standardise,
        level=-10.0,
        width=8,
        depth=1,
        window=8,
        standardise_tracks=Standardisation(jnp.array([0.5, 2.0]), jnp.ones(2)),
    )
    # Its last layer starts at zero.
    weight = jnp.asarray(rng.standard_normal((1, 8)), jnp.float32)
    prior = eqx.tree_at(lambda p: p.network.head.weight, prior, weight)
    windows = rng.gamma(2.0, size=(300, 8, 2)).astype(np.float32)
    monkeypatch.setattr(interpret, "block_tracks", lambda study, block: windows)
    beside = xr.Dataset(
        {"track_mean": ("tracks", [10.0, 0.0]), "track_sd": ("tracks", [2.0, 1.0])},
        coords={"track": ("tracks", ["DNase", "H3K27ac"])},
    )
    monkeypatch.setattr(interpret, "open_study_tracks", lambda study: beside)
    run = SimpleNamespace(
        folds=[],
        model=lambda: SimpleNamespace(prior=prior),
        train_blocks=small_runs.linear.train_blocks,
        check_study=lambda study: None,
    )
    row = int(small_study["block_offset"].values[4]) + 7
    table = interpret.variant_drivers(small_study, run, row)
    assert len(table) == small_study.sizes["annotations"] + 2
    tracks = table[table["KIND"] == "track"].set_index("INPUT")
    # Shown in the units of the files.
    assert tracks.loc["DNase", "VALUE"] == pytest.approx(10 + 2 * windows[7, :, 0].mean())
    assert tracks.loc["DNase", "MEAN"] == 11.0
    assert tracks.loc["H3K27ac", "MEAN"] == 2.0
    values = small_study["variant_annotation"].values[row][None]
    mean = np.asarray(interpret.standardisation(small_study, run.train_blocks).mean)
    base = np.broadcast_to(np.array([0.5, 2.0], np.float32), (1, 8, 2))
    expected = float(prior(values, windows[7][None])[0] - prior(mean[None], base)[0])
    assert table["ATTRIBUTION"].sum() == pytest.approx(expected, abs=1e-3)
    assert abs(expected) > 1e-3


def test_an_unknown_variant_is_one_line(small_runs, capsys):
    assert main(["explain", str(small_runs.linear.path), "--variant", "rs0"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "no variant rs0" in printed.err
    assert len(printed.err.strip().splitlines()) == 1
