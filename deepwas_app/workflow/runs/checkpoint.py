"""What a fit goes on from, and what it has found so far."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import xarray as xr

from deepwas_app.core.fit import FitState
from deepwas_app.core.jackknife import Estimate, jackknife_sum
from deepwas_app.core.priors import ConstantPrior, Model


class Checkpoint(eqx.Module):
    """What a run goes on from, and what it knew at that moment.

    Attributes
    ----------
    state
        Model, optimiser state and step.
    baseline
        The constant prior fitted on the same training blocks.
    losses, constant_losses
        Held-out negative log-likelihood in nats of `best` and of the baseline, (blocks,), NaN for
        blocks not held out.
    best
        The model of the epoch that predicted the validation chromosomes best; the latest one where
        there are none.
    best_loss, best_epoch
        Its validation loss in nats a variant, and when that was.
    """

    state: FitState
    baseline: Model
    losses: np.ndarray
    constant_losses: np.ndarray
    best: Model
    best_loss: np.ndarray
    best_epoch: np.ndarray


def without_fixed(tree: Any) -> Any:
    """What is kept of models on disk: all but an alpha that is fixed, which is a setting."""

    def kept(node: Any) -> Any:
        if not isinstance(node, Model) or node.learn_alpha:
            return node
        return eqx.tree_at(lambda m: m.alpha, node, None, is_leaf=lambda leaf: leaf is None)

    return jax.tree.map(kept, tree, is_leaf=lambda node: isinstance(node, Model))


def blank_checkpoint(state: FitState, blocks: int) -> Checkpoint:
    """A checkpoint of the shape that goes with a state, to be overwritten."""
    zero, losses = jnp.asarray(0.0), np.full(blocks, np.nan)
    constant = Model(ConstantPrior(zero), zero, zero)
    return Checkpoint(
        state, constant, losses, losses, state.model, np.asarray(np.inf), np.asarray(0)
    )


def held_out_table(study: xr.Dataset, held: np.ndarray, checkpoint: Checkpoint) -> pd.DataFrame:
    """Held-out blocks: block, chromosome, start, stop, variants, loss, constant_loss (nats)."""
    return pd.DataFrame(
        {
            "block": held,
            "chromosome": study["block_chromosome"].values[held].astype(str),
            "start": study["block_start"].values[held],
            "stop": study["block_stop"].values[held],
            "variants": study["block_scored"].values[held],
            "loss": checkpoint.losses[held],
            "constant_loss": checkpoint.constant_losses[held],
        }
    )


def gain_over_constant(
    losses: np.ndarray, constant_losses: np.ndarray, blocks: Sequence[int] | np.ndarray
) -> Estimate:
    """Held-out log-likelihood gain over the constant prior on some blocks, in nats."""
    blocks = np.asarray(blocks, int)
    return jackknife_sum(constant_losses[blocks] - losses[blocks])
