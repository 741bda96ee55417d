"""Two runs compared on the LD blocks that both held out."""

from dataclasses import replace

import numpy as np
import pytest

from deepwas_app.core.jackknife import jackknife_sum
from deepwas_app.errors import InputError
from deepwas_app.workflow.compare import compare, comparison_text
from deepwas_app.workflow.results import run_heritability


def test_against_the_constant_run_it_is_the_gain(small_study, small_runs):
    table = compare(small_study, small_runs.linear, small_runs.constant)
    whole = table.iloc[0]
    assert whole["SCOPE"] == "all"
    assert whole["BLOCKS"] == 5
    # The baseline in the run is fitted by the same steps as the constant run.
    assert whole["DIFFERENCE"] == pytest.approx(small_runs.linear.summary["gain"], abs=0.02)
    assert whole["DIFFERENCE_SE"] == pytest.approx(small_runs.linear.summary["gain_se"], rel=0.02)
    assert whole["PER_VARIANT"] == pytest.approx(1e3 * whole["DIFFERENCE"] / whole["VARIANTS"])


def test_parts_add_up_and_the_most_changed_block_comes_first(small_study, small_runs):
    table = compare(small_study, small_runs.mlp, small_runs.linear)
    whole = table.iloc[0]
    for scope in ("chromosome", "block"):
        part = table[table["SCOPE"] == scope]
        for column in ("DIFFERENCE", "VARIANTS", "H2_FIRST", "H2_SECOND", "BLOCKS"):
            assert part[column].sum() == pytest.approx(whole[column])
    blocks = table[table["SCOPE"] == "block"]
    assert (np.diff(blocks["DIFFERENCE"].abs()) <= 0).all()
    ours, theirs = (run.blocks().set_index("block") for run in (small_runs.mlp, small_runs.linear))
    expected = (theirs["loss"] - ours["loss"])[blocks["BLOCK"]]
    np.testing.assert_allclose(blocks["DIFFERENCE"], expected)
    assert whole["DIFFERENCE_SE"] == pytest.approx(jackknife_sum(expected.to_numpy()).error)
    v = run_heritability(small_study, small_runs.mlp)
    inside = np.isin(small_study["variant_block"].values, blocks["BLOCK"].astype(int))
    assert whole["H2_FIRST"] == pytest.approx(v[inside].sum())


def test_order_turns_the_sign(small_study, small_runs):
    there = compare(small_study, small_runs.mlp, small_runs.linear)
    back = compare(small_study, small_runs.linear, small_runs.mlp)
    np.testing.assert_allclose(there["DIFFERENCE"], -back["DIFFERENCE"])
    assert comparison_text(there).splitlines()[1].startswith("all\tall\tNA\tNA\tNA\t5\t")


def test_blocks_that_one_run_was_trained_on_do_not_count(small_study, small_runs):
    other = replace(small_runs.mlp, train_blocks=[*small_runs.mlp.train_blocks, 1, 5])
    table = compare(small_study, other, small_runs.linear)
    assert table.iloc[0]["BLOCKS"] == 3
    everywhere = replace(small_runs.mlp, train_blocks=list(range(20)))
    with pytest.raises(InputError, match="no held-out LD block in common"):
        compare(small_study, everywhere, small_runs.linear)


def test_unfinished_run_and_other_study_are_one_line(small_study, small_runs, height):
    with pytest.raises(InputError, match="is not finished"):
        compare(small_study, replace(small_runs.mlp, summary={}), small_runs.linear)
    with pytest.raises(InputError, match="trained on another study"):
        compare(height, small_runs.mlp, small_runs.linear)
