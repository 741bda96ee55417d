"""Simulated studies: reproducible, and true to their settings."""

import numpy as np
import pytest

from deepwas_app.errors import InputError
from deepwas_app.genetics.store import open_study_store, read_block
from deepwas_app.workflow.runs.batches import block_slice
from deepwas_app.workflow.settings import PanelSettings, SimulateSettings
from deepwas_app.workflow.studies.build import build_ld
from deepwas_app.workflow.studies.simulate import simulate

TINY = {"variants": 600, "chromosomes": 3, "people": 60, "annotations": 5}


def made(folder, name, **settings):
    output = str(folder / name)
    return open_study_store(simulate(SimulateSettings(output=output, **settings)))


def test_the_same_settings_give_the_same_study(tmp_path):
    first, again = (made(tmp_path, name, seed=5, **TINY) for name in "ab")
    other = made(tmp_path, "c", seed=6, **TINY)
    assert first.attrs["content_hash"] == again.attrs["content_hash"]
    assert first.attrs["content_hash"] != other.attrs["content_hash"]
    for name in ("variant_z", "variant_true_effect", "variant_position", "variant_ld_score"):
        np.testing.assert_array_equal(first[name], again[name])
    # LD is another one too, not only the z-scores.
    assert not np.array_equal(first["variant_ld_score"], other["variant_ld_score"])


def test_sizes_and_truth(small_study):
    assert dict(small_study.sizes) == {"variants": 6_000, "annotations": 9, "blocks": 20}
    assert small_study["block_chromosome"].values.tolist() == [str(c) for c in range(1, 21)]
    assert small_study["annotation_kind"].values.tolist() == ["binary"] * 4 + ["continuous"] * 5
    assert small_study.attrs["title"] == "Small"
    v = small_study["variant_true_heritability"].values.astype(np.float64)
    assert (v > 0).all()
    assert v.sum() == pytest.approx(0.3, rel=1e-5)
    b = small_study["variant_true_effect"].values
    # 6,000 squared standard normals: their mean has a standard error of 1.8%.
    assert np.mean(b**2 / (500_000 * v)) == pytest.approx(1.0, abs=0.08)


def residuals(study) -> np.ndarray:
    """x - Q^T b of all components, in units of their noise."""
    effects = study["variant_true_effect"].values.astype(np.float64)
    found = []
    for b in range(study.sizes["blocks"]):
        block = read_block(study, b)
        rest = block["x"].values - block["Q"].values.T @ effects[block_slice(study, b)]
        found.append(rest / np.sqrt(block["noise"].values))
    return np.concatenate(found)


def test_z_scores_are_the_effects_through_ld_with_unit_noise(tmp_path):
    """x - Q^T b is white where LD is exact: of the components of a block, and of nothing else."""
    many = {"variants": 6_000, "chromosomes": 20, "people": 200, "annotations": 4}
    noise = residuals(made(tmp_path, "exact", panel_people=0, **many))
    assert len(noise) > 1_500
    assert noise.std() == pytest.approx(1.0, abs=0.08)
    assert abs(noise.mean()) < 0.1


@pytest.mark.parametrize("truth", ["constant", "linear", "interactions"])
def test_truths(truth, tmp_path):
    study = made(tmp_path, truth, truth=truth, h2=0.1, **TINY)
    v = study["variant_true_heritability"].values.astype(np.float64)
    p = study["variant_allele_frequency"].values.astype(np.float64)
    log_f = np.log(v) - 0.7 * np.log(p * (1 - p))
    design = np.column_stack([np.ones(len(v)), study["variant_annotation"].values])
    residual = log_f - design @ np.linalg.lstsq(design, log_f)[0]
    assert v.sum() == pytest.approx(0.1, rel=1e-5)
    assert (log_f.std() < 1e-5) == (truth == "constant")
    assert (residual.std() > 0.1) == (truth == "interactions")


@pytest.fixture(scope="module")
def panel(tmp_path_factory) -> str:
    """LD panel of two blocks of the built-in genotypes."""
    from deepwas_app.genetics.builtin import data_dir

    folder = tmp_path_factory.mktemp("panel")
    blocks = folder / "two.bed"
    lines = (data_dir() / "height_chr22" / "blocks.bed").read_text().splitlines()
    blocks.write_text("\n".join([lines[0], *lines[2:4]]) + "\n")
    settings = PanelSettings(
        bfile=str(data_dir() / "height_chr22" / "genotypes"),
        blocks=str(blocks),
        output=str(folder / "two"),
    )
    return str(build_ld(settings))


