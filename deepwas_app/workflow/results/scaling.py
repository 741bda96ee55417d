"""What a sweep over sizes says: per variant, and averaged over seeds."""

from typing import NamedTuple

import pandas as pd

from deepwas_app.core.objectives import OBJECTIVES
from deepwas_app.workflow.results.evaluation import per_variant, seed_means
from deepwas_app.workflow.results.selection import choice, choice_line
from deepwas_app.workflow.runs.sweep import Sweep


class Summary(NamedTuple):
    """What a sweep says, in milli-nats per held-out variant, objectives by their labels.

    Attributes
    ----------
    fits, steps
        As in :class:`Sweep`.
    means
        Means over seeds with their 95% intervals, from ``seed_means``.
    truth
        Gain of the true prior, where it is known.
    chosen
        What choosing the best of the fits costs, for people; empty where it is not known.
    """

    fits: pd.DataFrame
    means: pd.DataFrame
    steps: pd.DataFrame
    truth: float | None
    chosen: str


def summary(found: Sweep) -> Summary:
    """A sweep as people look at it: per variant, and averaged over seeds."""
    variants = float(found.table["variants"].iloc[0])
    fits = per_variant(_labelled(found.table))
    differences = ("difference", "difference_se")
    steps = per_variant(_labelled(found.steps).assign(variants=variants), differences)
    truth = None if found.truth is None else 1e3 * found.truth / variants
    best = choice(found.runs)
    chosen = "" if best is None else choice_line(best)
    return Summary(fits, seed_means(fits), steps.drop(columns="variants"), truth, chosen)


def _labelled(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with objectives as people call them."""
    return rows.assign(objective=[OBJECTIVES[name].label for name in rows["objective"]])
