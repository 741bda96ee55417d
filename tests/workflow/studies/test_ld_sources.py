"""Panels and studies from every LD source by their settings, and studies of windows."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from deepwas_app.cli import main
from deepwas_app.errors import InputError
from deepwas_app.genetics.builtin import data_dir
from deepwas_app.genetics.ld.panel import open_panel, read_factor
from deepwas_app.genetics.store import open_study_store, read_block
from deepwas_app.workflow.results.posterior import posterior
from deepwas_app.workflow.runs.batches import block_batches
from deepwas_app.workflow.runs.train import train
from deepwas_app.workflow.settings import (
    PanelSettings,
    SimulateSettings,
    StudySettings,
    TrainSettings,
)
from deepwas_app.workflow.studies.build import build_ld, build_study
from deepwas_app.workflow.studies.simulate import simulate
from tests.genetics.ld.sources import conftest as write

MB = write.MB


@pytest.fixture(scope="module")
def windows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A panel of three overlapping windows, 300 variants."""
    folder = tmp_path_factory.mktemp("windows")
    rng = np.random.default_rng(4)
    position = 16 * MB + 5_000 + 16_600 * np.arange(300)
    R = np.corrcoef(write.correlated_dosages(rng, 500, 300).T)
    table = write.variant_table(position)
    for start in (16, 17, 18):
        inside = np.flatnonzero((position > start * MB) & (position <= (start + 3) * MB))
        write.write_window(
            folder / "ukb",
            R[np.ix_(inside, inside)],
            table.iloc[inside],
            start * MB + 1,
            (start + 3) * MB + 1,
        )
    frame = table.assign(AF1=rng.uniform(0.1, 0.9, 300), BETA=rng.standard_normal(300), SE=1.0)
    P = 2 * norm.sf(frame["BETA"].abs())
    frame = frame.assign(N=10_000, P=P).rename(columns={"BP": "POS"})
    # The panel has no frequencies; the file lacks one variant, and another's frequency.
    frame.loc[7, "AF1"] = np.nan
    frame.drop(index=100).to_csv(folder / "gwas.fastGWA", sep="\t", index=False, na_rep="NA")
    settings = PanelSettings(ukbb=str(folder / "ukb"), variance=1.0, output=str(folder / "w"))
    build_ld(settings)
    return folder


@pytest.fixture(scope="module")
def window_study(windows: Path):
    settings = StudySettings(
        sumstats=str(windows / "gwas.fastGWA"),
        ld=str(windows / "w.ld.zarr"),
        variance=1.0,
        output=str(windows / "w"),
    )
    return open_study_store(build_study(settings))


def test_a_study_of_windows_scores_every_variant_once(window_study, windows: Path):
    study = window_study
    assert study.sizes["variants"] == 300
    scored, owner = study["variant_scored"].values, study["variant_block"].values
    assert scored.sum() == 299
    np.testing.assert_array_equal(study["block_scored"], np.bincount(owner[scored]))
    assert study["block_variants"].values.sum() > 400
    batches = block_batches(study, range(3), batch_blocks=1)
    counted = np.zeros(300, int)
    for batch in batches:
        b = int(batch.index[0])
        start, size = int(study["block_offset"].values[b]), int(study["block_variants"].values[b])
        counted[start : start + size] += np.asarray(batch.counted)[0, :size]
    np.testing.assert_array_equal(counted, scored)
    # x is white noise of the owned z-scores: as many components as they allow.
    panel = open_panel(windows / "w.ld.zarr")
    for b in range(3):
        data = read_block(study, b)
        start = int(study["block_offset"].values[b])
        rows = slice(start, start + data.sizes["variants"])
        mine = scored[rows] & (owner[rows] == b)
        W = read_factor(panel, b).astype(np.float64)
        Q, x = data["Q"].values.astype(np.float64), data["x"].values.astype(np.float64)
        np.testing.assert_allclose(Q @ Q[mine].T, W @ W[mine].T, atol=1e-4)
        z = study["variant_z"].values[rows][mine]
        np.testing.assert_allclose(Q[mine] @ x, z, atol=5e-3)


