"""Whether gains of runs may be set side by side, and what choosing the best of them costs."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from deepwas_app.workflow.runs.fitted import Fitted

# Constant priors whose held-out losses differ by more than this, in nats, are not the same.
_ALIKE = 0.5
_DRAWS = 4_000


def trained_apart(runs: Sequence[Fitted]) -> list[str]:
    """What to say of runs that were not trained on the same LD blocks; else nothing."""
    apart = _groups(runs, "train_blocks")
    return [f"not trained on the same LD blocks, which is a difference too: {apart}"] * bool(apart)


def _groups(runs: Sequence[Fitted], blocks: str) -> str:
    """Names of runs, those with the same blocks together; empty where all have the same."""
    groups: dict[tuple[int, ...], list[str]] = {}
    for run in runs:
        groups.setdefault(tuple(sorted(getattr(run, blocks))), []).append(run.name)
    return "; ".join(", ".join(names) for names in groups.values()) if len(groups) > 1 else ""


def gains_that_differ(runs: Sequence[Fitted]) -> list[str]:
    """What to say of finished runs whose gains cannot be set side by side; nothing if they can.

    Parameters
    ----------
    runs
        Finished ones, of one study.
    """
    said = trained_apart(runs)
    apart = _groups(runs, "test_blocks")
    if apart:
        said.append(f"not tested on the same LD blocks, so that gains cannot be compared: {apart}")
    if said or len(runs) < 2:
        return said
    constant = np.array([run.blocks()["constant_loss"].sum() for run in runs])
    other = [
        run.name
        for run, off in zip(runs, abs(constant - constant[-1]), strict=True)
        if off > _ALIKE
    ]
    if other:
        said.append(
            f"gains of {', '.join(other)} are over another constant prior than those of "
            f"{runs[-1].name}: train again what was trained before version 0.2.0"
        )
    return said


class Choice(NamedTuple):
    """The best of several runs, by test and by validation; gains in nats.

    Attributes
    ----------
    runs
        How many there are to choose from.
    best, gain
        Which has the largest held-out gain, and that gain.
    optimism
        By how much that gain is too large, because it is the largest.
    chosen, chosen_gain, chosen_gain_se
        Which predicts the validation blocks best, and its held-out gain, to which the choice has
        added nothing; None where no run has any.
    """

    runs: int
    best: str
    gain: float
    optimism: float
    chosen: str | None = None
    chosen_gain: float | None = None
    chosen_gain_se: float | None = None


def choice(runs: Sequence[Fitted]) -> Choice | None:
    """What choosing among runs costs; None for fewer than two, and for those not comparable.

    Parameters
    ----------
    runs
        Finished ones, of one study.
    """
    runs = [run for run in runs if run.test_blocks]
    if len(runs) < 2 or gains_that_differ(runs):
        return None
    tables = [run.blocks() for run in runs]
    gains = np.array([(t["constant_loss"] - t["loss"]).to_numpy() for t in tables])
    total = gains.sum(axis=1)
    best = int(np.argmax(total))
    validated = [run for run in runs if run.summary.get("validation_gain") is not None]
    chosen = max(validated, key=lambda run: run.summary["validation_gain"], default=None)
    found = Choice(len(runs), runs[best].name, float(total[best]), optimism(gains))
    if chosen is None:
        return found
    own = chosen.summary
    return found._replace(
        chosen=chosen.name, chosen_gain=own["gain"], chosen_gain_se=own["gain_se"]
    )


def choice_line(found: Choice) -> str:
    """What :func:`choice` found, for people."""
    line = (
        f"Best of {found.runs} by held-out gain: {found.best}, {found.gain:.1f} nats, of which "
        f"about {found.optimism:.1f} are due to the choice itself. "
    )
    if found.chosen is None or found.chosen_gain is None:
        return line + "Choose by validation chromosomes, which none of them has, to have none."
    error = "" if found.chosen_gain_se is None else f" ± {found.chosen_gain_se:.1f}"
    return line + f"Chosen by validation: {found.chosen}, {found.chosen_gain:.1f}{error} nats."


def optimism(gains: Float[np.ndarray, "runs blocks"], seed: int = 0) -> float:
    """How much too large the largest of several gains is expected to be, in nats.

    Parameters
    ----------
    gains
        Held-out gain of every run in every LD block, nats.
    seed
        Of the draws.

    Notes
    -----
    With other held-out blocks the gains of the runs would be t + e, e ~ Normal(0, C), C their
    covariance over blocks; the largest is too large by E[e_k], k = argmax t + e. The true gains t
    are not known: those that were seen lie further apart, by what C adds, and are drawn together to
    their mean by as much (James & Stein 1961). Runs that are equally good are then taken to be so,
    and a run that is clearly the best costs nothing to choose. Of two equal runs it says about a
    fifth too little.
    """
    runs, blocks = gains.shape
    if runs < 2 or blocks < 2:
        return 0.0
    total = gains.sum(axis=1)
    off = (gains - gains.mean(axis=1, keepdims=True)) * np.sqrt(blocks / (blocks - 1))
    apart = off - off.mean(axis=0)
    noise, seen = (apart**2).sum() / (runs - 1), total.var(ddof=1)
    kept = max(0.0, 1 - noise / seen) if seen > 0 else 0.0
    true = total.mean() + kept * (total - total.mean())
    # What all runs share does not decide which is the best.
    errors = np.random.default_rng(seed).standard_normal((_DRAWS, blocks)) @ apart.T
    best = np.argmax(true + errors, axis=1)
    # Never below 0, but for the draws.
    return max(0.0, float(errors[np.arange(_DRAWS), best].mean()))