def test_simulation_on_a_panel_keeps_its_variants(panel, tmp_path):
    from deepwas_app.genetics.ld.panel import open_panel, read_factor

    drawn = {"ld": panel, "truth": "linear", "annotations": 4, "h2": 0.01}
    study = made(tmp_path, "on-panel", **drawn, panel_people=0)
    source = open_panel(panel)
    assert study.sizes["variants"] == source.sizes["variants"] > 500
    for name in ("variant_id", "variant_position", "variant_effect_allele", "block_start"):
        np.testing.assert_array_equal(study[name], source[name])
    assert study["variant_true_heritability"].values.sum() == pytest.approx(0.01, rel=1e-4)
    # A panel that was cut at 99% is not cut again.
    kept = [read_factor(source, block).shape[1] for block in range(2)]
    assert study["block_components"].values.tolist() == kept
    other = made(tmp_path, "other-people", **drawn, panel_people=150)
    assert other.attrs["ld_people"] == 150
    assert max(other["block_components"].values) < 150
    np.testing.assert_array_equal(other["variant_true_effect"], study["variant_true_effect"])
    np.testing.assert_array_equal(other["variant_z"], study["variant_z"])
    eigenvalues = [read_block(each, 0)["eigenvalues"].values for each in (other, study)]
    assert eigenvalues[0][0] != eigenvalues[1][0]
    assert np.isfinite(other["variant_z"]).all()


def test_z_scores_do_not_fit_the_ld_of_other_people_exactly(tmp_path):
    """The rest of a panel's LD adds to their noise; the LD panel has people of its own."""
    study = made(tmp_path, "other", variants=2_000, chromosomes=5, people=200, panel_people=300)
    assert study.attrs["ld_people"] == 300
    assert residuals(study).std() > 1.1


def test_missing_panel_or_output_is_bad_input(tmp_path):
    with pytest.raises(InputError, match=r"no.ld.zarr: no such panel"):
        simulate(SimulateSettings(ld=str(tmp_path / "no.ld.zarr"), output="x"))
    with pytest.raises(InputError, match="no output"):
        simulate(SimulateSettings())


def test_cancelled_simulation_leaves_nothing(tmp_path):
    job = simulate.steps(SimulateSettings(output=str(tmp_path / "s"), **TINY))
    while next(job).fraction < 0.7:
        pass
    job.close()
    assert list(tmp_path.iterdir()) == []


def test_progress_grows_to_one(tmp_path):
    job = simulate.steps(SimulateSettings(output=str(tmp_path / "s"), **TINY))
    steps = list(job)
    fractions = [step.fraction for step in steps]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1.0)
    assert all(step.message for step in steps)


def test_a_study_lends_its_ld_and_annotations_to_a_known_truth(small_study, tmp_path):
    """Its variants, annotations, N and LD are the same; z-scores are of the truth."""
    settings = {"study": small_study.attrs["path"], "truth": "threshold", "h2": 0.4}
    found = made(tmp_path, "semi", panel_people=0, **settings)
    for name in ("variant_id", "variant_annotation", "annotation", "variant_sample_size"):
        np.testing.assert_array_equal(found[name], small_study[name])
    assert not np.allclose(found["variant_z"], small_study["variant_z"])
    v = found["variant_true_heritability"].values.astype(np.float64)
    assert v.sum() == pytest.approx(0.4, rel=1e-5)
    p = found["variant_allele_frequency"].values.astype(np.float64)
    f = np.round(np.log(v) - 0.7 * np.log(p * (1 - p)), 3)
    low, high = np.unique(f)
    assert high - low == pytest.approx(np.log(20), abs=2e-3)
    assert (f == high).mean() == pytest.approx(0.1, abs=0.001)
    noise = residuals(found)
    assert np.mean(noise**2) == pytest.approx(1.0, abs=4 * np.sqrt(2 / len(noise)))
    block = read_block(found, 3)
    own = read_block(small_study, 3)
    # Cut at 99% of the variance a second time.
    R, expected = (part["Q"].values @ part["Q"].values.T for part in (block, own))
    np.testing.assert_allclose(R, expected, atol=0.06)


def test_sample_sizes_of_a_study_may_be_others_and_two_sources_are_one_line(small_study, tmp_path):
    path = small_study.attrs["path"]
    assert (made(tmp_path, "n", study=path, n=1_000)["variant_sample_size"].values == 1_000).all()
    with pytest.raises(InputError, match="Give one of them"):
        made(tmp_path, "both", study=path, ld="panel.ld.zarr")