def test_frequencies_that_the_panel_lacks_are_those_of_the_gwas(window_study, windows: Path):
    given = pd.read_csv(windows / "gwas.fastGWA", sep="\t").set_index("SNP")["AF1"]
    p = window_study["variant_allele_frequency"].values
    np.testing.assert_allclose(p[0], given.iloc[0], rtol=1e-6)
    typical = np.nanmedian(np.minimum(given, 1 - given))
    np.testing.assert_allclose(p[[7, 100]], typical, rtol=1e-5)
    (note,) = window_study.attrs["annotation_notes"]
    assert note.startswith("The LD panel has no allele frequency of 300 variants")


def test_windows_are_trained_on_and_have_a_posterior_each(window_study, tmp_path: Path):
    settings = TrainSettings(prior="constant", test_chromosomes="none")
    run = train(window_study, settings, tmp_path / "w.run")
    result = posterior(window_study, run)
    assert np.isfinite(result["variant_posterior_mean"].values).all()
    assert run.summary["h2"] > 0


def test_a_simulation_on_windows_draws_every_variant_once(windows: Path, tmp_path: Path):
    settings = SimulateSettings(
        ld=str(windows / "w.ld.zarr"), annotations=4, output=str(tmp_path / "s")
    )
    study = open_study_store(simulate(settings))
    assert study.sizes["variants"] == 300
    assert np.isfinite(study["variant_z"].values).all()
    assert study["block_scored"].values.sum() == 300


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "no LD source: name PLINK genotypes with --bfile PREFIX, or another .* --dense"),
        ({"bfile": "a", "ukbb": "b"}, "several LD sources: --bfile and --ukbb. Name one"),
        ({"sbayesrc": "a", "blocks": "b.bed"}, "b.bed: --sbayesrc has LD blocks of its own"),
        ({"dense": ["a.npy"]}, "a.npy: no such file"),
        ({"pfile": "a"}, "a.pgen: no such file"),
        ({"ldgm": "a"}, "a: no such folder"),
    ],
)
def test_sources_that_do_not_fit_are_named(settings: dict, message: str, tmp_path: Path):
    with pytest.raises(InputError, match=message):
        build_ld(PanelSettings(output=str(tmp_path / "x"), **settings))
    assert list(tmp_path.iterdir()) == []


def test_the_build_of_the_source_is_that_of_the_panel(windows: Path, tmp_path: Path):
    assert open_panel(windows / "w.ld.zarr").attrs["genome_build"] == "hg19"
    settings = PanelSettings(ukbb=str(windows / "ukb"), build="hg38", output=str(tmp_path / "x"))
    with pytest.raises(InputError, match=r"ukb: is on hg19, not hg38\. Leave"):
        build_ld(settings)


def test_the_command_says_what_was_lost_and_clipped(tmp_path: Path, capsys):
    rng = np.random.default_rng(0)
    R = np.corrcoef(write.correlated_dosages(rng, 100, 60).T)
    R[0, 1] = R[1, 0] = -0.9
    path = write.write_dense(tmp_path, R, write.variant_table(np.arange(1, 61) * 100))
    words = ["ld", "--dense", str(path), "--people", "100", "-o", str(tmp_path / "d")]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "60  In the LD panel" in out
    assert "was not positive semi-definite" in out
    assert main(["info", str(tmp_path / "d.ld.zarr")]) == 0
    assert "people: 100" in capsys.readouterr().out


def test_cut_genotypes_keep_the_order_of_the_files(tmp_path: Path):
    genotypes = data_dir() / "height_chr22" / "genotypes"
    words = ["ld", "--bfile", str(genotypes), "--max-block", "1500", "--variance", "0.5"]
    assert main([*words, "-o", str(tmp_path / "cut")]) == 0
    panel = open_panel(tmp_path / "cut.ld.zarr")
    assert panel.sizes["variants"] == 15_938
    assert panel["block_variants"].values.max() <= 1_500
