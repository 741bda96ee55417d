"""Cross-fitting: each chromosome is judged by a prior that was not trained on it."""

import numpy as np
import pytest

import deepwas_app as dw
from deepwas_app.cli import main
from deepwas_app.workflow.runs.folds import fold_blocks, parts, provenance, seen
from deepwas_app.workflow.runs.heritability import prior_heritability
from deepwas_app.workflow.runs.run import open_run
from deepwas_app.workflow.runs.train import train
from deepwas_app.workflow.settings import TrainSettings


@pytest.fixture(scope="module")
def crossed(small_study, tmp_path_factory):
    path = tmp_path_factory.mktemp("folds") / "crossed.run"
    return train(small_study, TrainSettings(prior="linear", folds="chromosomes"), path)


def test_folds_hold_every_block_once_and_whole_chromosomes(small_study):
    chromosomes = small_study["block_chromosome"].values
    for folds, count in (("chromosomes", 2), ("5", 5)):
        found = fold_blocks(small_study, folds)
        assert len(found) == count
        assert sorted(np.concatenate(found)) == list(range(20))
        names = [set(chromosomes[blocks]) for blocks in found]
        assert sum(len(one) for one in names) == len(set.union(*names))
    odd, even = fold_blocks(small_study, "chromosomes")
    assert set(odd) == set(range(0, 20, 2))
    assert set(even) == set(range(1, 20, 2))


def test_one_chromosome_is_cut_into_stretches(height):
    first, second = fold_blocks(height, "chromosomes")
    assert first.max() < second.min()


@pytest.mark.parametrize("folds", ["1", "some", "500", "-2"])
def test_folds_that_there_cannot_be_are_one_line(small_study, folds):
    with pytest.raises(dw.InputError, match=f"folds {folds}: give chromosomes"):
        fold_blocks(small_study, folds)


def test_each_variant_has_the_prior_that_left_its_chromosome_out(small_study, crossed):
    v = dw.heritability(small_study, crossed)
    own = small_study["variant_block"].values
    used = []
    for fold, part in zip(crossed.folds, parts(small_study, crossed), strict=True):
        rows = np.flatnonzero(np.isin(own, fold.test_blocks))
        assert not set(fold.train_blocks) & set(fold.test_blocks)
        expected = prior_heritability(small_study, fold.model(), "fold", rows)
        np.testing.assert_allclose(v[rows], expected, rtol=1e-6)
        np.testing.assert_allclose(dw.heritability(small_study, crossed, rows), expected, rtol=1e-6)
        other = prior_heritability(small_study, crossed.model(), "all", rows)
        assert np.abs(np.log(v[rows] / other)).max() > 1e-3
        used.extend(part.blocks)
    assert sorted(used) == list(range(20))


def test_posterior_and_fine_mapping_use_it(small_study, crossed):
    """With the fold's own run, which is an ordinary one, they are the same at its chromosomes."""
    fold = crossed.folds[1]
    rows = np.isin(small_study["variant_block"].values, fold.test_blocks)
    ours, theirs = (
        dw.posterior(small_study, run, posterior="normal")["variant_posterior_mean"].values[rows]
        for run in (crossed, fold)
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
    block = fold.test_blocks[0]
    first = np.flatnonzero(small_study["variant_block"].values == block)
    position = small_study["variant_position"].values[first]
    chromosome = small_study["variant_chromosome"].values[first[0]]
    where = f"{chromosome}:{position[0]}-{position[-1]}"
    mapped = [dw.fine_map(small_study, run, where, causal=2.0) for run in (crossed, fold)]
    np.testing.assert_allclose(mapped[0].table["PIP"], mapped[1].table["PIP"], atol=1e-6)
    assert set(mapped[0].fits["PRIOR_TRAINED"]) == {"not trained on this locus"}
    variant = int(first[3])
    drivers = [dw.explain(small_study, run, variant)["ATTRIBUTION"] for run in (crossed, fold)]
    np.testing.assert_allclose(drivers[0], drivers[1], rtol=1e-5)


def test_a_run_says_where_its_prior_was_trained(small_study, small_runs, crossed):
    linear = small_runs.linear
    assert seen(linear, linear.train_blocks[:1]) == "trained on this locus"
    assert seen(linear, linear.test_blocks[:1]) == "not trained on this locus"
    assert seen(crossed, range(20)) == "not trained on this locus"
    assert "--folds" in provenance(small_study, linear)
    assert "2 folds" in provenance(small_study, crossed)


def test_a_fit_in_memory_has_no_folds(small_study):
    with pytest.raises(dw.InputError, match="Use train"):
        next(dw.fit(small_study, "linear", folds="2"))


def test_gain_of_folds_is_over_all_chromosomes(crossed):
    both = [fold.blocks() for fold in crossed.folds]
    gain = sum((table["constant_loss"] - table["loss"]).sum() for table in both)
    assert crossed.summary["folds"] == 2
    assert crossed.summary["fold_gain"] == pytest.approx(gain)
    assert crossed.summary["fold_gain_se"] > 0


def test_a_run_that_stopped_in_a_fold_goes_on(small_study, tmp_path):
    path = tmp_path / "r.run"
    settings = TrainSettings(prior="linear", folds="chromosomes")
    steps = train.steps(small_study, settings, path)
    for step in steps:
        if step.message.startswith("fold 2 of 2: pass 1"):
            steps.close()
            break
    assert not open_run(path).finished
    done = train(small_study, settings, path, resume=True)
    whole = train(small_study, settings, tmp_path / "whole.run")
    assert done.summary["fold_gain"] == pytest.approx(whole.summary["fold_gain"], rel=1e-5)


def test_the_command_takes_folds(small_study, tmp_path, capsys):
    study, path = small_study.attrs["path"], str(tmp_path / "c.run")
    assert main(["train", study, "--prior", "constant", "--folds", "2", "-o", path]) == 0
    assert "fold_gain" in capsys.readouterr().out
    assert main(["export", path, "--snpvar", str(tmp_path / "s.tsv")]) == 0
    assert "2 folds" in capsys.readouterr().err
    assert main(["train", study, "--folds", "x", "-o", str(tmp_path / "d.run")]) == 1
    assert "folds x" in capsys.readouterr().err
    assert not (tmp_path / "d.run").exists()
