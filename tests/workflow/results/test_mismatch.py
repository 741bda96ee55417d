"""LD mismatch: blocks that fit are left in peace, and what is broken is found and named."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from deepwas_app.cli import main
from deepwas_app.core import whiten
from deepwas_app.core.mismatch import check_pairs
from deepwas_app.genetics.store import BLOCK_ARRAYS, open_study_store, read_block, write_study
from deepwas_app.workflow.results.mismatch import check, checked
from deepwas_app.workflow.runs.batches import block_slice
from deepwas_app.workflow.studies.ld_fit import ld_fit


@pytest.fixture
def broken(small_study: xr.Dataset, tmp_path: Path) -> Callable[[np.ndarray], xr.Dataset]:
    """A function that whitens the small study anew with other z-scores."""

    def make(z: np.ndarray) -> xr.Dataset:
        def blocks():
            for b in range(small_study.sizes["blocks"]):
                Q = read_block(small_study, b)["Q"].values
                block = whiten(Q, z[block_slice(small_study, b)], variance=1.0)
                yield {k: np.asarray(getattr(block, k)) for k in BLOCK_ARRAYS}

        names = ("block_scored", "block_components")
        variants = (
            small_study.load().drop_vars(names).assign(variant_z=("variants", z.astype(np.float32)))
        )
        write_study(tmp_path / "b.study.zarr", variants, blocks(), small_study.attrs)
        return open_study_store(tmp_path / "b.study.zarr")

    return make


def hit_with_company(study: xr.Dataset) -> tuple[int, int]:
    """Block and row of a strong hit with at least two variants in strong LD."""
    z = study["variant_z"].values
    for b in range(study.sizes["blocks"]):
        where = block_slice(study, b)
        Q = read_block(study, b)["Q"].values
        company = (np.abs(Q @ Q.T) > 0.97).sum(axis=1) - 1
        good = (np.abs(z[where]) > 8) & (company >= 2)
        if good.any():
            return b, where.start + int(np.flatnonzero(good)[0])
    raise AssertionError("the small study has no such hit")


def test_a_study_that_fits_is_left_in_peace(small_study: xr.Dataset):
    table = check(small_study)
    assert table["block"].tolist() == list(range(20))
    assert not table["flagged"].any()
    assert (table["advice"] == "").all()
    assert (table["strong_pairs"] > 0).any()
    assert (table["discordant_pairs"] == 0).all()
    assert table["spectrum_ratio"].median() == pytest.approx(1, abs=0.3)
    implied = table["implied_n_ratio"].dropna()
    assert len(implied) > 3
    assert implied.between(0.9, 1.1).all()


def test_a_flipped_allele_is_found(small_study: xr.Dataset, broken):
    block, row = hit_with_company(small_study)
    z = small_study["variant_z"].values.copy()
    z[row] = -z[row]
    table = check(broken(z)).set_index("block")
    name = small_study["variant_id"].values[row]
    assert table.index[table["flagged"]].tolist() == [block]
    assert table.loc[block, "suspects"] == name
    assert table.loc[block, "advice"].startswith(f"Check the alleles of {name}")


def test_a_smaller_sample_is_found(small_study: xr.Dataset, broken):
    block, row = hit_with_company(small_study)
    z = small_study["variant_z"].values.copy()
    z[row] *= np.sqrt(0.2)
    table = check(broken(z)).set_index("block")
    assert table.loc[block, "suspects"] == small_study["variant_id"].values[row]
    assert table.loc[block, "implied_n_ratio"] == pytest.approx(0.2, rel=0.3)
    assert "of the stated N: give N per variant" in table.loc[block, "advice"]


def test_a_block_of_other_ld_is_found(small_study: xr.Dataset, broken, small_runs):
    where = block_slice(small_study, 7)
    z = small_study["variant_z"].values.copy()
    z[where] = np.random.default_rng(0).permutation(z[where])
    study = broken(z)
    table = check(study).set_index("block")
    assert table.index[table["flagged"]].tolist() == [7]
    assert table.loc[7, "spectrum_z"] > 4
    start, stop = table.loc[7, ["start", "stop"]]
    assert f"leave out the region 8:{start}-{stop}" in table.loc[7, "advice"]
    assert "panel of the GWAS's ancestry" in table.loc[7, "advice"]


def test_where_no_block_is_right_all_are_flagged_though_they_are_alike(
    small_study: xr.Dataset, broken, tmp_path: Path, capsys
):
    z = np.random.default_rng(0).permutation(small_study["variant_z"].values)
    study = broken(z)
    table = check(study)
    assert table["flagged"].all()
    assert (table["share_ratio"] < 0.75).all()
    # None is far from the typical one.
    assert (table["spectrum_z"] < 4).all()
    far = table["suspects"] == ""
    assert table["advice"][far].str.contains("nor is that of the study as a whole").all()
    path, said = study.attrs["path"], "The LD of this study is not that of its GWAS"
    assert main(["check", path]) == 0
    seen = capsys.readouterr().err.splitlines()
    assert seen[0].startswith(said)
    assert "20 of 20 LD blocks do not fit" in seen[1]
    run = str(tmp_path / "constant.run")
    assert main(["train", path, "--prior", "constant", "-o", run]) == 0
    assert f"warning: {said}" in capsys.readouterr().err


def test_the_study_as_a_whole_is_judged_along_with_its_blocks(small_study: xr.Dataset):
    found = checked(small_study)
    alone = ld_fit(small_study)
    assert found.whole.message == alone.message
    np.testing.assert_allclose(found.whole[1:4], alone[1:4], rtol=1e-5)


def test_the_model_of_a_run_may_be_asked(small_study: xr.Dataset, small_runs):
    table = check(small_study, small_runs.linear)
    assert not table["flagged"].any()
    # It expects more where it has found more: another ratio than under the constant model.
    default = check(small_study)
    assert np.abs(table["spectrum_ratio"] - default["spectrum_ratio"]).max() > 0.01


def test_pairs_by_hand():
    Q = np.array([[1, 0], [0.99, np.sqrt(1 - 0.99**2)], [0, 1]])
    clean = check_pairs(Q, np.array([9.0, 8.9, 0.3]))
    assert clean.strong.tolist() == [1, 1, 0]
    assert clean.discordant.tolist() == [0, 0, 0]
    np.testing.assert_allclose(clean.n_ratio[1], (8.9 / (0.99 * 9)) ** 2)
    assert np.isnan(clean.n_ratio[2])
    assert clean.partner.tolist() == [1, 0, -1]
    flipped = check_pairs(Q, np.array([9.0, -8.9, 0.3]))
    assert flipped.discordant.tolist() == [1, 1, 0]
    assert flipped.statistic > 1000
    assert set(flipped.worst) == {0, 1}


def test_the_command_prints_a_table_or_json(small_study: xr.Dataset, broken, capsys):
    path = small_study.attrs["path"]
    assert main(["check", path]) == 0
    seen = capsys.readouterr()
    first, second, *_ = seen.err.splitlines()
    assert first.startswith("The LD of this study as a whole fits its GWAS")
    assert "0 of 20 LD blocks do not fit the GWAS" in second
    assert len(seen.out.splitlines()) == 1
    assert main(["check", path, "--all", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["ld"]["flagged"], told["ld"]["message"]) == (False, first)
    rows = told["blocks"]
    assert len(rows) == 20
    assert rows[0]["flagged"] is False


def test_the_command_gives_ld_score_regression_too(small_study: xr.Dataset, small_runs, capsys):
    run = small_runs.constant
    assert main(["check", small_study.attrs["path"], "--run", str(run.path), "--json"]) == 0
    seen = capsys.readouterr()
    found = json.loads(seen.out)
    assert found["blocks"] == []
    assert found["ldsc"]["run"] == run.name
    assert found["ldsc"]["run_h2"] == pytest.approx(run.summary["h2"])
    assert found["ldsc"]["variants"] == 6_000
    assert f"LD score regression: h2 {found['ldsc']['h2']:.4f} ± " in seen.err
    assert f"{run.name}: h2 {run.summary['h2']:.4f}" in seen.err
