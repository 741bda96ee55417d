"""What a sweep over sizes says: per variant, and averaged over seeds."""

from typing import NamedTuple

import pandas as pd

from deepwas_app.core.objectives import OBJECTIVES
from deepwas_app.counting import counted
from deepwas_app.intervals import interval
from deepwas_app.workflow.results.evaluation import per_variant, seed_means
from deepwas_app.workflow.results.selection import choice, choice_line
from deepwas_app.workflow.runs.sweep import Sweep
from deepwas_app.workflow.tables import with_error


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
    verdict
        Whether larger models predict better, for people; one sentence an objective.
    chosen
        What choosing the best of the fits costs, for people; empty where it is not known.
    """

    fits: pd.DataFrame
    means: pd.DataFrame
    steps: pd.DataFrame
    truth: float | None
    verdict: list[str]
    chosen: str


def summary(found: Sweep) -> Summary:
    """A sweep as people look at it: per variant, and averaged over seeds."""
    variants = float(found.table["variants"].iloc[0])
    fits = per_variant(_labelled(found.table))
    differences = ("difference", "difference_se")
    steps = per_variant(_labelled(found.steps).assign(variants=variants), differences)
    verdict = size_verdicts(steps, int(found.table.attrs["blocks"]))
    truth = None if found.truth is None else 1e3 * found.truth / variants
    best = choice(found.runs)
    chosen = "" if best is None else choice_line(best)
    return Summary(fits, seed_means(fits), steps.drop(columns="variants"), truth, verdict, chosen)


def size_verdicts(steps: pd.DataFrame, blocks: int) -> list[str]:
    """Whether larger models predict better, in a sentence an objective.

    Parameters
    ----------
    steps
        Table ``steps`` with differences per variant.
    blocks
        LD blocks that were held out.
    """
    said = []
    for objective, part in steps.groupby("objective", sort=False):
        value, error = part["difference_per_variant"], part["difference_per_variant_se"]
        low, high = interval(value.to_numpy(float), error.to_numpy(float), blocks)
        words = [
            f"{size} over {over} by {with_error(gain, se, 2, sign=True)}"
            for size, over, gain, se in zip(part["size"], part["over"], value, error, strict=True)
        ]
        better = [w for w, clear in zip(words, low > 0, strict=True) if clear]
        worse = [w for w, clear in zip(words, high < 0, strict=True) if clear]
        found = [
            f"{name}: {'; '.join(some)}"
            for name, some in (("clearly better", better), ("clearly worse", worse))
            if some
        ]
        unclear = len(words) - len(better) - len(worse)
        if unclear:
            found.append(f"no clear difference at {unclear} of {counted(len(words), 'step')} up")
        said.append(f"{objective}: {'. '.join(found)}.")
    return said


def _labelled(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with objectives as people call them."""
    return rows.assign(objective=[OBJECTIVES[name].label for name in rows["objective"]])
