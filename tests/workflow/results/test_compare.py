"""Two runs compared on the LD blocks that both held out."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from deepwas_app.core.jackknife import jackknife_sum
from deepwas_app.errors import InputError
from deepwas_app.workflow.results.compare import COMPARISON, compare, difference_line
from deepwas_app.workflow.results.heritability import run_heritability


def test_against_the_constant_run_it_is_the_gain(small_study, small_runs):
    table = compare(small_study, small_runs.linear, small_runs.constant)
    whole = table.iloc[0]
    assert whole["SCOPE"] == "all"
    assert whole["BLOCKS"] == 5
    # The baseline in the run is fitted by the same steps as the constant run.
    assert whole["DIFFERENCE_NATS"] == pytest.approx(small_runs.linear.summary["gain"], abs=0.02)
    assert whole["DIFFERENCE_NATS_SE"] == pytest.approx(
        small_runs.linear.summary["gain_se"], rel=0.02
    )
    assert whole["MILLINATS_PER_VARIANT"] == pytest.approx(
        1e3 * whole["DIFFERENCE_NATS"] / whole["VARIANTS"]
    )


def test_parts_add_up_and_the_most_changed_block_comes_first(small_study, small_runs):
    table = compare(small_study, small_runs.mlp, small_runs.linear)
    whole = table.iloc[0]
    for scope in ("chromosome", "block"):
        part = table[table["SCOPE"] == scope]
        for column in ("DIFFERENCE_NATS", "VARIANTS", "H2_FIRST", "H2_SECOND", "BLOCKS"):
            assert part[column].sum() == pytest.approx(whole[column])
    blocks = table[table["SCOPE"] == "block"]
    assert (np.diff(blocks["DIFFERENCE_NATS"].abs()) <= 0).all()
    ours, theirs = (run.blocks().set_index("block") for run in (small_runs.mlp, small_runs.linear))
    expected = (theirs["loss"] - ours["loss"])[blocks["BLOCK"]]
    np.testing.assert_allclose(blocks["DIFFERENCE_NATS"], expected)
    assert whole["DIFFERENCE_NATS_SE"] == pytest.approx(jackknife_sum(expected.to_numpy()).error)
    v = run_heritability(small_study, small_runs.mlp)
    inside = np.isin(small_study["variant_block"].values, blocks["BLOCK"].astype(int))
    assert whole["H2_FIRST"] == pytest.approx(v[inside].sum())


def test_order_turns_the_sign(small_study, small_runs):
    there = compare(small_study, small_runs.mlp, small_runs.linear)
    back = compare(small_study, small_runs.linear, small_runs.mlp)
    np.testing.assert_allclose(there["DIFFERENCE_NATS"], -back["DIFFERENCE_NATS"])
    assert COMPARISON.text(there).splitlines()[1].startswith("all\tall\tNA\tNA\tNA\t5\t")


def test_lead_variants_are_named(small_study, small_runs):
    table = compare(small_study, small_runs.mlp, small_runs.linear)
    z = np.abs(small_study["variant_z"].values)
    for row in table[table["SCOPE"] == "block"].itertuples():
        inside = small_study["variant_block"].values == row.BLOCK
        lead = small_study["variant_id"].values == row.LEAD_SNP
        assert z[lead].item() == z[inside].max()
    assert table[table["SCOPE"] != "block"]["LEAD_SNP"].isna().all()


@pytest.mark.parametrize(
    ("difference", "error", "blocks", "line"),
    [
        (
            12.0,
            3.0,
            5,
            "A predicts better than B: by 12.00 ± 3.00 nats on 5 held-out LD blocks (1,500 "
            "variants), which is 8 ± 2 thousandths of a nat per variant.",
        ),
        (-12.0, 3.0, 5, "B predicts better than A: by 12.00 ± 3.00 nats"),
        # Twice its error is not much of a difference with four degrees of freedom.
        (6.5, 3.0, 5, "No clear difference: A over B is +6.50"),
        (6.5, 3.0, 50, "A predicts better than B: by 6.50 ± 3.00 nats on 50 held-out"),
        (2.0, 3.0, 5, "No clear difference: A over B is +2.00 ± 3.00 nats on 5 held-out"),
        (0.0, 0.0, 5, "No clear difference: A over B is +0.00"),
        (2.0, np.nan, 1, "A over B: +2.00 nats on one held-out LD block, too few for a standard"),
    ],
)
def test_a_difference_is_one_sentence(difference, error, blocks, line):
    whole = {
        "DIFFERENCE_NATS": difference,
        "DIFFERENCE_NATS_SE": error,
        "MILLINATS_PER_VARIANT": difference / 1.5,
        "MILLINATS_PER_VARIANT_SE": error / 1.5,
        "BLOCKS": blocks,
        "VARIANTS": 1500,
    }
    assert difference_line(pd.DataFrame([whole]), "A", "B").startswith(line)


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
