"""What choosing the best of several runs costs, and whether they can be compared."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from deepwas_app.workflow.results.selection import (
    choice,
    choice_line,
    gains_that_differ,
    optimism,
    trained_apart,
)

BLOCKS, STUDIES = 40, 100


def drawn(true, seed):
    """Gains of runs in blocks: a part that they share, and one of each."""
    rng = np.random.default_rng(seed)
    shared = rng.standard_normal(BLOCKS) * 3
    own = rng.standard_normal((len(true), BLOCKS)) * np.linspace(0.5, 1.5, len(true))[:, None]
    return np.asarray(true)[:, None] / BLOCKS + shared + own


def measured(true):
    """Mean optimism: estimated, and what it was."""
    true = np.asarray(true, float)
    estimated, realised = [], []
    for seed in range(STUDIES):
        gains = drawn(true, seed)
        total = gains.sum(axis=1)
        # The shared part is chance too; what it adds to all runs is not due to the choice.
        estimated.append(optimism(gains, seed))
        realised.append(total.max() - total.mean() - (true[total.argmax()] - true.mean()))
    return np.mean(estimated), np.mean(realised)


# Of two runs it is a fifth too small: how far equals lie apart is hardly known from one difference.
@pytest.mark.parametrize(("runs", "within"), [(2, 0.4), (8, 0.2), (30, 0.2)])
def test_optimism_among_equals_is_what_it_is(runs, within):
    estimated, realised = measured(np.full(runs, 20.0))
    assert estimated == pytest.approx(realised, rel=within)
    assert realised > 2


def test_a_clear_winner_costs_nothing():
    estimated, realised = measured([0.0, 0.0, 200.0])
    assert abs(estimated) < 0.5
    assert abs(realised) < 0.1 * 200


def test_runs_that_differ_a_little_cost_less_than_equals():
    estimated, realised = measured(np.linspace(0, 30, 8))
    equals, _ = measured(np.zeros(8))
    assert estimated < equals
    assert estimated == pytest.approx(realised, rel=0.35)


def test_one_run_or_block_is_no_choice():
    assert optimism(np.ones((1, 5))) == 0
    assert optimism(np.ones((3, 1))) == 0
    assert optimism(np.ones((3, 5))) == 0


def run(name, gains, validation=None, train=(0, 1), constant=10.0):
    gains = np.asarray(gains, float)
    blocks = pd.DataFrame({"constant_loss": constant, "loss": constant - gains})
    summary = {"gain": gains.sum(), "gain_se": 1.0, "validation_gain": validation}
    return SimpleNamespace(
        name=name,
        train_blocks=list(train),
        test_blocks=list(range(5, 5 + len(gains))),
        summary=summary,
        blocks=lambda: blocks,
    )


def test_the_choice_by_validation_stands_beside_the_best():
    runs = [run("a", [1, 2, 3], 7.0), run("b", [2, 2, 3], 5.0), run("c", [0, 0, 0])]
    found = choice(runs)
    assert (found.runs, found.best, found.chosen) == (3, "b", "a")
    assert (found.gain, found.chosen_gain) == (7, 6)
    assert "Chosen by validation: a, 6.0 ± 1.0 nats." in choice_line(found)
    none = choice([run("a", [1, 2, 3]), run("b", [2, 2, 3])])
    assert none.chosen is None
    assert "none of them has" in choice_line(none)
    assert choice(runs[:1]) is None


def test_runs_of_other_blocks_or_baselines_are_said_to_be():
    a, b = run("a", [1, 2, 3]), run("b", [2, 2, 3], train=(0, 2))
    assert trained_apart([a, a]) == gains_that_differ([a, a]) == []
    assert "trained" in trained_apart([a, b])[0]
    assert "a; b" in gains_that_differ([a, b])[0]
    assert choice([a, b]) is None
    shorter = run("c", [1, 2])
    assert "tested" in gains_that_differ([a, shorter])[0]
    old = run("old", [1, 2, 3], constant=11.0)
    assert "old" in gains_that_differ([old, a])[0]
    assert "another constant prior" in gains_that_differ([old, a])[0]
